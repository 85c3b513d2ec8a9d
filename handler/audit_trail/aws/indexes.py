"""Lists the records of a whole audit table: by its indexes, or else by reading all of it."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, as_completed
from datetime import datetime
from typing import TYPE_CHECKING, Any

from audit_trail.aws import paging
from audit_trail.aws.reading import Index, Trail, item_from_client
from audit_trail.core.listing import PROJECTED, days, partitions
from audit_trail.core.moments import bound
from audit_trail.core.values import Image

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

SEGMENTS = 8  # of a table that is read whole, at the same time


Range = tuple[datetime, datetime]
"""Its first moment, and the first one after it; both UTC."""


class Lists:
    """Lists records of one audit table."""

    def __init__(self, client: "DynamoDBClient", pool: Executor, trail: Trail) -> None:
        self._client = client
        self._pool = pool
        self._trail = trail

    def by_time(self, index: Index, within: Range, now: datetime) -> Iterator[Image]:
        """Yield what the index by_time holds of a range, the newest first; reads no day after today."""
        since, until = within
        groups = (
            [self._request(index, "time_bucket", bucket, within) for bucket in partitions(day, index.shards)]
            for day in days(since, min(until, now))
        )
        return map(item_from_client, paging.newest_first(self._pool, self._client.query, groups))

    def by_actor(self, index: Index, within: Range, actors: Iterable[str]) -> Iterator[Image]:
        """Yield what the index by_actor holds of some actors and a range, the newest first."""
        buckets = [bucket for actor in actors for bucket in partitions(actor, index.shards)]
        group = [self._request(index, "actor_bucket", bucket, within) for bucket in buckets]
        return map(item_from_client, paging.newest_first(self._pool, self._client.query, [group]))

    def _request(self, index: Index, attribute: str, bucket: str, within: Range) -> dict[str, Any]:
        return {
            "TableName": self._trail.audit_table,
            "IndexName": index.name,
            "KeyConditionExpression": f"{attribute} = :bucket AND #timestamp BETWEEN :since AND :until",
            "ExpressionAttributeNames": {"#timestamp": "timestamp"},
            "ExpressionAttributeValues": {":bucket": {"S": bucket}, **_values(within)},
            "ScanIndexForward": False,
        }

    def scan(self, within: Range, scanned: Callable[[int], None]) -> Iterator[Image]:
        """Yield what an index would hold of a range, in no order, from all of the audit table.

        Needs dynamodb:Scan. ``scanned`` is told how many records each page had gone through.
        """
        names = [self._trail.key_schema.audit_partition_key, "timestamp", *PROJECTED]
        request: dict[str, Any] = {
            "TableName": self._trail.audit_table,
            "TotalSegments": SEGMENTS,
            "FilterExpression": "#n1 BETWEEN :since AND :until",
            "ProjectionExpression": ", ".join(f"#n{number}" for number in range(len(names))),
            "ExpressionAttributeNames": {f"#n{number}": name for number, name in enumerate(names)},
            "ExpressionAttributeValues": _values(within),
        }
        scan = self._client.scan
        running = {self._pool.submit(scan, **request, Segment=segment): segment for segment in range(SEGMENTS)}
        while running:
            done = next(as_completed(running))
            segment = running.pop(done)
            page = done.result()
            if start := page.get("LastEvaluatedKey"):
                running[self._pool.submit(scan, **request, Segment=segment, ExclusiveStartKey=start)] = segment
            scanned(page["ScannedCount"])
            yield from map(item_from_client, page["Items"])


def _values(within: Range) -> dict[str, Any]:
    return {":since": {"S": bound(within[0])}, ":until": {"S": bound(within[1])}}

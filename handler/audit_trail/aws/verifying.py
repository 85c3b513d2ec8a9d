"""Reads what `trail verify` and `trail baseline` need of one item: how it is now, then its records, both consistently."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from audit_trail.aws.archive import ArchivedRecords
from audit_trail.aws.reading import Trail, item_from_client, to_client
from audit_trail.aws.scanning import Meter
from audit_trail.core.copies import Copy, Found, joined
from audit_trail.core.errors import MalformedItemError
from audit_trail.core.records import with_old_image
from audit_trail.core.spill import unpack
from audit_trail.core.values import AttributeValue, Image

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_T = TypeVar("_T")
_R = TypeVar("_R")
_GONE = frozenset({"NoSuchKey", "404"})
_ONE_AT_A_TIME = Lock()
"""Forged bodies, unpacked by many threads at once, would fill the memory."""


@dataclass(frozen=True, slots=True)
class Source:
    """The source table as it is now."""

    stream: str | None
    """ARN of its latest stream."""
    read_at: datetime
    """When that was asked, by DynamoDB's own clock."""
    approximate_items: int


def look(client: "DynamoDBClient", table: str) -> Source:
    """Look at the source table."""
    answer = client.describe_table(TableName=table)
    found = answer["Table"]
    return Source(found.get("LatestStreamArn"), answered_at(answer), found.get("ItemCount", 0))


def answered_at(answer: Mapping[str, Any]) -> datetime:
    """Return DynamoDB's own time of an answer, whole seconds; this machine's where it tells none."""
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    return parsedate_to_datetime(date) if date else datetime.now(UTC).replace(microsecond=0)


class Items:
    """Reads single items of a source table and their records, those of an archive included where one is given."""

    def __init__(
        self, client: "DynamoDBClient", trail: Trail, meter: Meter, archive: ArchivedRecords | None = None
    ) -> None:
        self._client = client
        self._trail = trail
        self._meter = meter
        self._archive = archive

    def live(self, keys: Image) -> tuple[Image | None, datetime]:
        """Return an item as it is, None where it isn't there, and DynamoDB's time of that."""
        answer = self._meter.call(
            self._client.get_item,
            TableName=self._trail.source_table,
            Key={name: to_client(value) for name, value in keys.items()},
            ConsistentRead=True,
        )
        item = answer.get("Item")
        return None if item is None else item_from_client(item), answered_at(answer)

    def records(self, partition: AttributeValue) -> Iterator[Found]:
        """Yield all that a partition of the audit table holds, and what expired from it, the oldest time first."""
        stored = (Copy(item, self._trail.audit_table) for item in self._stored(partition))
        if self._archive is None:
            return stored
        return joined(stored, self._archive.records(partition, oldest_first=True), oldest_first=True)

    def newest(self, partition: AttributeValue) -> Image | None:
        """Return the record with the newest time; None where there is none."""
        items = self._query(partition, ScanIndexForward=False, Limit=1)["Items"]
        return item_from_client(items[0]) if items else None

    def _stored(self, partition: AttributeValue) -> Iterator[Image]:
        start: Any = {}
        while start is not None:
            answer = self._query(partition, ScanIndexForward=True, **start)
            yield from map(item_from_client, answer["Items"])
            last = answer.get("LastEvaluatedKey")
            start = None if last is None else {"ExclusiveStartKey": last}

    def _query(self, partition: AttributeValue, **more: Any) -> Any:
        return self._meter.call(
            self._client.query,
            TableName=self._trail.audit_table,
            KeyConditionExpression="#partition = :partition",
            ExpressionAttributeNames={"#partition": self._trail.key_schema.audit_partition_key},
            ExpressionAttributeValues={":partition": to_client(partition)},
            ConsistentRead=True,
            **more,
        )


def opened(item: Image, fetch: Callable[[str], bytes]) -> tuple[Image, str]:
    """Return a record with its images, or else why what moved out of it isn't what was put there; "" if that is open."""
    if "images" not in item:
        return _rebuilt(item)
    try:
        with _ONE_AT_A_TIME:
            whole = unpack(item, _beside(fetch))
    except MalformedItemError as error:
        return item, f"{error}"
    except ClientError as error:
        gone = error.response.get("Error", {}).get("Code") in _GONE
        return item, "the object that had its images is gone" if gone else ""
    except BotoCoreError:
        return item, ""
    return _rebuilt(whole)


def _rebuilt(whole: Image) -> tuple[Image, str]:
    try:
        return with_old_image(whole), ""
    except MalformedItemError:
        return whole, ""  # its digest tells


def _beside(fetch: Callable[[str], bytes]) -> Callable[[str], bytes]:
    """Return what fetches while others unpack."""

    def beside(uri: str) -> bytes:
        _ONE_AT_A_TIME.release()
        try:
            return fetch(uri)
        finally:
            _ONE_AT_A_TIME.acquire()

    return beside


def keys_of(image: Image, trail: Trail) -> Image:
    """Return an item's key."""
    return {name: image[name] for name in trail.key_types}


def mapped(pool: Executor, work: Callable[[_T], _R], these: Iterable[_T], at_once: int) -> Iterator[tuple[_T, _R]]:
    """Yield each with what work returns of it, in order; no more than so many are begun at the same time."""
    waiting = iter(these)
    running = deque((one, pool.submit(work, one)) for one in islice(waiting, at_once))
    while running:
        one, done = running.popleft()
        yield one, done.result()
        running.extend((one, pool.submit(work, one)) for one in islice(waiting, 1))

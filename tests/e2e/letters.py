"""The trail whose records expire (archive.tf), and an expiry that its engine can't do: TTL that its stream tells of.

MiniStack's TTL writes no stream record. So records are deleted from the deployed audit table, its real stream tells of
that, and the one thing that TTL would add, who did it, is added before our model of the mapping sees it.
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.builders import TTL_IDENTITY
from tests.e2e.deliveries import config_of, mapping_when
from tests.e2e.histories import scan
from tests.event_source_mapping import (
    DeployedFunction,
    DynamoDBStream,
    EventSourceMapping,
    S3Destination,
    SimulatedClock,
)
from tests.event_source_mapping.sources import Page

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from audit_trail.core.values import Image
    from tests.e2e.conftest import Deployment
    from tests.event_source_mapping import EventRecord, StreamShard
    from tests.event_source_mapping.sources import ShardReader, StartingPosition

RecordKey = tuple[str, str]
"""A letter and the timestamp of one of its records."""


def key_of(record: Image) -> RecordKey:
    """Return which record it is."""
    return record["letter"]["S"], record["timestamp"]["S"]


class WithExpiry:
    """A stream of the audit table, in which TTL has deleted some records and everything else is as it is."""

    def __init__(self, stream: DynamoDBStream, expired: Collection[RecordKey]) -> None:
        self._stream = stream
        self._expired = expired
        self.arn = stream.arn

    def records(self) -> list[EventRecord]:
        """Return all that it tells, from its beginning."""
        found: list[EventRecord] = []
        for shard in self.shards():
            reader = self.open(shard.shard_id, "TRIM_HORIZON")
            while records := reader.read(1_000).records:
                found += records
        return found

    def shards(self) -> Sequence[StreamShard]:
        """Return the stream's shards."""
        return self._stream.shards()

    def open(self, shard_id: str, position: StartingPosition) -> ShardReader:
        """Return a reader of one shard."""
        return _Reader(self._stream.open(shard_id, position), self._expired)


class _Reader:
    def __init__(self, reader: ShardReader, expired: Collection[RecordKey]) -> None:
        self._reader = reader
        self._expired = expired

    def read(self, limit: int) -> Page:
        """Return the next page."""
        page = self._reader.read(limit)
        return Page([self._told(record) for record in page.records], page.closed)

    def _told(self, record: dict[str, Any]) -> dict[str, Any]:
        expired = record["eventName"] == "REMOVE" and key_of(record["dynamodb"]["Keys"]) in self._expired
        return record | {"userIdentity": TTL_IDENTITY} if expired else record


class Letters:
    """The trail of the table of letters."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.names: dict[str, str] = deployment.outputs["letters"]
        self.dynamodb = deployment.client("dynamodb")
        self.expired: list[RecordKey] = []

    def stored(self) -> list[Image]:
        """Return all that the audit table holds."""
        return scan(self.dynamodb, self.names["audit_table"])

    def stream_arn(self, table: str) -> str:
        """Return the ARN of a table's stream."""
        found: str = self.dynamodb.describe_table(TableName=self.names[table])["Table"]["LatestStreamArn"]
        return found

    def delete(self, key: RecordKey) -> None:
        """Delete a record from the audit table."""
        record = {"letter": {"S": key[0]}, "timestamp": {"S": key[1]}}
        self.dynamodb.delete_item(TableName=self.names["audit_table"], Key=record)

    def expire(self, keys: Sequence[RecordKey]) -> None:
        """Let records expire."""
        for key in keys:
            self.delete(key)
        self.expired += keys

    def mapping(self, kind: str) -> dict[str, Any]:
        """Return the deployed mapping of that kind, archive or tampering, which is disabled: nothing comes twice."""
        functions = self.deployment.client("lambda")
        [found] = functions.list_event_source_mappings(FunctionName=self.names[kind])["EventSourceMappings"]
        functions.update_event_source_mapping(UUID=found["UUID"], Enabled=False)
        return mapping_when(self.deployment, found["UUID"], "Disabled")

    def stream(self) -> WithExpiry:
        """Return the audit table's stream."""
        stream = DynamoDBStream(self.deployment.client("dynamodbstreams"), self.stream_arn("audit_table"))
        return WithExpiry(stream, self.expired)

    def deliver(self, kind: str, *, duplicates: float = 0, **changed: Any) -> EventSourceMapping:
        """Deliver the audit table's stream, from its beginning, to a deployed function, as its mapping is set but for `changed`."""
        mapping = EventSourceMapping(
            DeployedFunction(self.deployment.client("lambda"), self.names[kind]),
            self.stream(),
            SimulatedClock(time.time()),
            replace(config_of(self.mapping(kind), "TRIM_HORIZON"), **changed),
            on_failure=S3Destination(self.deployment.client("s3"), self.names["failures_bucket"]),
            rng=random.Random(8),
            duplicate_rate=duplicates,
        )
        mapping.run_until_idle(max_invocations=40)
        return mapping

    def objects(self, prefix: str = "archive/") -> list[str]:
        """Return the keys of what lies in the history bucket under a prefix, in order."""
        found = self.deployment.client("s3").list_objects_v2(Bucket=self.names["bucket"], Prefix=prefix)
        return [one["Key"] for one in found.get("Contents", [])]

    def counted(self, metric: str = "RecordsTampered") -> int:
        """Return a metric, summed up, as the function that watches for tampering wrote it to its log."""
        group = f"/aws/lambda/{self.names['tampering']}"
        pages = self.deployment.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
        lines = [event["message"] for page in pages for event in page["events"] if '"_aws"' in event["message"]]
        return sum(int(sum(json.loads(line).get(metric, []))) for line in lines)

    def trail(self, *words: str, code: int = 0) -> list[dict[str, Any]]:
        """Run `trail` on this trail with --json, and return its lines; it must exit with that code."""
        done = self.deployment.trail(*words, "--json", audit_table=self.names["audit_table"])
        assert done.returncode == code, done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

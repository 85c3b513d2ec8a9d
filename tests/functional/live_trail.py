"""A source table with a stream on an engine, its audit table, and the handler's own code in between."""

from __future__ import annotations

import json
import random
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from audit_trail.aws import reading
from audit_trail.aws.audit_table import CLIENT_CONFIG, PartiqlAuditTable
from audit_trail.core.history import Change, newest_first
from audit_trail.core.keys import KeySchema
from audit_trail.core.records import RecordSettings
from tests import engines
from tests.event_source_mapping import (
    DynamoDBStream,
    EventSourceMapping,
    Faults,
    InMemoryDestination,
    InProcessFunction,
    MappingConfig,
    SimulatedClock,
)
from tests.event_source_mapping.sources import Page
from tests.tables import create_table
from tests.unit.failed import InMemoryFailureBucket
from tests.unit.fakes import InMemoryImageStore, handler_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.literals import ScalarAttributeTypeType
    from types_boto3_dynamodbstreams import DynamoDBStreamsClient

    from audit_trail.core.values import Image
    from audit_trail.ports import AuditTable, FailureStore, ImageStore
    from tests.event_source_mapping import LambdaContext, OnFailureDestination
    from tests.event_source_mapping.records import EventRecord
    from tests.event_source_mapping.sources import ShardReader, StartingPosition

    TrailOf = Callable[..., "LiveTrail"]

AS_DEPLOYED = {"report_batch_item_failures": True, "bisect_batch_on_function_error": True}
"""How Terraform sets the mapping, beside what can be chosen (modules/audit_trail/event_source_mapping.tf)."""


@contextmanager
def live_trails(
    endpoint: str, dynamodb: DynamoDBClient, streams: DynamoDBStreamsClient, name: str
) -> Iterator[TrailOf]:
    """Give a maker of a trail: a source table with a stream and these key attributes, and its audit table."""
    made: list[LiveTrail] = []

    def make(**keys: ScalarAttributeTypeType) -> LiveTrail:
        trail = LiveTrail(endpoint, dynamodb, streams, f"{name}-{len(made)}", keys or {"order_id": "N"})
        made.append(trail)
        trail.create_audit_table()
        return trail

    try:
        yield make
    finally:
        for trail in made:
            trail.close()


class SpoiledStream(DynamoDBStream):
    """A stream whose records are spoiled on their way, for no source table takes what can never be stored."""

    def __init__(self, client: DynamoDBStreamsClient, arn: str, spoil: Callable[[EventRecord], EventRecord]) -> None:
        super().__init__(client, arn)
        self._spoil = spoil

    def open(self, shard_id: str, position: StartingPosition) -> ShardReader:
        """Return a reader that spoils what it reads."""
        return _SpoiledReader(super().open(shard_id, position), self._spoil)


class _SpoiledReader:
    def __init__(self, reader: ShardReader, spoil: Callable[[EventRecord], EventRecord]) -> None:
        self._reader = reader
        self._spoil = spoil

    def read(self, limit: int) -> Page:
        page = self._reader.read(limit)
        return Page([self._spoil(record) for record in page.records], closed=page.closed)


class LiveTrail:
    """Two tables of its own on an engine; `close` deletes them."""

    def __init__(
        self,
        endpoint: str,
        dynamodb: DynamoDBClient,
        streams: DynamoDBStreamsClient,
        name: str,
        keys: Mapping[str, ScalarAttributeTypeType],
    ) -> None:
        self.source, self.audit = f"{name}-source", f"{name}-audit"
        self.dynamodb = dynamodb
        self.clock = SimulatedClock(time.time())
        self.destination = InMemoryDestination()
        self.on_failure: OnFailureDestination = self.destination
        self.delivered: list[dict[str, Any]] = []
        partition, *sort = keys
        self.schema = KeySchema(partition, sort[0] if sort else None)
        self.settings = RecordSettings(self.schema, actor_attribute="updated_by")
        self.trail = reading.Trail(self.audit, self.source, self.schema, dict(keys), "updated_by")
        kind: ScalarAttributeTypeType = "S" if sort else keys[partition]
        self._audit_keys: dict[str, ScalarAttributeTypeType] = {self.schema.audit_partition_key: kind, "timestamp": "S"}
        stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        made = create_table(dynamodb, self.source, keys, StreamSpecification=stream)
        self.streams, self.stream_arn = streams, made["LatestStreamArn"]
        self._stream = DynamoDBStream(streams, self.stream_arn)
        self._inserter: DynamoDBClient = engines.session(endpoint).client("dynamodb", config=CLIENT_CONFIG)
        self.table: AuditTable = PartiqlAuditTable(self._inserter, self.audit)
        self.images = InMemoryImageStore()
        self.image_store: ImageStore = self.images
        self.fetch: Callable[[str], bytes] = self._fetch
        self.quarantined = InMemoryFailureBucket()
        self.failures: FailureStore = self.quarantined

    def create_audit_table(self) -> None:
        """Create the audit table, as Terraform would."""
        create_table(self.dynamodb, self.audit, self._audit_keys)

    def spoil(self, spoil: Callable[[EventRecord], EventRecord]) -> None:
        """Spoil the stream's records from now on, before they reach the mapping."""
        self._stream = SpoiledStream(self.streams, self.stream_arn, spoil)

    def close(self) -> None:
        """Delete the tables."""
        self._inserter.close()
        for name in (self.source, self.audit):
            try:
                self.dynamodb.delete_table(TableName=name)
            except self.dynamodb.exceptions.ResourceNotFoundException:
                continue

    def handler(self, event: dict[str, Any], context: LambdaContext) -> Any:
        """Do what the function does, and remember the records."""
        self.delivered += event["Records"]
        return handler_of(self.table, self.settings, self.image_store, self.failures)(event, context)

    def mapping(
        self, *, faults: Faults | None = None, seed: int = 0, duplicates: float = 0, **config: Any
    ) -> EventSourceMapping:
        """Return a mapping from the source table's stream to the handler, as Terraform sets it."""
        rng = random.Random(seed)
        return EventSourceMapping(
            InProcessFunction(self.handler, self.clock, timeout=30, faults=faults or Faults(), rng=rng),
            self._stream,
            self.clock,
            MappingConfig(**{**AS_DEPLOYED, **config}),
            on_failure=self.on_failure,
            rng=rng,
            duplicate_rate=duplicates,
        )

    def capture(self) -> None:
        """Let the mapping deliver all that the stream has."""
        self.mapping().run_until_idle()

    def redeliver(self, records: list[dict[str, Any]]) -> None:
        """Call the function with records, outside of any mapping."""
        answer = InProcessFunction(self.handler, self.clock).invoke(json.dumps({"Records": records}))
        assert json.loads(answer.payload) == {"batchItemFailures": []}

    def history(self, keys: Image) -> list[Change]:
        """Return one item's changes as `trail` reads them, oldest first."""
        items = (reading.restored(item, self.fetch) for item in reading.stored(self.dynamodb, self.trail, keys))
        return list(newest_first(map(Change.from_item, items)))[::-1]

    def _fetch(self, uri: str) -> bytes:
        """Read an object, as `trail` does where a record's images lie in the bucket."""
        return self.images.objects[uri.removeprefix(f"s3://{self.images.bucket}/")]

    def stored(self) -> list[Image]:
        """Return all that the audit table has, in the order of its sequence numbers."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.audit)
        items = [
            {name: reading.from_client(value) for name, value in item.items()}
            for page in pages
            for item in page["Items"]
        ]
        return sorted(items, key=lambda item: int(item["sequence_number"]["S"]))

    def items(self) -> list[dict[str, Any]]:
        """Return the same as boto3 gives and takes it, in the order of their timestamps."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.audit)
        return sorted((item for page in pages for item in page["Items"]), key=lambda item: item["timestamp"]["S"])

    def replace_stream(self) -> None:
        """Switch the stream off and on again, which makes another one, and follow that: what wasn't captured is lost."""
        self.dynamodb.update_table(TableName=self.source, StreamSpecification={"StreamEnabled": False})
        self.dynamodb.update_table(
            TableName=self.source,
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        self.stream_arn = self.dynamodb.describe_table(TableName=self.source)["Table"]["LatestStreamArn"]
        self._stream = DynamoDBStream(self.streams, self.stream_arn)

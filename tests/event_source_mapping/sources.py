"""Where the records come from: what a stream is to the model, and the real DynamoDB Streams API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from botocore.exceptions import ClientError

from tests.event_source_mapping.records import EventRecord, event_record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from types_boto3_dynamodbstreams import DynamoDBStreamsClient
    from types_boto3_dynamodbstreams.type_defs import GetShardIteratorInputTypeDef

StartingPosition = Literal["TRIM_HORIZON", "LATEST"]

RETENTION_SECONDS = 24 * 60 * 60
"""AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html (data retention limit)."""

PAGE_LIMIT = 1_000
"""AWS: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html (Limit)."""


@dataclass(frozen=True)
class StreamShard:
    """A shard and the one that it continues."""

    shard_id: str
    parent_shard_id: str | None = None


@dataclass(frozen=True)
class Page:
    """What one read of a shard gave; `closed` says that no more will ever come."""

    records: Sequence[EventRecord]
    closed: bool


class ShardReader(Protocol):
    """One reader's position in a shard."""

    def read(self, limit: int) -> Page:
        """Return up to that many next records, oldest first, and move on."""


class StreamSource(Protocol):
    """A DynamoDB stream."""

    @property
    def arn(self) -> str:
        """The stream's ARN."""

    def shards(self) -> Sequence[StreamShard]:
        """Return all shards that the stream knows of."""

    def open(self, shard_id: str, position: StartingPosition) -> ShardReader:
        """Return a reader of one shard, from its beginning or from what is written next."""


class DynamoDBStream:
    """The DynamoDB Streams API of any engine, by boto3's `dynamodbstreams` client.

    AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html (reading and processing a
    stream)
    """

    def __init__(self, client: DynamoDBStreamsClient, arn: str) -> None:
        self._client = client
        self._arn = arn

    @property
    def arn(self) -> str:
        """The stream's ARN."""
        return self._arn

    def shards(self) -> Sequence[StreamShard]:
        """Return all shards, however many pages DescribeStream needs."""
        shards: list[StreamShard] = []
        page = self._client.describe_stream(StreamArn=self._arn)["StreamDescription"]
        while True:
            shards += [StreamShard(shard["ShardId"], shard.get("ParentShardId")) for shard in page.get("Shards", [])]
            last = page.get("LastEvaluatedShardId")
            if not last:
                return shards
            page = self._client.describe_stream(StreamArn=self._arn, ExclusiveStartShardId=last)["StreamDescription"]

    def open(self, shard_id: str, position: StartingPosition) -> ShardReader:
        """Return a reader of one shard."""
        return _ApiReader(self._client, self._arn, shard_id, position)


class _ApiReader:
    def __init__(self, client: DynamoDBStreamsClient, arn: str, shard_id: str, position: StartingPosition) -> None:
        self._client = client
        self._arn = arn
        self._shard_id = shard_id
        self._start = position
        self._last: str | None = None
        self._iterator = self._iterator_at({"StreamArn": arn, "ShardId": shard_id, "ShardIteratorType": position})

    def _iterator_at(self, position: GetShardIteratorInputTypeDef) -> str:
        return self._client.get_shard_iterator(**position)["ShardIterator"]

    def read(self, limit: int) -> Page:
        """Return the next page; an iterator that expired (after 15 minutes) is renewed where it stood."""
        limit = min(limit, PAGE_LIMIT)
        try:
            answer = self._client.get_records(ShardIterator=self._iterator, Limit=limit)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("ExpiredIteratorException", "TrimmedDataAccessException"):
                raise
            self._renew(trimmed=error.response["Error"]["Code"] == "TrimmedDataAccessException")
            answer = self._client.get_records(ShardIterator=self._iterator, Limit=limit)
        records = [event_record(record, self._arn) for record in answer["Records"]]
        if records:
            self._last = records[-1]["dynamodb"]["SequenceNumber"]
        following = answer.get("NextShardIterator")
        if following:
            self._iterator = following
        return Page(records, closed=not following)

    def _renew(self, *, trimmed: bool) -> None:
        position: GetShardIteratorInputTypeDef
        if trimmed or self._last is None:
            start: StartingPosition = "TRIM_HORIZON" if trimmed else self._start
            position = {"StreamArn": self._arn, "ShardId": self._shard_id, "ShardIteratorType": start}
        else:
            position = {
                "StreamArn": self._arn,
                "ShardId": self._shard_id,
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                "SequenceNumber": self._last,
            }
        self._iterator = self._iterator_at(position)

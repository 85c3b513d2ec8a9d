"""A stream in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.event_source_mapping.sources import PAGE_LIMIT, RETENTION_SECONDS, Page, StreamShard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.event_source_mapping.records import EventRecord
    from tests.event_source_mapping.sources import ShardReader, StartingPosition


@dataclass
class _MemoryShard:
    shard: StreamShard
    records: list[EventRecord] = field(default_factory=list)
    trimmed: int = 0
    closed: bool = False
    readers: list[_MemoryReader] = field(default_factory=list)

    @property
    def end(self) -> int:
        return self.trimmed + len(self.records)


@dataclass
class _MemoryReader:
    source: _MemoryShard
    position: int

    def read(self, limit: int) -> Page:
        """Return the next records; those trimmed in the meantime are skipped."""
        first = max(0, self.position - self.source.trimmed)
        records = self.source.records[first : first + limit]
        self.position = self.source.trimmed + first + len(records)
        return Page(records, closed=self.source.closed and self.position == self.source.end)


class InMemoryStream:
    """A stream for unit tests and large fuzzing: records in Lambda's event shape, appended shard by shard.

    What is 24 hours older than the newest record of its shard is dropped from memory. With `forget_read`, so is what
    every reader so far has read: long runs then take little memory, if they write and read by turns.
    """

    def __init__(self, arn: str, *, forget_read: bool = False) -> None:
        self._forget_read = forget_read
        self._arn = arn
        self._shards: dict[str, _MemoryShard] = {}

    @property
    def arn(self) -> str:
        """The stream's ARN."""
        return self._arn

    def add_shard(self, shard_id: str, parent_shard_id: str | None = None) -> None:
        """Open a shard. Of a split, both children name the same parent."""
        self._shards[shard_id] = _MemoryShard(StreamShard(shard_id, parent_shard_id))

    def close_shard(self, shard_id: str) -> None:
        """Let nothing more be written to a shard."""
        self._shards[shard_id].closed = True

    def append(self, shard_id: str, record: EventRecord) -> None:
        """Write a record (in Lambda's event shape) at the end of an open shard.

        It needs a SequenceNumber and an ApproximateCreationDateTime; the rest may be as broken as a test wants it.

        Raises:
            ValueError: the shard is closed.

        """
        shard = self._shards[shard_id]
        if shard.closed:
            raise ValueError(f"Shard {shard_id} is closed; write to one of its children.")
        shard.records.append(record)
        if len(shard.records) % PAGE_LIMIT == 0:
            self._trim(shard)

    def shards(self) -> Sequence[StreamShard]:
        """Return all shards."""
        return [shard.shard for shard in self._shards.values()]

    def open(self, shard_id: str, position: StartingPosition) -> ShardReader:
        """Return a reader of one shard."""
        shard = self._shards[shard_id]
        reader = _MemoryReader(shard, shard.trimmed if position == "TRIM_HORIZON" else shard.end)
        shard.readers.append(reader)
        return reader

    def _trim(self, shard: _MemoryShard) -> None:
        horizon = shard.records[-1]["dynamodb"]["ApproximateCreationDateTime"] - RETENTION_SECONDS
        expired = 0
        while shard.records[expired]["dynamodb"]["ApproximateCreationDateTime"] < horizon:
            expired += 1
        if self._forget_read and shard.readers:
            expired = max(expired, min(reader.position for reader in shard.readers) - shard.trimmed)
        del shard.records[:expired]
        shard.trimmed += expired

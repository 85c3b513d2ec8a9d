"""Shards in their order, the lanes inside a shard, and the batches that wait in a lane."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.event_source_mapping.filtering import matches
from tests.event_source_mapping.records import ENVELOPE_BYTES, BufferedRecord, EventRecord, lane_of
from tests.event_source_mapping.sources import PAGE_LIMIT, ShardReader, StreamSource

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator

    from tests.event_source_mapping.config import MappingConfig

MAXIMUM_PAYLOAD_BYTES = 6 * 1024 * 1024
"""AWS: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (invocation payload, synchronous)."""


@dataclass
class Batch:
    """Records delivered together, and how often that was tried."""

    records: list[BufferedRecord]
    retries: int = 0
    invocations: int = 0
    delays: int = 0
    not_before: float = 0.0
    duplicate: bool = False

    def older_than(self, moment: float) -> list[BufferedRecord]:
        """Take off and return the records at the front that were written before that moment."""
        count = 0
        while count < len(self.records) and self.records[count].created < moment:
            count += 1
        old = self.records[:count]
        if count:
            self.records = self.records[count:]
        return old


@dataclass
class Lane:
    """One of the concurrent batches of a shard: what it has polled, and what it must deliver before that."""

    shard_id: str
    config: MappingConfig
    buffer: deque[BufferedRecord] = field(default_factory=deque)
    batches: list[Batch] = field(default_factory=list)
    bytes: int = ENVELOPE_BYTES
    window_ends: float | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing left to deliver."""
        return not self.buffer and not self.batches

    def add(self, record: BufferedRecord) -> None:
        """Take a polled record."""
        self.buffer.append(record)
        self.bytes += record.size + 1

    def due_at(self, now: float) -> float:
        """Return when the next batch may be delivered.

        AWS: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html (until it has gathered a full batch, the batching
        window expires, or the batch reaches the payload limit of 6 MB)
        """
        if self.batches:
            return self.batches[-1].not_before
        if len(self.buffer) >= self.config.batch_size or self.bytes > MAXIMUM_PAYLOAD_BYTES:
            return now
        if self.window_ends is None:
            self.window_ends = now + self.config.maximum_batching_window_in_seconds
        return self.window_ends

    def take(self) -> Batch:
        """Return the next batch: one given back, or a new one of what was polled."""
        if self.batches:
            return self.batches.pop()
        self.window_ends = None
        records: list[BufferedRecord] = []
        size = ENVELOPE_BYTES
        while self.buffer and len(records) < self.config.batch_size:
            size += self.buffer[0].size + 1
            if records and size > MAXIMUM_PAYLOAD_BYTES:
                break
            records.append(self.buffer.popleft())
        self.bytes -= sum(record.size + 1 for record in records)
        return Batch(records)

    def give_back(self, batch: Batch) -> None:
        """Let a batch be the next to deliver."""
        self.batches.append(batch)


@dataclass
class _Shard:
    shard_id: str
    reader: ShardReader
    lanes: list[Lane]
    closed: bool = False

    @property
    def done(self) -> bool:
        return self.closed and all(lane.empty for lane in self.lanes)


class Poller:
    """Reads the shards of a stream, each only after its parent is done.

    AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html (an application must process a
    parent shard before its children)
    """

    def __init__(self, source: StreamSource, config: MappingConfig, metrics: Counter[str]) -> None:
        self._source = source
        self._config = config
        self._metrics = metrics
        self._shards: dict[str, _Shard] = {}
        self._finished: set[str] = set()
        self._started = False
        self.quiet = False

    def lanes(self) -> Iterator[Lane]:
        """Return the lanes of all shards being read."""
        return (lane for shard in self._shards.values() for lane in shard.lanes)

    def poll(self) -> None:
        """Read on wherever there is room. Afterwards `quiet` tells whether the stream had nothing new."""
        polled = self._discover()
        for shard in list(self._shards.values()):
            if not shard.closed:
                polled += self._read(shard)
            if shard.done:
                del self._shards[shard.shard_id]
                self._finished.add(shard.shard_id)
                polled += 1
        self.quiet = polled == 0

    def _discover(self) -> int:
        """Start reading shards that are new; return how many.

        Those that exist when the mapping first polls are read from the starting position, later ones from their beginning.

        AWS: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html (polling and stream starting positions)
        """
        known = self._source.shards()
        present = {shard.shard_id for shard in known}
        started = 0
        position = "TRIM_HORIZON" if self._started else self._config.starting_position
        for shard in known:
            if shard.shard_id in self._shards or shard.shard_id in self._finished:
                continue
            parent = shard.parent_shard_id
            waits = parent in present and parent not in self._finished
            if waits and position == "TRIM_HORIZON":
                continue
            lanes = [Lane(shard.shard_id, self._config) for _ in range(self._config.parallelization_factor)]
            self._shards[shard.shard_id] = _Shard(shard.shard_id, self._source.open(shard.shard_id, position), lanes)
            started += 1
        self._started = True
        return started

    def _read(self, shard: _Shard) -> int:
        room = self._config.batch_size * len(shard.lanes) - sum(len(lane.buffer) for lane in shard.lanes)
        polled = 0
        while room > 0:
            page = shard.reader.read(min(room, PAGE_LIMIT))
            self._accept(shard, page.records)
            polled += len(page.records)
            room -= len(page.records)
            if page.closed:
                shard.closed = True
            if page.closed or not page.records:
                break
        self._metrics["PolledEventCount"] += polled
        return polled

    def _accept(self, shard: _Shard, records: Iterable[EventRecord]) -> None:
        """Put records into their lanes, without those filtered out."""
        patterns = self._config.filter_patterns
        lanes = shard.lanes
        for record in records:
            if patterns and not any(matches(pattern, record) for pattern in patterns):
                self._metrics["FilteredOutEventCount"] += 1
            else:
                lanes[lane_of(record, len(lanes))].add(BufferedRecord.of(record))

"""One lane of an event source mapping in simulated time: how old changes get before they're stored.

A lane is one of a shard's concurrent batches: a shard at parallelization factor 4 has four, and shares its stream
records among them by item. Nothing is random: the same numbers give the same result. What it rests on:

- Lambda polls each shard at a base rate of four times a second, and collects records until it has a full batch, the
  batching window ends, or the batch reaches 6 MB
  (https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html). No faster rate is promised, so none is assumed, not
  even while it catches up.
- One read gives at most 1 MB or 1,000 records
  (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html), and waits in a buffer of
  two of them, or of two batches where those are larger.
- CPU grows with memory: 1,769 MB are one vCPU (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).
  The handler uses one thread, so more than one vCPU doesn't help it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

POLL = 0.25
"""Seconds between two reads of a shard."""
READ_RECORDS = 1_000
READ_BYTES = 1_000_000
PAYLOAD_BYTES = 6 * 1024 * 1024
VCPU_MB = 1_769
STATEMENTS = 25


@dataclass(frozen=True)
class Load:
    """Changes a second that a lane gets, one after the other: pairs of seconds and rate."""

    steps: tuple[tuple[float, float], ...]

    @property
    def records(self) -> int:
        """How many there are in all."""
        return self.arrived(math.inf)

    def arrived(self, at: float) -> int:
        """Return how many were made until then."""
        total, begin = 0.0, 0.0
        for seconds, rate in self.steps:
            total += rate * max(0.0, min(at - begin, seconds))
            begin += seconds
        return math.floor(total + 1e-9)

    def arrival(self, index: int) -> float:
        """Return when the change of this index, from 0, was made."""
        missing, begin = index + 1.0, 0.0
        for seconds, rate in self.steps:
            if rate and missing <= rate * seconds + 1e-9:
                return begin + missing / rate
            missing -= rate * seconds
            begin += seconds
        raise IndexError(index)


@dataclass(frozen=True, kw_only=True)
class Lane:
    """How the function is deployed, and what its work takes: seconds, bytes, megabytes of memory."""

    memory: int
    batch_size: int
    window: float = 0.0
    factor: int = 1
    overhead: float
    """Seconds of an invocation beside its records."""
    request: float
    """Seconds that DynamoDB takes for one request of 25 statements."""
    cpu: float
    """Seconds of a whole vCPU that a record takes, the event's parsing included."""
    stream_bytes: int
    """Bytes of a record in the stream."""
    event_bytes: int
    """Bytes of a record in the event."""

    @property
    def most(self) -> int:
        """Records that a batch holds at most."""
        return max(1, min(self.batch_size, PAYLOAD_BYTES // self.event_bytes))

    @property
    def read(self) -> int:
        """Records of this lane that one read of its shard gives at most."""
        return max(1, min(READ_RECORDS, READ_BYTES // self.stream_bytes) // self.factor)

    @property
    def rate(self) -> float:
        """Records a second that the lane can do, with full batches, as far as the reads go."""
        return min(self.most / self.seconds(self.most), self.read / POLL)

    def seconds(self, records: int) -> float:
        """Return how long an invocation with so many records takes."""
        vcpu = min(1.0, self.memory / VCPU_MB)
        return self.overhead + math.ceil(records / STATEMENTS) * self.request + records * self.cpu / vcpu


@dataclass(frozen=True)
class Invocation:
    """One batch: when it began and ended, and the records in it, from the index `first` on."""

    start: float
    end: float
    first: int
    count: int


def simulate(load: Load, lane: Lane, outage: tuple[float, float] = (0.0, 0.0)) -> list[Invocation]:
    """Work off a load; no invocation begins during the outage. Returns all invocations, in their order."""
    invocations: list[Invocation] = []
    total = load.records
    buffer = 2 * max(lane.most, lane.read)
    done = read = ticks = 0
    now = window_from = 0.0
    while done < total:
        while ticks * POLL <= now:
            before = read
            read = max(read, min(load.arrived(ticks * POLL), read + lane.read, done + buffer))
            if before == done < read:
                window_from = ticks * POLL
            ticks += 1
        waiting = read - done
        if not waiting:
            now = ticks * POLL
        elif waiting < lane.most and now < window_from + lane.window:
            now = min(ticks * POLL, window_from + lane.window)
        elif outage[0] <= now < outage[1]:
            now = outage[1]
        else:
            count = min(waiting, lane.most)
            end = now + lane.seconds(count)
            invocations.append(Invocation(now, end, done, count))
            done += count
            now = window_from = end
    return invocations


def iterator_age(load: Load, invocation: Invocation) -> float:
    """Return what CloudWatch would: how old the batch's last record is when the function gets it, in seconds.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    """
    return invocation.start - load.arrival(invocation.first + invocation.count - 1)


def stored_after(load: Load, invocation: Invocation) -> float:
    """Return how long the batch's oldest change waited until it was stored, in seconds."""
    return invocation.end - load.arrival(invocation.first)


def caught_up(load: Load, lane: Lane, invocations: list[Invocation], since: float) -> float:
    """Return the seconds after `since` until a batch's oldest record is younger than the window and a second.

    Those to the last invocation's end where that never comes.
    """
    for invocation in invocations:
        if invocation.start >= since and invocation.start - load.arrival(invocation.first) < lane.window + 1.0:
            return invocation.start - since
    return max(0.0, invocations[-1].end - since)

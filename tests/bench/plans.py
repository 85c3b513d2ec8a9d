"""The deployments that docs/sizing.md looks at, and the rates and assumptions that the simulation of them rests on."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tests.bench.simulation import Lane

OVERHEAD = 0.02
"""Seconds of an invocation beside its records: assumed."""
REQUEST = 0.01
"""Seconds that DynamoDB takes for a BatchExecuteStatement of 25 inserts: assumed."""
UNITS_A_SHARD = 1_000
"""Write units a second that a partition takes, and so what its shard brings at most."""
BURST = 5
PRICES = {"million write units": 0.625, "million requests": 0.20, "GB second": 0.0000133334}
"""US$, us-east-1, on demand, Lambda on arm64; look up yours."""


@dataclass(frozen=True)
class Item:
    """What `make bench` found out about a size of item; the first three are its source table's."""

    write_units: int
    stream_bytes: int
    event_bytes: int
    cpu: float
    """Seconds of a vCPU a record, parsing included."""
    stored_units: float


MEASURED = {
    "small": Item(1, 650, 1_470, 160e-6, 1.6),
    "medium": Item(4, 5_400, 9_560, 540e-6, 6.4),
}


@dataclass(frozen=True)
class Plan:
    """A load, in changes a second of the whole table, and how the trail is deployed for it."""

    item: str
    rate: int
    memory: int
    batch_size: int
    window: int
    factor: int

    @property
    def shards(self) -> int:
        """As many as the table must have to take the burst: each is then at its limit."""
        return max(1, math.ceil(BURST * self.rate * MEASURED[self.item].write_units / UNITS_A_SHARD))

    def lane(self, item: Item) -> Lane:
        """Return what one lane of it is."""
        return Lane(
            memory=self.memory,
            batch_size=self.batch_size,
            window=self.window,
            factor=self.factor,
            overhead=OVERHEAD,
            request=REQUEST,
            cpu=item.cpu,
            stream_bytes=item.stream_bytes,
            event_bytes=item.event_bytes,
        )


PLANS = [
    Plan("small", 10, 512, 100, 0, 1),
    Plan("medium", 10, 512, 100, 0, 1),
    Plan("small", 1_000, 512, 100, 0, 1),
    Plan("small", 1_000, 1_024, 1_000, 1, 1),
    Plan("medium", 1_000, 512, 100, 0, 1),
    Plan("medium", 1_000, 1_024, 500, 1, 1),
    Plan("small", 100_000, 1_024, 1_000, 1, 1),
    Plan("medium", 100_000, 1_024, 500, 1, 1),
]

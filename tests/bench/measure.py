"""How time is taken: CPU of this process, several rounds after one to warm up, two candidates in turn."""

from __future__ import annotations

import json
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Candidate = Callable[[list[dict[str, Any]]], object]

ROUNDS = 5


@dataclass(frozen=True)
class Timing:
    """Microseconds of CPU a record, one number a round."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The round in the middle."""
        return statistics.median(self.rounds)

    @property
    def spread(self) -> float:
        """The slowest round less the fastest, in per cent of the median: the noise."""
        return (max(self.rounds) - min(self.rounds)) / self.median * 100


def cpu(event: str, *candidates: Candidate, rounds: int = ROUNDS) -> list[Timing]:
    """Let each candidate take an event's records, in turn, once to warm up and then `rounds` times.

    The event is parsed anew each time, outside of the time taken, as Lambda does: a string that was hashed or encoded
    once is quicker the next time, and no record comes twice.
    """
    taken: list[list[float]] = [[] for _ in candidates]
    for _ in range(rounds + 1):
        for candidate, times in zip(candidates, taken, strict=True):
            records = json.loads(event)["Records"]
            started = time.process_time()
            candidate(records)
            times.append((time.process_time() - started) / len(records) * 1e6)
    return [Timing(tuple(times[1:])) for times in taken]


def each(make: Callable[[dict[str, Any]], object]) -> Candidate:
    """Make a candidate of what takes one record."""

    def candidate(records: Sequence[dict[str, Any]]) -> None:
        for record in records:
            make(record)

    return candidate

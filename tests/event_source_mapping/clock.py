"""The time that the model lives in: simulated (days cost nothing) or real."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits."""

    def time(self) -> float:
        """Return seconds since the epoch."""

    def sleep(self, seconds: float) -> None:
        """Let that many seconds pass."""


@dataclass
class SimulatedClock:
    """A clock that moves only when somebody sleeps on it."""

    now: float

    def time(self) -> float:
        """Return the simulated seconds since the epoch."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Advance the clock; nobody waits."""
        self.now += max(0.0, seconds)


class SystemClock:
    """The machine's clock, for a function that is really deployed."""

    def time(self) -> float:
        """Return seconds since the epoch."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Block for that many seconds."""
        time.sleep(max(0.0, seconds))

"""How much time an invocation has left for another request."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

RESERVE = 2.0
"""Seconds before the function's deadline at which nothing more is begun, so that the answer always gets out."""

_FIRST_PAUSE = 0.05  # seconds
_LONGEST_PAUSE = 2.0  # seconds

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Time:
    """The invocation's time: ``remaining`` tells the seconds until its deadline."""

    remaining: Callable[[], float]
    sleep: Callable[[float], None]
    jitter: random.Random

    def pause_before_retry(self, attempt: int) -> float:
        """Return how many seconds to wait, more each time; the first retry is attempt 0."""
        return self.jitter.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt))


class Pace:
    """Knows how long requests take, whatever service they go to, and whether there's time for another."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self._slowest = 0.0  # seconds
        self._for_sending = time.remaining() / 2
        self._made_at = time.remaining()
        self._slowest_made = 0.0

    def time_for_another(self, pause: float = 0.0) -> bool:
        """Tell whether a request as slow as the slowest so far would still end before the reserve."""
        return self._time.remaining() - pause - self._slowest > RESERVE

    def time_to_make_another(self) -> bool:
        """Tell, before each record that is made of the batch, whether there is time to make it.

        Half of the time is for sending: what is made and never sent is made again by every delivery, and nothing would
        ever be stored. The next record is taken to need as long as the slowest so far.
        """
        remaining = self._time.remaining()
        self._slowest_made = max(self._slowest_made, self._made_at - remaining)
        self._made_at = remaining
        return self.time_for_another() and remaining - self._slowest_made >= self._for_sending

    def timed(self, request: Callable[[], _T]) -> _T:
        """Make a request and note how long it took."""
        before = self._time.remaining()
        try:
            return request()
        finally:
            self._slowest = max(self._slowest, before - self._time.remaining())

"""What is still unread of an item's history: whether any of it may have to be shown before what was read.

Only a clock that stepped back gives a record an earlier time than its sequence number says. Within one second, records
lie by their sequence numbers, so one record a second tells the highest of each.
"""

from collections.abc import Callable
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta

from audit_trail.core.moments import bound
from audit_trail.core.validation import is_timestamp

Newest = Callable[[tuple[str, str]], str | None]
"""Returns the highest timestamp between two, or None where there is no record."""

_SECOND = timedelta(seconds=1)
_WHOLE = ".000Z"


class Unread:
    """The records of one item before those that were read, the newest first; asks for each second once."""

    def __init__(self, newest: Newest, pool: Executor) -> None:
        self._newest = newest
        self._pool = pool
        self._seconds: dict[datetime, int | None] = {}
        """The highest sequence number of a second: -1 where it has no record, None where it can't be told."""

    def highest(self, last: str, since: datetime) -> int | None:
        """Return a sequence number that none before ``last``, and not older than a moment, exceeds; None: not known."""
        known = _sequence_number(last)
        if known is None:
            return None
        end = datetime.fromisoformat(last.partition("#")[0])
        first = since.astimezone(UTC).replace(microsecond=0)
        seconds = [first + _SECOND * number for number in range(max(0, int((end - first) / _SECOND)))]
        missing = [second for second in seconds if second not in self._seconds]
        self._seconds.update(zip(missing, self._pool.map(self._ask, missing), strict=True))
        highest = [self._seconds[second] for second in seconds]
        told = [one for one in highest if one is not None]
        return max([known, *told]) if len(told) == len(highest) else None

    def _ask(self, second: datetime) -> int | None:
        found = self._newest((bound(second), bound(second + _SECOND)))
        return -1 if found is None else _sequence_number(found)


def _sequence_number(timestamp: str) -> int | None:
    """Return a record's sequence number, where its time is a whole second: the highest of a second is its last then."""
    time, _, number = timestamp.partition("#")
    return int(number) if is_timestamp(timestamp) and time.endswith(_WHOLE) else None

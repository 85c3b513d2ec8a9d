"""Follows a trail: changes of the whole table as their records come."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit_trail.aws.reader import TrailReader
    from audit_trail.aws.reading import Index
    from audit_trail.core.filters import Filter
    from audit_trail.core.history import Change
    from audit_trail.core.listing import Listed

USUAL = timedelta(seconds=60)
"""How far back every poll looks for records that come late."""
WIDE = timedelta(minutes=15)
"""How far back each WIDE_EVERY-th poll looks."""
WIDE_EVERY = 15
_AHEAD = WIDE  # how far AWS's clock may be ahead of this one


def follow(
    reader: "TrailReader", index: "Index", wanted: "Filter", since: datetime, now: Callable[[], datetime]
) -> Iterator[list["Change"]]:
    """Yield what has come since the last poll, the oldest first; each step is one poll, and it never ends.

    Begins with the changes since a moment; whatever comes later is shown, be it older than that. A record is found if
    it comes within 15 minutes of its change; the clock may be behind AWS's by as much.
    """
    seen: dict[tuple[str, str], datetime] = {}
    moment = now()
    start = min(since, moment - WIDE)
    for poll in count():
        listed = list(reader.recent(index, start, moment + _AHEAD))
        fresh = [one for one in listed if _identity(one) not in seen and (poll > 0 or one.moment >= since)]
        seen = {identity: at for identity, at in seen.items() if at >= moment - WIDE}
        seen |= {_identity(one): one.moment for one in listed}
        yield [*reader.whole(fresh, wanted)][::-1]
        moment = max(moment, now())
        start = moment - (WIDE if (poll + 1) % WIDE_EVERY == 0 else USUAL)


def _identity(one: "Listed") -> tuple[str, str]:
    return one.history, one.timestamp

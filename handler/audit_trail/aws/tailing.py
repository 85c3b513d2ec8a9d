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
"""How far behind the last poll every poll looks for records that come late."""
WIDE = timedelta(minutes=15)
"""How far behind the last of its kind each WIDE_EVERY-th poll looks."""
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
    looked = looked_widely = now()
    start = min(since, looked - WIDE)
    for poll in count():
        listed = list(reader.recent(index, start, looked + _AHEAD))
        fresh = [one for one in listed if _identity(one) not in seen and (poll > 0 or one.moment >= since)]
        seen = {identity: at for identity, at in seen.items() if at >= looked_widely - WIDE}
        seen |= {_identity(one): one.moment for one in listed}
        yield [*reader.whole(fresh, wanted)][::-1]
        # From where the last look of its kind ended, however long ago that is: nothing comes unseen in between.
        widely = (poll + 1) % WIDE_EVERY == 0
        start = looked_widely - WIDE if widely else looked - USUAL
        looked = max(looked, now())
        looked_widely = looked if widely else looked_widely


def _identity(one: "Listed") -> tuple[str, str]:
    return one.history, one.timestamp

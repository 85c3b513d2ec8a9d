"""What may have expired: behind this border, the audit table alone may not have all records.

Where the last record of an item left it can only be told from the table if no record since may have expired. That the
oldest one left is an INSERT or a BASELINE proves nothing: the item may have lived, and been deleted, before.
"""

from datetime import datetime, timedelta

from audit_trail.core.history import REORDER_WITHIN
from audit_trail.core.moments import FIRST
from audit_trail.core.values import Image

CLOCKS_WITHIN = timedelta(minutes=15)
"""How far this machine's clock and AWS's may be apart: with more between them, AWS refuses requests."""

_SHORTEST = timedelta(days=1)


def border(now: datetime, retention: timedelta | None, *items: Image) -> datetime | None:
    """Return the moment from which on no record can have expired; None where none ever does.

    ``retention`` is how long new records are kept; records that were made under a shorter one tell it themselves.
    """
    kept = [retention, *map(kept_for, items)]
    shortest = min((one for one in kept if one is not None), default=None)
    if shortest is None:
        return None
    try:
        return now - shortest + CLOCKS_WITHIN + REORDER_WITHIN
    except OverflowError:
        return FIRST


def kept_for(item: Image) -> timedelta | None:
    """Return how long a record is kept; None is for ever."""
    try:
        made = datetime.fromisoformat(item["timestamp"]["S"].partition("#")[0])
        kept = timedelta(seconds=int(item["expires_at"]["N"]) - made.timestamp())
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None
    return kept if kept >= _SHORTEST else None  # what no trail has excuses nothing

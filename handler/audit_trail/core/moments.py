"""Times as people write them: ISO 8601, a date, an age such as ``2h``, or ``yesterday``.

What is meant by "now" and by "here" comes from outside.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from audit_trail.core.errors import TableTrailError

EXAMPLES = "2026-11-24T12:00, 2026-11-24, 2h, 30m, 7d, yesterday, today or now"

FIRST = datetime(1970, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""Between them lies every change's time."""

_AGE = re.compile(r"([0-9]{1,9})([smhdw])").fullmatch
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAYS_AGO = {"today": 0, "yesterday": 1}
_SECOND = timedelta(seconds=1)


class MomentError(TableTrailError):
    """A text is no time."""


@dataclass(frozen=True, slots=True)
class Span:
    """What a time covers, in UTC: a date its whole day, any other time its whole second.

    Stream records carry whole seconds, so a second is as fine as a change's time gets; a fraction is left out.
    """

    start: datetime
    end: datetime
    """The first moment after it."""


def parse(text: str, now: datetime, zone: tzinfo) -> Span:
    """Read a time; what names no zone is meant in this one.

    :raises MomentError: it isn't one.
    """
    try:
        return _age(text, now) or _day(text, now, zone) or _moment(text, zone)
    except (ValueError, OverflowError):
        raise MomentError(f"{text!r} is no time: write {EXAMPLES}") from None


def bound(moment: datetime) -> str:
    """Return what divides the sort keys before a moment from those at or after it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _age(text: str, now: datetime) -> Span | None:
    found = _AGE("0s" if text == "now" else text)
    return _whole_second(now - timedelta(**{_UNITS[found[2]]: int(found[1])})) if found else None


def _day(text: str, now: datetime, zone: tzinfo) -> Span | None:
    if text in _DAYS_AGO:
        day = now.astimezone(zone).date() - timedelta(days=_DAYS_AGO[text])
    else:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            return None
    midnights = (datetime.combine(one, time.min, zone) for one in (day, day + timedelta(days=1)))
    return Span(*(midnight.astimezone(UTC) for midnight in midnights))


def _moment(text: str, zone: tzinfo) -> Span:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return _whole_second(moment)


def _whole_second(moment: datetime) -> Span:
    start = moment.astimezone(UTC).replace(microsecond=0)
    return Span(start, start + _SECOND)

"""Times as people write them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from audit_trail.cli.clock import LocalZone
from audit_trail.core.moments import FIRST, LAST, MomentError, bound, parse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

NOW = datetime(2026, 11, 24, 12, 0, 30, 250_000, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[tzinfo]:
    """Let this machine be in Berlin, as it was in 2026."""
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield LocalZone()
    monkeypatch.undo()
    time.tzset()


def start(text: str, zone: tzinfo = UTC) -> str:
    """Return where a time begins."""
    return bound(parse(text, NOW, zone).start)


def width(text: str, zone: tzinfo = UTC) -> timedelta:
    """Return how much a time covers."""
    span = parse(text, NOW, zone)
    return span.end - span.start


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-24T12:00:01Z", "2026-11-24T12:00:01.000Z"),
        ("2026-11-24T12:00:01", "2026-11-24T12:00:01.000Z"),
        ("2026-11-24T12:00:01.207Z", "2026-11-24T12:00:01.000Z"),
        ("2026-11-24T12:00:01.999999Z", "2026-11-24T12:00:01.000Z"),
        ("2026-11-24T12:00:01,5", "2026-11-24T12:00:01.000Z"),
        ("2026-11-24T13:00:01.000+01:00", "2026-11-24T12:00:01.000Z"),
        ("2026-11-24 12:00", "2026-11-24T12:00:00.000Z"),
        ("2026-11-24T12", "2026-11-24T12:00:00.000Z"),
        ("20261124T120001", "2026-11-24T12:00:01.000Z"),
        ("2026-11-24T13:00:01+01:00", "2026-11-24T12:00:01.000Z"),
        ("2026-11-24T00:30-05:30", "2026-11-24T06:00:00.000Z"),
        ("now", "2026-11-24T12:00:30.000Z"),
        ("0s", "2026-11-24T12:00:30.000Z"),
        ("90s", "2026-11-24T11:59:00.000Z"),
        ("30m", "2026-11-24T11:30:30.000Z"),
        ("2h", "2026-11-24T10:00:30.000Z"),
        ("7d", "2026-11-17T12:00:30.000Z"),
        ("1w", "2026-11-17T12:00:30.000Z"),
    ],
)
def test_a_time_is_its_whole_second(text: str, expected: str) -> None:
    """Times in ISO 8601, with a zone or a fraction or without, and ages cover the second that they lie in."""
    assert (start(text), width(text)) == (expected, SECOND)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2026-11-24", "2026-11-24"), ("20261124", "2026-11-24"), ("today", "2026-11-24"), ("yesterday", "2026-11-23")],
)
def test_a_date_is_its_whole_day(text: str, expected: str) -> None:
    """A date, today and yesterday go from midnight to midnight."""
    assert (start(text), width(text)) == (f"{expected}T00:00:00.000Z", DAY)


def test_what_names_no_zone_is_meant_here(berlin: tzinfo) -> None:
    """A time without a zone, a date and yesterday are this machine's, by the summer time that holds then."""
    assert start("2026-11-24T12:00", berlin) == "2026-11-24T11:00:00.000Z"
    assert start("2026-07-01T12:00", berlin) == "2026-07-01T10:00:00.000Z"
    assert start("2026-07-01T12:00Z", berlin) == "2026-07-01T12:00:00.000Z"
    assert start("today", berlin) == "2026-11-23T23:00:00.000Z"
    assert start("yesterday", berlin) == "2026-11-22T23:00:00.000Z"
    assert width("2026-10-25", berlin) == timedelta(hours=25)


def test_a_local_time_reads_back_as_it_was_shown(berlin: tzinfo) -> None:
    """Every hour around both changes of the clocks, shown in this machine's zone and read again, is the same moment."""
    for begin in (datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC)):
        for hour in range(48):
            moment = begin + timedelta(hours=hour)
            shown = moment.astimezone(berlin)
            assert parse(shown.isoformat(), NOW, UTC).start == moment
            assert shown.tzname() == ("CEST" if shown.utcoffset() == timedelta(hours=2) else "CET")


@pytest.mark.parametrize(
    "text",
    ["", "tomorrow", "2 hours", "-2h", "2y", "h", "2026-13-01", "2026-11-24T25:00", "24.11.2026", "999999999w", "²h"],
)
def test_what_is_no_time(text: str) -> None:
    """What isn't a time is refused, with examples of what is."""
    with pytest.raises(MomentError, match=r"is no time: write 2026-11-24T12:00, 2026-11-24, 2h,"):
        parse(text, NOW, UTC)


def test_the_end_of_time_is_refused() -> None:
    """The last day that there is has no end that could be told: it is refused like any other nonsense."""
    with pytest.raises(MomentError):
        parse("9999-12-31", NOW, UTC)


def test_bounds_divide_sort_keys() -> None:
    """A bound is less than the sort key of every record at or after it, and greater than every one before it."""
    moment = datetime(2026, 11, 24, 12, 0, 1, tzinfo=UTC)
    assert "2026-11-24T12:00:00.999Z#9" < bound(moment) < "2026-11-24T12:00:01.000Z#0"
    assert bound(FIRST) < "1970-01-01T00:00:00.000Z#0"
    assert bound(LAST) > "9999-12-31T23:59:58.000Z#0"

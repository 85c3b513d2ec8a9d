"""Audit records as people read them, by example."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.aws.unread import Unread
from audit_trail.core.diff import Entry
from audit_trail.core.errors import MalformedItemError
from audit_trail.core.history import Change, newest_first, with_reason_source
from audit_trail.core.records import audit_item
from tests.builders import ARN, SETTINGS, change, stream_record

if TYPE_CHECKING:
    from collections.abc import Iterator

ITEM = audit_item(
    stream_record(old={"by": {"S": "noah"}}, new={"by": {"S": "mia"}, "why": {"S": "refund"}}),
    replace(SETTINGS, actor_attribute="by", reason_attribute="why"),
)


def ordered(*changes: Change) -> list[str]:
    """Give changes as the table does, by timestamp from the newest, and tell what comes out as second/sequence."""
    arriving = sorted(changes, key=lambda one: one.timestamp, reverse=True)
    return [f"{one.time[14:19]}/{one.sequence_number}" for one in newest_first(arriving)]


def test_from_item() -> None:
    """A change reads like the record that it came from."""
    found = Change.from_item(ITEM)
    assert found.time == "2026-11-24T12:00:00.000Z"
    assert found.moment.isoformat() == "2026-11-24T12:00:00+00:00"
    assert found.sequence_number == 100_000_000_000_000_000_001
    assert (found.event_name, found.event_source_arn) == ("MODIFY", ARN)
    assert (found.actor, found.actor_source) == ("mia", "written")
    assert (found.reason, found.reason_source) == ("refund", "written")
    assert found.old_image == {"by": {"S": "noah"}}
    assert found.new_image == {"by": {"S": "mia"}, "why": {"S": "refund"}}
    assert found.diff == [
        Entry("replace", "/by", {"S": "noah"}, {"S": "mia"}),
        Entry("add", "/why", new={"S": "refund"}),
    ]
    assert found.item is ITEM


@pytest.mark.parametrize(
    ("event_name", "old", "new", "attribute", "source"),
    [
        ("MODIFY", {}, {"why": {"S": "refund"}}, "why", "written"),
        ("MODIFY", {"why": {"S": "refund"}}, {"why": {"S": "refund"}, "n": {"N": "1"}}, "why", "unchanged"),
        ("MODIFY", None, {"why": {"S": "refund"}}, "why", "unchanged"),
        ("MODIFY", {}, None, "why", "unchanged"),
        ("MODIFY", {}, {"why": {"S": "refund"}, "comment": {"S": "x"}}, "comment", "unchanged"),
        ("MODIFY", {}, {"why": {"S": "refund"}}, None, "unchanged"),
        ("INSERT", None, {"why": {"S": "refund"}}, "why", "written"),
        ("BASELINE", None, {"why": {"S": "refund"}}, "why", "unchanged"),
    ],
)
def test_where_an_old_record_has_its_reason_from(
    event_name: str, old: Any, new: Any, attribute: str | None, source: str
) -> None:
    """Where a record doesn't say whether the change wrote its reason, its images tell, and a doubt counts as no."""
    images = {name: {"M": image} for name, image in (("old_image", old), ("new_image", new)) if image is not None}
    kept = {name: ITEM[name] for name in ("schema_version", "timestamp", "reason")}
    found = Change.from_item(kept | images | {"event_name": {"S": event_name}})
    assert found.reason_source is None
    assert with_reason_source(found, attribute).reason_source == source


def test_a_stored_reason_source_stands() -> None:
    """What the function stored of a reason is not told anew; without a reason there is nothing to tell."""
    found = Change.from_item(ITEM | {"reason_source": {"S": "unchanged"}})
    assert with_reason_source(found, "why") is found
    silent = change(0, 1)
    assert with_reason_source(silent, "why").reason_source is None


def test_from_item_without_optional_attributes() -> None:
    """What a record doesn't have is None, or no entries; a BASELINE comes from no stream."""
    item = {name: ITEM[name] for name in ("schema_version", "timestamp")} | {"event_name": {"S": "BASELINE"}}
    found = Change.from_item(item)
    assert (found.actor, found.actor_source, found.reason, found.old_image, found.new_image) == (None,) * 5
    assert found.diff == []
    assert found.event_source_arn == ""


@pytest.mark.parametrize("missing", ["schema_version", "timestamp", "event_name"])
def test_what_is_no_audit_record(missing: str) -> None:
    """An item without what every audit record has is said not to be one."""
    with pytest.raises(MalformedItemError, match="not an audit record"):
        Change.from_item({name: value for name, value in ITEM.items() if name != missing})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("schema_version", {"S": "1"}),
        ("schema_version", {"N": "1.5"}),
        ("event_name", {"N": "1"}),
        ("event_source_arn", {"N": "1"}),
        ("reason_source", {"N": "1"}),
        ("timestamp", {"N": "1795521600"}),
        ("timestamp", {"S": ""}),
        ("timestamp", {"S": "2026-11-24T12:00:00.000Z"}),
        ("timestamp", {"S": "2026-11-24T12:00:00.000Z#x"}),
        ("timestamp", {"S": "2026-11-24T12:00:00.000Z#-5"}),
        ("timestamp", {"S": "yesterday#5"}),
        ("timestamp", {"S": "2026-11-24#5"}),
        ("timestamp", {"S": "2026-11-24T12:00:00.000#5"}),
    ],
)
def test_malformed_attributes(name: str, value: Any) -> None:
    """An item whose attributes mean something else is said not to be an audit record."""
    with pytest.raises(MalformedItemError, match="not an audit record"):
        Change.from_item(ITEM | {name: value})


@pytest.mark.parametrize(
    "item",
    [ITEM | {"schema_version": {"N": "2"}}, {"schema_version": {"N": "3"}, "timestamp": {"S": "another form"}}],
)
def test_newer_schema_versions(item: Any) -> None:
    """A record of a newer schema version is not guessed at, whatever it looks like: the error says to upgrade."""
    with pytest.raises(MalformedItemError, match=r"schema version [23].* reads up to 1: upgrade trail"):
        Change.from_item(item)


def test_newest_first() -> None:
    """Changes come newest first."""
    assert ordered() == []
    assert ordered(change(0, 1), change(120, 2), change(240, 3)) == ["04:00/3", "02:00/2", "00:00/1"]


def test_equal_seconds() -> None:
    """Within one second the sequence number decides, as a number, not as text."""
    assert ordered(change(0, 9), change(0, 10), change(0, 11)) == ["00:00/11", "00:00/10", "00:00/9"]
    longest, longer = int("1" * 42), int("2" * 41)
    assert ordered(change(0, longest), change(0, longer)) == [f"00:00/{longest}", f"00:00/{longer}"]


@pytest.mark.parametrize("back", [1, 30, 60])
def test_a_clock_that_steps_back(back: int) -> None:
    """Within 60 seconds the sequence number decides, although the time says otherwise."""
    changes = [change(100, 1), change(100 - back, 2), change(101, 3)]
    assert [one[6:] for one in ordered(*changes)] == ["3", "2", "1"]


def test_more_than_a_minute() -> None:
    """Beyond 60 seconds the time decides, although the sequence numbers say otherwise."""
    assert ordered(change(61, 1), change(0, 2)) == ["01:01/1", "00:00/2"]
    assert ordered(change(60.001, 1), change(0, 2)) == ["01:00/1", "00:00/2"]


def test_steps_back_in_a_row() -> None:
    """Steps back that follow each other are put right one by one, over any length of time."""
    changes = [change(50 * number - 40 * (number % 2), number) for number in range(20)]
    assert [one[6:] for one in ordered(*changes)] == [str(number) for number in reversed(range(20))]


@pytest.mark.parametrize(
    ("last", "found", "highest"),
    [
        ("12:00:02.000Z", ["12:00:00.000Z#7", "12:00:01.000Z#9"], 9),
        ("12:00:02.000Z", ["12:00:01.000Z#3"], 5),
        ("12:00:02.000Z", [], 5),
        ("12:00:02.000Z", ["12:00:00.500Z#7", "12:00:01.000Z#9"], None),
        ("12:00:02.500Z", ["12:00:00.000Z#7"], None),
        ("12:00:00.000Z", ["12:00:00.000Z#7"], 5),
    ],
    ids=[
        "another second's",
        "the last one's",
        "nothing there",
        "a fraction",
        "read up to a fraction",
        "the same second",
    ],
)
def test_the_highest_number_that_is_unread(last: str, found: list[str], highest: int | None) -> None:
    """One record a second tells the highest sequence number that is unread, unless times have fractions of a second."""
    stamps = [f"2026-11-24T{time}#{int(number):040d}" for time, _, number in (one.partition("#") for one in found)]
    asked: list[str] = []

    def newest(between: tuple[str, str]) -> str | None:
        asked.append(between[0])
        return next((one for one in stamps if between[0] <= one <= between[1]), None)

    with ThreadPoolExecutor(1) as pool:
        unread = Unread(newest, pool)
        for _ in range(2):
            assert unread.highest(f"2026-11-24T{last}#{5:040d}", datetime(2026, 11, 24, 12, tzinfo=UTC)) == highest
    assert len(asked) == len(set(asked))


def test_several_streams() -> None:
    """Sequence numbers of different streams don't compare: between streams the time decides."""
    restored = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/2026-11-25T00:00:00.000"
    changes = [change(0, 900), change(10, 901), change(20, 5, arn=restored), change(30, 6, arn=restored)]
    assert ordered(*changes) == ["00:30/6", "00:20/5", "00:10/901", "00:00/900"]


def test_several_streams_that_step_back() -> None:
    """Each stream is in its own order where two of them overlap."""
    other = f"{ARN}-other"
    changes = [change(5, 1), change(3, 2), change(4, 8, arn=other), change(2, 9, arn=other), change(1, 7, arn=other)]
    found = [one[6:] for one in ordered(*changes)]
    assert [one for one in found if one in "12"] == ["2", "1"]
    assert [one for one in found if one in "789"] == ["9", "8", "7"]


def test_two_baselines() -> None:
    """Of two changes without a sequence number of their own, such as baselines, the time decides."""
    assert ordered(change(0, 0), change(30, 0)) == ["00:30/0", "00:00/0"]


def test_a_history_is_streamed() -> None:
    """A change is given as soon as nothing within 60 seconds can come before it: a long history is not read whole."""
    read: list[int] = []

    def arriving() -> Iterator[Change]:
        for minute in range(1000, 0, -1):
            read.append(minute)
            yield change(minute * 60, minute)

    changes = newest_first(arriving())
    assert next(changes).sequence_number == 1000
    assert len(read) == 3
    assert [next(changes).sequence_number for _ in range(10)] == list(range(999, 989, -1))
    assert len(read) == 13

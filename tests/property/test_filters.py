"""Filters, against a reading of all records by other means."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from audit_trail.aws.reader import TrailReader
from audit_trail.core.filters import Filter
from audit_trail.core.history import Change
from audit_trail.core.keys import KeySchema
from audit_trail.core.pointers import readings
from audit_trail.core.records import RecordSettings, audit_item
from audit_trail.core.values import canonical_value
from tests import builders
from tests.property import strategies
from tests.unit import paged_client
from tests.unit.paged_client import PagedClient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit_trail.core.values import AttributeValue, Image

NOON = datetime.fromtimestamp(builders.NOON, UTC)
SETTINGS = RecordSettings(
    KeySchema("order_id"), actor_attribute="by", time_index_shards=4, actor_index_shards=paged_client.SHARDS
)
ACTORS = ("mia", "noah", "mia#00")
_values = st.one_of(
    st.sampled_from([{"S": "x"}, {"N": "1"}]),
    st.fixed_dictionaries({"M": st.dictionaries(st.sampled_from(["a", "b"]), strategies.scalars, max_size=2)}),
    st.fixed_dictionaries({"L": st.lists(st.sampled_from([{"S": "x"}, {"S": "y"}]), max_size=3)}),
)
_items = st.fixed_dictionaries(
    {}, optional={"a": _values, "b": _values, "a/b": _values, "by": st.sampled_from([{"S": one} for one in ACTORS])}
)


@st.composite
def histories(draw: st.DrawFn) -> list[Image]:
    """Make the records of a few items over three days, with a clock that is up to a minute late."""
    records: list[Image] = []
    now = 0
    images: dict[str, Image | None] = {}
    for number in range(1, 1 + draw(st.integers(0, 25))):
        now += draw(st.sampled_from((0, 0, 1, 5, 40, 3_600, 40_000)))
        key: Image = {"order_id": {"N": draw(st.sampled_from("123"))}}
        old = images.get(key["order_id"]["N"])
        new = None if old is not None and draw(st.booleans()) and draw(st.booleans()) else key | draw(_items)
        images[key["order_id"]["N"]] = new
        name = "REMOVE" if new is None else "INSERT" if old is None else "MODIFY"
        stamp: dict[str, Any] = {
            "ApproximateCreationDateTime": builders.NOON + now - draw(st.sampled_from((0, 0, 3, 60)))
        }
        stamp["SequenceNumber"] = str(number)
        records.append(audit_item(builders.stream_record(name, old=old, new=new, keys=key, dynamodb=stamp), SETTINGS))
    return records


_moments = st.integers(-100, 260_000).map(lambda seconds: NOON + timedelta(seconds=seconds))
_attributes = st.sampled_from(("a", "b", "a/b", "/a/a", "/a/0", "/b/b", "/a~1b", "/a/a/0", "by", "order_id", "none"))
filters = st.builds(
    Filter,
    since=st.none() | _moments,
    until=st.none() | _moments,
    operations=st.frozensets(st.sampled_from(("INSERT", "MODIFY", "REMOVE"))),
    attributes=st.frozensets(_attributes.map(readings), max_size=2).map(lambda some: frozenset().union(*some)),
    actors=st.frozensets(st.sampled_from(ACTORS), max_size=2),
)


def at(image: Image | None, pointer: str) -> AttributeValue | None:
    """Return what lies at a pointer, in canonical form."""
    value: Any = {"M": image or {}}
    for token in pointer.split("/")[1:]:
        [(tag, body)] = value.items()
        name: Any = token.replace("~1", "/").replace("~0", "~")
        try:
            value = body[int(name) if tag == "L" else name] if tag in "ML" else None
        except (KeyError, IndexError, ValueError):
            return None
        if value is None:
            return None
    return canonical_value(value)


def means(wanted: Filter, record: Image) -> bool:
    """Tell whether a record is asked for, from its images alone."""
    moment = datetime.fromisoformat(record["timestamp"]["S"].split("#", maxsplit=1)[0])
    old, new = (record.get(name, {}).get("M") for name in ("old_image", "new_image"))
    by = (new or {}).get("by", {}).get("S")
    return (
        (wanted.since is None or wanted.since <= moment)
        and (wanted.until is None or moment < wanted.until)
        and (not wanted.operations or record["event_name"]["S"] in wanted.operations)
        and (not wanted.actors or by in wanted.actors)
        and (not wanted.attributes or any(at(old, one) != at(new, one) for one in wanted.attributes))
    )


def lists_move(wanted: Filter, record: Image) -> bool:
    """Tell whether positions in a list may mean another element before than after: a diff tells which was removed."""
    return any(part.isdigit() for one in wanted.attributes for part in one.split("/")) and "diff" in record


def reader(records: Sequence[Image], page: int) -> TrailReader:
    client: Any = PagedClient(records, page)
    return TrailReader(client, paged_client.trail(), _no_object)


def _no_object(uri: str) -> bytes:
    raise AssertionError(uri)


@given(records=histories(), wanted=filters)
def test_a_filter_finds_what_a_look_at_the_images_finds(records: list[Image], wanted: Filter) -> None:
    """By time, operation, attribute and actor, a filter finds what comparing both images by hand finds."""
    for record in records:
        if not lists_move(wanted, record):
            assert wanted.matches(Change.from_item(record)) is means(wanted, record)


@given(records=histories(), wanted=filters)
def test_what_an_index_holds_excludes_nothing_that_is_meant(records: list[Image], wanted: Filter) -> None:
    """No record that is asked for is excluded by the part of it that the indexes hold."""
    held = {"order_id", "timestamp", "event_name", "changed_attributes", "actor", "reason"}
    for record in records:
        change = Change.from_item(record)
        if wanted.matches(change):
            projected = {name: value for name, value in record.items() if name in held}
            assert not wanted.excludes(projected, change.moment)


@given(records=histories(), wanted=filters, page=st.integers(1, 5), key=st.sampled_from("123"))
def test_a_narrowed_history_is_the_whole_one_filtered(
    records: list[Image], wanted: Filter, page: int, key: str
) -> None:
    """Narrowing what is read by time gives the same changes, in the same order, as filtering the whole history."""
    with reader(records, page) as narrow:
        found = [change.timestamp for change in narrow.history({"order_id": {"N": key}}, wanted)]
        whole = list(narrow.history({"order_id": {"N": key}}))
    assert found == [change.timestamp for change in whole if wanted.matches(change)]
    assert [change.sequence_number for change in whole] == sorted(
        (int(record["sequence_number"]["S"]) for record in records if record["order_id"]["N"] == key), reverse=True
    )


@given(records=histories(), wanted=filters, page=st.integers(1, 5))
def test_a_search_finds_what_a_look_at_every_record_finds(records: list[Image], wanted: Filter, page: int) -> None:
    """By either index, and by a scan, a search finds each change that is asked for once, each item's in its order."""
    if wanted.since is None:
        wanted = replace(wanted, since=NOON - timedelta(days=1))
    expected = sorted(record["timestamp"]["S"] for record in records if wanted.matches(Change.from_item(record)))
    with reader(records, page) as whole:
        ways = [
            list(whole.search(wanted, whole.index(wanted), NOON + timedelta(days=9))),
            list(whole.scan(wanted, lambda _: None)),
        ]
    for found in ways:
        assert sorted(change.timestamp for change in found) == expected
        for key in "123":
            numbers = [one.sequence_number for one in found if one.item["order_id"] == {"N": key}]
            assert numbers == sorted(numbers, reverse=True)
    assert [change.timestamp for change in ways[0]] == [change.timestamp for change in ways[1]]

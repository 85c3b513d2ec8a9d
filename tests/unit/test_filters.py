"""Which changes a filter finds, by example; tests/property/test_filters.py has what holds for all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.core.filters import Filter
from audit_trail.core.history import Change
from audit_trail.core.pointers import readings
from audit_trail.core.records import audit_item
from tests.builders import NOON
from tests.unit.fakes import SETTINGS, numbered_record, order

if TYPE_CHECKING:
    from audit_trail.core.values import Image

NOON_UTC = datetime.fromtimestamp(NOON, UTC)
SECOND = timedelta(seconds=1)


def change(old: Image | None, new: Image | None, **fields: Any) -> Change:
    """Make a change at noon."""
    return Change.from_item(audit_item(numbered_record(1, old=old, new=new, **fields), SETTINGS))


def touches(attribute: str, old: Image | None, new: Image | None) -> bool:
    """Tell whether a change is found by an attribute."""
    return Filter(attributes=readings(attribute)).matches(change(old, new))


def test_a_range_begins_with_its_first_moment_and_ends_before_its_last() -> None:
    """Since is inclusive, until exclusive."""
    one = change(None, order(1))
    assert Filter(since=NOON_UTC).matches(one)
    assert not Filter(since=NOON_UTC + SECOND).matches(one)
    assert Filter(until=NOON_UTC + SECOND).matches(one)
    assert not Filter(until=NOON_UTC).matches(one)


def test_operations() -> None:
    """Any of the operations will do."""
    one = change(order(1), None)
    assert Filter(operations=frozenset({"REMOVE", "INSERT"})).matches(one)
    assert not Filter(operations=frozenset({"MODIFY"})).matches(one)


def test_an_actor_is_the_record_s_and_nobody_else() -> None:
    """A change is found by the actor that its record names: not by who wrote before a deletion, nor by a part of a name."""
    mia = Filter(actors=frozenset({"mia"}))
    assert mia.matches(change(order(1, updated_by="noah"), order(1, updated_by="mia")))
    assert mia.matches(change(order(1, updated_by="mia"), order(1, updated_by="mia", status="x")))
    assert not mia.matches(change(order(1, updated_by="mia"), order(1, updated_by="noah")))
    assert not mia.matches(change(order(1, updated_by="mia"), None))
    assert not mia.matches(change(None, order(1, updated_by="miauw")))
    assert not mia.matches(change(None, order(1)))


LINES: Any = {"L": [{"M": {"qty": {"N": "1"}, "sku": {"S": "lamp"}}}]}
MORE: Any = {"L": [{"M": {"qty": {"N": "2"}, "sku": {"S": "lamp"}}}]}


@pytest.mark.parametrize(
    ("attribute", "found"),
    [
        ("lines", True),
        ("/lines", True),
        ("/lines/0", True),
        ("/lines/0/qty", True),
        ("/lines/0/qty/deeper", False),
        ("/lines/0/sku", False),
        ("/lines/1", False),
        ("/line", False),
        ("status", False),
    ],
)
def test_a_modify_is_found_by_where_it_changed(attribute: str, found: bool) -> None:  # noqa: FBT001  a parameter
    """An attribute finds the changes at its place or below it, and no others."""
    assert touches(attribute, order(1, lines=LINES, status="x"), order(1, lines=MORE, status="x")) is found


@pytest.mark.parametrize(
    ("attribute", "found"), [("/a/b", True), ("/a/b/c", True), ("/a/c", True), ("/a/x", False), ("/a", True)]
)
def test_what_came_or_went_with_its_holder_is_found(attribute: str, found: bool) -> None:  # noqa: FBT001  a parameter
    """A place inside a map that was added, removed or replaced whole is found where something of it changed."""
    held: Any = {"M": {"b": {"M": {"c": {"N": "1"}}}, "c": {"N": "2"}}}
    assert touches(attribute, order(1), order(1, a=held)) is found
    assert touches(attribute, order(1, a=held), order(1)) is found
    assert touches(attribute, order(1, a=held), order(1, a="text")) is found


def test_names_that_look_like_pointers() -> None:
    """A name with / or ~ in it is found by the name, unless it begins with /, and by its pointer always."""
    assert touches("a/b~c", order(1), order(1) | {"a/b~c": {"S": "x"}})
    assert not touches("a", order(1), order(1) | {"a/b~c": {"S": "x"}})
    assert touches("/~1b", order(1), order(1) | {"/b": {"S": "x"}})
    assert not touches("/b", order(1), order(1) | {"/b": {"S": "x"}})


def test_an_insert_or_remove_is_found_by_what_the_item_has() -> None:
    """An INSERT changes every attribute of the new item, a REMOVE every one of the old, and none that isn't there."""
    for old, new in ((None, order(1, lines=LINES)), (order(1, lines=LINES), None)):
        assert touches("lines", old, new)
        assert touches("/lines/0/qty", old, new)
        assert not touches("/lines/1", old, new)
        assert not touches("status", old, new)


def test_what_a_record_cannot_tell_is_not_left_out() -> None:
    """Where images can't be read, or the stream carries none, an attribute leaves nothing out."""
    wanted = Filter(attributes=frozenset({"/status"}))
    for old, new in ((None, order(1)), (order(1), order(1, a="b")), (order(1), None)):
        whole = change(old, new).item
        lost = {"old_image", "new_image", "diff", "changed_attributes"}
        assert wanted.matches(Change.from_item({name: value for name, value in whole.items() if name not in lost}))
        none = {name for name in whole if "image" in name} | lost
        assert wanted.matches(Change.from_item({name: value for name, value in whole.items() if name not in none}))


def test_names_alone_exclude_a_modify() -> None:
    """The names of what changed are enough to exclude a MODIFY; without them nothing is, for they may have moved."""
    item = change(order(1, a="x"), order(1, a="y")).item
    projected = {name: item[name] for name in ("event_name", "changed_attributes")}
    assert Filter(attributes=frozenset({"/b"})).excludes(projected, NOON_UTC)
    assert not Filter(attributes=frozenset({"/b", "/a/deep"})).excludes(projected, NOON_UTC)
    assert not Filter(attributes=frozenset({"/b"})).excludes({"event_name": {"S": "MODIFY"}}, NOON_UTC)
    assert not Filter(attributes=frozenset({"/b"})).excludes({"event_name": {"S": "INSERT"}}, NOON_UTC)


def test_every_kind_of_filter_must_agree() -> None:
    """A change must be within the range and of an operation and of an attribute and of an actor."""
    one = change(order(1, a="x", updated_by="mia"), order(1, a="y", updated_by="mia"))
    right: dict[str, Any] = {
        "since": NOON_UTC,
        "until": NOON_UTC + SECOND,
        "operations": frozenset({"MODIFY"}),
        "attributes": frozenset({"/a"}),
        "actors": frozenset({"mia"}),
    }
    wrong: dict[str, Any] = {
        "since": NOON_UTC + SECOND,
        "until": NOON_UTC,
        "operations": frozenset({"REMOVE"}),
        "attributes": frozenset({"/b"}),
        "actors": frozenset({"noah"}),
    }
    assert Filter(**right).matches(one)
    for kind, value in wrong.items():
        assert not Filter(**{**right, kind: value}).matches(one), kind

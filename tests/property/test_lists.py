"""What holds for the difference of any two lists, and what it may cost."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_trail.core.diff import Entry, diff
from audit_trail.core.patch import apply, invert
from audit_trail.core.values import canonical_image, canonical_value
from tests import builders
from tests.property import strategies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit_trail.core.values import AttributeValue, Image

CHANCE = random.Random(7)
few = st.lists(st.sampled_from("abc").map(lambda text: {"S": text}), max_size=12)


def holding(elements: Sequence[AttributeValue], levels: int = 0) -> Image:
    return {"l": builders.nested({"L": list(elements)}, levels)}


@given(old=few, new=few)
def test_any_two_lists(old: list[AttributeValue], new: list[AttributeValue]) -> None:
    """Of lists with few distinct elements, which align in many ways, the diff leads from each to the other."""
    found = diff(holding(old), holding(new))
    assert apply(holding(old), found) == holding(new)
    assert apply(holding(new), invert(found)) == holding(old)
    assert len(found) <= max(len(old), len(new))


@given(
    elements=few | st.lists(strategies.values, max_size=6),
    element=st.sampled_from("abc").map(lambda text: {"S": text}) | strategies.values,
    at=st.integers(0, 12),
    levels=st.integers(0, 30),
)
def test_one_element_is_one_entry(
    elements: list[AttributeValue], element: AttributeValue, at: int, levels: int
) -> None:
    """An element that was inserted or removed, at any position and depth, is one add or one remove."""
    longer = [*elements[:at], element, *elements[at:]]
    [added] = diff(holding(elements, levels), holding(longer, levels))
    [removed] = diff(holding(longer, levels), holding(elements, levels))
    assert (added.op, added.new) == ("add", canonical_value(element))
    assert removed == Entry("remove", added.path, old=added.new)
    assert apply(holding(elements, levels), [added]) == canonical_image(holding(longer, levels))


def chosen(distinct: int, count: int) -> list[int]:
    return [CHANCE.randrange(distinct) for _ in range(count)]


def cut(numbers: list[int], *positions: int) -> list[int]:
    return [number for position, number in enumerate(numbers) if position not in positions]


FEW = chosen(3, 50_000)
WORST = {
    "tens of thousands, few distinct, one deleted": (FEW, cut(FEW, 25_000)),
    "tens of thousands, few distinct, deleted at both ends": (FEW, cut(FEW, 1, 49_998)),
    "tens of thousands, all the same, one deleted": ([0] * 50_000, [0] * 49_999),
    "1,000 and 999 of three": (chosen(3, 1_000), chosen(3, 999)),
    "1,000 and 999 of two": (chosen(2, 1_000), chosen(2, 999)),
    "1,000 and 500 of two": (chosen(2, 1_000), chosen(2, 500)),
    "1,000 the same and 999 of which every other is": ([0] * 1_000, [0, 1] * 499 + [0]),
    "1,000 of which every other is and 999 the same": ([0, 1] * 500, [1] + [0] * 998),
    "1,000 and 999 in cycles of two and three": ([0, 1] * 500, [0, 1, 2] * 333),
    "1,000 and 999 distinct ones, reversed": (list(range(1_000)), list(reversed(range(999)))),
    "1,000 and 999 of many": (chosen(10**9, 1_000), chosen(10**9, 999)),
    "5,000 and 4,000 of many": (chosen(10**9, 5_000), chosen(10**9, 4_000)),
    "5,000 and 4,000 of two": (chosen(2, 5_000), chosen(2, 4_000)),
}


@pytest.mark.parametrize("case", WORST)
def test_the_worst_lists_take_less_than_a_second(case: str) -> None:
    """The lists that are worst to align cost less than a second of CPU, and their diff is exact all the same."""
    old, new = (builders.strings(*map(str, numbers)) for numbers in WORST[case])
    began = time.process_time()
    found = diff({"l": old}, {"l": new})
    took = time.process_time() - began
    assert apply({"l": old}, found) == {"l": new}
    assert apply({"l": new}, invert(found)) == {"l": old}
    assert took < 1


def test_deleted_elements_of_long_lists_are_few_entries() -> None:
    """One element deleted among tens of thousands of few distinct values is one entry, wherever it stood."""
    for at in (0, 1, 25_000, 49_999):
        [entry] = diff({"l": builders.strings(*map(str, FEW))}, {"l": builders.strings(*map(str, cut(FEW, at)))})
        assert entry.op == "remove"


def test_many_bad_lists_take_little_more_than_one() -> None:
    """What aligning may cost is bounded for a record, not for a list: forty of the worst lists take under a second."""
    ones, others = chosen(2, 400), chosen(2, 399)
    old = {f"list{number}": builders.strings(*map(str, ones)) for number in range(40)}
    new = {f"list{number}": builders.strings(*map(str, others)) for number in range(40)}
    started = time.process_time()
    entries = diff(old, new)
    assert time.process_time() - started < 1
    assert apply(old, entries) == new


def test_long_paths_take_no_more_room_than_the_images() -> None:
    """An attribute with a very long name and thousands of changes inside is one replacement, exact all the same."""
    name = "n" * 60_000
    old: Image = {name: {"L": [{"BOOL": True}] * 2_000}, "a": {"S": "x"}}
    new: Image = {name: {"L": [{"BOOL": False}] * 2_000}, "a": {"S": "y"}}
    entries = diff(old, new)
    assert [(entry.op, len(entry.path)) for entry in entries] == [("replace", 2), ("replace", 60_001)]
    assert apply(old, entries) == new
    assert apply(new, invert(entries)) == old

"""The changes that cost most to record, as `python -m tests.bench.worst_records` found them, and what they may cost."""

from __future__ import annotations

import json
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Any

import pytest

from audit_trail.core import diff as diffs
from audit_trail.core.diff import diff
from audit_trail.core.patch import apply, invert
from audit_trail.core.values import canonical_image
from tests.bench.worst_records import MOST, change_of, cost, parsed, record_of, redriven

WORST = {
    "40,000 lists of which no element stays": '[["lists", "null", 1, 2, "all others, one more", 0, "list", 0, 1.0]]',
    "as many that share some": '[["lists", "text", 3, 999, "turned", 0, "list", 0, 1.0]]',
    "70,000 names, all of them others": '[["attributes", "true", 1, 2, "gone", 0, "list", 0, 1.0]]',
    "as many values moved about": '[["attributes", "text", 3, 2, "shuffled", 0, "list", 1, 1.0],'
    ' ["maps", "number set", 1000000, 5, "gone", 12, "map", 0, 0.05]]',
    "maps and binaries under other names": '[["attributes", "map", 1000000, 2, "gone", 0, "list", 0, 0.6],'
    ' ["attributes", "binary", 1000, 2, "gone", 0, "map", 0, 0.3],'
    ' ["sets", "tiny number", 2, 8, "last", 12, "list", 1, 0.6]]',
    "a tower of lists over 100,000 values": '[["list", "true", 1, 2, "last", 26, "list behind", 3, 1.0]]',
    "100,000 numbers": '[["set", "number", 1000000, 2, "every other gone", 0, "list", 0, 1.0]]',
}


@pytest.mark.parametrize("shape", WORST)
def test_the_worst_changes_cost_about_a_second(shape: str) -> None:
    """The changes that cost most stay within their bound as redrive makes records of them, as the function does."""
    record = record_of(parsed(WORST[shape]))
    body = json.dumps({"payload": json.dumps({"Records": [record]})}).encode()
    assert any(cost(lambda: redriven(body))[1] < MOST for _ in range(3))


@pytest.mark.parametrize("shape", WORST)
def test_the_diffs_of_the_worst_changes_are_exact(shape: str) -> None:
    """Of such changes, a tenth as large, the diff leads from each image to the other, in little time."""
    old, new = map(canonical_image, change_of([replace(part, share=part.share / 10) for part in parsed(WORST[shape])]))
    found = diff(old, new)
    assert apply(old, found) == new
    assert apply(new, invert(found)) == old


def test_large_sets_are_put_back_in_little_time() -> None:
    """A reader that applies the diff of a set with a hundred thousand members looks at each of them once."""
    old, new = map(canonical_image, change_of(parsed(WORST["100,000 numbers"])))
    found = diff(old, new)
    assert any(cost(lambda: apply(old, found))[1] < MOST for _ in range(3))


def test_lists_that_share_nothing_are_not_aligned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no element of one list equals one of the other, they're paired up by position, at no cost."""
    monkeypatch.setattr(diffs, "SequenceMatcher", None)
    old, new = change_of(parsed(WORST["40,000 lists of which no element stays"]))
    assert diff(old, new)


def test_aligning_many_lists_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many small lists could be aligned, no more than ten thousand are, and it's the same ones each time."""
    calls = []

    class Counted(SequenceMatcher[int]):
        def __init__(self, *args: Any, **more: Any) -> None:
            calls.append(args)
            super().__init__(*args, **more)

    monkeypatch.setattr(diffs, "SequenceMatcher", Counted)
    monkeypatch.setattr(diffs, "_ENTRIES_AT_MOST", 10**9)
    monkeypatch.setattr(diffs, "_PATHS_AT_MOST", 10**9)
    old = {"l": {"L": [{"L": [{"S": "a"}, {"S": "b"}, {"S": "c"}]}] * 20_000}}
    new = {"l": {"L": [{"L": [{"S": "x"}, {"S": "a"}, {"S": "y"}, {"S": "c"}, {"S": "z"}]}] * 20_000}}
    first = diff(old, new)
    assert 1_000 < len(calls) <= 10_000
    assert diff(old, new) == first
    assert apply(old, first) == new


def test_an_attribute_with_very_many_changes_inside_is_replaced() -> None:
    """More than 20,000 changes inside of an attribute are one replacement of it; the other attributes' stay one by one."""
    old = {"few": {"L": [{"N": "1"}] * 10}, "many": {"L": [{"N": "1"}] * 20_001}}
    new = {"few": {"L": [{"N": "2"}] * 10}, "many": {"L": [{"N": "2"}] * 20_001}}
    found = diff(old, new)
    assert [entry.path for entry in found] == [*(f"/few/{at}" for at in range(10)), "/many"]
    assert apply(new, invert(found)) == old

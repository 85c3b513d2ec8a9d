"""How the elements of two lists pair up, found once for the texts and the diff."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from audit_trail.core.comparison import Alignment, Comparison
from audit_trail.core.diff import Entry, diff

if TYPE_CHECKING:
    from audit_trail.core.values import AttributeValue


def values(text: str) -> list[AttributeValue]:
    """Make a list with one string a letter."""
    return [{"S": letter} for letter in text]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", (0, 0, [])),
        ("abc", "abc", (3, 0, [])),
        ("abc", "axc", (1, 1, [(1, 1)])),
        ("abc", "xyz", (0, 0, [(0, 0), (1, 1), (2, 2)])),
        ("abc", "abxc", (2, 1, [(None, 2)])),
        ("abxc", "abc", (2, 1, [(2, None)])),
        ("", "ab", (0, 0, [(None, 0), (None, 1)])),
        ("abcd", "axbcD", (1, 0, [(None, 1), (3, 4)])),
        ("axbcD", "abcd", (1, 0, [(1, None), (4, 3)])),
        ("abcd", "Abcdx", (0, 0, [(0, 0), (None, 4)])),
        ("Abcdx", "abcd", (0, 0, [(0, 0), (4, None)])),
        ("a", "xy", (0, 0, [(0, 0), (None, 1)])),
        ("abcdefgh", "1b2defghx", (0, 0, None)),
        ("abcdefghijklmnop", "1b2defghijklmnopx", (0, 0, [(0, 0), (2, 2), (None, 16)])),
    ],
)
def test_how_lists_pair_up(old: str, new: str, expected: tuple[object, ...]) -> None:
    """Equal ends are trimmed; a run that came or went alone at either end of the rest is told; else None."""
    assert Comparison().alignment(values(old), values(new)) == Alignment(*expected)  # type: ignore[arg-type]


def test_what_was_compared_is_not_compared_again() -> None:
    """The same two objects give the very same answer."""
    comparison = Comparison()
    old, new = values("abc"), values("xbc")
    first = comparison.alignment(old, new)

    assert comparison.alignment(old, new) is first
    assert comparison.alignment(old, values("abc")) == Alignment(3, 0, [])
    assert comparison.changed_names({"a": old[0]}, {"a": new[0], "b": new[1]}) == ["a", "b"]


def test_a_line_that_came_beside_one_that_changed() -> None:
    """One added element and one changed are told as that, whatever lies between them."""
    old = values("abcdefgh")
    new = values("xabcdefGh")

    assert diff({"l": {"L": old}}, {"l": {"L": new}}) == [
        Entry("add", "/l/0", new={"S": "x"}),
        Entry("replace", "/l/7", {"S": "g"}, {"S": "G"}),
    ]

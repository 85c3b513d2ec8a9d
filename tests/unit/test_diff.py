"""The difference between two images, by example."""

from __future__ import annotations

import json
from typing import Any

import pytest

from audit_trail.core.comparison import Comparison
from audit_trail.core.diff import Entry, diff
from audit_trail.core.errors import MalformedValueError
from tests import recorded_changes
from tests.builders import nested, strings

A, B = {"S": "a"}, {"S": "b"}


def test_equal_images() -> None:
    """Equal images have no difference."""
    image: Any = {"a": {"M": {"b": strings("x", "y")}}, "n": {"N": "1"}}
    assert diff(image, image) == []
    assert diff({}, {}) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"N": "1.0"}, {"N": "1"}),
        ({"N": "-0"}, {"N": "0"}),
        ({"N": "1E3"}, {"N": "1000"}),
        ({"B": "QR=="}, {"B": "QQ=="}),
        ({"SS": ["a", "b"]}, {"SS": ["b", "a"]}),
        ({"NS": ["1", "2.50"]}, {"NS": ["2.5", "1.0"]}),
        ({"L": [{"N": "1.0"}]}, {"L": [{"N": "1"}]}),
        ({"M": {"x": A, "y": B}}, {"M": {"y": B, "x": A}}),
    ],
)
def test_spellings_are_no_difference(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Two spellings of one value are no difference."""
    assert diff({"a": one}, {"a": other}) == []


def test_attributes() -> None:
    """An attribute that came is an add, one that went a remove, one that changed a replace, in the order of names."""
    assert diff({"z": A, "gone": A, "same": A}, {"same": A, "z": B, "came": B}) == [
        Entry("add", "/came", new=B),
        Entry("remove", "/gone", old=A),
        Entry("replace", "/z", A, B),
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"S": "1"}, {"N": "1"}),
        ({"S": ""}, {"NULL": True}),
        ({"BOOL": True}, {"BOOL": False}),
        ({"B": ""}, {"B": "AA=="}),
        ({"N": "12345678901234567890123456789012345678"}, {"N": "12345678901234567890123456789012345679"}),
        ({"S": "é"}, {"S": "e\u0301"}),
        ({"SS": ["1"]}, {"NS": ["1"]}),
        ({"L": [A]}, {"M": {"0": A}}),
        ({"M": {}}, {"L": []}),
        ({"M": {"S": A}}, {"S": "a"}),
    ],
)
def test_replaced_values(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Another scalar, or another type, is one replace with both values whole."""
    assert diff({"a": old}, {"a": new}) == [Entry("replace", "/a", old, new)]


@pytest.mark.parametrize(
    ("old", "new", "lost", "gained"),
    [
        ({"SS": ["a", "b"]}, {"SS": ["b", "c"]}, {"SS": ["a"]}, {"SS": ["c"]}),
        ({"SS": ["a"]}, {"SS": ["a", "b"]}, None, {"SS": ["b"]}),
        ({"SS": ["a", "b"]}, {"SS": ["b"]}, {"SS": ["a"]}, None),
        ({"SS": ["a"]}, {"SS": ["b"]}, {"SS": ["a"]}, {"SS": ["b"]}),
        ({"NS": ["10", "9"]}, {"NS": ["9.0", "1E2", "8"]}, {"NS": ["10"]}, {"NS": ["8", "100"]}),
        ({"BS": ["/w==", "AA=="]}, {"BS": ["AA=="]}, {"BS": ["/w=="]}, None),
    ],
)
def test_members(old: dict[str, Any], new: dict[str, Any], lost: dict[str, Any], gained: dict[str, Any]) -> None:
    """A changed set tells the members that it lost and gained; an empty side is absent."""
    assert diff({"a": old}, {"a": new}) == [Entry("members", "/a", lost, gained)]


@pytest.mark.parametrize(
    ("old", "new", "entries"),
    [
        ("abc", "xabc", [Entry("add", "/l/0", new={"S": "x"})]),
        ("abc", "axbc", [Entry("add", "/l/1", new={"S": "x"})]),
        ("abc", "abcx", [Entry("add", "/l/3", new={"S": "x"})]),
        ("abc", "bc", [Entry("remove", "/l/0", old=A)]),
        ("abc", "ac", [Entry("remove", "/l/1", old=B)]),
        ("abc", "ab", [Entry("remove", "/l/2", old={"S": "c"})]),
        ("aaa", "aa", [Entry("remove", "/l/2", old=A)]),
        ("", "a", [Entry("add", "/l/0", new=A)]),
        ("a", "", [Entry("remove", "/l/0", old=A)]),
        ("abc", "axc", [Entry("replace", "/l/1", B, {"S": "x"})]),
        ("ab", "ba", [Entry("replace", "/l/0", A, B), Entry("replace", "/l/1", B, A)]),
        ("", "xyz", [Entry("add", f"/l/{index}", new={"S": text}) for index, text in enumerate("xyz")]),
        ("xyz", "", [Entry("remove", f"/l/{index}", old={"S": text}) for index, text in [(2, "z"), (1, "y"), (0, "x")]]),
        ("abcdef", "acdxf", [Entry("remove", "/l/1", old=B), Entry("replace", "/l/3", {"S": "e"}, {"S": "x"})]),
        ("abcd", "xbycdz", [Entry("add", "/l/2", new={"S": "y"}), Entry("add", "/l/5", new={"S": "z"}), Entry("replace", "/l/0", A, {"S": "x"})]),
    ],
)  # fmt: skip
def test_lists(old: str, new: str, entries: list[Entry]) -> None:
    """A list's elements are aligned: what moved along with its neighbours is not in the diff."""
    assert diff({"l": strings(*old)}, {"l": strings(*new)}) == entries


def test_several_elements_of_a_list() -> None:
    """Elements that came and went at several places are one entry each, however many lie between them."""
    old = [str(number) for number in range(100)]
    new = [text for text in old if text not in {"10", "50", "90"}]
    found = diff({"l": strings(*old)}, {"l": strings(*new)})
    assert [(entry.op, entry.path) for entry in found] == [("remove", f"/l/{at}") for at in (90, 50, 10)]
    assert [entry.op for entry in diff({"l": strings(*new)}, {"l": strings(*old)})] == ["add"] * 3


def test_elements_of_elements() -> None:
    """A changed element is walked into where the lists are as long, so that the diff stays small."""
    old = {"l": {"L": [{"M": {"x": A, "y": A}}, strings("a", "b")]}}
    new = {"l": {"L": [{"M": {"x": A, "y": B}}, strings("a")]}}
    assert diff(old, new) == [Entry("replace", "/l/0/y", A, B), Entry("remove", "/l/1/1", old=B)]


def test_long_lists_are_compared_by_position() -> None:
    """Beyond 1,000 remaining elements a side, aligning costs more than it tells: they're compared by position."""
    old = [str(number) for number in range(1_002)]
    new = [text for text in old if text not in {"1", "999"}]
    found = diff({"l": strings("x", *old)}, {"l": strings("y", *new)})
    assert len(found) > 900
    assert {entry.op for entry in found} == {"remove", "replace"}


def test_the_head_and_tail_of_long_lists_are_trimmed() -> None:
    """One element in the middle of a very long list is one entry: only what remains counts for the limit."""
    old = [str(number) for number in range(20_000)]
    new = [*old[:10_000], "x", *old[10_000:]]
    assert diff({"l": strings(*old)}, {"l": strings(*new)}) == [Entry("add", "/l/10000", new={"S": "x"})]


def test_depth() -> None:
    """A change 31 levels down is one entry with the whole path."""
    [entry] = diff({"a": nested(A, 31)}, {"a": nested(B, 31)})
    assert entry == Entry("replace", "/a" + "/0/deeper" * 15 + "/0", A, B)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a/b", "/a~1b"),
        ("~", "/~0"),
        ("~1", "/~01"),
        ("a.b", "/a.b"),
        ("0", "/0"),
        ("__init__", "/__init__"),
        ("😀", "/😀"),
    ],
)
def test_names(name: str, path: str) -> None:
    """A path is a JSON Pointer; names that other tools ignore or split are names like any other."""
    assert diff({name: A}, {name: B}) == [Entry("replace", path, A, B)]
    assert diff({"m": {"M": {name: A}}}, {"m": {"M": {}}}) == [Entry("remove", f"/m{path}", old=A)]
    assert Comparison().changed_names({name: A}, {}) == [name]


def test_changed_attributes() -> None:
    """The changed attributes are top-level names, each once, sorted by code point."""
    old: Any = {"m": {"M": {"x": A, "y": A}}, "b": A, "B": A, "same": A, "\uffff": A, "\U00010000": A}
    new: Any = {"m": {"M": {"x": B, "y": B}}, "b": B, "B": B, "same": A, "a/b": A}
    assert Comparison().changed_names(old, new) == ["B", "a/b", "b", "m", "\uffff", "\U00010000"]
    assert Comparison().changed_names({}, {}) == []


def test_the_order_of_names_means_nothing() -> None:
    """The diff's order comes from the names, not from the order in which they happened to arrive."""
    old, new = dict.fromkeys("cab", A), dict.fromkeys("bdca", B)
    backwards = dict(reversed(old.items())), dict(reversed(new.items()))
    assert diff(old, new) == diff(*backwards)
    assert [entry.path for entry in diff(old, new)] == ["/a", "/b", "/c", "/d"]


def test_malformed_images() -> None:
    """A value that isn't one is refused on either side, even where both sides have it."""
    images: list[dict[str, Any]] = [{}, {"a": {"T": "x"}}]
    for old, new in [images, images[::-1], images[1:] * 2]:
        with pytest.raises(MalformedValueError):
            diff(old, new)


@pytest.mark.parametrize("kind", recorded_changes.KINDS)
def test_records_are_what_they_were(kind: str) -> None:
    """Of 4,000 changes, what is stored is what was recorded, byte for byte: a record made again doesn't differ."""
    recorded = json.loads(recorded_changes.RECORDED.read_text(encoding="utf-8"))
    assert recorded_changes.digest(kind) == recorded[kind]

"""Applying and inverting diffs, by example."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from audit_trail.core.diff import Entry, diff
from audit_trail.core.errors import DiffError
from audit_trail.core.patch import apply, invert
from tests.builders import strings

A, B = {"S": "a"}, {"S": "b"}
SECRET = "4111-1111"
IMAGE: dict[str, Any] = {
    "s": A,
    "l": strings("a", "b"),
    "m": {"M": {"x": A}},
    "ss": {"SS": ["a", "b"]},
    "ns": {"NS": ["1", "2"]},
    "secret": {"S": SECRET},
}


@pytest.mark.parametrize(
    ("entry", "changed"),
    [
        (Entry("add", "/new", new=B), {"new": B}),
        (Entry("add", "/a~1b", new=B), {"a/b": B}),
        (Entry("add", "/l/0", new=B), {"l": strings("b", "a", "b")}),
        (Entry("add", "/l/2", new=B), {"l": strings("a", "b", "b")}),
        (Entry("add", "/m/0", new=B), {"m": {"M": {"x": A, "0": B}}}),
        (Entry("remove", "/l/0", old=A), {"l": strings("b")}),
        (Entry("remove", "/m/x", old=A), {"m": {"M": {}}}),
        (Entry("replace", "/s", A, {"N": "1.0"}), {"s": {"N": "1"}}),
        (Entry("replace", "/l/1", B, A), {"l": strings("a", "a")}),
        (Entry("members", "/ss", {"SS": ["a"]}, {"SS": ["c", "0"]}), {"ss": {"SS": ["0", "b", "c"]}}),
        (Entry("members", "/ns", None, {"NS": ["1.50"]}), {"ns": {"NS": ["1", "1.5", "2"]}}),
        (Entry("members", "/ns", {"NS": ["1.0"]}), {"ns": {"NS": ["2"]}}),
    ],
)
def test_apply_and_back(entry: Entry, changed: dict[str, Any]) -> None:
    """An entry changes what its path leads to and nothing else, and its inverse undoes it."""
    after = apply(IMAGE, [entry])
    assert after == IMAGE | changed
    assert apply(after, invert([entry])) == IMAGE


def test_entries_apply_in_their_order() -> None:
    """An index means the list as the entries before left it, as in RFC 6902."""
    entries = [Entry("remove", "/l/0", old=A), Entry("add", "/l/1", new={"S": "c"}), Entry("replace", "/l/0", B, A)]
    assert apply(IMAGE, entries) == IMAGE | {"l": strings("a", "c")}
    assert apply(apply(IMAGE, entries), invert(entries)) == IMAGE


def test_invert() -> None:
    """The inverse has the entries from last to first, each with its operation and its values turned round."""
    entries = [
        Entry("add", "/a", new=A),
        Entry("remove", "/b", old=B),
        Entry("replace", "/c", A, B),
        Entry("members", "/d", None, {"SS": ["x"]}),
    ]
    assert invert(entries) == [
        Entry("members", "/d", {"SS": ["x"]}, None),
        Entry("replace", "/c", B, A),
        Entry("add", "/b", new=B),
        Entry("remove", "/a", old=A),
    ]
    assert invert(invert(entries)) == entries


def test_nothing_given_is_changed() -> None:
    """The given image and diff stay as they are, and share nothing with the result that could be changed later."""
    entries = [Entry("add", "/new", new=strings("a")), Entry("add", "/new/1", new=B), Entry("remove", "/l/0", old=A)]
    image, diff_before = copy.deepcopy(IMAGE), copy.deepcopy(entries)
    after = apply(image, entries)
    after["m"]["M"]["x"]["S"] = after["l"]["L"][0]["S"] = after["new"]["L"][1]["S"] = "changed"
    assert image == IMAGE
    assert entries == diff_before


def test_apply_gives_the_canonical_form() -> None:
    """The result is canonical, whatever spelling the image and the entries have."""
    old: Any = {"n": {"N": "1.0"}, "s": {"SS": ["b", "a"]}, "z": {"N": "007"}}
    entries = [Entry("replace", "/n", {"N": "1E0"}, {"N": "2.50"}), Entry("remove", "/s", old={"SS": ["b", "a"]})]
    assert apply(old, entries) == {"n": {"N": "2.5"}, "z": {"N": "7"}}


@pytest.mark.parametrize(
    "entry",
    [
        Entry("add", "/s", new=B),
        Entry("add", "/l/3", new=B),
        Entry("add", "/l/-", new=B),
        Entry("add", "/l/x", new=B),
        Entry("add", "/s/x", new=B),
        Entry("add", "/nothing/x", new=B),
        Entry("add", "/l/7/x", new=B),
        Entry("add", "/new"),
        Entry("remove", "/nothing", old=A),
        Entry("remove", "/l/2", old=A),
        Entry("remove", "/s", old=B),
        Entry("remove", "/s"),
        Entry("remove", "/l/0", old=B),
        Entry("replace", "/s", B, A),
        Entry("replace", "/s", A),
        Entry("replace", "/s", None, A),
        Entry("replace", "/nothing", A, B),
        Entry("members", "/ss", {"SS": ["nobody"]}),
        Entry("members", "/ss", None, {"SS": ["a"]}),
        Entry("members", "/ss", None, {"NS": ["1"]}),
        Entry("members", "/ns", {"NS": ["3"]}),
        Entry("members", "/s", None, {"S": "x"}),
        Entry("members", "/nothing", None, {"SS": ["x"]}),
        Entry("move", "/s", A, B),
    ],
)
def test_a_diff_that_does_not_fit(entry: Entry) -> None:
    """An entry that doesn't fit the image is refused, in a sentence without data, and the image stays as it is."""
    image = copy.deepcopy(IMAGE)
    with pytest.raises(DiffError, match="an entry of the diff") as error:
        apply(image, [Entry("replace", "/secret", {"S": SECRET}, {"S": SECRET * 2}), entry])
    assert image == IMAGE
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    "entry",
    [
        Entry("add", "/new", new={"T": "x"}),
        Entry("replace", "/s", A, {"N": "x"}),
        Entry("remove", "/s", old={}),
        Entry("members", "/ss", None, {"SS": []}),
    ],
)
def test_a_diff_with_malformed_values(entry: Entry) -> None:
    """An entry whose value is not an attribute value is a diff that doesn't fit, like any other."""
    with pytest.raises(DiffError):
        apply(IMAGE, [entry])


@pytest.mark.parametrize("path", ["", "s", "x/s", "m/x", "/s~2", "/s~"])
def test_a_path_that_is_no_pointer(path: str) -> None:
    """A path that is no JSON Pointer, or that means the whole image, is refused, not read as something near it."""
    images: list[dict[str, Any]] = [IMAGE, {}]
    for image in images:
        with pytest.raises(DiffError):
            apply(image, [Entry("add", path, new=B)])


def test_the_diff_of_another_image() -> None:
    """The diff of one change doesn't apply to the image of another: a chain that is broken is noticed."""
    entries = diff({"total": {"N": "1"}}, {"total": {"N": "2"}})
    with pytest.raises(DiffError, match="something else than what the image has"):
        apply({"total": {"N": "3"}}, entries)

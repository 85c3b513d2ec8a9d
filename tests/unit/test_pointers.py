"""JSON Pointers over images, by RFC 6901's own examples and the edges of ours."""

from __future__ import annotations

from typing import Any

import pytest

from audit_trail.core.pointers import escape, lookup, position, readings, tokens, unescape

IMAGE: dict[str, Any] = {
    "by": {"S": "top"},
    "/by": {"S": "slashed"},
    "a.b": {"S": "dotted"},
    "audit": {"M": {"user": {"M": {"name": {"S": "deep"}}}, "0": {"S": "named"}, "~/": {"S": "escaped"}}},
    "steps": {"L": [{"S": "first"}, {"M": {"by": {"S": "second"}}}]},
    "tags": {"SS": ["a"]},
}


@pytest.mark.parametrize(
    ("name", "token"),
    [("a/b", "a~1b"), ("m~n", "m~0n"), ("~1", "~01"), ("~0", "~00"), ("/~", "~1~0"), ("", ""), (" ", " "), ("%", "%")],
)
def test_escapes(name: str, token: str) -> None:
    """A name's tildes and slashes are escaped, and read back as the same name."""
    assert escape(name) == token
    assert unescape(token) == name


def test_tokens() -> None:
    """A pointer is read as its names in order; the empty one is the whole image."""
    assert tokens("") == []
    assert tokens("/") == [""]
    assert tokens("/a~1b/0/m~0n/") == ["a/b", "0", "m~n", ""]


@pytest.mark.parametrize(
    ("text", "pointers"),
    [
        ("qty", {"/qty"}),
        ("a/b~", {"/a~1b~0"}),
        ("/l/0/qty", {"/l/0/qty"}),
        ("l[0].qty", {"/l/0/qty", "/l[0].qty", "/l[0]/qty", "/l/[0].qty"}),
        ("l[0][12]", {"/l/0/12", "/l[0][12]", "/l[0]/12", "/l/[0][12]"}),
        ("a.b", {"/a.b", "/a/b"}),
        ("l[x]", {"/l[x]"}),
        ("l[007]", {"/l[007]"}),
        ("[0]", {"/[0]"}),
        (".a", {"/.a"}),
        ("a.", {"/a."}),
        ('m."\\u001b"', {"/m/\x1b", '/m."\\u001b"'}),
        ('m."x', {'/m/"x', '/m."x'}),
        (".".join("abcdefghij"), {"/a.b.c.d.e.f.g.h.i.j", "/a/b/c/d/e/f/g/h/i/j"}),
    ],
)
def test_readings(text: str, pointers: set[str]) -> None:
    """A name, a pointer and a path as it is shown are read as every pointer that they may mean."""
    assert readings(text) == pointers


@pytest.mark.parametrize(("token", "index"), [("0", 0), ("7", 7), ("10", 10), ("999999999", 999_999_999)])
def test_positions(token: str, index: int) -> None:
    """Digits are a list position."""
    assert position(token) == index


@pytest.mark.parametrize("token", ["", "-", "-1", "+1", "1.0", " 1", "1_0", "x", "٣", "²", "1" * 10, "1" * 5000])
def test_not_positions(token: str) -> None:
    """Anything else is none, although Python would read some of it as a number."""
    assert position(token) is None


@pytest.mark.parametrize("token", ["00", "01", "007"])
def test_positions_have_no_leading_zeros(token: str) -> None:
    """RFC 6901 allows no leading zeros, so that a position has one spelling."""
    assert position(token) is None


@pytest.mark.parametrize(
    ("attribute", "text"),
    [
        ("by", "top"),
        ("a.b", "dotted"),
        ("/by", "top"),
        ("/~1by", "slashed"),
        ("/audit/user/name", "deep"),
        ("/audit/0", "named"),
        ("/audit/~0~1", "escaped"),
        ("/steps/0", "first"),
        ("/steps/1/by", "second"),
    ],
)
def test_lookup(attribute: str, text: str) -> None:
    """A name means a top-level attribute; a pointer leads into maps and lists."""
    assert lookup(IMAGE, attribute) == {"S": text}


@pytest.mark.parametrize(
    "attribute",
    ["", "nobody", "audit/user", "/audit/nobody", "/steps/2", "/steps/-1", "/steps/-", "/steps/x", "/by/0", "/tags/0"],
)
def test_lookup_of_nothing(attribute: str) -> None:
    """What isn't there is None."""
    assert lookup(IMAGE, attribute) is None

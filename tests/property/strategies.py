"""Generated items of all ten types, their mutations and pairs of them."""

from __future__ import annotations

import base64
import copy
import random
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tests import builders
from tests.canonical_reference import binary, number_text
from tests.property.spellings import respelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from audit_trail.core.values import AttributeValue, Image

NASTY_NAMES = (
    *("a.b", "a/b", "/", "//", "~", "~0", "~1", "~01", "a~1b", "a[0]", "['x']", '"', "'", "\\", "\\u0041", "__dunder"),
    *("__", "0", "00", "1", "-1", "-", "root", "", " ", "\x00", "\n", "😀", "é", "e\u0301", "\uffff", "\U00010000"),
    *("\ud800", "n" * 300, "timestamp", "diff", "keys", "S", "M", "L", "#", "%23", "order_id"),
)
NASTY_NUMBERS = (
    *(
        "0",
        "-0",
        "0.0",
        "-0.00E5",
        "1",
        "1.0",
        "1.10",
        "01.1",
        "1E3",
        "1000",
        "1e+3",
        "10.0e2",
        "-1",
        ".5",
        "5E-1",
        "7.",
    ),
    *("1E-130", "-1E-130", "9.9999999999999999999999999999999999999E+125", "-9.99E+125", "0.1", "0.10000000000000001"),
    *(
        "12345678901234567890123456789012345678",
        "12345678901234567890123456789012345679",
        "1.2345678901234567890123456789E-5",
    ),
)
NASTY_TEXTS = (
    "",
    " ",
    "0",
    "1.0",
    "null",
    "\\ud83d",
    "\ud83d",
    "\udc80",
    "e\u0301",
    "é",
    "\x00",
    '"',
    "QQ==",
    "\u2028",
    "😀",
)


def merged(text: str) -> str:
    """Join surrogates that make a pair, as every JSON parser does; lone ones stay."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


texts = st.sampled_from(NASTY_TEXTS) | st.text(st.characters(), max_size=6).map(merged)
names = st.sampled_from(NASTY_NAMES) | st.sampled_from("abc") | st.text(st.characters(), max_size=4).map(merged)
binaries = st.binary(max_size=6).map(lambda body: base64.b64encode(body).decode()) | st.just("//79")


@st.composite
def _made_numbers(draw: st.DrawFn) -> str:
    digits = str(draw(st.integers(0, 10 ** draw(st.integers(1, 38)) - 1)))
    exponent = draw(st.integers(-130, 126 - len(digits)) | st.integers(-3, 3))
    return f"{draw(st.sampled_from(('', '-')))}{digits}E{exponent}" if exponent else digits


numbers = st.sampled_from(NASTY_NUMBERS) | _made_numbers()
_MEMBERS: dict[str, tuple[st.SearchStrategy[str], Callable[[str], Any]]] = {
    "SS": (texts, str),
    "NS": (numbers, number_text),
    "BS": (binaries, binary),
}


def _tagged(tag: str, bodies: st.SearchStrategy[Any]) -> st.SearchStrategy[AttributeValue]:
    return bodies.map(lambda body: {tag: body})


_sets = st.one_of(
    *(_tagged(tag, st.lists(of, min_size=1, max_size=5, unique_by=same)) for tag, (of, same) in _MEMBERS.items()),
)
scalars: st.SearchStrategy[AttributeValue] = st.one_of(
    _tagged("S", texts),
    _tagged("N", numbers),
    _tagged("B", binaries),
    _tagged("BOOL", st.booleans()),
    st.just({"NULL": True}),
    _sets,
)
# Few distinct elements make lists that are hard to align.
_monotonous = st.lists(st.sampled_from([{"S": "a"}, {"S": "b"}, {"N": "1"}, {"N": "1.0"}]), max_size=12)


def _holding(values: st.SearchStrategy[AttributeValue]) -> st.SearchStrategy[AttributeValue]:
    lists, maps = st.lists(values, max_size=5), st.dictionaries(names, values, max_size=4)
    return _tagged("L", lists | _monotonous) | _tagged("M", maps)


values = st.recursive(scalars, _holding, max_leaves=8)
_towers = st.builds(builders.nested, scalars, st.integers(1, 31))
_lists = _tagged("L", _monotonous | st.lists(scalars, max_size=5))
images: st.SearchStrategy[Image] = st.dictionaries(names, st.one_of(values, _towers, _sets, _lists), max_size=5)


_ALSO = {"N": "S", "B": "S", "NS": "SS", "BS": "SS"}
"""Types to types whose values can have the same body."""


def _holders(value: AttributeValue) -> Iterator[AttributeValue]:
    """Return every map, list and set of a value: the places where it can change."""
    [(tag, body)] = value.items()
    if tag in {"M", "L", *_MEMBERS}:
        yield value
    for one in body.values() if tag == "M" else body if tag == "L" else ():
        yield from _holders(one)


@st.composite
def mutations(draw: st.DrawFn, image: Image) -> Image:
    """Change an image in few places: attributes, list elements, set members, types."""
    new: AttributeValue = {"M": copy.deepcopy(image)}
    for _ in range(draw(st.integers(1, 3))):
        holders = list(_holders(new))
        # Most holders are maps: lists and sets are asked for by name, or they would hardly ever change.
        wanted = draw(st.sampled_from((("M",), ("L",), tuple(_MEMBERS))))
        holder = draw(st.sampled_from([one for one in holders if set(wanted) & one.keys()] or holders))
        [(tag, body)] = holder.items()
        if tag in _MEMBERS:
            _change_set(draw, tag, body)
        else:
            # Several changes of one list are what its alignment is about.
            for _ in range(draw(st.integers(1, 3)) if tag == "L" else 1):
                _change_map_or_list(draw, body)
    changed: Image = new["M"]
    return changed


def _change_set(draw: st.DrawFn, tag: str, members: list[str]) -> None:
    of, same = _MEMBERS[tag]
    step = draw(st.sampled_from(("gain", "lose", "both")))
    if step != "gain" and len(members) > 1:
        members.remove(draw(st.sampled_from(members)))
    if step != "lose" and same(member := draw(of)) not in map(same, members):
        members.insert(0, member)


def _change_map_or_list(draw: st.DrawFn, body: Any) -> None:
    places = list(body) if isinstance(body, dict) else list(range(len(body)))
    step = draw(st.sampled_from(("put", "change", "retype", "take", "move"))) if places else "put"
    taken = None
    if step in {"take", "move"}:
        taken = body.pop(draw(st.sampled_from(places)))
    if step in {"put", "move"}:
        value = draw(values) if taken is None else taken
        if isinstance(body, dict):
            body[draw(names)] = value
        else:
            body.insert(draw(st.integers(0, len(body))), value)
    if step in {"change", "retype"}:
        place = draw(st.sampled_from(places))
        [(tag, same)] = body[place].items()
        retyped = step == "retype" and tag in _ALSO
        body[place] = {_ALSO[tag]: same} if retyped else draw(scalars | values)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Image, Image]:
    """Make an image and its mutation; now and then another spelling of it, or an image that has nothing to do with it."""
    old = draw(images)
    kind = draw(st.sampled_from(("mutation", "mutation", "mutation", "spelling", "independent")))
    if kind == "spelling":
        return old, respelled(old, random.Random(draw(st.integers(0, 999))))
    return old, draw(mutations(old) if kind == "mutation" else images)

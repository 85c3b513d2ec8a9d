"""How the page shows attribute values: cut where they are long, and where two texts differ, marked."""

from typing import NamedTuple

from audit_trail.cli.layout import json_lines, plain
from audit_trail.core.values import AttributeValue

_LONG = 1_500  # characters of a value that are shown beside the other side; the record below has all of them
_AROUND = 60  # characters shown of what both sides have in common
_SHORT = 20  # characters below which a text is marked whole
_WORD = 30  # characters that a mark grows at most to reach the end of a word

_TYPES = {
    "S": "string",
    "N": "number",
    "B": "binary, base64",
    "BOOL": "boolean",
    "NULL": "null",
    "M": "map",
    "L": "list",
    "SS": "string set",
    "NS": "number set",
    "BS": "binary set, base64",
}


class Text(NamedTuple):
    """A text to show: ``marked`` is the part that differs; ``left_out`` counts the characters not shown."""

    before: str
    marked: str
    after: str
    left_out: int = 0


class Value(NamedTuple):
    """An attribute value to show."""

    kind: str
    quoted: bool
    text: Text


def whole(value: AttributeValue) -> Value:
    """Show an attribute value by itself."""
    [(tag, body)] = value.items()
    return Value(_TYPES[tag], tag == "S", _cut(body if tag == "S" else json_lines(plain(value))))


def side_by_side(old: AttributeValue | None, new: AttributeValue | None) -> tuple[Value | None, Value | None]:
    """Show both sides of a difference; what two texts have in common is not marked."""
    if old is not None and new is not None and old.keys() == new.keys() == {"S"}:
        before, after = _texts(old["S"], new["S"])
        return Value(_TYPES["S"], quoted=True, text=before), Value(_TYPES["S"], quoted=True, text=after)
    return (None if old is None else whole(old)), (None if new is None else whole(new))


def _texts(old: str, new: str) -> tuple[Text, Text]:
    """Mark the words that differ, where two texts have much in common; leave out what is far from them."""
    head = _common(old, new)
    old_rest, new_rest = old[head:], new[head:]
    tail = _common(old_rest[::-1], new_rest[::-1])
    longest = max(len(old), len(new))
    if longest < _SHORT or (head + tail) * 2 < longest:
        return _cut(old), _cut(new)
    return _around(old, head, tail), _around(new, head, tail)


def _common(one: str, other: str) -> int:
    """Return how long two texts' common beginning is, up to the end of a word where there is one near."""
    pairs = enumerate(zip(one, other, strict=False))
    end = next((place for place, (left, right) in pairs if left != right), min(len(one), len(other)))
    if not (one[end : end + 1].isalnum() or other[end : end + 1].isalnum()):
        return end
    near = range(end, max(-1, end - _WORD - 1), -1)
    return next((place for place in near if place == 0 or not one[place - 1].isalnum()), end)


def _around(text: str, head: int, tail: int) -> Text:
    end = len(text) - tail
    before, marked, after = text[:head], text[head:end], text[end:]
    shown = (
        before if len(before) <= 2 * _AROUND else f"…{before[-_AROUND:]}",
        marked if len(marked) <= _LONG else f"{marked[:_LONG]}…",
        after if len(after) <= 2 * _AROUND else f"{after[:_AROUND]}…",
    )
    cuts = (len(before) > 2 * _AROUND) + (len(marked) > _LONG) + (len(after) > 2 * _AROUND)
    return Text(*shown, left_out=len(text) - sum(map(len, shown)) + cuts)


def _cut(text: str) -> Text:
    left_out = max(0, len(text) - _LONG)
    return Text(f"{text[:_LONG]}…" if left_out else text, "", "", left_out)

"""How large and how deep an item is, by DynamoDB's own count.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html tells the rule; the exact
count of numbers was found by trying on AWS's own DynamoDB Local, and a functional test holds it to the byte.
"""

import math
from collections.abc import Callable
from typing import Any

from audit_trail.core.values import AttributeValue, Image, decode_binary, significant

LARGEST_ITEM = 409_600
"""Bytes, names included (docs.aws.amazon.com, Constraints in Amazon DynamoDB)."""
DEEPEST = 31
"""Maps and lists inside each other, by PutItem's count: a PartiQL INSERT takes one more, which we don't use."""

_CONTAINER = 3  # bytes
_ELEMENT = 1  # byte
_LARGEST_NUMBER = 21  # bytes


def item_size(item: Image, room: float = math.inf) -> int:
    """Return an item's size in bytes; where it's over ``room``, some number over it, found in less time.

    :raises MalformedValueError: it holds what isn't an attribute value.
    """
    size = 0
    for name, value in item.items():
        size += _utf8(name) + value_size(value, room - size)
        if size > room:
            break
    return size


def value_size(value: AttributeValue, room: float = math.inf) -> int:
    """Return the same of an attribute value, without its name."""
    [(tag, body)] = value.items()
    if tag in _SCALARS:
        return _SCALARS[tag](body)
    return _HOLDERS[tag](body, room) if tag in _HOLDERS else 1


def _map_size(body: Image, room: float) -> int:
    size = _CONTAINER + _ELEMENT * len(body)
    return size + item_size(body, room - size)


def _list_size(body: list[AttributeValue], room: float) -> int:
    size = _CONTAINER + _ELEMENT * len(body)
    for element in body:
        size += value_size(element, room - size)
        if size > room:
            break
    return size


def depth(item: Image) -> int:
    """Return how many maps and lists lie inside each other, at the deepest place of an item."""
    return max(map(_value_depth, item.values()), default=0)


def _value_depth(value: AttributeValue) -> int:
    if "M" in value:
        return 1 + depth(value["M"])
    return 1 + max(map(_value_depth, value["L"]), default=0) if "L" in value else 0


def fits(item: Image) -> bool:
    """Tell whether DynamoDB takes the item, by its size and its depth."""
    return item_size(item) <= LARGEST_ITEM and depth(item) <= DEEPEST


def surely_fits(item: Image, encoded: bytes, *, shallow: bool) -> bool:
    """Tell whether an item fits, from its DynamoDB JSON: cheap, and never wrong when it says yes.

    JSON takes more bytes than DynamoDB counts. ``shallow`` says that its depth needs no counting.
    """
    return len(encoded) <= LARGEST_ITEM and (shallow or depth(item) <= DEEPEST)


def _utf8(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _binary(text: str) -> int:
    return len(decode_binary(text))


def _number(text: str) -> int:
    """Count one byte for each pair of digits, as they pair up around the decimal point, and one for the rest."""
    negative, digits, last = significant(text)
    pairs = (last + len(digits) - 1) // 2 - last // 2 + 1 if digits else 0
    return min(_LARGEST_NUMBER, 1 + pairs + negative)


def _members_size(size: Callable[[str], int]) -> Callable[[list[str], float], int]:
    def total(members: list[str], room: float) -> int:
        counted = 0
        for member in members:
            counted += size(member)
            if counted > room:
                break
        return counted

    return total


_SCALARS: dict[str, Callable[[str], int]] = {"S": _utf8, "N": _number, "B": _binary}
_HOLDERS: dict[str, Callable[[Any, float], int]] = {
    "M": _map_size,
    "L": _list_size,
    **{f"{tag}S": _members_size(size) for tag, size in _SCALARS.items()},
}
"""How the body of each type counts, the second with the room that there is for it; of the others, each is one byte."""

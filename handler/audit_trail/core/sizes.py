"""How large and how deep an item is, by DynamoDB's own count.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html tells the rule; the exact
count of numbers was found by trying on AWS's own DynamoDB Local, and a functional test holds it to the byte.
"""

import re

from audit_trail.core.values import AttributeValue, Image, canonical_number, decode_binary

LARGEST_ITEM = 409_600
"""Bytes, names included (docs.aws.amazon.com, Constraints in Amazon DynamoDB)."""
DEEPEST = 31
"""Maps and lists inside each other, by PutItem's count: a PartiQL INSERT takes one more, which we don't use."""

_CONTAINER = 3  # bytes
_ELEMENT = 1  # byte
_LARGEST_NUMBER = 21  # bytes
_EMPTY_PAIRS = re.compile("^(?:00)+|(?:00)+$")


def item_size(item: Image) -> int:
    """Return an item's size in bytes.

    :raises MalformedValueError: it holds what isn't an attribute value.
    """
    return sum(_utf8(name) + value_size(value) for name, value in item.items())


def value_size(value: AttributeValue) -> int:  # noqa: PLR0911  one return a type
    """Return an attribute value's size in bytes, without its name."""
    [(tag, body)] = value.items()
    match tag:
        case "S":
            return _utf8(body)
        case "N":
            return _number(body)
        case "B":
            return len(decode_binary(body))
        case "M":
            return _CONTAINER + item_size(body) + _ELEMENT * len(body)
        case "L":
            return _CONTAINER + sum(map(value_size, body)) + _ELEMENT * len(body)
        case "SS":
            return sum(map(_utf8, body))
        case "NS":
            return sum(map(_number, body))
        case "BS":
            return sum(len(decode_binary(member)) for member in body)
        case _:
            return 1


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


def _number(text: str) -> int:
    """Count one byte for each pair of digits, as they pair up around the decimal point, and one for the rest."""
    plain = canonical_number(text)
    whole, _, fraction = plain.lstrip("-").partition(".")
    pairs = _EMPTY_PAIRS.sub("", "0" * (len(whole) % 2) + whole + fraction + "0" * (len(fraction) % 2))
    return min(_LARGEST_NUMBER, 1 + len(pairs) // 2 + (plain[0] == "-"))

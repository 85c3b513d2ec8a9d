"""Attribute values in DynamoDB JSON, and their canonical form.

An attribute value is what Lambda hands over and what the low-level API takes:
``{"S": "text"}``, ``{"N": "1.5"}``, ``{"B": "<base64>"}``, ``{"M": {...}}`` and so on
(https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html).

The canonical form decides what equal means, what a digest covers and how a key reads as text:
DynamoDB JSON without white space, names and string sets sorted by code point, numbers in plain decimal,
number sets sorted by value, binaries as padded standard base64 and binary sets sorted by their bytes.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable
from decimal import Decimal
from itertools import islice
from operator import is_, itemgetter, lt
from typing import Any

from audit_trail.core.errors import MalformedValueError

AttributeValue = dict[str, Any]
"""One attribute value in DynamoDB JSON: a dict with exactly one type tag."""

Image = dict[str, AttributeValue]
"""A whole item: attribute names to attribute values."""

plain_number = re.compile(r"(?!-0$)-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?").fullmatch
"""Matches a number that is in canonical form already; TypeError for anything but a string."""

_ANY_NUMBER = re.compile(r"([+-]?)(?=\.?[0-9])([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,6}))?").fullmatch
_LARGEST_EXPONENT = 1_000  # DynamoDB's own is 125; without a bound, "1E999999" would fill the memory

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, check_circular=False).encode


def canonical_number(text: str) -> str:
    """Write a number in plain decimal, without exponent, superfluous zeros or minus zero.

    :raises MalformedValueError: the text is not a finite decimal number.
    """
    if plain_number(text):
        return text
    negative, digits, last = significant(text)
    if last >= 0:
        plain = digits + "0" * last if digits else "0"
    else:
        padded = digits.rjust(1 - last, "0")
        plain = f"{padded[:last]}.{padded[last:]}"
    return f"-{plain}" if negative and digits else plain


def significant(text: str) -> tuple[bool, str, int]:
    """Return whether a number is negative, its digits between the zeros at both ends, and the last one's power of ten.

    :raises MalformedValueError: the text is not a finite decimal number.
    """
    if text.isascii() and text.isdecimal():
        sign, whole, fraction, exponent = "", text, "", ""
    elif found := _ANY_NUMBER(text):
        sign, whole, fraction, exponent = found.groups("")
    else:
        raise MalformedValueError("an N value is not a decimal number")
    digits = (whole + fraction).rstrip("0")
    last = len(whole) - len(digits) + int(exponent or 0)
    digits = digits.lstrip("0")
    if not digits:
        return False, "", 0
    if abs(last + len(digits) - 1) > _LARGEST_EXPONENT:
        raise MalformedValueError("an N value is beyond the range of DynamoDB's numbers")
    return sign == "-", digits, last


def decode_binary(text: str) -> bytes:
    """Return the bytes of a B value, which DynamoDB JSON carries as base64.

    :raises MalformedValueError: the text is not base64.
    """
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError):
        raise MalformedValueError("a B value is not base64") from None


def _text(body: Any) -> str:
    if type(body) is not str:
        raise MalformedValueError("an S, N or B value is not a string")
    return body


def _number(body: Any) -> str:
    return canonical_number(_text(body))


def _binary(body: Any) -> str:
    return base64.b64encode(decode_binary(_text(body))).decode("ascii")


def _set_of(member: Callable[[Any], str], order: Callable[[str], Any] | None) -> Callable[[Any], list[str]]:
    def normalise(body: Any) -> list[str]:
        if type(body) is not list or not body:
            raise MalformedValueError("a set is not a list with members")
        members = list(map(member, body))
        places = members if order is None else list(map(order, body))
        if not all(map(lt, places, islice(places, 1, None))):
            members = [one for one, _ in sorted(zip(members, places, strict=True), key=itemgetter(1))]
            if len(set(members)) != len(body):
                raise MalformedValueError("a set has a member twice")
        return body if members == body else members

    return normalise


def _boolean(body: Any) -> bool:
    if type(body) is not bool:
        raise MalformedValueError("a BOOL value is neither true nor false")
    return body


def _null(body: Any) -> bool:
    if body is not True:
        raise MalformedValueError("a NULL value is not true")
    return True


def _list(body: Any) -> list[AttributeValue]:
    if type(body) is not list:
        raise MalformedValueError("an L value is not a list")
    normal = [canonical_value(element) for element in body]
    return body if all(map(is_, normal, body)) else normal


def _map(body: Any) -> Image:
    if not isinstance(body, dict):
        raise MalformedValueError("an M value is not a map")
    normal = {name: canonical_value(value) for name, value in body.items()}
    return body if all(map(is_, normal.values(), body.values())) else normal


_NORMALISE: dict[str, Callable[[Any], Any]] = {
    "S": _text,
    "N": _number,
    "B": _binary,
    "BOOL": _boolean,
    "NULL": _null,
    "M": _map,
    "L": _list,
    "SS": _set_of(_text, None),
    "NS": _set_of(_number, Decimal),
    "BS": _set_of(_binary, decode_binary),
}


def canonical_value(value: AttributeValue) -> AttributeValue:
    """Return the canonical form of an attribute value: the very same object where it is canonical already.

    Two attribute values are the same value exactly when their canonical forms are equal.

    :raises MalformedValueError: it isn't an attribute value of one of DynamoDB's ten types.
    """
    if type(value) is not dict or len(value) != 1:
        raise MalformedValueError("an attribute value is not a map with exactly one type tag")
    [(tag, body)] = value.items()
    if (tag == "S" and type(body) is str) or (tag == "BOOL" and type(body) is bool):
        return value  # what most values are, and no call for it
    normalise = _NORMALISE.get(tag)
    if normalise is None:
        raise MalformedValueError("an attribute value has a type tag that is none of DynamoDB's ten")
    normal = normalise(body)
    return value if normal is body or (normal == body and type(normal) is str) else {tag: normal}


def canonical_image(image: Image) -> Image:
    """Return the canonical form of an image: the very same object where it is canonical already.

    :raises MalformedValueError: it isn't a map of names to attribute values.
    """
    return _map(image)


def canonical_text(canonical: AttributeValue | Image) -> str:
    """Write a canonical value or image as JSON text; it may hold lone surrogates, as Python's strings do."""
    return _encode(canonical)


def utf8(text: str) -> bytes:
    r"""Encode JSON text; lone surrogates, which UTF-8 has no bytes for, become their escapes ``\udxxx``."""
    return text.encode("utf-8", "backslashreplace")


def canonical_bytes(value: AttributeValue | Image) -> bytes:
    """Return the canonical form as bytes: what digests cover.

    Takes an attribute value or an image that is canonical already.
    """
    return utf8(_encode(value))


def json_number(value: object) -> Decimal | None:
    """Read a JSON number exactly as it is written, or return None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    return exact if exact.is_finite() else None


def number_value(value: Decimal) -> AttributeValue:
    """Make an N of a number."""
    return {"N": canonical_number(str(value))}

"""An image's canonical form and its text, in one pass: the hot path of every record.

What streams deliver is canonical nearly always, so the text is written while that is checked, and the slow way of
`audit_trail.core.values` is taken only by what is not.
"""

from collections.abc import Callable
from json.encoder import encode_basestring
from operator import lt
from typing import Any

from audit_trail.core.values import AttributeValue, Image, canonical_image, canonical_text, plain_number

_quote: Callable[[Any], str] = encode_basestring
"""A JSON string, quoted and escaped as RFC 8785 has it; TypeError for anything but a string."""


class _NotCanonicalError(Exception):
    """Something isn't canonical, or isn't an attribute value: the slow way tells which."""


def canonical_form(image: Image) -> tuple[Image, str]:
    """Return an image in canonical form, the very same object where it is canonical already, and its JSON text.

    :raises MalformedValueError: it isn't a map of names to attribute values.
    """
    try:
        return image, _map_text(image)
    except (_NotCanonicalError, AttributeError, KeyError, TypeError, ValueError):
        canonical = canonical_image(image)
        return canonical, canonical_text(canonical)


def _map_text(image: Image) -> str:
    return "{" + ",".join([f"{_quote(name)}:{_value_text(image[name])}" for name in sorted(image)]) + "}"


def _value_text(value: AttributeValue) -> str:  # noqa: PLR0911  one return a type
    (tag,) = value
    body = value[tag]
    if tag == "S":
        return f'{{"S":{_quote(body)}}}'
    if tag == "N" and plain_number(body):
        return f'{{"N":"{body}"}}'
    if tag == "M" and type(body) is dict:
        return f'{{"M":{_map_text(body)}}}'
    if tag == "L" and type(body) is list:
        return f'{{"L":[{",".join(map(_value_text, body))}]}}'
    if tag == "BOOL" and type(body) is bool:
        return f'{{"BOOL":{"true" if body else "false"}}}'
    if tag == "NULL" and body is True:
        return '{"NULL":true}'
    if tag == "SS" and type(body) is list and body and all(map(lt, body, body[1:])):
        return f'{{"SS":[{",".join(map(_quote, body))}]}}'
    raise _NotCanonicalError

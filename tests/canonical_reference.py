"""A second implementation of the canonical form and its digest, written from the documentation alone.

It shares no line with the product and is built differently (bytes from the start, own escapes, own base64, numbers as
digits and a point), so that a mistake would have to be made twice. Nothing here checks its input.
"""

from __future__ import annotations

import hashlib
from fractions import Fraction
from typing import Any

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
# RFC 8785, 3.2.2.2: two-character escapes where JSON has them, other control characters as lower-case \u00xx.
_ESCAPES = {code: b"\\u%04x" % code for code in range(0x20)} | {
    0x08: rb"\b",
    0x09: rb"\t",
    0x0A: rb"\n",
    0x0C: rb"\f",
    0x0D: rb"\r",
    0x22: rb"\"",
    0x5C: rb"\\",
}


def image_bytes(image: dict[str, Any]) -> bytes:
    """Return an image's canonical form."""
    members = [
        text_bytes(name) + b":" + value_bytes(image[name])
        for name in sorted(image, key=lambda name: [ord(one) for one in name])
    ]
    return b"{" + b",".join(members) + b"}"


def digest(image: dict[str, Any]) -> bytes:
    """Return the SHA-256 of an image's canonical form."""
    return hashlib.sha256(image_bytes(image)).digest()


def value_bytes(value: dict[str, Any]) -> bytes:
    """Return an attribute value's canonical form."""
    [tag] = value
    body = value[tag]
    if tag == "M":
        written = image_bytes(body)
    elif tag == "L":
        written = _array([value_bytes(element) for element in body])
    elif tag in {"BOOL", "NULL"}:
        written = b"true" if body else b"false"
    elif tag == "SS":
        written = _array([text_bytes(one) for one in sorted(body, key=lambda text: [ord(one) for one in text])])
    elif tag == "NS":
        written = _array([text_bytes(one) for one in sorted(map(number_text, body), key=Fraction)])
    elif tag == "BS":
        written = _array([text_bytes(_base64(one)) for one in sorted(map(binary, body))])
    else:
        written = text_bytes(number_text(body) if tag == "N" else _base64(binary(body)) if tag == "B" else body)
    return b'{"' + tag.encode() + b'":' + written + b"}"


def text_bytes(text: str) -> bytes:
    """Return a string as JSON, with its quotes."""
    return b'"' + b"".join(_character(ord(one)) for one in text) + b'"'


def number_text(text: str) -> str:
    """Return a number in plain decimal."""
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, fraction = mantissa.lstrip("+-").partition(".")
    point = len(whole) + int(exponent or "0")
    digits = whole + fraction
    if point < 0:
        digits, point = "0" * -point + digits, 0
    digits = digits.ljust(point, "0")
    plain = digits[:point].lstrip("0") or "0"
    if rest := digits[point:].rstrip("0"):
        plain += "." + rest
    return "-" + plain if text.startswith("-") and plain != "0" else plain


def binary(text: str) -> bytes:
    """Return the bytes that base64 text stands for; bits that make no whole byte don't count."""
    bits = "".join(f"{_ALPHABET.index(one):06b}" for one in text.rstrip("="))
    return bytes(int(bits[start : start + 8], 2) for start in range(0, len(bits) - 7, 8))


def _base64(body: bytes) -> str:
    bits = "".join(f"{byte:08b}" for byte in body)
    bits += "0" * (-len(bits) % 6)
    text = "".join(_ALPHABET[int(bits[start : start + 6], 2)] for start in range(0, len(bits), 6))
    return text + "=" * (-len(text) % 4)


def _character(code: int) -> bytes:
    if code in _ESCAPES:
        return _ESCAPES[code]
    # Half of a surrogate pair has no UTF-8.
    return b"\\u%04x" % code if 0xD800 <= code <= 0xDFFF else chr(code).encode("utf-8")


def _array(members: list[bytes]) -> bytes:
    return b"[" + b",".join(members) + b"]"

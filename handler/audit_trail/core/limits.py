"""Bounds of what is read and was perhaps written by a stranger: gzip and JSON that can't fill the memory.

A bound lies above whatever Table Trail writes, whatever DynamoDB's items hold
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html):

- Lambda hands over at most 6 MB of JSON, so both images of a record have no more, and neither have those records of
  the audit table that expire together. An image of 400 KB has 3.7 MB of JSON at most (a list of empty strings: nine
  characters, ``{"S":""},``, for one byte).
- A diff holds no value of an image more than once, and paths of 1,000,000 characters beside top-level names.
- A line of the archive is a record's JSON inside a string: each quote takes two characters more at most, and each
  non-ASCII character seven.
"""

import json
import zlib
from collections.abc import Iterator
from typing import Any

LARGEST_BODY = 24 * 2**20
"""Bytes of what moved out of one record, of a payload that Lambda gave up on, or of a quarantined record."""
LARGEST_PACKED = 8 * 2**20
"""Bytes of the same as gzip, in S3."""
LARGEST_LINE = 12 * 2**20
"""Bytes of a line of the archive: 13 for one of DynamoDB's, and as many where its plain fields repeat it."""
LARGEST_OBJECT = 64 * 2**20
"""Bytes of an object of the archive, unpacked."""
MOST_VALUES = 2_000_000
"""Opening brackets and commas outside of strings: two for each value of a list.

So a million values, which take 200 MB of memory. Both images and the diff of an item whose values are of two bytes each
have 820,000; only lists of empty strings, a quarter of a million on both sides and every one changed, would have more.
"""
DEEPEST_JSON = 100
"""Lists and objects inside each other: two for each of DynamoDB's 32 levels, and those around them."""

_GZIP = 31  # zlib's wbits for gzip
_CHUNK = 2**20
_CHEAP = 2**20  # bytes of JSON that can't fill the memory, whatever they hold


def gunzipped(body: bytes, most: int) -> bytes:
    """Return what gzip holds.

    :raises ValueError: it isn't one whole gzip member, or holds more than ``most`` bytes.
    """
    return b"".join(_chunks(body, most))


def gunzipped_lines(body: bytes, most: int) -> Iterator[bytes]:
    """Yield the lines that gzip holds, without their ends; no more than one and a little is unpacked at a time.

    :raises ValueError: as above, or a line is longer than any of the archive's.
    """
    pieces: list[bytes] = []
    length = 0
    for chunk in _chunks(body, most):
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            line = b"".join((*pieces, end))
            pieces.clear()
            length = 0
            if line:
                yield line
        pieces.append(rest)
        length += len(rest)
        if length > LARGEST_LINE:
            raise ValueError("a line is longer than any of the archive's")
    if line := b"".join(pieces):
        yield line


def _chunks(body: bytes, most: int) -> Iterator[bytes]:
    # The last four bytes say how much it holds: what lies there is found out before that much is unpacked.
    left = int.from_bytes(body[-4:], "little")
    if left > most:
        raise ValueError("the gzip holds more than it may")
    unpacking = zlib.decompressobj(_GZIP)
    try:
        chunk = unpacking.decompress(body, _CHUNK)
        while chunk:
            left -= len(chunk)
            if left < 0:
                raise ValueError("the gzip holds more than it may")
            yield chunk
            chunk = unpacking.decompress(unpacking.unconsumed_tail, _CHUNK)
    except zlib.error:
        raise ValueError("the body is not gzip") from None
    if not unpacking.eof or unpacking.unused_data:
        raise ValueError("the body is not one whole gzip member")


def parsed(text: bytes | str, most: int = LARGEST_BODY) -> Any:
    """Parse JSON.

    :raises ValueError: it isn't JSON, or it is larger, has more values or is nested deeper than it may.
    """
    encoded = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(encoded) > most or (len(encoded) > _CHEAP and _values(encoded) > MOST_VALUES):
        raise ValueError("the JSON is larger than it may be")
    try:
        return json.loads(text, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("the JSON is nested deeper than it may be") from None


def _values(encoded: bytes) -> int:
    # Without escapes, every other part between quotes is a string.
    plain = encoded.replace(b"\\\\", b"").replace(b'\\"', b"")
    count = inside = 0
    for start in range(0, len(plain), _CHUNK // 4):
        parts = plain[start : start + _CHUNK // 4].split(b'"')
        outside = b"".join(parts[inside::2])
        count += outside.count(b",") + outside.count(b"{") + outside.count(b"[")
        inside ^= (len(parts) - 1) % 2
    return count


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def check_depth(value: Any, levels: int = DEEPEST_JSON) -> None:
    """Refuse JSON whose lists and objects lie too deep inside each other.

    :raises ValueError: they do.
    """
    if isinstance(value, dict | list):
        if not levels:
            raise ValueError("the JSON is nested deeper than it may be")
        for one in value.values() if isinstance(value, dict) else value:
            check_depth(one, levels - 1)

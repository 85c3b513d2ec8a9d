"""Records that don't fit an item: what must move goes as gzip into the item, or else as an object into S3.

Readers put it back and never notice.
"""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from audit_trail.core.canonical import value_text
from audit_trail.core.errors import MalformedItemError
from audit_trail.core.limits import LARGEST_BODY, gunzipped, parsed
from audit_trail.core.records import AuditItem
from audit_trail.core.sizes import DEEPEST, LARGEST_ITEM, depth, item_size
from audit_trail.core.validation import MOVABLE, check_types, check_values
from audit_trail.core.values import AttributeValue, Image, utf8

PREFIX = "images/"
_IMAGES = ("old_image", "new_image")
_ALL = MOVABLE
_ADDRESS = re.compile(rf"s3://([a-z0-9.-]{{3,63}})/({PREFIX}([0-9a-f]{{64}})\.json\.gz)").fullmatch

_HOPELESS = LARGEST_ITEM * 11 // 10
_LEVEL = 6  # level 9 takes four times as long for a few per cent
_LONG = 16_000_000  # characters: only hundreds of thousands of numbers with exponents, written out, take more
_LEVEL_OF_LONG = 1

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


class Form(IntEnum):
    """Where a record's images lie."""

    INLINE = 0
    GZIP = 1
    S3 = 2


@dataclass(frozen=True, slots=True)
class Packed:
    """A record as it goes into the audit table; ``key`` and ``body`` are the object that must be in S3 before."""

    item: Image
    form: Form
    key: str = ""
    body: bytes = b""


def movable(item: Image) -> bool:
    """Tell whether a record has anything that can move."""
    return any(name in item for name in _ALL)


def pack(item: Image, bucket: str, at_least: Form = Form.INLINE) -> Packed:
    """Give a record the first form, not before ``at_least``, in which DynamoDB takes it.

    The object's name is the digest of its content, so that a retry finds the same object. A record that fits in no
    form comes in the last one.
    """
    shallow = isinstance(item, AuditItem) and item.shallow
    deep = set() if shallow else {name for name, value in item.items() if depth({name: value}) > DEEPEST}

    def fits(moved: tuple[str, ...], images: Image) -> bool:
        return deep <= set(moved) and item_size(_without(item, moved) | images, LARGEST_ITEM) <= LARGEST_ITEM

    if at_least is Form.INLINE and fits((), {}):
        return Packed(item, Form.INLINE)
    # What doesn't fit without the images can't with less moved, so nothing is compressed for it.
    longest = _images("s3", uri={"S": f"s3://{bucket}/{PREFIX}{'0' * 64}.json.gz"})
    moved = _IMAGES if fits(_IMAGES, longest) else _ALL
    body = _body(item, moved)
    if at_least <= Form.GZIP:
        for names in (_IMAGES, _ALL) if moved is _IMAGES else (_ALL,):
            if len(body) > _HOPELESS:
                break  # with the diff as well it gets no smaller
            inline = _images("gzip", body=_binary(body if names is moved else _body(item, names)))
            if fits(names, inline):
                return Packed(_without(item, names) | inline, Form.GZIP)
    key = f"{PREFIX}{hashlib.sha256(body).hexdigest()}.json.gz"
    in_s3 = _images("s3", uri={"S": f"s3://{bucket}/{key}"})
    return Packed(_without(item, moved) | in_s3, Form.S3, key, body)


def unpack(item: Image, fetch: Callable[[str], bytes]) -> Image:
    """Put back what moved out of a record; ``fetch`` reads an object by its ``s3://`` URI.

    Nothing but what may move comes from there, and nothing that the record has itself.

    :raises MalformedItemError: what moved can't be read, isn't what its name says, or is nothing that Table Trail moves.
    """
    if "images" not in item:
        return item
    try:
        images: Image = item["images"]["M"]
        encoding = images["encoding"]["S"]
        if encoding == "gzip":
            body = base64.b64decode(images["body"]["B"], validate=True)
        elif encoding == "s3":
            body = _checked(images["uri"]["S"], fetch)
        else:
            raise MalformedItemError("the record's images are in an encoding that this version does not know")
        moved = parsed(gunzipped(body, LARGEST_BODY))
    except (KeyError, ValueError, TypeError):
        moved = None
    if not isinstance(moved, dict):
        raise MalformedItemError("the record's images can't be read")
    check_values(moved)
    if not moved.keys() <= set(_ALL) or moved.keys() & item.keys():
        raise MalformedItemError("the record's images come with other attributes than those that may move")
    check_types(moved)
    whole: Image = {name: value for name, value in item.items() if name != "images"} | moved
    return whole


def address(uri: str) -> tuple[str, str, str] | None:
    """Return bucket, key and digest of the object that a URI names, or None where Table Trail puts no images there."""
    found = _ADDRESS(uri)
    return (found[1], found[2], found[3]) if found else None


def _checked(uri: str, fetch: Callable[[str], bytes]) -> bytes:
    named = address(uri)
    if named is None:
        raise MalformedItemError("the record's images lie where Table Trail puts none, and were not read")
    body = fetch(uri)
    if hashlib.sha256(body).hexdigest() != named[2]:
        raise MalformedItemError("the record's images in S3 are not what their name says: the object was changed")
    return body


def _body(item: Image, names: tuple[str, ...]) -> bytes:
    texts = {"diff": _diff_text(item["diff"])} if "diff" in names and "diff" in item else {}
    if isinstance(item, AuditItem):
        texts |= {name: f'{{"M":{text}}}' for name, text in item.texts.items()}
    moved = [
        f'"{name}":{texts[name] if name in texts else _encode(item[name])}' for name in sorted(names) if name in item
    ]
    text = f"{{{','.join(moved)}}}"
    level = _LEVEL if len(text) <= _LONG else _LEVEL_OF_LONG
    return gzip.compress(utf8(text), compresslevel=level, mtime=0)


def _diff_text(diff: AttributeValue) -> str:
    """Write a diff, which may have a hundred thousand entries, as the encoder would, names sorted, in half the time."""
    written = []
    for entry in diff["L"]:
        parts = entry["M"]
        new = f'"new":{value_text(parts["new"])},' if "new" in parts else ""
        old = f'"old":{value_text(parts["old"])},' if "old" in parts else ""
        written.append(f'{{"M":{{{new}{old}"op":{{"S":"{parts["op"]["S"]}"}},"path":{value_text(parts["path"])}}}}}')
    return f'{{"L":[{",".join(written)}]}}'


def _without(item: Image, names: tuple[str, ...]) -> Image:
    return {name: value for name, value in item.items() if name not in names}


def _images(encoding: str, **where: AttributeValue) -> Image:
    return {"images": {"M": {"encoding": {"S": encoding}, **where}}}


def _binary(body: bytes) -> AttributeValue:
    return {"B": base64.b64encode(body).decode("ascii")}

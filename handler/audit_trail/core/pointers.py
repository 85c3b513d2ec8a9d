"""JSON Pointers (RFC 6901) over attribute names and list positions, without type tags."""

import contextlib
import json
import re
from itertools import pairwise, product

from audit_trail.core.values import AttributeValue, Image

_POSITION = re.compile(r"0|[1-9][0-9]{0,8}").fullmatch  # an item of 400 KB has no longer list
_STEP = re.compile(r"\.|(?=\[(?:0|[1-9][0-9]{0,8})\])")
_BRACKETS = re.compile(r"\[([0-9]+)\]").fullmatch
_MOST_STEPS = 8
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)+").fullmatch


def escape(name: str) -> str:
    """Write an attribute name as a pointer's reference token."""
    return name.replace("~", "~0").replace("/", "~1") if "~" in name or "/" in name else name


def unescape(token: str) -> str:
    """Read a pointer's reference token."""
    return token.replace("~1", "/").replace("~0", "~")


def is_pointer(text: str) -> bool:
    """Tell whether a text is a pointer to something inside an image."""
    return _POINTER(text) is not None


def readings(text: str) -> frozenset[str]:
    """Return the pointers that an attribute's name, a pointer (it begins with ``/``) or a path may mean.

    A path is what people are shown: ``lines[0].qty`` for ``/lines/0/qty``. Names may have dots and brackets in them
    themselves, and are then shown alike, so that a path may mean several; beyond eight dots and brackets it is read in
    two ways only: as one name, and with each of them as a step.
    """
    if text.startswith("/"):
        return frozenset({text})
    steps = [found.span() for found in _STEP.finditer(text) if found.start() > 0]
    taken = product((False, True), repeat=len(steps)) if len(steps) <= _MOST_STEPS else ((False,), (True,) * len(steps))
    found = set()
    for taking in taken:
        ends = [step for step, take in zip(steps, taking, strict=False) if take]
        parts = [text[start:end] for (_, start), (end, _) in pairwise([(0, 0), *ends, (len(text), 0)])]
        if all(parts):
            found.add("".join(f"/{escape(_name(part, first=not place))}" for place, part in enumerate(parts)))
    return frozenset(found)


def _name(part: str, *, first: bool) -> str:
    """Return the name or position that a part of a path shows: what can't be printed is shown as JSON."""
    position_in_list = None if first else _BRACKETS(part)
    if position_in_list is not None:
        return position_in_list[1]
    if part.startswith('"'):
        with contextlib.suppress(ValueError):
            name = json.loads(part)
            return name if isinstance(name, str) else part
    return part


def tokens(pointer: str) -> list[str]:
    """Return the names and positions that a pointer goes through; none for the whole image."""
    return [unescape(token) for token in pointer.split("/")[1:]]


def position(token: str) -> int | None:
    """Read a token as a list position, or return None where it isn't one."""
    return int(token) if _POSITION(token) else None


def lookup(image: Image, attribute: str) -> AttributeValue | None:
    """Return what an attribute's name, or a pointer (it begins with ``/``), leads to; None where that isn't there."""
    value: AttributeValue = {"M": image}
    for token in tokens(attribute) if attribute.startswith("/") else [attribute]:
        index = position(token) if "L" in value else None
        if "M" in value and token in value["M"]:
            value = value["M"][token]
        elif index is not None and index < len(value["L"]):
            value = value["L"][index]
        else:
            return None
    return value

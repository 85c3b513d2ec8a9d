"""JSON Pointers (RFC 6901) over attribute names and list positions, without type tags."""

import re

from audit_trail.core.values import AttributeValue, Image

_POSITION = re.compile(r"0|[1-9][0-9]{0,8}").fullmatch  # an item of 400 KB has no longer list
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

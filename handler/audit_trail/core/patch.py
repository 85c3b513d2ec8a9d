"""Applies and inverts diffs: ``apply(old, diff) == new`` and ``apply(new, invert(diff)) == old``."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from audit_trail.core.diff import SETS, Entry
from audit_trail.core.errors import DiffError, MalformedValueError
from audit_trail.core.pointers import is_pointer, position, tokens
from audit_trail.core.values import AttributeValue, Image, canonical_image, canonical_value


def invert(entries: Sequence[Entry]) -> list[Entry]:
    """Return the diff that leads back from the new image to the old one."""
    opposite = {"add": "remove", "remove": "add"}
    return [Entry(opposite.get(op, op), path, old=new, new=old) for op, path, old, new in reversed(entries)]


def apply(image: Image, entries: Iterable[Entry]) -> Image:
    """Return the image that a diff leads to, in canonical form; the given image stays as it is.

    :raises DiffError: an entry doesn't fit: what it replaces or removes is not there, or what it adds is.
    """
    return apply_canonical(_copy(canonical_image(image)), entries)


def apply_canonical(image: Image, entries: Iterable[Entry]) -> Image:
    """Return the same of an image that is in canonical form already; what didn't change, both have in common.

    :raises DiffError: as above.
    """
    root: AttributeValue = {"M": dict(image)}
    own: dict[int, AttributeValue] = {id(root): root}  # what was copied for the result, kept so that no id comes again
    for entry in entries:
        if not is_pointer(entry.path):
            raise DiffError("an entry of the diff has a path that is not a JSON Pointer")
        *above, last = tokens(entry.path)
        holder = root
        for token in above:
            holder = _own_child(holder, token, own)
        try:
            if entry.op in _INTO_CHILD:
                _own_child(holder, last, own)
            _STEPS.get(entry.op, _unknown)(holder, last, entry)
        except MalformedValueError as error:
            raise DiffError(f"an entry of the diff holds an invalid attribute value: {error}") from None
    result: Image = root["M"]
    return result


def _own_child(holder: AttributeValue, token: str, own: dict[int, AttributeValue]) -> AttributeValue:
    """Return a child that may be changed in place: it is copied, not deeply, before that is done for the first time."""
    child = _child(holder, token)
    if id(child) in own:
        return child
    fresh: AttributeValue = {tag: body.copy() if tag in ("M", "L") else body for tag, body in child.items()}
    own[id(fresh)] = fresh
    if "M" in holder:
        holder["M"][token] = fresh
    else:
        holder["L"][_index(token)] = fresh
    return fresh


def _copy(value: Any) -> Any:
    """Copy what an entry may change in place: maps and lists, all the way down."""
    if isinstance(value, dict):
        return {name: _copy(one) for name, one in value.items()}
    return [_copy(one) for one in value] if isinstance(value, list) else value


def _child(holder: AttributeValue, token: str) -> AttributeValue:
    try:
        child: AttributeValue = holder["M"][token] if "M" in holder else holder["L"][_index(token)]
    except (KeyError, IndexError):
        raise DiffError("an entry of the diff names something that the image does not have") from None
    return child


def _index(token: str) -> int:
    index = position(token)
    if index is None:
        raise DiffError("an entry of the diff names a list position that is not a number")
    return index


def _add(holder: AttributeValue, token: str, entry: Entry) -> None:
    value = _copy(_needed(entry.new))
    if "L" in holder:
        elements, index = holder["L"], _index(token)
        if index > len(elements):
            raise DiffError("an entry of the diff adds an element behind the end of its list")
        elements.insert(index, value)
    elif token in holder.get("M", (token,)):
        raise DiffError("an entry of the diff adds something where the image has no room for it")
    else:
        holder["M"][token] = value


def _remove(holder: AttributeValue, token: str, entry: Entry) -> None:
    _expect(_child(holder, token), entry.old)
    if "M" in holder:
        del holder["M"][token]
    else:
        del holder["L"][_index(token)]


def _replace(holder: AttributeValue, token: str, entry: Entry) -> None:
    child = _child(holder, token)
    _expect(child, entry.old)
    _put(child, _needed(entry.new))


def _members(holder: AttributeValue, token: str, entry: Entry) -> None:
    child = _child(holder, token)
    [(tag, members)] = child.items()
    lost = set(_member_list(entry.old, tag))
    gained = _member_list(entry.new, tag)
    if tag not in SETS or not lost.issubset(members) or not set(gained).isdisjoint(members):
        raise DiffError("an entry of the diff changes members that the set does not have, or has already")
    _put(child, canonical_value({tag: [one for one in members if one not in lost] + gained}))


def _member_list(side: AttributeValue | None, tag: str) -> list[str]:
    if side is None:
        return []
    if side.keys() != {tag}:
        raise DiffError("an entry of the diff changes the members of a set of another type")
    members: list[str] = canonical_value(side)[tag]
    return members


def _put(child: AttributeValue, value: AttributeValue) -> None:
    child.clear()
    child.update(_copy(value))


def _needed(value: AttributeValue | None) -> AttributeValue:
    if value is None:
        raise DiffError("an entry of the diff lacks the value that its operation needs")
    return canonical_value(value)


def _expect(found: AttributeValue, expected: AttributeValue | None) -> None:
    if found != _needed(expected):
        raise DiffError("an entry of the diff replaces or removes something else than what the image has")


def _unknown(_holder: AttributeValue, _token: str, _entry: Entry) -> None:
    raise DiffError("an entry of the diff has an operation that this version does not know")


_INTO_CHILD = ("replace", "members")
"""Operations that change what they name in place."""

_STEPS: dict[str, Callable[[AttributeValue, str, Entry], None]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "members": _members,
}

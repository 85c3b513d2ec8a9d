"""What puts an item back as it stood: one write, on condition that nothing it changes has moved since it was shown.

Of an item that is there, only the top-level attributes that differ are written, so that what was added meanwhile stays:
a put would erase it. How much fits into an expression:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-expression-parameters
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from audit_trail.core.actors import lifted
from audit_trail.core.errors import TableTrailError
from audit_trail.core.pointers import tokens
from audit_trail.core.values import AttributeValue, Image, canonical_image

MOST_OPERATORS = 300
"""Operators and functions in one expression; each AND is counted as one too."""
LONGEST_EXPRESSION = 4_096  # bytes, before names and values are put in

_Differing = Mapping[str, AttributeValue | None]
"""Attributes by name; None is an attribute that isn't there."""


class RestoreError(TableTrailError):
    """An item can't be put back like this; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class Write:
    """One write of one item, which DynamoDB refuses where what it expects isn't so."""

    keys: Image
    expected: _Differing
    """How these attributes stood when they were shown."""
    changes: _Differing
    """What these attributes become; of an item that is put or deleted, nothing."""
    shown: Image | None
    """The whole item, as it was shown; None: there was none."""
    result: Image | None
    """What it leaves where nothing else has changed; None: no item."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How one item is put back."""

    write: Write
    mark: Write | None = None
    """Comes first: a deletion carries no reason, so what is to be deleted is given it beforehand."""


def plan(
    now: Image | None,
    then: Image | None,
    keys: Image,
    *,
    only: Collection[str] = (),
    marks: Mapping[str, str] | None = None,
) -> Plan | None:
    """Say how an item as it stands now becomes the item that stood then; None where it stands so already.

    Both images are canonical. ``only`` are the attributes to put back, all where there are none. ``marks`` are texts
    to write beside them, by the name of an attribute or the pointer to one: who restores, and why. They alone are no
    reason to write.

    :raises RestoreError: one expression can't hold it, or there is no place for a mark; nothing may be written.
    """
    marks = marks or {}
    target = _partly(now, then, keys, only) if only else then
    if now == target or (now is not None and target is not None and marked(now, marks) == marked(target, marks)):
        return None
    if target is not None:
        return Plan(_checked(_write(now, _explained(target, keys, marks), keys)))
    if now is None or not marks:
        return Plan(_checked(_write(now, None, keys)))
    with_marks = _explained(now, keys, marks)
    if with_marks == now:
        return Plan(_checked(_write(now, None, keys)))
    mark = _write(now, with_marks, keys)
    # What is about to be deleted is expected whole from the first write on.
    mark = Write(keys, {**mark.expected, **now}, mark.changes, now, with_marks)
    return Plan(_checked(_write(with_marks, None, keys)), _checked(mark))


def undo(mark: Write, found: Image) -> Write | None:
    """Return what takes back the marks that are still there; None where none is."""
    ours = {name: value for name, value in mark.changes.items() if found.get(name) == value}
    shown = mark.shown or {}
    before = {name: shown.get(name) for name in ours}
    result = {name: value for name, value in (found | before).items() if value is not None}
    return Write(mark.keys, _with_key(mark.keys, ours), before, found, result) if ours else None


def anew(item: Image, keys: Image) -> Write:
    """Return what puts an item where none is."""
    return _write(None, item, keys)


def marked(image: Image, marks: Mapping[str, str]) -> Image:
    """Return an image with texts at these attributes or pointers, as far as there is a place for them."""
    for attribute, text in marks.items():
        path = tokens(attribute) if attribute.startswith("/") else [attribute]
        image = _at({"M": image}, path, text)["M"]
    return image


def request(write: Write) -> dict[str, Any]:
    """Return the parameters of a write's expressions, with their values in DynamoDB JSON."""
    names: dict[str, str] = {}
    values: dict[str, AttributeValue] = {}
    terms: list[str] = []
    for number, (name, value) in enumerate(sorted(write.expected.items())):
        names[f"#e{number}"] = name
        if value is not None:
            values[f":e{number}"] = value
        terms.append(f"attribute_not_exists(#e{number})" if value is None else f"#e{number} = :e{number}")
    parameters: dict[str, Any] = {"ConditionExpression": " AND ".join(terms)}
    if write.changes:
        by_name = {name: placeholder for placeholder, name in names.items()}
        kept = {name: value for name, value in sorted(write.changes.items()) if value is not None}
        gone = [by_name[name] for name in sorted(write.changes) if name not in kept]
        values |= {f":n{number}": value for number, value in enumerate(kept.values())}
        sets = ", ".join(f"{by_name[name]} = :n{number}" for number, name in enumerate(kept))
        parts = ([f"SET {sets}"] if sets else []) + ([f"REMOVE {', '.join(gone)}"] if gone else [])
        parameters["UpdateExpression"] = " ".join(parts)
    parameters["ExpressionAttributeNames"] = names
    if values:
        parameters["ExpressionAttributeValues"] = values
    return parameters


def _write(now: Image | None, target: Image | None, keys: Image) -> Write:
    if now is None:
        return Write(keys, dict.fromkeys(list(keys)[:1]), {}, None, target)
    if target is None:
        return Write(keys, dict(now), {}, now, None)
    differing = [name for name in now.keys() | target.keys() if now.get(name) != target.get(name) and name not in keys]
    expected = {name: now.get(name) for name in differing}
    return Write(keys, _with_key(keys, expected), {name: target.get(name) for name in differing}, now, target)


def _with_key(keys: Image, expected: _Differing) -> dict[str, AttributeValue | None]:
    # Without it, an update of attributes that weren't there would make an item of them where it was deleted meanwhile.
    return {**dict(list(keys.items())[:1]), **expected}


def _partly(now: Image | None, then: Image | None, keys: Image, only: Collection[str]) -> Image:
    if now is None or then is None:
        when = "now" if now is None else "then"
        raise RestoreError(f"the item does not exist {when}, so a part of it can't be put back: leave --only out")
    if set(only) & keys.keys():
        raise RestoreError("--only names a key attribute: a key never changes")
    named = {name: then.get(name) for name in only}
    return {name: value for name, value in (now | named).items() if value is not None}


def _explained(image: Image, keys: Image, marks: Mapping[str, str]) -> Image:
    for attribute, text in marks.items():
        if attribute in keys:
            raise RestoreError(f"{attribute} is a key attribute: nothing can be written there")
        if lifted({"text": {"S": text}}, "text") is None:
            raise RestoreError("--actor and --reason take 1 to 2,000 bytes")
    explained = canonical_image(marked(image, marks))
    for attribute, text in marks.items():
        if lifted(explained, attribute) != {"S": text}:
            raise RestoreError(f"the item has no map that could hold {attribute}: leave --actor and --reason out")
    return explained


def _at(value: AttributeValue, path: list[str], text: str) -> AttributeValue:
    name, *rest = path
    if "M" not in value or (rest and name not in value["M"]):
        return value
    inside = _at(value["M"][name], rest, text) if rest else {"S": text}
    return {"M": value["M"] | {name: inside}}


def _checked(write: Write) -> Write:
    parameters = request(write)
    expressions = [parameters["ConditionExpression"], parameters.get("UpdateExpression", "")]
    too_long = max(len(one) for one in expressions) > LONGEST_EXPRESSION
    if too_long or 2 * len(write.expected) - 1 > MOST_OPERATORS:
        what = f"{len(write.expected)} attributes are more than one condition of DynamoDB's may hold"
        if write.result is None:
            raise RestoreError(f"the item can't be deleted on condition that it is as shown: its {what}")
        raise RestoreError(f"it can't be put back at once: {what}; do it in parts, with --only")
    return write

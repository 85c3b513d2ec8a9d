"""What puts an item back as it stood: one write, on condition that nothing it changes has moved since it was shown.

Of an item that is there, only the top-level attributes that differ are written, so that what was added meanwhile stays:
a put would erase it. How much fits into an expression:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-expression-parameters
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from audit_trail.core.actors import lifted
from audit_trail.core.errors import TableTrailError
from audit_trail.core.pointers import lookup, position, readings, tokens
from audit_trail.core.values import AttributeValue, Image, canonical_image

MOST_OPERATORS = 300
"""Operators and functions in one expression; each AND is counted as one too."""
LONGEST_EXPRESSION = 4_096  # bytes, before names and values are put in

_ABOUT_TO = " (about to restore)"

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
    marks: tuple[Write, ...] = ()
    """Come first, in their order. A deletion carries no reason, so what is to be deleted is given it beforehand. A text
    that stands there already would not be seen to be written again, so it gets another one in between.
    """


@dataclass(frozen=True, slots=True)
class Marks:
    """Who restores, and why, by the names of attributes or the pointers to them."""

    texts: Mapping[str, str] = field(default_factory=dict)
    """What is to be written there."""
    where_it_fits: Mapping[str, str] = field(default_factory=dict)
    """What is to be written there, and left out where an item has no place for it."""
    never_back: Collection[str] = ()
    """Who wrote then, and why, is never put back: unless it's written anew, it stays as it stands."""


def plan(
    now: Image | None,
    then: Image | None,
    keys: Image,
    *,
    only: Collection[str] = (),
    marks: Marks = Marks(),
) -> Plan | None:
    """Say how an item as it stands now becomes the item that stood then; None where it stands so already.

    Both images are canonical. ``only`` are the attributes to put back, all where there are none. Marks alone are no
    reason to write.

    :raises RestoreError: one expression can't hold it, or there is no place for a mark; nothing may be written.
    """
    target = _partly(now, then, keys, only, marks.never_back) if only else then
    if target is not None:
        for attribute in marks.never_back:
            target = canonical_image(_as_it_stands(target, now, keys, attribute))
    fitting = {
        attribute: text
        for attribute, text in marks.where_it_fits.items()
        if _path(attribute)[0] not in keys and _fits(target if target is not None else now, attribute, text)
    }
    texts = {**fitting, **marks.texts}
    if now == target or (now is not None and target is not None and marked(now, texts) == marked(target, texts)):
        return None
    try:
        return _planned(now, target, keys, texts)
    except RestoreError:
        if not fitting:
            raise
        return _planned(now, target, keys, marks.texts)


def _planned(now: Image | None, target: Image | None, keys: Image, texts: Mapping[str, str]) -> Plan:
    """Return the writes: those that come before the last one expect what that is going to change or delete, too."""
    if now is None:
        return Plan(_checked(_write(None, None if target is None else _explained(target, keys, texts), keys)))
    explained = _explained(now if target is None else target, keys, texts)
    standing = {attribute: text for attribute, text in texts.items() if lifted(now, attribute) == {"S": text}}
    steps = [now]
    if standing:
        steps.append(canonical_image(marked(now, {name: f"{text}{_ABOUT_TO}" for name, text in standing.items()})))
    if target is None and texts:
        steps.append(explained)
    last = _write(steps[-1], None if target is None else explained, keys)
    ahead = now if target is None else _write(now, explained, keys).expected
    marks = []
    for before, after in pairwise(steps):
        mark = _write(before, after, keys)
        expected = {**mark.expected, **ahead, **{name: before.get(name) for name in mark.changes}}
        if target is None:
            expected |= before
        marks.append(_checked(Write(keys, expected, mark.changes, before, after)))
    return Plan(_checked(last), tuple(marks))


def undo(marks: Sequence[Write], found: Image) -> Write | None:
    """Return what takes back those of the marks, made one after the other, that are still there; None where none is."""
    if not marks:
        return None
    mark = replace(marks[0], changes={name: value for one in marks for name, value in one.changes.items()})
    shown = mark.shown or {}
    ours = {
        name: value for name, value in mark.changes.items() if found.get(name) == value and shown.get(name) != value
    }
    before = {name: shown.get(name) for name in ours}
    result = {name: value for name, value in (found | before).items() if value is not None}
    return Write(mark.keys, _with_key(mark.keys, ours), before, found, result) if ours else None


def anew(item: Image, keys: Image) -> Write:
    """Return what puts an item where none is."""
    return _write(None, item, keys)


def marked(image: Image, marks: Mapping[str, str]) -> Image:
    """Return an image with texts at these attributes or pointers, as far as there is a place for them."""
    for attribute, text in marks.items():
        image = _at({"M": image}, _path(attribute), {"S": text})["M"]
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


def _path(attribute: str) -> list[str]:
    return tokens(attribute) if attribute.startswith("/") else [attribute]


def _fits(image: Image | None, attribute: str, text: str) -> bool:
    return image is not None and lifted(marked(image, {attribute: text}), attribute) == {"S": text}


def _as_it_stands(target: Image, now: Image | None, keys: Image, attribute: str) -> Image:
    path = _path(attribute)
    if path[0] in keys:
        return target
    image: Image = _at({"M": target}, path, None if now is None else lookup(now, attribute))["M"]
    return image


def _partly(
    now: Image | None, then: Image | None, keys: Image, only: Collection[str], never_back: Collection[str]
) -> Image:
    if now is None or then is None:
        when = "now" if now is None else "then"
        raise RestoreError(f"the item does not exist {when}, so a part of it can't be put back: leave --only out")
    if set(only) & keys.keys():
        raise RestoreError("--only names a key attribute: a key never changes")
    if set(only) & set(never_back):
        raise RestoreError("--only names the attribute for who wrote or why, which is never put back: leave it out")
    for name in only:
        inside = [_path(one)[0] for one in readings(name) if len(_path(one)) > 1]
        if name not in now and name not in then and (whole := [one for one in inside if one in now or one in then]):
            raise RestoreError(f"--only takes whole attributes: write --only {whole[0]}")
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
            raise RestoreError(
                f"the item has no map or list that could hold {attribute}: leave --actor and --reason out"
            )
    return explained


def _at(value: AttributeValue, path: list[str], new: AttributeValue | None) -> AttributeValue:
    """Return a value with another one at a path, or with none; the same value where it has no such place."""
    name, *rest = path
    if "M" in value:
        if rest and name not in value["M"]:
            return value
        inside = _at(value["M"][name], rest, new) if rest else new
        others = {one: body for one, body in value["M"].items() if one != name}
        return {"M": others if inside is None else others | {name: inside}}
    index = position(name) if "L" in value else None
    if index is None or index >= len(value["L"]):
        return value
    # An element that went away would move those behind it.
    element = _at(value["L"][index], rest, new) if rest else new or {"NULL": True}
    return {"L": [*value["L"][:index], element, *value["L"][index + 1 :]]}


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

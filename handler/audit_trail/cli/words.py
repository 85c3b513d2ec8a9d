"""Attribute values and diffs in words and in JSON."""

import contextlib
import json
from collections.abc import Callable
from datetime import datetime, tzinfo
from operator import itemgetter

from audit_trail.core.diff import SETS, Entry
from audit_trail.core.errors import MalformedItemError
from audit_trail.core.history import Change
from audit_trail.core.pointers import lookup, tokens
from audit_trail.core.records import stream_record
from audit_trail.core.values import AttributeValue, Image, canonical_number, canonical_value

_IN_A_LINE = 48  # characters of a map or list


def plain_json(value: AttributeValue, quote: Callable[[str], str] = json.dumps) -> str:
    """Write an attribute value as plain JSON: numbers with every digit, sets as lists, binaries as base64.

    DynamoDB gives maps and sets in any order; they are written in that of their names and members.
    """
    [(tag, body)] = value.items()
    if tag == "M":
        return _object(body, lambda one: plain_json(one, quote), quote)
    if tag == "L":
        return "[" + ", ".join(plain_json(one, quote) for one in body) + "]"
    if tag == "N":
        return canonical_number(body)
    if tag in SETS:
        members = canonical_value(value)[tag]
        return "[" + ", ".join(members if tag == "NS" else map(quote, members)) + "]"
    return "null" if tag == "NULL" else quote(body) if isinstance(body, str) else json.dumps(body)


def typed_json(value: AttributeValue) -> str:
    """Write an attribute value as DynamoDB JSON, in the same order."""
    [(tag, body)] = value.items()
    if tag == "M":
        return f'{{"M": {_object(body, typed_json)}}}'
    if tag == "L":
        return '{"L": [' + ", ".join(map(typed_json, body)) + "]}"
    return json.dumps(canonical_value(value) if tag in SETS else value)


def _object(image: Image, write: Callable[[AttributeValue], str], quote: Callable[[str], str] = json.dumps) -> str:
    in_order = sorted(image.items(), key=itemgetter(0))
    return "{" + ", ".join(f"{quote(name)}: {write(one)}" for name, one in in_order) + "}"


def change_json(change: Change, *, typed: bool, whole: bool = False) -> str:
    """Write a change as one line of JSON (docs/schemas/change.schema.json); ``whole`` adds its stream record."""
    value = typed_json if typed else plain_json
    fields = {
        name: json.dumps(text)
        for name, text in (
            ("timestamp", change.timestamp),
            ("event_name", change.event_name),
            ("actor", change.actor),
            ("actor_source", change.actor_source),
            ("reason", change.reason),
            ("reason_source", change.reason_source),
        )
        if text is not None
    }
    if change.unreadable:
        fields["images_unreadable"] = "true"
    for name in ("keys", "old_image", "new_image"):
        if name in change.item:
            fields[name] = _object(change.item[name]["M"], value)
    if change.diff:
        fields["diff"] = diff_json(change.diff, typed=typed)
    if whole and not change.unreadable:
        with contextlib.suppress(MalformedItemError):
            fields["stream_record"] = json.dumps(stream_record(change.item), sort_keys=True)
    return "{" + ", ".join(f'"{name}": {text}' for name, text in fields.items()) + "}"


def diff_json(entries: list[Entry], *, typed: bool) -> str:
    """Write a diff as a list of JSON."""
    value = typed_json if typed else plain_json
    return "[" + ", ".join(_entry_json(entry, value) for entry in entries) + "]"


def image_json(image: Image, *, typed: bool) -> str:
    """Write a whole item as JSON."""
    return _object(image, typed_json if typed else plain_json)


def _entry_json(entry: Entry, value: Callable[[AttributeValue], str]) -> str:
    sides = [f', "{name}": {value(one)}' for name, one in (("old", entry.old), ("new", entry.new)) if one is not None]
    return f'{{"op": {json.dumps(entry.op)}, "path": {json.dumps(entry.path)}{"".join(sides)}}}'


def in_words(change: Change, longest: int | None = None) -> str:
    """Say in one line what a change changed; values of more characters than ``longest`` are shortened."""
    if change.unreadable:
        return "(its images can't be read)"
    if change.event_name == "MODIFY":
        if change.old_image is None or change.new_image is None:
            return "changed (the stream carries no image of it)"
        images = change.old_image, change.new_image
        return ", ".join(_entry_words(entry, images, longest) for entry in change.diff) or "nothing that differs"
    image = change.old_image if change.event_name == "REMOVE" else change.new_image
    if image is None:
        return "(the stream carries no image of it)"
    keys = change.item.get("keys", {}).get("M", {})
    shown = ", ".join(
        f"{printable(name)}: {short(value, longest)}" for name, value in sorted(image.items()) if name not in keys
    )
    return f"was {shown}" if change.event_name == "REMOVE" and shown else shown


def _entry_words(entry: Entry, images: tuple[Image, ...], longest: int | None) -> str:
    path = path_words(entry.path, images)
    if entry.op == "add" and entry.new is not None:
        return f"{path}: +{short(entry.new, longest)}"
    if entry.op == "remove" and entry.old is not None:
        return f"{path}: -{short(entry.old, longest)}"
    if entry.op == "members":
        signs = [f"{sign} {short(one, longest)}" for sign, one in (("-", entry.old), ("+", entry.new)) if one]
        return f"{path}: {' '.join(signs)}"
    old = [short(entry.old, longest)] if entry.old else []
    return " ".join([f"{path}:", *old, "→", short(entry.new or {}, longest)])


def path_words(path: str, images: tuple[Image, ...]) -> str:
    """Write a JSON Pointer as people do, ``lines[0].qty``; the images tell which of its parts are list positions."""
    words = ""
    above = ""
    for token, name in zip(path.split("/")[1:], tokens(path), strict=True):
        shown = printable(name)
        words += f"[{shown}]" if _is_list(above, images) else f".{shown}" if words else shown
        above += f"/{token}"
    return words


def _is_list(path: str, images: tuple[Image, ...]) -> bool:
    values = (lookup(image, path) for image in images) if path else ()
    return any(value is not None and "L" in value for value in values)


def short(value: AttributeValue, longest: int | None = None) -> str:
    """Write a value in a line, in at most so many characters."""
    text = printable(value["S"]) if "S" in value else plain_json(value, _quoted)
    return text if longest is None or len(text) <= longest else f"{text[: longest - 1]}…"


def pretty(value: AttributeValue) -> str:
    """Write a value in as many lines as it needs to be looked at."""
    return printable(value["S"]) if "S" in value else _indented(value, "")


def _indented(value: AttributeValue, margin: str) -> str:
    [(tag, body)] = value.items()
    in_a_line = plain_json(value, _quoted)
    if tag not in ("M", "L") or len(margin) + len(in_a_line) <= _IN_A_LINE:
        return in_a_line
    deeper = f"{margin}  "
    parts = (
        [f"{_quoted(name)}: {_indented(one, deeper)}" for name, one in sorted(body.items())]
        if tag == "M"
        else [_indented(one, deeper) for one in body]
    )
    opening, closing = "{}" if tag == "M" else "[]"
    inside = ",\n".join(f"{deeper}{part}" for part in parts)
    return f"{opening}\n{inside}\n{margin}{closing}"


def printable(text: str) -> str:
    """Return the text as it is where a terminal shows it so, and quoted and escaped otherwise."""
    return text if text.isprintable() and text else json.dumps(text)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=not text.isprintable())


def time_words(moment: datetime, zone: tzinfo) -> str:
    """Write a time with its zone, so that it can be typed again."""
    return moment.astimezone(zone).isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""Attribute values and diffs in words and in JSON."""

import json
from typing import Any

from audit_trail.core.diff import Entry
from audit_trail.core.history import Change
from audit_trail.core.pointers import lookup, tokens
from audit_trail.core.values import AttributeValue, Image, canonical_number

_LONG = 60  # characters of a value in one line


def plain_json(value: AttributeValue) -> str:
    """Write an attribute value as plain JSON: numbers with every digit, sets as lists, binaries as base64."""
    [(tag, body)] = value.items()
    if tag == "M":
        return "{" + ", ".join(f"{json.dumps(name)}: {plain_json(one)}" for name, one in body.items()) + "}"
    if tag == "L":
        return "[" + ", ".join(map(plain_json, body)) + "]"
    if tag == "N":
        return canonical_number(body)
    if tag == "NS":
        return "[" + ", ".join(map(canonical_number, body)) + "]"
    return "null" if tag == "NULL" else json.dumps(body)


def typed_json(value: AttributeValue) -> str:
    """Write an attribute value as DynamoDB JSON."""
    return json.dumps(value)


def change_json(change: Change, *, typed: bool) -> str:
    """Write a change as one line of JSON."""
    value = typed_json if typed else plain_json
    fields = {
        name: json.dumps(text)
        for name, text in (
            ("timestamp", change.timestamp),
            ("event_name", change.event_name),
            ("actor", change.actor),
            ("actor_source", change.actor_source),
            ("reason", change.reason),
        )
        if text is not None
    }
    if change.unreadable:
        fields["images_unreadable"] = "true"
    for name in ("keys", "old_image", "new_image"):
        if name in change.item:
            image: Image = change.item[name]["M"]
            fields[name] = "{" + ", ".join(f"{json.dumps(key)}: {value(one)}" for key, one in image.items()) + "}"
    if change.diff:
        fields["diff"] = "[" + ", ".join(_entry_json(entry, value) for entry in change.diff) + "]"
    return "{" + ", ".join(f'"{name}": {text}' for name, text in fields.items()) + "}"


def _entry_json(entry: Entry, value: Any) -> str:
    sides = [f', "{name}": {value(one)}' for name, one in (("old", entry.old), ("new", entry.new)) if one is not None]
    return f'{{"op": "{entry.op}", "path": {json.dumps(entry.path)}{"".join(sides)}}}'


def in_words(change: Change) -> str:
    """Say in one line what a change changed."""
    if change.unreadable:
        return "(its images can't be read)"
    if change.event_name == "MODIFY":
        if change.old_image is None or change.new_image is None:
            return "changed (the stream carries no image of it)"
        return ", ".join(_entry_words(entry, change) for entry in change.diff) or "nothing that differs"
    image = change.old_image if change.event_name == "REMOVE" else change.new_image
    if image is None:
        return "(the stream carries no image of it)"
    keys = change.item.get("keys", {}).get("M", {})
    shown = ", ".join(
        f"{printable(name)}: {_short(value)}" for name, value in sorted(image.items()) if name not in keys
    )
    return f"was {shown}" if change.event_name == "REMOVE" and shown else shown


def _entry_words(entry: Entry, change: Change) -> str:
    path = _path_words(entry.path, change)
    if entry.op == "add" and entry.new is not None:
        return f"{path}: +{_short(entry.new)}"
    if entry.op == "remove" and entry.old is not None:
        return f"{path}: -{_short(entry.old)}"
    if entry.op == "members":
        signs = [f"{sign} {_short(one)}" for sign, one in (("-", entry.old), ("+", entry.new)) if one is not None]
        return f"{path}: {' '.join(signs)}"
    return " ".join([f"{path}:", *(_short(one) for one in (entry.old,) if one), "→", _short(entry.new or {})])


def _path_words(path: str, change: Change) -> str:
    words = ""
    above = ""
    for token, name in zip(path.split("/")[1:], tokens(path), strict=True):
        shown = printable(name)
        words += f"[{shown}]" if _is_list(above, change) else f".{shown}" if words else shown
        above += f"/{token}"
    return words


def _is_list(path: str, change: Change) -> bool:
    if not path:
        return False
    images = (change.old_image, change.new_image)
    values = (lookup(image, path) for image in images if image is not None)
    return any(value is not None and "L" in value for value in values)


def _short(value: AttributeValue) -> str:
    text = printable(value["S"]) if "S" in value else plain_json(value)
    return text if len(text) <= _LONG else f"{text[: _LONG - 1]}…"


def printable(text: str) -> str:
    """Return the text as it is where a terminal shows it so, and quoted and escaped otherwise."""
    return text if text.isprintable() and text else json.dumps(text)

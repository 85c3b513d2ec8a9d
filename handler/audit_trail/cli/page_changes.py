"""What the page shows of one change: its attributes before and after, side by side, and its record."""

import base64
from collections.abc import Iterator
from typing import NamedTuple

from audit_trail.cli.layout import json_lines
from audit_trail.cli.page_values import Value, side_by_side
from audit_trail.core.actors import lifted
from audit_trail.core.diff import Entry
from audit_trail.core.errors import MalformedItemError, TableTrailError
from audit_trail.core.history import Change
from audit_trail.core.pointers import escape, tokens
from audit_trail.core.records import stream_record
from audit_trail.core.values import AttributeValue, Image

_MALFORMED = (TableTrailError, IndexError, KeyError, TypeError, ValueError)


class Row(NamedTuple):
    """One difference: ``op`` as in a diff, the names and positions that lead to it, and both sides."""

    op: str
    path: list[str]
    before: Value | None
    after: Value | None


class ChangeView(NamedTuple):
    """A change as it is shown."""

    change: Change
    last_writer: str | None
    rows: list[Row]
    note: str | None
    digests: list[tuple[str, str]]
    record: str
    whole_record: bool
    """Whether ``record`` is the stream record, and not what is stored because that can't be rebuilt."""


def attributes(change: Change) -> list[str] | None:
    """Return the top-level names that a change touched, or None where that can't be told."""
    if change.event_name == "MODIFY" and change.old_image is not None and change.new_image is not None:
        try:
            return sorted({tokens(entry.path)[0] for entry in change.diff})
        except _MALFORMED:
            return None
    if "changed_attributes" in change.item:
        return sorted(change.item["changed_attributes"]["SS"])
    image = change.old_image if change.event_name == "REMOVE" else change.new_image
    return None if image is None or change.event_name == "MODIFY" else sorted(image)


def view(change: Change, actor_attribute: str | None) -> ChangeView:
    """Return what the page shows of a change."""
    removed = change.event_name == "REMOVE" and change.actor is None
    writer = lifted(change.old_image, actor_attribute) if removed else None
    rows = _rows(change)
    record, whole_record = _record(change)
    return ChangeView(
        change=change,
        last_writer=None if writer is None else writer["S"],
        rows=rows or [],
        note=_note(change, rows),
        digests=list(_digests(change)),
        record=record,
        whole_record=whole_record,
    )


def _rows(change: Change) -> list[Row] | None:
    """Return the differences, or None where what is stored is no diff and no image."""
    try:
        return [_row(entry) for entry in _entries(change)]
    except _MALFORMED:
        return None


def _entries(change: Change) -> list[Entry]:
    if change.event_name == "MODIFY":
        return change.diff
    if change.event_name == "REMOVE":
        return [Entry("remove", f"/{escape(name)}", old=value) for name, value in _sorted(change.old_image)]
    op = "add" if change.event_name == "INSERT" else "stood"
    return [Entry(op, f"/{escape(name)}", new=value) for name, value in _sorted(change.new_image)]


def _sorted(image: Image | None) -> list[tuple[str, AttributeValue]]:
    return sorted((image or {}).items())


def _note(change: Change, rows: list[Row] | None) -> str | None:
    if rows is None:
        return "What is stored of it is no image and no diff."
    if change.unreadable:
        return "Its images can't be read: the record holds less than was stored with it."
    if rows:
        return None
    if change.event_name == "MODIFY" and change.old_image is not None and change.new_image is not None:
        return "Both images are the same."
    return "The stream carries no image of it."


def _digests(change: Change) -> Iterator[tuple[str, str]]:
    for side in ("old", "new"):
        digest = change.item.get(f"{side}_image_sha256")
        if digest is not None and "B" in digest:
            yield side, base64.b64decode(digest["B"]).hex()


def _record(change: Change) -> tuple[str, bool]:
    """Return the stream record as JSON, or else all that is stored."""
    if change.event_name in ("INSERT", "MODIFY", "REMOVE") and not change.unreadable:
        try:
            return json_lines(stream_record(change.item)), True
        except MalformedItemError:
            pass
    return json_lines(change.item), False


def _row(entry: Entry) -> Row:
    return Row(entry.op, tokens(entry.path), *side_by_side(entry.old, entry.new))

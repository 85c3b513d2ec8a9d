"""Whether what was read is an audit record at all: asked once, before anything else looks into it.

Whoever may insert records or put objects may write what Table Trail never would. What its names mean is known, so
their types, the operations and the sizes are checked here, whatever a record was read from. A name that isn't known is
kept as it is: newer versions may add some. What an image holds isn't judged; its digest does that.

DynamoDB vouches that what lies in a table is made of attribute values, no deeper than 32 levels and no larger than
400 KB; for what comes from elsewhere, `check_values` does.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from audit_trail.core.diff import SETS
from audit_trail.core.errors import MalformedItemError, MalformedValueError
from audit_trail.core.pointers import is_pointer
from audit_trail.core.values import AttributeValue, canonical_value, plain_number

EVENT_NAMES = frozenset({"INSERT", "MODIFY", "REMOVE", "BASELINE"})
"""The kinds of records."""
MOVABLE = ("old_image", "new_image", "diff", "changed_attributes")
"""What may move out of a record, into gzip or an object."""

_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z#[0-9]{40,999}").fullmatch

_FIRST_YEAR = 1970
_DEEPEST = 40  # levels of attribute values: DynamoDB's 32, and those of a record around them
_KEY_TYPES = ("S", "N", "B")
_NONE: frozenset[str] = frozenset()
_SIDES = {
    "add": (frozenset({"new"}), frozenset({"old"})),
    "remove": (frozenset({"old"}), frozenset({"new"})),
    "replace": (frozenset({"old", "new"}), _NONE),
    "members": (_NONE, _NONE),
}
"""What an entry of a diff must have by its operation, and what it can't have."""
_TYPES = {
    **dict.fromkeys(("timestamp", "event_id", "event_name", "event_version", "event_source", "aws_region"), "S"),
    **dict.fromkeys(("event_source_arn", "sequence_number", "stream_view_type", "actor", "actor_source"), "S"),
    **dict.fromkeys(("reason", "reason_source", "time_bucket", "actor_bucket", "other"), "S"),
    **dict.fromkeys(("schema_version", "approximate_creation_date_time", "size_bytes", "expires_at"), "N"),
    **dict.fromkeys(("old_image_sha256", "new_image_sha256"), "B"),
    **dict.fromkeys(("keys", "old_image", "new_image", "user_identity", "images"), "M"),
    "diff": "L",
    "changed_attributes": "SS",
}


def check_types(item: Mapping[str, AttributeValue]) -> None:
    """Check the types of those names that are known, and what they may hold.

    :raises MalformedItemError: the item isn't an audit record, or not a part of one; the message has no data in it.
    """
    known = _TYPES.get
    for name, value in item.items():
        tag = known(name)
        if tag is not None and tag not in value:
            raise MalformedItemError(f"its {name} is not of type {tag}")
    if "keys" in item and not all(next(iter(part)) in _KEY_TYPES for part in item["keys"]["M"].values()):
        raise MalformedItemError("its keys are not of type S, N or B")
    if "user_identity" in item and not all("S" in part for part in item["user_identity"]["M"].values()):
        raise MalformedItemError("its user_identity is not made of strings")
    if "event_name" in item and item["event_name"]["S"] not in EVENT_NAMES:
        raise MalformedItemError("its event_name is none that Table Trail knows")
    if "diff" in item:
        for entry in item["diff"]["L"]:
            _check_entry(entry)


def _check_entry(entry: AttributeValue) -> None:
    try:
        parts = entry["M"]
        needed, excluded = _SIDES[parts["op"]["S"]]
        path = parts["path"]["S"]
    except (KeyError, TypeError):
        raise MalformedItemError("its diff is not a list of known operations") from None
    names = parts.keys()
    if not names >= needed or names & excluded or not path.startswith("/") or ("~" in path and not is_pointer(path)):
        raise MalformedItemError("its diff has an entry that its operation doesn't allow")
    if parts["op"]["S"] == "members":
        kinds = {next(iter(parts[name])) for name in ("old", "new") if name in names}
        if len(kinds) != 1 or not kinds <= SETS:
            raise MalformedItemError("its diff has an entry of members that are no set's")


def check_timestamp(timestamp: str) -> None:
    """Check a sort key.

    :raises MalformedItemError: it isn't an audit record's.
    """
    if not is_timestamp(timestamp):
        raise MalformedItemError("its timestamp is not a time and a sequence number")


def is_timestamp(text: str) -> bool:
    """Tell whether a text is a whole sort key: time and sequence number, within DynamoDB's 1,024 bytes."""
    try:
        return _TIMESTAMP(text) is not None and datetime.fromisoformat(text[: text.index("#")]).year >= _FIRST_YEAR
    except ValueError:
        return False


def check_values(item: Any) -> None:
    """Check that something parsed from JSON is made of attribute values, as an item is that DynamoDB took.

    :raises MalformedItemError: it isn't.
    """
    try:
        _check_all(item.values(), _DEEPEST)
    except (AttributeError, KeyError, TypeError, ValueError, MalformedValueError):
        raise MalformedItemError("it is not made of DynamoDB's attribute values") from None


def _check_all(values: Iterable[Any], levels: int) -> None:
    for value in values:
        [(tag, body)] = value.items()
        if tag == "S":
            if type(body) is not str:
                raise MalformedValueError("an S value is not a string")
        elif tag in ("M", "L"):
            if not levels or type(body) is not (dict if tag == "M" else list):
                raise MalformedValueError("an M or L value is no map or list, or lies too deep")
            _check_all(body.values() if tag == "M" else body, levels - 1)
        elif tag != "N" or not plain_number(body):
            canonical_value(value)

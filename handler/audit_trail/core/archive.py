"""Records that left the audit table by TTL, as they lie in the archive: a line each, an object per batch and day.

A line is a JSON object of strings: ``item`` has the whole record in DynamoDB JSON, itself as text, so that readers with
fixed columns (Athena, Spark, DuckDB) need to know none of its attributes; the others repeat what one looks for. What a
TTL deletion looks like: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
"""

import gzip
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from audit_trail.core.errors import MalformedArchiveError, MalformedItemError, MalformedRecordError, MalformedValueError
from audit_trail.core.limits import LARGEST_LINE, LARGEST_OBJECT, gunzipped_lines, parsed
from audit_trail.core.records import StreamRecord, creation_time, sequence_number
from audit_trail.core.validation import check_values, is_timestamp
from audit_trail.core.values import AttributeValue, Image, canonical_value

PREFIX = "archive/"
COLUMNS = ("key", "timestamp", "event_name", "actor", "reason", "changed_attributes", "item")
"""A line's fields; ``changed_attributes`` is a list of strings, and each but the first two and the last may be absent."""

_CLOCKS_APART = 60
"""Seconds by which the clocks of TTL and of the stream may differ."""
_TTL = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
_LEVEL = 6
_KEY_TYPES = ("S", "N", "B")
_DIGITS_OF_DIGEST = 16
_UNFIT = re.compile("[\x00\ud800-\udfff]")  # readers of UTF-8 refuse the ones, some the other
_DAY = re.compile(rf"{PREFIX}dt=([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})/").fullmatch

_FOREIGN = "an object under archive/ is not one of the archive's: it can't be read"

_encode = json.JSONEncoder(separators=(",", ":"), sort_keys=True, check_circular=False).encode


@dataclass(frozen=True, slots=True)
class Line:
    """One record on its way into the archive."""

    day: str
    """UTC day of the change: ``2026-11-24``."""
    key: str
    timestamp: str
    sequence_number: str
    """The deletion's, in the audit table's own stream."""
    text: str


def expired(record: StreamRecord) -> bool:
    """Tell whether a record of the audit table's stream is a deletion by TTL, and not anybody's."""
    identity = record.get("userIdentity") if isinstance(record, Mapping) else None
    return (
        isinstance(identity, Mapping)
        and record.get("eventName") == "REMOVE"
        and all(identity.get(name) == value for name, value in _TTL.items())
    )


def expired_early(record: StreamRecord) -> bool:
    """Tell whether TTL deleted a record whose time hadn't come: by another attribute than ``expires_at``, or without one.

    DynamoDB deletes what has expired, never before (often days later). So this shows TTL turned to an attribute of the past.
    """
    if not expired(record):
        return False
    change = record.get("dynamodb")
    item = change.get("OldImage") if isinstance(change, Mapping) else None
    until = _number(item.get("expires_at")) if isinstance(item, Mapping) else None
    deleted = creation_time(record)
    return until is None or deleted is None or until > deleted + _CLOCKS_APART


def _number(value: Any) -> Decimal | None:
    try:
        return Decimal(canonical_value(value)["N"])
    except (KeyError, TypeError, ValueError, MalformedValueError):
        return None


def line(record: StreamRecord) -> Line:
    """Make the archive's line of a deletion's old image, which is the record that expired.

    :raises MalformedRecordError: it can't ever be archived; the message has no data in it.
    """
    change = record.get("dynamodb")
    change = change if isinstance(change, dict) else {}
    item = change.get("OldImage")
    if not isinstance(item, dict):
        raise MalformedRecordError("the deletion has no old image: the audit table's stream must carry it")
    number = sequence_number(record)
    if number is None or not (number.isascii() and number.isdigit()):
        raise MalformedRecordError("the deletion has no SequenceNumber")
    try:
        timestamp = item["timestamp"]["S"]
        [partition] = change["Keys"].keys() - {"timestamp"}
        key = key_text(item[partition])
        if not is_timestamp(timestamp):
            raise MalformedRecordError("the deleted item's timestamp is not an audit record's")
        return Line(timestamp[:10], key, timestamp, number, _text(key, timestamp, item))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, MalformedValueError):
        raise MalformedRecordError("the deleted item is not an audit record") from None


def _text(key: str, timestamp: str, item: Image) -> str:
    # ASCII, so that lone surrogates survive in it.
    return _encode(_plain(key, timestamp, item) | {"item": _encode(item)})


def _plain(key: str, timestamp: str, item: Image) -> dict[str, Any]:
    """Return a line's fields but for the item itself."""
    fields: dict[str, Any] = {"key": fit(key), "timestamp": timestamp}
    for name in ("event_name", "actor", "reason"):
        if name in item:
            fields[name] = fit(item[name]["S"])
    if "changed_attributes" in item:
        fields["changed_attributes"] = sorted(map(fit, item["changed_attributes"]["SS"]))
    return fields


def key_text(partition: AttributeValue) -> str:
    """Return an audit table's partition key as a line has it: text, number or base64, by the type of the key."""
    [(tag, body)] = canonical_value(partition).items()
    if tag not in _KEY_TYPES:
        raise MalformedRecordError("the deleted item's partition key is not of type S, N or B")
    text: str = body
    return text


def fit(text: str) -> str:
    """Return a text as a line's plain fields have it: what UTF-8 can't hold, and NUL, is U+FFFD there."""
    return _UNFIT.sub("\ufffd", text)


def object_of(lines: Sequence[Line]) -> tuple[str, bytes]:
    """Return key and body of the object that holds a batch's lines of one day: the same for the same lines.

    A record that was delivered twice is written once. The digest in the key makes different objects differ: batches
    may be cut so that both begin and end alike, and two shards may have the same sequence numbers.
    """
    text = "".join(f"{one}\n" for one in dict.fromkeys(line.text for line in lines)).encode("ascii")
    ends = f"{lines[0].sequence_number}-{lines[-1].sequence_number}"
    digest = hashlib.sha256(text).hexdigest()[:_DIGITS_OF_DIGEST]
    key = f"{prefix(lines[0].day)}{ends}-{digest}.jsonl.gz"
    return key, gzip.compress(text, compresslevel=_LEVEL, mtime=0)


def prefix(day: str) -> str:
    """Return where a day's objects lie, as Athena and others understand partitions."""
    return f"{PREFIX}dt={day}/"


def day_of(folder: str) -> str | None:
    """Return the day of a prefix, or None where it is none of the archive's."""
    found = _DAY(folder)
    return found[1] if found else None


def day_of_object(key: str) -> str:
    """Return the day that an object's key says; nothing where it is none of the archive's."""
    return day_of(f"{'/'.join(key.split('/', 2)[:2])}/") or ""


def items(body: bytes, partition_key: str, day: str, key: str | None = None) -> Iterator[Image]:
    """Yield the records in an object of a day, in its order; with ``key`` only those whose line has it.

    ``partition_key`` is the name of the audit table's.

    :raises MalformedArchiveError: it isn't an object that the function wrote there: not gzip, not JSON lines, a line
        that isn't an item's, is of another day, or whose plain fields say something else than its item.
    """
    try:
        for text in gunzipped_lines(body, LARGEST_OBJECT):
            fields = parsed(text, LARGEST_LINE)
            if key is None or fields["key"] == key:
                item = item_of(fields["item"])
                if not _agrees(fields, item, partition_key) or timestamp_of(item)[:10] != day:
                    raise MalformedArchiveError(_FOREIGN)
                yield item
    except (KeyError, TypeError, ValueError, AttributeError, MalformedRecordError, MalformedValueError):
        raise MalformedArchiveError(_FOREIGN) from None


def _agrees(fields: Mapping[str, Any], item: Image, partition_key: str) -> bool:
    told = _plain(key_text(item[partition_key]), timestamp_of(item), item)
    return all(fields.get(name) == told.get(name) for name in COLUMNS if name != "item")


def item_of(text: str) -> Image:
    """Return the record that a line has as text.

    :raises MalformedArchiveError: it isn't an item.
    """
    try:
        item: Image = parsed(text, LARGEST_LINE)
        check_values(item)
    except (ValueError, TypeError, AttributeError, MalformedItemError):
        raise MalformedArchiveError("a line of an object under archive/ holds no item") from None
    return item


def timestamp_of(item: Image) -> str:
    """Return a record's sort key."""
    text: str = item["timestamp"]["S"]
    return text

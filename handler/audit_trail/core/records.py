"""Stream records become audit records, and can be rebuilt from them, equal in every field.

An audit record is a pure function of its stream record and the settings. What a stream record looks like:
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html, in the spelling that Lambda
gives it (https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html).
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from audit_trail.core.actors import actor, lifted
from audit_trail.core.canonical import canonical_form
from audit_trail.core.diff import Entry, canonical_diff, changed_attributes
from audit_trail.core.errors import MalformedItemError, MalformedRecordError, MalformedValueError
from audit_trail.core.images import text_digest
from audit_trail.core.keys import KeySchema, iso_time, shard, sort_key
from audit_trail.core.values import AttributeValue, Image, canonical_value, json_number, number_value

SCHEMA_VERSION = 1
_EVENT_NAMES = ("INSERT", "MODIFY", "REMOVE")
_SECONDS_A_DAY = 86_400

StreamRecord = Mapping[str, Any]
"""One element of the event's ``Records``, as Lambda hands it over."""


@dataclass(frozen=True, slots=True)
class RecordSettings:
    """What an audit record depends on beside its stream record."""

    key_schema: KeySchema
    retention_days: int | None = None
    """Days until a record expires from the audit table; None keeps it for ever."""
    actor_attribute: str | None = None
    """The attribute that says who wrote: a top-level name, or a JSON Pointer (it begins with ``/``)."""
    reason_attribute: str | None = None
    time_index_shards: int = 0
    """Shards of the index by_time; 0 when that index is off."""
    actor_index_shards: int = 0


class AuditItem(dict[str, AttributeValue]):
    """An item for the audit table; ``texts`` has the JSON of those images that were written out already."""

    __slots__ = ("texts",)

    def __init__(self, item: Image) -> None:
        super().__init__(item)
        self.texts: dict[str, str] = {}


def audit_item(record: StreamRecord, settings: RecordSettings) -> AuditItem:
    """Make the audit table's item of a stream record.

    :raises MalformedRecordError: the record can never be stored, whoever tries; the message has no data in it.
    """
    try:
        return _audit_item(record, settings)
    except MalformedValueError as error:
        raise MalformedRecordError(f"the record holds an invalid attribute value: {error}") from None
    except RecursionError:
        raise MalformedRecordError("the record is nested deeper than any item that DynamoDB takes") from None


def _audit_item(record: StreamRecord, settings: RecordSettings) -> AuditItem:
    if not isinstance(record, Mapping):
        raise MalformedRecordError("the record is not a JSON object")
    change = record.get("dynamodb")
    if not isinstance(change, Mapping):
        raise MalformedRecordError("the record has no dynamodb part: it is not a DynamoDB stream record")
    event_name = record.get("eventName")
    if event_name not in _EVENT_NAMES:
        raise MalformedRecordError("the record's eventName is none of INSERT, MODIFY and REMOVE")
    keys = change.get("Keys")
    if not isinstance(keys, dict) or not keys:
        raise MalformedRecordError("the record has no Keys")
    sequence_number = change.get("SequenceNumber")
    if not isinstance(sequence_number, str) or not sequence_number:
        raise MalformedRecordError("the record has no SequenceNumber")
    created = json_number(change.get("ApproximateCreationDateTime"))
    if created is None:
        raise MalformedRecordError("the record has no ApproximateCreationDateTime")

    partition = settings.key_schema.audit_partition_value(keys)
    item = AuditItem(
        {
            settings.key_schema.audit_partition_key: partition,
            "timestamp": {"S": sort_key(created, sequence_number)},
            "schema_version": {"N": str(SCHEMA_VERSION)},
        }
    )
    item.update(_fields(record, change))
    old, new = _canonical(change, "OldImage", "old_image", item), _canonical(change, "NewImage", "new_image", item)
    if event_name == "MODIFY" and old is not None and new is not None:
        item.update(_difference(canonical_diff(old, new)))
    item.update(_lifted(record, event_name, old, new, settings))
    item.update(_derived(item, created, partition, settings))
    return item


def _canonical(change: Mapping[str, Any], field: str, name: str, item: AuditItem) -> Image | None:
    """Return an image in canonical form, and note its digest and text with the item."""
    image = change.get(field)
    if not isinstance(image, dict):
        return None
    canonical, text = canonical_form(image)
    item[f"{name}_sha256"] = {"B": base64.b64encode(text_digest(text)).decode("ascii")}
    if canonical is image:
        item.texts[name] = text
    return canonical


def _string(value: Any) -> AttributeValue | None:
    return {"S": value} if isinstance(value, str) else None


def _number(value: Any) -> AttributeValue | None:
    number = json_number(value)
    encoded = None if number is None else number_value(number)
    return encoded if encoded is not None and _json_number(encoded) == value else None


def _map(value: Any) -> AttributeValue | None:
    return {"M": value} if isinstance(value, dict) else None


def _identity(value: Any) -> AttributeValue | None:
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        return None
    return {"M": {name: {"S": one} for name, one in value.items()}}


_Encoder = Callable[[Any], AttributeValue | None]
_RECORD_FIELDS: dict[str, tuple[str, _Encoder]] = {
    "eventID": ("event_id", _string),
    "eventName": ("event_name", _string),
    "eventVersion": ("event_version", _string),
    "eventSource": ("event_source", _string),
    "awsRegion": ("aws_region", _string),
    "eventSourceARN": ("event_source_arn", _string),
    "userIdentity": ("user_identity", _identity),
}
_CHANGE_FIELDS: dict[str, tuple[str, _Encoder]] = {
    "SequenceNumber": ("sequence_number", _string),
    "StreamViewType": ("stream_view_type", _string),
    "ApproximateCreationDateTime": ("approximate_creation_date_time", _number),
    "SizeBytes": ("size_bytes", _number),
    "Keys": ("keys", _map),
    "OldImage": ("old_image", _map),
    "NewImage": ("new_image", _map),
}


def _fields(record: StreamRecord, change: Mapping[str, Any]) -> Image:
    """Store each field of the stream record exactly once: under its attribute, or else in ``other``."""
    attributes: Image = {}
    other: dict[str, dict[str, Any]] = {}
    for part, fields, known in (("record", record, _RECORD_FIELDS), ("dynamodb", change, _CHANGE_FIELDS)):
        for field, value in fields.items():
            name, encode = known.get(field, ("", _nothing))
            encoded = encode(value)
            if encoded is not None:
                attributes[name] = encoded
            elif (part, field) != ("record", "dynamodb"):
                other.setdefault(part, {})[field] = value
    if other:
        attributes["other"] = {"S": json.dumps(other, separators=(",", ":"), sort_keys=True)}
    return attributes


def _nothing(_value: Any) -> None:
    return None


def _difference(entries: Sequence[Entry]) -> Image:
    listed = [_entry_value(entry) for entry in entries]
    if not listed:
        return {}
    return {"diff": {"L": listed}, "changed_attributes": {"SS": changed_attributes(entries)}}


def _entry_value(entry: Entry) -> AttributeValue:
    fields: Image = {"op": {"S": entry.op}, "path": {"S": entry.path}}
    if entry.old is not None:
        fields["old"] = entry.old
    if entry.new is not None:
        fields["new"] = entry.new
    return {"M": fields}


def _lifted(
    record: StreamRecord, event_name: str, old: Image | None, new: Image | None, settings: RecordSettings
) -> Image:
    attributes: Image = {}
    found = actor(event_name, record.get("userIdentity"), old, new, settings.actor_attribute)
    if found is not None:
        attributes["actor"], attributes["actor_source"] = found[0], {"S": found[1]}
    reason = lifted(new, settings.reason_attribute)
    if reason is not None:
        attributes["reason"] = reason
    return attributes


def _derived(item: Image, created: Decimal, partition: AttributeValue, settings: RecordSettings) -> Image:
    derived: Image = {}
    if settings.retention_days is not None:
        derived["expires_at"] = {"N": str(int(created) + settings.retention_days * _SECONDS_A_DAY)}
    if settings.time_index_shards:
        derived["time_bucket"] = {"S": f"{iso_time(created)[:10]}#{shard(partition, settings.time_index_shards)}"}
    if settings.actor_index_shards and "actor" in item:
        bucket = f"{item['actor']['S']}#{shard(partition, settings.actor_index_shards)}"
        derived["actor_bucket"] = {"S": bucket}
    return derived


def sequence_number(record: StreamRecord) -> str | None:
    """Return a stream record's sequence number, or None where it has none."""
    change = record.get("dynamodb") if isinstance(record, dict) else None
    number = change.get("SequenceNumber") if isinstance(change, dict) else None
    return number if isinstance(number, str) and number else None


def creation_time(record: StreamRecord) -> Decimal | None:
    """Return when a stream record's change was made, in epoch seconds, or None where it doesn't say."""
    change = record.get("dynamodb") if isinstance(record, dict) else None
    return json_number(change.get("ApproximateCreationDateTime")) if isinstance(change, dict) else None


def stream_record(item: Image) -> dict[str, Any]:
    """Rebuild the stream record from an audit table's item: equal to the original in every field.

    :raises MalformedItemError: the item isn't an audit record.
    """
    if "schema_version" not in item or "event_name" not in item:
        raise MalformedItemError("the item is not an audit record: it has no schema_version or no event_name")
    try:
        other = json.loads(item["other"]["S"]) if "other" in item else {}
        record: dict[str, Any] = dict(other.get("record", {}))
        change: dict[str, Any] = dict(other.get("dynamodb", {}))
        for fields, into in ((_RECORD_FIELDS, record), (_CHANGE_FIELDS, change)):
            for field, (name, encode) in fields.items():
                if name in item:
                    into[field] = _DECODERS[encode](item[name])
    except (KeyError, ValueError, TypeError, AttributeError, MalformedValueError):
        raise MalformedItemError("the item is not an audit record: its stream record can't be rebuilt") from None
    record["dynamodb"] = change
    return record


def entries(item: Image) -> list[Entry]:
    """Read a stored diff; nothing where the item has none.

    :raises MalformedItemError: the diff isn't one.
    """
    try:
        fields = [entry["M"] for entry in item["diff"]["L"]] if "diff" in item else []
        return [Entry(one["op"]["S"], one["path"]["S"], one.get("old"), one.get("new")) for one in fields]
    except (KeyError, TypeError):
        raise MalformedItemError("the item's diff is not a list of {op, path, old, new}") from None


def _json_number(value: AttributeValue) -> int | float:
    text = canonical_value(value)["N"]
    return float(text) if "." in text else int(text)


_DECODERS: dict[_Encoder, Callable[[AttributeValue], Any]] = {
    _string: lambda value: value["S"],
    _number: _json_number,
    _map: lambda value: value["M"],
    _identity: lambda value: {name: one["S"] for name, one in value["M"].items()},
}

"""Stream records become audit records, and can be rebuilt from them, equal in every field.

An audit record is a pure function of its stream record and the settings. What a stream record looks like:
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html, in the spelling that Lambda
gives it (https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html).
"""

import base64
from binascii import b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from audit_trail.core import fields, patch
from audit_trail.core.actors import actor, attributed
from audit_trail.core.canonical import Form, canonical_form, canonical_forms
from audit_trail.core.comparison import Comparison
from audit_trail.core.diff import Entry, canonical_diff
from audit_trail.core.errors import DiffError, MalformedItemError, MalformedRecordError, MalformedValueError
from audit_trail.core.images import text_digest
from audit_trail.core.keys import KeySchema, iso_time, shard, sort_key
from audit_trail.core.values import AttributeValue, Image, json_number

SCHEMA_VERSION = 1
_SECONDS_A_DAY = 86_400

OLD_AND_NEW = "old_and_new"
NEW_AND_DIFF = "new_and_diff"
_REBUILT_FROM = {"new_image", "old_image_sha256"}

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
    image_storage: str = OLD_AND_NEW
    """NEW_AND_DIFF leaves a MODIFY's old image out: readers rebuild it from the new one and the diff."""
    event_names: tuple[str, ...] = ("INSERT", "MODIFY", "REMOVE")
    """The kinds of records that are taken: those that streams have."""


class AuditItem(dict[str, AttributeValue]):
    """An item for the audit table; ``texts`` has the JSON of those images that were written out already.

    ``length`` is that of both images in canonical form, and ``shallow`` tells whether they are surely not too deep for
    DynamoDB.
    """

    __slots__ = ("length", "shallow", "texts")

    def __init__(self, item: Image) -> None:
        super().__init__(item)
        self.texts: dict[str, str] = {}
        self.length = 0
        self.shallow = True


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
    if event_name not in settings.event_names:
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
    item.update(fields.encode(record, change))
    comparison = Comparison()
    old, new = _images(change, item, comparison)
    if event_name == "MODIFY" and old is not None and new is not None:
        item.update(_difference(old, new, comparison))
        if settings.image_storage == NEW_AND_DIFF and item.texts.keys() == {"old_image", "new_image"}:
            # Only canonical images are rebuilt equal in every spelling.
            del item["old_image"], item.texts["old_image"]
    item.update(_lifted(record, event_name, old, new, settings))
    item.update(_derived(item, created, partition, settings))
    return item


def _images(change: Mapping[str, Any], item: AuditItem, comparison: Comparison) -> tuple[Image | None, Image | None]:
    """Return both images in canonical form, where there are any, and note their digests and texts with the item."""
    old, new = change.get("OldImage"), change.get("NewImage")
    old_form = new_form = None
    if isinstance(old, dict) and isinstance(new, dict):
        old_form, new_form = canonical_forms(old, new, comparison)
    elif isinstance(old, dict):
        old_form = canonical_form(old)
    elif isinstance(new, dict):
        new_form = canonical_form(new)
    return _noted("old_image", old, old_form, item), _noted("new_image", new, new_form, item)


def _noted(name: str, image: Any, form: Form | None, item: AuditItem) -> Image | None:
    if form is None:
        return None
    item[f"{name}_sha256"] = {"B": b2a_base64(text_digest(form.text), newline=False).decode("ascii")}
    if form.image is image:
        item.texts[name] = form.text
    item.length += len(form.text)
    item.shallow = item.shallow and form.shallow
    return form.image


def _difference(old: Image, new: Image, comparison: Comparison) -> Image:
    changed = comparison.changed_names(old, new)
    if not changed:
        return {}
    listed = [_entry_value(entry) for entry in canonical_diff(old, new, comparison)]
    return {"diff": {"L": listed}, "changed_attributes": {"SS": changed}}


def _entry_value(entry: Entry) -> AttributeValue:
    op, path, old, new = entry
    parts: Image = {"op": {"S": op}, "path": {"S": path}}
    if old is not None:
        parts["old"] = old
    if new is not None:
        parts["new"] = new
    return {"M": parts}


def _lifted(
    record: StreamRecord, event_name: str, old: Image | None, new: Image | None, settings: RecordSettings
) -> Image:
    attributes: Image = {}
    found = actor(event_name, record.get("userIdentity"), old, new, settings.actor_attribute)
    if found is not None:
        attributes["actor"], attributes["actor_source"] = found[0], {"S": found[1]}
    reason = attributed(event_name, old, new, settings.reason_attribute)
    if reason is not None:
        attributes["reason"], attributes["reason_source"] = reason[0], {"S": reason[1]}
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
        return fields.decode(with_old_image(item))
    except (KeyError, ValueError, TypeError, AttributeError, MalformedValueError):
        raise MalformedItemError("the item is not an audit record: its stream record can't be rebuilt") from None


def with_old_image(item: Image) -> Image:
    """Return an audit record with its old image, rebuilt from the new one and the diff where it isn't stored.

    The very same object where nothing has to be rebuilt.

    :raises MalformedItemError: the new image and the diff don't lead to the old image that its digest tells.
    """
    if item.get("event_name") != {"S": "MODIFY"} or "old_image" in item or not item.keys() >= _REBUILT_FROM:
        return item
    try:
        old = patch.apply(item["new_image"]["M"], patch.invert(entries(item)))
        if text_digest(canonical_form(old).text) == base64.b64decode(item["old_image_sha256"]["B"]):
            return item | {"old_image": {"M": old}}
    except (DiffError, MalformedValueError, KeyError, TypeError, ValueError):
        pass
    raise MalformedItemError("the record's old image can't be rebuilt: its new image, diff and digest don't agree")


def entries(item: Image) -> list[Entry]:
    """Read a stored diff; nothing where the item has none.

    :raises MalformedItemError: the diff isn't one.
    """
    try:
        listed = [entry["M"] for entry in item["diff"]["L"]] if "diff" in item else []
        return [Entry(one["op"]["S"], one["path"]["S"], one.get("old"), one.get("new")) for one in listed]
    except (KeyError, TypeError):
        raise MalformedItemError("the item's diff is not a list of {op, path, old, new}") from None

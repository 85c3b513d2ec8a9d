"""Stream records as the Streams API gives them, as Lambda passes them on, and as the model keeps them."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

EventRecord = dict[str, Any]
"""One element of `Records` in the event that Lambda passes to the function."""

IMAGES = ("Keys", "NewImage", "OldImage")


def event_record(record: Mapping[str, Any], stream_arn: str) -> EventRecord:
    """Return a record of the DynamoDB Streams API (boto3) as Lambda would put it into the function's event.

    AWS, the API's shape: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
    AWS, the event's: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html (example event), and with its
    `userIdentity` https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
    """
    change = dict(record["dynamodb"])
    created = change.get("ApproximateCreationDateTime")
    if isinstance(created, datetime):
        change["ApproximateCreationDateTime"] = created.timestamp()
    for name in IMAGES:
        if name in change:
            change[name] = {attribute: _plain(value) for attribute, value in change[name].items()}
    event = {name: value for name, value in record.items() if name not in ("dynamodb", "userIdentity")}
    identity = record.get("userIdentity")
    if identity is not None:
        event["userIdentity"] = {name[0].lower() + name[1:]: value for name, value in identity.items()}
    event["dynamodb"] = change
    event["eventSourceARN"] = stream_arn
    return event


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return an attribute value with its binaries as base64 text, as JSON has no bytes."""
    ((tag, inner),) = value.items()
    if tag == "B":
        return {tag: _base64(inner)}
    if tag == "BS":
        return {tag: [_base64(member) for member in inner]}
    if tag == "L":
        return {tag: [_plain(element) for element in inner]}
    if tag == "M":
        return {tag: {name: _plain(element) for name, element in inner.items()}}
    return {tag: inner}


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


@dataclass(frozen=True, slots=True)
class BufferedRecord:
    """A polled record, already in JSON: every delivery parses it afresh, so no function sees another's changes."""

    sequence_number: str
    created: float
    text: str
    size: int

    @classmethod
    def of(cls, record: EventRecord) -> BufferedRecord:
        """Return the record as it waits to be delivered."""
        change = record["dynamodb"]
        text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
        size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        return cls(change["SequenceNumber"], float(change["ApproximateCreationDateTime"]), text, size)


ENVELOPE_BYTES = len('{"Records":[]}')


def payload_of(records: Iterable[BufferedRecord]) -> str:
    """Return the event of these records as JSON text."""
    return '{"Records":[' + ",".join(record.text for record in records) + "]}"


def lane_of(record: EventRecord, lanes: int) -> int:
    """Return which of a shard's concurrent lanes a record belongs to: the same for all records of one item.

    Partition key and sort key together decide, so order holds per item and not per partition key.

    AWS: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html ("in-order processing at the item (partition and
    sort key) level")
    """
    if lanes == 1:
        return 0
    keys = json.dumps(record["dynamodb"].get("Keys", {}), sort_keys=True)
    return zlib.crc32(keys.encode("utf-8", "surrogatepass")) % lanes

"""Builders of what the tests feed to the core: stream records as Lambda hands them over, settings, changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit_trail.core.history import Change
from audit_trail.core.keys import KeySchema
from audit_trail.core.records import RecordSettings, audit_item

if TYPE_CHECKING:
    from audit_trail.core.values import AttributeValue, Image

ARN = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/2026-11-24T00:00:00.000"
NOON = 1_795_521_600
"""2026-11-24T12:00:00Z in epoch seconds."""
ORDER = KeySchema("order_id")
SETTINGS = RecordSettings(ORDER)
TTL_IDENTITY = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


def stream_record(
    event_name: str = "MODIFY",
    *,
    old: Image | None = None,
    new: Image | None = None,
    keys: Image | None = None,
    dynamodb: dict[str, Any] | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """Make a stream record of the table orders; ``dynamodb`` and ``fields`` overlay its two parts."""
    change: dict[str, Any] = {
        "ApproximateCreationDateTime": NOON,
        "Keys": keys or {"order_id": {"N": "123"}},
        "SequenceNumber": "100000000000000000001",
        "SizeBytes": 26,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    if old is not None:
        change["OldImage"] = old
    if new is not None:
        change["NewImage"] = new
    return {
        "eventID": "c4ca4238a0b923820dcc509a6f75849b",
        "eventName": event_name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-central-1",
        "eventSourceARN": ARN,
        "dynamodb": change | (dynamodb or {}),
        **fields,
    }


def without(record: dict[str, Any], field: str) -> dict[str, Any]:
    """Return a stream record without one field of either part."""
    change = {name: value for name, value in record["dynamodb"].items() if name != field}
    rest = {name: value for name, value in record.items() if name != field}
    return rest | ({"dynamodb": change} if "dynamodb" in rest else {})


def change(seconds: float, sequence: int | str, *, arn: str = ARN) -> Change:
    """Make a stored change: so many seconds after noon, with this sequence number, from this stream."""
    moved = {"ApproximateCreationDateTime": NOON + seconds, "SequenceNumber": str(sequence)}
    record = stream_record("INSERT", new={}, dynamodb=moved, eventSourceARN=arn)
    return Change.from_item(audit_item(record, SETTINGS))


def strings(*texts: str) -> AttributeValue:
    """Make a list of strings."""
    return {"L": [{"S": text} for text in texts]}


def nested(value: AttributeValue, levels: int) -> AttributeValue:
    """Wrap a value in so many levels of lists and maps, in turn."""
    for level in range(levels):
        value = {"M": {"deeper": value}} if level % 2 else {"L": [value]}
    return value

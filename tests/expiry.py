"""Records of the audit table's own stream: what TTL deletes, and what people do by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from audit_trail.core.records import audit_item
from tests.builders import ARN, NOON, SETTINGS, TTL_IDENTITY, stream_record

if TYPE_CHECKING:
    from audit_trail.core.records import RecordSettings, StreamRecord
    from audit_trail.core.values import Image

DELETED = NOON + 90 * 86_400
"""When TTL deletes, in epoch seconds."""
AUDIT_ARN = ARN.replace("table/orders", "table/orders-audit")


EXPIRING = replace(SETTINGS, retention_days=80)


def audit_record(record: StreamRecord, settings: RecordSettings = EXPIRING) -> Image:
    """Return the audit record of a change."""
    return dict(audit_item(record, settings))


def deletion(item: Image, number: int, **fields: Any) -> dict[str, Any]:
    """Return the stream record of an audit record's deletion by TTL, with that sequence number, a quarter later."""
    keys = {name: value for name, value in item.items() if name in ("order_id", "order_id#line", "timestamp")}
    change = {
        "ApproximateCreationDateTime": DELETED,
        "SequenceNumber": f"{number:021d}",
        "StreamViewType": "OLD_IMAGE",
    }
    return stream_record(
        "REMOVE",
        old=item,
        keys=keys,
        dynamodb=change,
        **{"eventSourceARN": AUDIT_ARN, "userIdentity": TTL_IDENTITY, **fields},
    )


def by_hand(event_name: str, item: Image, number: int) -> dict[str, Any]:
    """Return the stream record of what somebody did to an audit record."""
    return {name: value for name, value in deletion(item, number).items() if name != "userIdentity"} | {
        "eventName": event_name
    }

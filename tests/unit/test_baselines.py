"""BASELINE records: an item as it was first seen."""

from __future__ import annotations

import pytest

from audit_trail.core.baselines import baseline_record, baseline_settings
from audit_trail.core.errors import MalformedRecordError
from audit_trail.core.images import digest
from audit_trail.core.keys import KeySchema
from audit_trail.core.records import RecordSettings, audit_item
from audit_trail.core.values import decode_binary
from tests.builders import ARN, NOON
from tests.unit.fakes import order

SETTINGS = RecordSettings(
    KeySchema("order_id"),
    retention_days=1,
    actor_attribute="updated_by",
    time_index_shards=4,
    actor_index_shards=4,
)
IMAGE = order(1, status="NEW", updated_by="mia")
RECORD = baseline_record(IMAGE, {"order_id": {"N": "1"}}, NOON, ARN)


def test_a_baseline_is_an_observation() -> None:
    """It has the image and its digest, DynamoDB's time and no sequence number, and no index lists it as a change."""
    item = dict(audit_item(RECORD, baseline_settings(SETTINGS)))

    assert decode_binary(item.pop("new_image_sha256")["B"]) == digest(IMAGE)
    assert item == {
        "order_id": {"N": "1"},
        "timestamp": {"S": f"2026-11-24T12:00:00.000Z#{0:040d}"},
        "schema_version": {"N": "1"},
        "event_name": {"S": "BASELINE"},
        "event_source_arn": {"S": ARN},
        "sequence_number": {"S": "0"},
        "approximate_creation_date_time": {"N": str(NOON)},
        "keys": {"M": {"order_id": {"N": "1"}}},
        "new_image": {"M": IMAGE},
        "actor": {"S": "mia"},
        "actor_source": {"S": "unchanged"},
        "expires_at": {"N": str(NOON + 86_400)},
    }


def test_no_stream_brings_one() -> None:
    """The function takes no BASELINE: what comes from the stream is a change or nothing."""
    with pytest.raises(MalformedRecordError):
        audit_item(RECORD, SETTINGS)

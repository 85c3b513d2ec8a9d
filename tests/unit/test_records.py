"""Stream records become audit records and are rebuilt from them, by example."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audit_trail.core.errors import MalformedRecordError
from audit_trail.core.images import digest
from audit_trail.core.keys import KeySchema
from audit_trail.core.records import audit_item, entries, stream_record
from audit_trail.core.values import decode_binary
from tests import builders
from tests.builders import NOON, SETTINGS, TTL_IDENTITY, nested

SAMPLE: dict[str, Any] = json.loads(Path(__file__, "../../events/sample.json").resolve().read_text("utf-8"))
OLD: dict[str, Any] = {"order_id": {"N": "123"}, "total": {"N": "1.0"}, "by": {"S": "noah"}, "same": {"S": "x"}}
NEW: dict[str, Any] = {"order_id": {"N": "123"}, "total": {"N": "2.50"}, "by": {"S": "mia"}, "same": {"S": "x"}}
MODIFY = builders.stream_record("MODIFY", old=OLD, new=NEW)
EVERYTHING = replace(
    SETTINGS,
    retention_days=30,
    actor_attribute="by",
    reason_attribute="why",
    time_index_shards=10,
    actor_index_shards=1,
)


def test_every_attribute() -> None:
    """Each field of the stream record, and what is derived from it, has its attribute in its type."""
    item = audit_item(MODIFY | {"userIdentity": {"type": "Service", "principalId": "x"}}, EVERYTHING)
    digests = [item.pop(name)["B"] for name in ("old_image_sha256", "new_image_sha256")]
    assert list(map(decode_binary, digests)) == [digest(OLD), digest(NEW)]
    assert item == {
        "order_id": {"N": "123"},
        "timestamp": {"S": "2026-11-24T12:00:00.000Z#0000000000000000000100000000000000000001"},
        "schema_version": {"N": "1"},
        "event_id": {"S": "c4ca4238a0b923820dcc509a6f75849b"},
        "event_name": {"S": "MODIFY"},
        "event_version": {"S": "1.1"},
        "event_source": {"S": "aws:dynamodb"},
        "aws_region": {"S": "eu-central-1"},
        "event_source_arn": {"S": builders.ARN},
        "sequence_number": {"S": "100000000000000000001"},
        "stream_view_type": {"S": "NEW_AND_OLD_IMAGES"},
        "approximate_creation_date_time": {"N": str(NOON)},
        "size_bytes": {"N": "26"},
        "user_identity": {"M": {"type": {"S": "Service"}, "principalId": {"S": "x"}}},
        "keys": {"M": {"order_id": {"N": "123"}}},
        "old_image": {"M": OLD},
        "new_image": {"M": NEW},
        "diff": {
            "L": [
                {"M": {"op": {"S": "replace"}, "path": {"S": "/by"}, "old": {"S": "noah"}, "new": {"S": "mia"}}},
                {"M": {"op": {"S": "replace"}, "path": {"S": "/total"}, "old": {"N": "1"}, "new": {"N": "2.5"}}},
            ],
        },
        "changed_attributes": {"SS": ["by", "total"]},
        "actor": {"S": "mia"},
        "actor_source": {"S": "written"},
        "expires_at": {"N": str(NOON + 30 * 86_400)},
        "time_bucket": {"S": "2026-11-24#05"},
        "actor_bucket": {"S": "mia#00"},
    }


def test_the_sample_event() -> None:
    """The sample event, an INSERT that carries an old image as well, is stored whole and without a diff."""
    [record] = SAMPLE["Records"]
    item = audit_item(record, replace(SETTINGS, actor_attribute="updated_by"))
    assert item["timestamp"] == {"S": f"2019-09-23T18:47:41.000Z#{111:040}"}
    assert item["old_image"] == {"M": record["dynamodb"]["OldImage"]}
    assert item["actor"] == {"S": "checkout"}
    assert "diff" not in item
    assert stream_record(item) == record


def test_nothing_optional() -> None:
    """Without retention, indexes and names for actor and reason, none of their attributes is there."""
    item = audit_item(MODIFY, SETTINGS)
    lifted = {"actor", "actor_source", "reason", "reason_source"}
    derived = {"expires_at", "time_bucket", "actor_bucket", "user_identity", "other"}
    assert not (lifted | derived) & item.keys()


def test_times_with_fractions() -> None:
    """A time in float seconds keeps its fraction; what expires, expires by whole seconds."""
    record = builders.stream_record(new=NEW, dynamodb={"ApproximateCreationDateTime": NOON + 0.75})
    item = audit_item(record, EVERYTHING)
    assert item["timestamp"]["S"].startswith("2026-11-24T12:00:00.750Z#")
    assert item["approximate_creation_date_time"] == {"N": f"{NOON}.75"}
    assert item["expires_at"] == {"N": str(NOON + 30 * 86_400)}
    assert stream_record(item) == record


def test_the_time_is_the_stream_records() -> None:
    """The same record delivered again is the same item, whatever the time is (losing changes, no. 6)."""
    again = json.loads(json.dumps(MODIFY))
    assert audit_item(MODIFY, EVERYTHING) == audit_item(again, EVERYTHING)
    assert audit_item(MODIFY, EVERYTHING)["time_bucket"]["S"].startswith("2026-11-24#")


def test_changes_of_one_second_have_their_own_keys() -> None:
    """400 changes of an item within one second are 400 audit records (losing changes, no. 1)."""
    records = [builders.stream_record(new=NEW, dynamodb={"SequenceNumber": str(number)}) for number in range(1, 401)]
    items = [audit_item(record, SETTINGS) for record in records]
    assert len({(item["order_id"]["N"], item["timestamp"]["S"]) for item in items}) == 400


def test_items_of_a_composite_key_have_their_own_histories() -> None:
    """Two items whose joined keys would read alike don't share a history (losing changes, no. 7)."""
    settings = replace(SETTINGS, key_schema=KeySchema("pk", "sk"))
    histories = [
        audit_item(builders.stream_record(keys={"pk": {"S": one}, "sk": {"S": other}}), settings)["pk#sk"]["S"]
        for one, other in [("a#b", "c"), ("a", "b#c"), ("ab", "c"), ("a", "bc"), ("a%23b", "c")]
    ]
    assert len(set(histories)) == len(histories)


def test_a_source_key_named_like_ours() -> None:
    """A source key named like one of the record's attributes doesn't get in its way."""
    record = builders.stream_record(keys={"timestamp": {"S": "t"}})
    item = audit_item(record, replace(SETTINGS, key_schema=KeySchema("timestamp")))
    assert item["source#timestamp"] == {"S": "t"}
    assert item["timestamp"]["S"].startswith("2026-")
    assert stream_record(item) == record


def test_a_deletion_by_time_to_live() -> None:
    """A deletion by time to live has DynamoDB as its actor, and that actor's bucket."""
    item = audit_item(builders.stream_record("REMOVE", old=OLD, userIdentity=TTL_IDENTITY), EVERYTHING)
    assert item["actor"] == {"S": "dynamodb.amazonaws.com"}
    assert item["actor_source"] == {"S": "ttl"}
    assert item["actor_bucket"] == {"S": "dynamodb.amazonaws.com#00"}


def test_a_deletion_by_somebody() -> None:
    """A deletion names nobody: who wrote last need not be who deleted."""
    item = audit_item(builders.stream_record("REMOVE", old=OLD | {"why": {"S": "because"}}), EVERYTHING)
    assert not {"actor", "actor_source", "actor_bucket", "reason"} & item.keys()
    assert "time_bucket" in item


def test_reasons() -> None:
    """The reason comes from the new image, whoever the actor is, from the depth of it too; one that stood there says so."""
    record = builders.stream_record(old=OLD, new=NEW | {"audit": {"M": {"why": {"S": "refund"}}}, "by": {"N": "1"}})
    item = audit_item(record, replace(EVERYTHING, reason_attribute="/audit/why"))
    assert (item["reason"], item["reason_source"]) == ({"S": "refund"}, {"S": "written"})
    assert "actor" not in item
    later = builders.stream_record(old=NEW | {"why": {"S": "refund"}}, new=OLD | {"why": {"S": "refund"}})
    assert audit_item(later, EVERYTHING)["reason_source"] == {"S": "unchanged"}


def test_depth() -> None:
    """A change 31 levels down is recorded."""
    record = builders.stream_record(old={"a": nested({"S": "x"}, 31)}, new={"a": nested({"S": "y"}, 31)})
    item = audit_item(record, SETTINGS)
    assert [entry.new for entry in entries(item)] == [{"S": "y"}]
    assert stream_record(item) == record


def test_values_nested_too_deeply() -> None:
    """Values nested deeper than any parser follows are a malformed record, not the end of the whole batch."""
    with pytest.raises(MalformedRecordError):
        audit_item(builders.stream_record(new={"a": nested({"S": "x"}, 900)}), SETTINGS)

"""What an audit record gives back: the whole stream record and the diff, by example."""

from __future__ import annotations

import json
from typing import Any

import pytest

from audit_trail.core.diff import Entry
from audit_trail.core.errors import MalformedItemError
from audit_trail.core.records import audit_item, entries, sequence_number, stream_record
from tests import builders
from tests.builders import SETTINGS, TTL_IDENTITY, without

OLD: dict[str, Any] = {"order_id": {"N": "123"}, "total": {"N": "1.0"}, "by": {"S": "noah"}, "same": {"S": "x"}}
NEW: dict[str, Any] = {"order_id": {"N": "123"}, "total": {"N": "2.50"}, "by": {"S": "mia"}, "same": {"S": "x"}}
MODIFY = builders.stream_record("MODIFY", old=OLD, new=NEW)
ANYTHING: list[Any] = [None, [], "x"]


@pytest.mark.parametrize(
    ("event_name", "images"),
    [
        ("INSERT", {"new": NEW}),
        ("REMOVE", {"old": OLD}),
        ("MODIFY", {"new": NEW}),
        ("MODIFY", {"old": OLD}),
        ("MODIFY", {"old": NEW, "new": NEW}),
        ("MODIFY", {"old": {"n": {"N": "1.0"}}, "new": {"n": {"N": "1"}}}),
        ("REMOVE", {}),
        ("INSERT", {"new": {}}),
    ],
)
def test_images_that_are_not_there(event_name: str, images: dict[str, Any]) -> None:
    """An image, its digest and the diff are absent where there is nothing to say; an empty image is an image."""
    record = builders.stream_record(event_name, **images)
    item = audit_item(record, SETTINGS)
    for side in ("old", "new"):
        assert (f"{side}_image" in item) == (side in images)
        assert (f"{side}_image_sha256" in item) == (side in images)
    assert "diff" not in item
    assert "changed_attributes" not in item
    assert stream_record(item) == record


@pytest.mark.parametrize("field", ["eventID", "eventVersion", "eventSource", "awsRegion", "eventSourceARN"])
@pytest.mark.parametrize("value", ["", "x", None, 5, {"a": [1]}])
def test_fields_of_the_record(field: str, value: Any) -> None:
    """A field that is missing, null or of another type than expected comes back as it was."""
    for record in (MODIFY | {field: value}, without(MODIFY, field)):
        assert stream_record(audit_item(record, SETTINGS)) == record


@pytest.mark.parametrize("field", ["StreamViewType", "SizeBytes", "OldImage", "NewImage"])
@pytest.mark.parametrize("value", [None, "x", 5, 0.25, True, [], {}])
def test_fields_of_the_change(field: str, value: Any) -> None:
    """The same for the fields of its dynamodb part."""
    for record in (builders.stream_record(dynamodb={field: value}), without(MODIFY, field)):
        assert stream_record(audit_item(record, SETTINGS)) == record


@pytest.mark.parametrize("text", ["1569264461", "1569264461.0", "1.569264461E9", "01569264461", "1569264461.75"])
def test_a_time_that_is_a_string(text: str) -> None:
    """A creation time that comes as a numeric string counts as that number, and comes back as the string that it was."""
    record = builders.stream_record("MODIFY", old=OLD, new=NEW, dynamodb={"ApproximateCreationDateTime": text})
    as_number = builders.stream_record(
        "MODIFY", old=OLD, new=NEW, dynamodb={"ApproximateCreationDateTime": float(text)}
    )
    item, other = audit_item(record, SETTINGS), audit_item(as_number, SETTINGS)
    assert stream_record(item) == record
    assert json.loads(item.pop("other")["S"]) == {"dynamodb": {"ApproximateCreationDateTime": text}}
    assert item == other


@pytest.mark.parametrize(
    "identity",
    [TTL_IDENTITY, {}, None, "someone", {"type": None}, {"type": "Service", "sessionContext": {"id": 1}}],
)
def test_user_identities(identity: Any) -> None:
    """Whatever the user identity is, it comes back as it was."""
    record = builders.stream_record("REMOVE", old=OLD, userIdentity=identity)
    assert stream_record(audit_item(record, SETTINGS)) == record


def test_unknown_fields() -> None:
    """Fields that AWS may add are kept in other, as JSON, each once."""
    record = builders.stream_record(dynamodb={"New": [1.5, None], "dynamodb": 1}, Region2="é", eventID=None)
    item = audit_item(record, SETTINGS)
    assert item["other"] == {
        "S": '{"dynamodb":{"New":[1.5,null],"dynamodb":1},"record":{"Region2":"\\u00e9","eventID":null}}',
    }
    assert "event_id" not in item
    assert stream_record(item) == record


def test_stored_entries() -> None:
    """A stored diff is read as the entries that it was made of; no diff is no entries."""
    record = builders.stream_record(old={"s": {"SS": ["a"]}, "x": {"S": ""}}, new={"s": {"SS": ["a", "b"]}})
    assert entries(audit_item(record, SETTINGS)) == [
        Entry("members", "/s", None, {"SS": ["b"]}),
        Entry("remove", "/x", old={"S": ""}),
    ]
    assert entries({}) == []


@pytest.mark.parametrize("stored", [{"S": "x"}, {"L": [{"S": "x"}]}, {"L": [{"M": {}}]}, {"L": [{"M": {"op": 1}}]}, {}])
def test_malformed_entries(stored: Any) -> None:
    """A stored diff that isn't one is said to be so."""
    with pytest.raises(MalformedItemError, match="diff is not a list"):
        entries({"diff": stored})


@pytest.mark.parametrize(
    ("record", "number"),
    [
        (MODIFY, "100000000000000000001"),
        (without(MODIFY, "SequenceNumber"), None),
        ({}, None),
        (None, None),
        ("x", None),
    ]
    + [(builders.stream_record(dynamodb={"SequenceNumber": number}), None) for number in ("", None, 5)]
    + [({"dynamodb": change}, None) for change in ANYTHING],
)
def test_sequence_numbers(record: Any, number: str | None) -> None:
    """The sequence number can be asked of anything; what has none has none (losing changes, no. 8)."""
    assert sequence_number(record) == number


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"event_name": {"S": "INSERT"}},
        {"order_id": {"N": "1"}, "status": {"S": "NEW"}},
        *(
            audit_item(MODIFY, SETTINGS) | {name: value}
            for name, value in [
                ("event_name", {"N": "1"}),
                ("keys", {"S": "x"}),
                ("size_bytes", {"N": "x"}),
                ("size_bytes", {"S": "1"}),
                ("user_identity", {"M": {"type": {"N": "1"}}}),
                ("other", {"S": "no JSON"}),
                ("other", {"S": "[]"}),
                ("other", {"N": "1"}),
            ]
        ),
    ],
)
def test_what_is_no_audit_record(item: Any) -> None:
    """A stream record is never rebuilt from an item that isn't an audit record."""
    with pytest.raises(MalformedItemError, match="not an audit record"):
        stream_record(item)

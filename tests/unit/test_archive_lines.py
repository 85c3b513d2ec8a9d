"""Lines and objects of the archive: the whole record, found by plain columns, the same for the same batch."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from audit_trail.core import archive
from audit_trail.core.errors import MalformedArchiveError, MalformedRecordError
from audit_trail.core.provenance import table_arn
from tests.builders import TTL_IDENTITY, without
from tests.expiry import AUDIT_ARN, audit_record, by_hand, deletion
from tests.unit.fakes import SETTINGS, numbered_record, order

OLD = order(7, updated_by="mia", why="\ud800", status="paid", blob={"B": "AAE="}, tags={"SS": ["b", "a"]})
NEW = OLD | {"status": {"S": "shipped"}, "\ud800": {"S": "é\x00"}}
ITEM = audit_record(numbered_record(5, old=OLD, new=NEW), SETTINGS)


def forged(**fields: Any) -> bytes:
    """Return an object with one line, of which somebody replaced fields."""
    item = fields.pop("item", ITEM)
    line = json.loads(archive.line(deletion(ITEM, 900)).text)
    return gzip.compress(json.dumps(line | fields | {"item": json.dumps(item)}).encode("ascii"), mtime=0)


def test_a_line_has_the_whole_record_and_what_one_looks_for() -> None:
    """A line's item is the expired record, equal in everything, and its plain fields are what that record says."""
    made = archive.line(deletion(ITEM, 900))
    fields = json.loads(made.text)
    assert made.day == "2026-11-24"
    assert json.loads(fields.pop("item")) == ITEM
    assert fields == {
        "key": "7",
        "timestamp": ITEM["timestamp"]["S"],
        "event_name": "MODIFY",
        "actor": "mia",
        "changed_attributes": ["status", "\ufffd"],
    }
    made.text.encode("ascii")


def test_a_line_without_actor_or_changes() -> None:
    """What a record hasn't got, its line hasn't got either."""
    fields = json.loads(archive.line(deletion(audit_record(numbered_record(1, new=order(1))), 900)).text)
    assert fields.keys() == {"key", "timestamp", "event_name", "item"} <= set(archive.COLUMNS)


@pytest.mark.parametrize(
    ("partition", "text"),
    [({"N": "1E2"}, "100"), ({"S": "a#b\x00"}, "a#b\ufffd"), ({"B": "AAE"}, None), ({"B": "AAE="}, "AAE=")],
)
def test_keys_are_plain_text(partition: dict[str, str], text: str | None) -> None:
    """The key of a line is the partition key's canonical text; a key that is none is refused."""
    record = deletion(ITEM | {"order_id": partition}, 900)
    if text is None:
        with pytest.raises(MalformedRecordError):
            archive.line(record)
    else:
        assert json.loads(archive.line(record).text)["key"] == text


@pytest.mark.parametrize(
    "spoilt",
    [
        without(deletion(ITEM, 1), "OldImage"),
        without(deletion(ITEM, 1), "dynamodb"),
        without(deletion(ITEM, 1), "Keys"),
        without(deletion(ITEM, 1), "SequenceNumber"),
        deletion(ITEM, 1) | {"dynamodb": deletion(ITEM, 1)["dynamodb"] | {"SequenceNumber": "../x"}},
        deletion(ITEM | {"timestamp": {"S": "yesterday"}}, 1),
        deletion(ITEM | {"timestamp": {"N": "1"}}, 1),
        deletion(ITEM | {"actor": {"N": "1"}}, 1),
        deletion(ITEM | {"order_id": {"M": {}}}, 1),
        deletion({name: value for name, value in ITEM.items() if name != "order_id"}, 1),
    ],
)
def test_what_is_no_audit_record_is_refused_without_its_data(spoilt: dict[str, Any]) -> None:
    """A deletion of something else than an audit record is refused with a sentence that holds no data."""
    with pytest.raises(MalformedRecordError) as refused:
        archive.line(spoilt)
    assert not {"mia", "paid", "yesterday"} & set(str(refused.value).split())


@pytest.mark.parametrize(
    ("record", "expired"),
    [
        (deletion(ITEM, 1), True),
        (by_hand("REMOVE", ITEM, 1), False),
        (by_hand("MODIFY", ITEM, 1), False),
        (by_hand("INSERT", ITEM, 1), False),
        (deletion(ITEM, 1, eventName="MODIFY"), False),
        (deletion(ITEM, 1, userIdentity=TTL_IDENTITY | {"type": "IAMUser"}), False),
        (deletion(ITEM, 1, userIdentity=TTL_IDENTITY | {"principalId": "mallory"}), False),
        (deletion(ITEM, 1, userIdentity="dynamodb.amazonaws.com"), False),
        ("text", False),
    ],
)
def test_only_ttl_expires(record: Any, *, expired: bool) -> None:
    """A deletion by DynamoDB's TTL is an expiry, and nothing else is."""
    assert archive.expired(record) is expired


def test_the_table_of_a_record() -> None:
    """A record's table is the one that its stream's ARN names, and none where there is no such ARN."""
    assert table_arn(deletion(ITEM, 1)) == AUDIT_ARN.partition("/stream/")[0]
    assert table_arn({"eventSourceARN": "arn:aws:sqs:eu-central-1:1:queue"}) == ""
    assert table_arn({"eventSourceARN": 1}) == table_arn(None) == ""
    assert "table/orders-audit/stream/" in AUDIT_ARN


def test_an_object_is_the_same_for_the_same_lines_and_another_for_others() -> None:
    """Key and bytes follow from the lines alone, and batches that begin and end alike but differ lie side by side."""
    items = [audit_record(numbered_record(number)) for number in range(3)]
    lines = [archive.line(deletion(item, 900 + number)) for number, item in enumerate(items)]
    key, body = archive.object_of(lines)
    assert (key, body) == archive.object_of(list(lines))
    assert key.startswith(f"archive/dt=2026-11-24/{900:021d}-{902:021d}-")
    assert body[4:8] == bytes(4), "no time in it"
    assert list(archive.items(body, "order_id", "2026-11-24")) == items
    other, _ = archive.object_of([lines[0], lines[2]])
    assert other.rpartition("-")[0] == key.rpartition("-")[0]
    assert other != key


def test_a_record_that_comes_twice_in_a_batch_is_written_once() -> None:
    """Of two deletions of one record in one batch, the object has one line; of two contents under one key, both."""
    other = archive.line(deletion(ITEM | {"actor": {"S": "eve"}}, 902))
    lines = [archive.line(deletion(ITEM, number)) for number in (900, 901)]
    assert len(list(archive.items(archive.object_of([*lines, other])[1], "order_id", "2026-11-24"))) == 2
    assert len(list(archive.items(archive.object_of(lines)[1], "order_id", "2026-11-24"))) == 1


def test_items_of_one_key() -> None:
    """Asked for a key, an object gives the records of that key."""
    items = [audit_record(numbered_record(number, new=order(number % 2))) for number in range(4)]
    _, body = archive.object_of([archive.line(deletion(item, number)) for number, item in enumerate(items)])
    assert list(archive.items(body, "order_id", "2026-11-24", "1")) == [items[1], items[3]]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not gzip",
        gzip.compress(b"{", mtime=0),
        gzip.compress(b"{}\n", mtime=0),
        gzip.compress(b'{"item":"{"}\n', mtime=0),
        gzip.compress(b"[]", mtime=0),
        forged(item={**ITEM, "order_id": {"N": "8"}}),
        forged(timestamp={"S": "x"}),
        forged(actor="eve"),
        forged(actor=None),
        forged(item={**ITEM, "actor": "mia"}),
        forged(item=[]),
    ],
)
def test_what_is_no_object_of_the_archive_is_said(body: bytes) -> None:
    """An object that somebody else put there is no object of the archive, nor is one whose plain fields aren't its item's."""
    with pytest.raises(MalformedArchiveError):
        list(archive.items(body, "order_id", "2026-11-24"))


def test_an_object_of_another_day_is_none_of_the_archives() -> None:
    """A record lies under the day of its change, so that whoever reads a day has all copies of it."""
    _, body = archive.object_of([archive.line(deletion(ITEM, 900))])
    assert len(list(archive.items(body, "order_id", "2026-11-24"))) == 1
    with pytest.raises(MalformedArchiveError):
        list(archive.items(body, "order_id", "2026-11-25"))
    assert archive.day_of_object("archive/dt=2026-11-25/x/y.gz") == "2026-11-25"


def test_days_and_prefixes_are_each_others() -> None:
    """The day of a day's prefix is that day, and other prefixes are no days."""
    assert archive.day_of(archive.prefix("2026-11-24")) == "2026-11-24"
    assert archive.day_of("archive/dt=2026-11/") is None

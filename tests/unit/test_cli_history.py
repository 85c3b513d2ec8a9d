"""`trail history`: what people and programs get to see of an item's changes."""

from __future__ import annotations

import base64
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from audit_trail.cli.main import app
from audit_trail.core.records import audit_item
from audit_trail.core.spill import Form, pack
from tests.builders import ARN, NOON, TTL_IDENTITY
from tests.unit.fakes import numbered_record, order
from tests.unit.moto_trail import AUDIT_TABLE, SOURCE_TABLE, MotoTrail, changes, history, lines

pytestmark = pytest.mark.usefixtures("aws")


NEW = order(123, status="NEW", updated_by="checkout")
PAID = order(123, status="PAID", updated_by="billing", why="invoice 7")


def test_each_change_is_a_line_newest_first() -> None:
    """A change is a line: when, what kind, who, and what from what to what; the newest comes first."""
    MotoTrail().add(
        numbered_record(1, new=NEW, at=NOON),
        numbered_record(2, old=NEW, new=PAID, at=NOON + 1),
        numbered_record(3, old=PAID, at=NOON + 120),
    )

    assert lines("123") == [
        "2026-11-24T12:02:00.000Z  REMOVE  last written by billing   was status: PAID, updated_by: billing, why: invoice 7",
        f"2026-11-24T12:00:01.000Z  MODIFY  {'billing':<24}  status: NEW → PAID, updated_by: checkout → billing, why: +invoice 7",
        "2026-11-24T12:00:00.000Z  INSERT  checkout                  status: NEW, updated_by: checkout",
    ]


def test_only_the_one_item_is_shown() -> None:
    """Other items' changes are not shown."""
    MotoTrail().add(numbered_record(1, new=NEW), numbered_record(2, new=order(124, status="OTHER")))

    assert len(lines("123")) == 1


def test_nothing_found_is_exit_code_1() -> None:
    """A key without changes prints nothing on stdout, says so on stderr, and exits with 1."""
    MotoTrail().add(numbered_record(1, new=NEW))

    for words in (["999"], ["999", "--json"]):
        result = history(*words)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.split() == f"{SOURCE_TABLE} has no changes of this key in {AUDIT_TABLE}.".split()


def test_changes_close_together_are_in_the_order_of_their_sequence_numbers() -> None:
    """Where times within a minute contradict the sequence numbers, these decide."""
    images = [order(123, step=str(number)) for number in range(4)]
    MotoTrail().add(
        numbered_record(1, new=images[1], at=NOON + 30),
        numbered_record(2, old=images[1], new=images[2], at=NOON + 10),
        numbered_record(3, old=images[2], new=images[3], at=NOON + 20),
    )

    assert [change["timestamp"][-1] for change in changes("123")] == ["3", "2", "1"]


def test_changes_of_two_streams_are_in_the_order_of_time() -> None:
    """Where a stream was switched off and on, sequence numbers of the two mean nothing to each other: time decides."""
    MotoTrail().add(
        numbered_record(900, new=NEW, at=NOON),
        numbered_record(1, old=NEW, new=PAID, at=NOON + 20, eventSourceARN=f"{ARN}-later"),
        numbered_record(2, old=PAID, at=NOON + 40, eventSourceARN=f"{ARN}-later"),
    )

    assert [change["event_name"] for change in changes("123")] == ["REMOVE", "MODIFY", "INSERT"]


def test_an_actor_that_stood_there_before_is_marked() -> None:
    """A change that left the actor attribute as it was says so: perhaps someone else wrote it."""
    MotoTrail().add(numbered_record(1, old=NEW, new=NEW | {"status": {"S": "PAID"}}))

    assert lines("123") == ["2026-11-24T12:00:00.000Z  MODIFY  checkout (unchanged)      status: NEW → PAID"]
    assert (changes("123")[0]["actor"], changes("123")[0]["actor_source"]) == ("checkout", "unchanged")


def test_a_deletion_names_no_actor_but_who_wrote_last() -> None:
    """A REMOVE has no actor, in JSON least of all; people are shown who wrote last, as that."""
    MotoTrail().add(numbered_record(1, old=PAID))

    assert "  last written by billing   was " in lines("123")[0]
    assert "actor" not in changes("123")[0]


def test_a_deletion_of_a_trail_without_actors_names_nobody() -> None:
    """Without an actor attribute, who wrote last is unknown."""
    MotoTrail(tags={"source-table": SOURCE_TABLE}).add(numbered_record(1, old=PAID))

    assert "REMOVE  -       " in lines("123")[0]


def test_a_deletion_by_time_to_live_names_dynamodb() -> None:
    """A TTL deletion was done by DynamoDB itself."""
    MotoTrail().add(numbered_record(1, old=PAID, userIdentity=TTL_IDENTITY))

    assert "REMOVE  dynamodb.amazonaws.com    was " in lines("123")[0]
    assert changes("123")[0]["actor_source"] == "ttl"


def test_the_actor_attribute_is_read_from_an_encoded_tag() -> None:
    """An actor attribute that a tag can't hold as it is stands there as base64."""
    encoded = f"base64:{base64.b64encode('geändert von'.encode()).decode()}"
    trail = MotoTrail(tags={"source-table": SOURCE_TABLE, "actor-attribute": encoded})
    trail.add(numbered_record(1, old=order(123) | {"geändert von": {"S": "Zoë"}}))

    assert "last written by Zoë" in lines("123")[0]


def test_what_changed_inside_is_shown_by_its_path() -> None:
    """Changes inside maps, lists and sets name the place, with list positions in brackets, and only what differs."""
    old = order(123, lines={"L": [{"M": {"qty": {"N": "1"}}}]}, tags={"SS": ["a", "b"]}, gone={"NULL": True})
    new = order(123, lines={"L": [{"M": {"qty": {"N": "2"}}}]}, tags={"SS": ["b", "c"]}, fresh={"BOOL": False})
    MotoTrail().add(numbered_record(1, old=old, new=new))

    [line] = lines("123")
    assert line.endswith('fresh: +false, gone: -null, lines[0].qty: 1 → 2, tags: - ["a"] + ["c"]')


def test_json_has_plain_values() -> None:
    """With --json each change is one line of plain JSON; numbers keep all their digits, binaries are base64."""
    digits = "12345678901234567890123456789012345678"
    values = {
        "n": {"N": digits},
        "small": {"N": "0.10"},
        "b": {"B": "AAE="},
        "bs": {"BS": ["AAE="]},
        "ns": {"NS": ["1", "2.5"]},
        "ss": {"SS": ["é"]},
        "m": {"M": {"l": {"L": [{"NULL": True}, {"BOOL": True}, {"S": ""}]}}},
    }
    old, new = order(123, why="first"), order(123, why="second", **values)
    MotoTrail().add(numbered_record(1, old=old, new=new))

    [change] = changes("123")

    assert change["timestamp"] == f"2026-11-24T12:00:00.000Z#{1:040d}"
    assert (change["event_name"], change["reason"]) == ("MODIFY", "second")
    assert change["keys"] == {"order_id": 123}
    assert change["old_image"] == {"order_id": 123, "why": "first"}
    assert change["new_image"] == {
        "order_id": 123,
        "why": "second",
        "n": Decimal(digits),
        "small": Decimal("0.1"),
        "b": "AAE=",
        "bs": ["AAE="],
        "ns": [1, Decimal("2.5")],
        "ss": ["é"],
        "m": {"l": [None, True, ""]},
    }
    assert {"op": "replace", "path": "/why", "old": "first", "new": "second"} in change["diff"]
    assert {"op": "add", "path": "/n", "new": Decimal(digits)} in change["diff"]


def test_json_typed_has_attribute_values() -> None:
    """With --typed the same has DynamoDB JSON, as the stream record had it."""
    old, new = order(123, total={"N": "1"}), order(123, total={"N": "2"}, photo={"B": "AAE="})
    MotoTrail().add(numbered_record(1, old=old, new=new))

    [change] = changes("123", "--typed")

    assert (change["old_image"], change["new_image"]) == (old, new)
    assert {"op": "replace", "path": "/total", "old": {"N": "1"}, "new": {"N": "2"}} in change["diff"]


def test_images_that_the_stream_lacks_are_said_to_be_missing() -> None:
    """A stream of keys alone gives changes without images, which is said instead of passing for nothing changed."""
    records = [numbered_record(1), numbered_record(2, old=order(1), new=order(1)), numbered_record(3, old=order(1))]
    for number, record in enumerate(records):
        record["dynamodb"] |= {"Keys": {"order_id": {"N": "1"}}, "ApproximateCreationDateTime": NOON + number}
        record["dynamodb"].pop("OldImage", None)
        record["dynamodb"].pop("NewImage", None)
    MotoTrail().add(*records)

    assert [line.split("Z  ")[1].split(None, 2)[2] for line in lines("1")] == [
        "(the stream carries no image of it)",
        "changed (the stream carries no image of it)",
        "(the stream carries no image of it)",
    ]
    assert all("new_image" not in change for change in changes("1"))


def test_the_audit_table_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """TRAIL_AUDIT_TABLE stands for --audit-table."""
    MotoTrail().add(numbered_record(1, new=NEW))
    monkeypatch.setenv("TRAIL_AUDIT_TABLE", AUDIT_TABLE)

    assert CliRunner().invoke(app, ["history", "123"]).exit_code == 0


def test_images_that_cannot_be_read_hide_no_other_change() -> None:
    """Where a record's images are gone from the bucket, the others are shown, and the exit code is 3."""
    trail = MotoTrail()
    trail.add(numbered_record(1, new=NEW, at=NOON), numbered_record(3, old=PAID, at=NOON + 120))
    record = numbered_record(2, old=NEW, new=PAID, at=NOON + 1)
    trail.put(pack(audit_item(record, trail.settings), "trail-bucket", Form.S3).item)

    result = history("123")

    assert result.exit_code == 3
    assert [line.split()[1] for line in result.stdout.splitlines()[1:]] == ["REMOVE", "MODIFY", "INSERT"]
    assert "billing" in result.stdout.splitlines()[2]
    assert "can't be read" in result.stdout.splitlines()[2]
    assert "1 change(s)" in result.stderr
    read = history("123", "--json").stdout.splitlines()
    assert ["images_unreadable" in line for line in read] == [False, True, False]

"""`trail as-of KEY TIME`: the item as it stood."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import jsonschema
import pytest

from scripts.project import ROOT
from tests.builders import NOON
from tests.unit.fakes import numbered_record, order
from tests.unit.moto_trail import AUDIT_TABLE, SOURCE_TABLE, MotoTrail, trail

if TYPE_CHECKING:
    from typer.testing import Result

NEW = order(123, status="NEW", tags={"SS": ["b", "a"]}, total={"N": "1"})
PAID = order(123, status="PAID", total={"N": "2"})
SCHEMA = json.loads((ROOT / "docs" / "schemas" / "state.schema.json").read_text("utf-8"))


@pytest.fixture(autouse=True)
def made(aws: None, monkeypatch: pytest.MonkeyPatch) -> MotoTrail:
    """Let an order be made at noon, paid at one and deleted at two, and another one be known from its MODIFY on."""
    monkeypatch.setattr("audit_trail.cli.clock.now", lambda: datetime(2026, 11, 24, 14, 30, tzinfo=UTC))
    made = MotoTrail()
    made.add(
        numbered_record(1, new=NEW, at=NOON),
        numbered_record(2, old=NEW, new=PAID, at=NOON + 3_600),
        numbered_record(3, old=PAID, at=NOON + 7_200),
        numbered_record(4, old=order(5, n="1"), new=order(5, n="2"), at=NOON),
    )
    return made


def as_of(*words: str) -> Result:
    """Run the command."""
    return trail("as-of", *words)


def test_people_see_the_item_and_what_tells_it() -> None:
    """The record that tells comes first, then the item, an attribute a line."""
    result = as_of("123", "2026-11-24T12:30")
    assert (result.exit_code, result.stderr) == (0, "")
    assert [line.rstrip() for line in result.stdout.splitlines()] == [
        "2026-11-24T12:30: as the INSERT of 2026-11-24T12:00:00.000Z left it",
        "",
        "order_id  123",
        "status    NEW",
        'tags      ["a", "b"]',
        "total     1",
    ]


@pytest.mark.parametrize(
    ("key", "time", "code", "said", "exists"),
    [
        ("123", "2026-11-24T11:59:59", 1, "It did not exist yet.\n", False),
        ("123", "2026-11-24T13:59:59", 0, "", True),
        ("123", "2026-11-24T14:00", 1, "It was deleted.\n", False),
        ("5", "2026-11-24T11:00", 0, "The history of this item begins later than that.\n", True),
    ],
    ids=["not yet", "there", "deleted", "begins later"],
)
def test_when_it_was_not_there(key: str, time: str, code: int, said: str, exists: bool) -> None:  # noqa: FBT001  a column
    """Whether the item didn't exist yet, was deleted, or the history begins later is said, and the exit code tells."""
    result = as_of(key, time, "--json")
    assert (result.exit_code, result.stderr) == (code, said)
    line = json.loads(result.stdout)
    jsonschema.validate(line, SCHEMA)
    assert (line["exists"], "image" in line) == (exists, exists)


def test_a_change_names_a_moment_too() -> None:
    """A change's timestamp is the moment just after it."""
    line = json.loads(as_of("123", f"2026-11-24T13:00:00.000Z#{2:040d}", "--json", "--typed").stdout)
    assert line["image"] == PAID


def test_nothing_is_recorded() -> None:
    """A key that nothing is recorded of is exit code 1, with nothing on stdout."""
    result = as_of("404", "now")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith(f"{SOURCE_TABLE} has no changes of this key in {AUDIT_TABLE}.\n")


def test_what_may_be_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of this minute, changes may not be recorded yet; of the time before the retention, not any more."""
    assert "may not be recorded yet" in as_of("123", "now").stderr
    monkeypatch.setattr("audit_trail.cli.clock.now", lambda: datetime(2027, 11, 24, tzinfo=UTC))
    assert as_of("123", "2026-11-24T12:30").stderr == ""


def test_expired_records_are_told(made: MotoTrail, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where records that tell may have expired and there is no archive, how the item stood is not told."""
    arn = made.client.describe_table(TableName=AUDIT_TABLE)["Table"]["TableArn"]
    made.client.tag_resource(ResourceArn=arn, Tags=[{"Key": "table-trail:retention-days", "Value": "30"}])
    monkeypatch.setattr("audit_trail.cli.clock.now", lambda: datetime(2027, 11, 24, tzinfo=UTC))
    result = as_of("123", "2026-11-24T12:30")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "records of that time may have expired, and this trail has no archive" in result.stderr

"""`trail diff KEY A B`: what an item was at one moment and at another."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from audit_trail.core.records import audit_item
from audit_trail.core.spill import Form, pack
from tests.builders import NOON
from tests.unit.fakes import numbered_record, order
from tests.unit.moto_trail import AUDIT_TABLE, SOURCE_TABLE, MotoTrail, parsed, trail

if TYPE_CHECKING:
    from collections.abc import Iterator

NEW = order(123, status="NEW", total={"N": "1"})
PAID = order(123, status="PAID", total={"N": "1"})
SENT = order(123, status="SENT", total={"N": "2"})
NOTHING_FOUND, USAGE, AWS_REFUSED = 1, 2, 3


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[MotoTrail]:
    """Let AWS be moto, it be half past two, and an order be made at noon, paid at one, sent at two and then deleted."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setattr("audit_trail.cli.clock.now", lambda: datetime(2026, 11, 24, 14, 30, tzinfo=UTC))
    with mock_aws():
        trail = MotoTrail()
        trail.add(
            numbered_record(1, new=NEW, at=NOON),
            numbered_record(2, old=NEW, new=PAID, at=NOON + 3_600),
            numbered_record(3, old=PAID, new=SENT, at=NOON + 7_200),
            numbered_record(4, old=SENT, at=NOON + 7_260),
        )
        yield trail


def difference(a: str, b: str) -> dict[str, Any]:
    """Return what `trail diff --json` prints."""
    result = trail("diff", "123", a, b, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    [line] = parsed(result)
    return line


@pytest.mark.parametrize(
    ("moment", "image", "number"),
    [
        ("2026-11-24T11:59:59", None, 1),
        ("2026-11-23", None, 1),
        ("2026-11-24T12:00", NEW, 1),
        ("2026-11-24T12:59:59", NEW, 1),
        ("2026-11-24T13:00", PAID, 2),
        ("2026-11-24T14:00:59", SENT, 3),
        ("2026-11-24T14:01", None, 4),
        ("now", None, 4),
        ("today", None, 4),
        (f"2026-11-24T13:00:00.000Z#{2:040d}", PAID, 2),
    ],
)
def test_how_the_item_stood(moment: str, image: Any, number: int) -> None:
    """At a moment, its whole second or day included, the item was as the last change until then left it, or not there."""
    other = "2026-11-24T13:00" if image is None else "2026-11-23"
    side = difference(moment, other)["a"]
    assert (side["exists"], int(side["timestamp"].partition("#")[2])) == (image is not None, number)
    assert side["inferred"] is (number == 1 and image is None)
    plain = {"order_id": 123, "status": image["status"]["S"], "total": Decimal(image["total"]["N"])} if image else None
    assert side.get("image") == plain


def test_the_net_difference() -> None:
    """Between two moments the difference is the net one: what changed and changed back isn't in it."""
    line = difference("2026-11-24T12:30", "2026-11-24T14:00")
    assert line["diff"] == [
        {"op": "replace", "path": "/status", "old": "NEW", "new": "SENT"},
        {"op": "replace", "path": "/total", "old": 1, "new": 2},
    ]


def test_the_difference_goes_from_a_to_b() -> None:
    """The later moment may come first: the difference then leads back."""
    [entry] = difference("2026-11-24T13:00", "2026-11-24T12:00")["diff"]
    assert (entry["old"], entry["new"]) == ("PAID", "NEW")


def test_people_see_both_sides() -> None:
    """Each moment stands there with what tells it; below, what differs, then the names of what doesn't."""
    result = trail("diff", "123", "2026-11-24T12:00", "2026-11-24T13:00")
    assert [line.rstrip() for line in result.stdout.splitlines()] == [
        "A  2026-11-24T12:00: as the INSERT of 2026-11-24T12:00:00.000Z left it",
        "B  2026-11-24T13:00: as the MODIFY of 2026-11-24T13:00:00.000Z left it",
        "",
        "        A    B",
        "status  NEW  PAID",
        "unchanged: order_id, total",
    ]


def test_people_see_when_it_did_not_exist() -> None:
    """Before its INSERT and after its REMOVE the item did not exist, which is said with the record that tells it."""
    first = trail("diff", "123", "2026-11-24T11:00", "2026-11-24T12:00").stdout.splitlines()
    assert first[0].rstrip() == (
        "A  2026-11-24T11:00: it did not exist; nothing is recorded before the INSERT of 2026-11-24T12:00:00.000Z"
    )
    assert [line.split() for line in first[3:]] == [["A", "B"], ["order_id", "123"], ["status", "NEW"], ["total", "1"]]
    last = trail("diff", "123", "2026-11-24T14:00", "now").stdout.splitlines()
    assert last[1].rstrip() == "B  now: it did not exist, since the REMOVE of 2026-11-24T14:01:00.000Z"


def test_an_item_older_than_its_history(made: MotoTrail) -> None:
    """Before the first record of an item that was there already, its old image tells, and that is said."""
    made.add(numbered_record(9, old=order(7, n="1"), new=order(7, n="2"), at=NOON))
    result = trail("diff", "7", "yesterday", "now")
    assert result.stdout.splitlines()[0].rstrip() == (
        "A  yesterday: as the first record has it before its change; nothing is recorded before the MODIFY of "
        "2026-11-24T12:00:00.000Z"
    )
    assert result.stdout.splitlines()[-2].split() == ["n", "1", "2"]


def test_nothing_that_differs_is_exit_code_1() -> None:
    """Where nothing differs, and where the item existed at neither moment, the exit code is 1 and a sentence says so."""
    same = trail("diff", "123", "2026-11-24T12:00", "2026-11-24T12:30")
    assert (same.exit_code, same.stderr) == (NOTHING_FOUND, "Nothing differs.\n")
    neither = trail("diff", "123", "yesterday", "now")
    assert (neither.exit_code, neither.stderr) == (NOTHING_FOUND, "It existed at neither.\n")


def test_a_key_without_changes_is_exit_code_1() -> None:
    """A key that nothing is recorded of prints nothing on stdout and exits with 1."""
    result = trail("diff", "404", "yesterday", "now")
    assert (result.exit_code, result.stdout) == (NOTHING_FOUND, "")
    assert result.stderr == f"{SOURCE_TABLE} has no changes of this key in {AUDIT_TABLE}.\n"


def test_a_timestamp_that_is_no_changes() -> None:
    """A timestamp that isn't a change's of this key is refused."""
    stamp = f"2026-11-24T13:00:00.000Z#{3:040d}"
    result = trail("diff", "123", stamp, "now")
    assert (result.exit_code, result.stdout) == (USAGE, "")
    assert result.stderr == f"trail: this key has no change with the timestamp {stamp}\n"


def test_the_order_is_that_of_the_sequence_numbers(made: MotoTrail) -> None:
    """Where a clock stepped back within a minute, the last change until a moment is the one with the highest number."""
    images = [order(5, n=str(number)) for number in range(3)]
    made.add(
        numbered_record(21, new=images[0], at=NOON + 30),
        numbered_record(22, old=images[0], new=images[1], at=NOON + 10),
        numbered_record(23, old=images[1], new=images[2], at=NOON + 20),
    )
    result = trail("diff", "5", "2026-11-24T12:00:30", "2026-11-24T12:00:15", "--json")
    [line] = parsed(result)
    assert (line["a"]["image"]["n"], line["b"]["image"]["n"]) == ("2", "1")


def test_images_that_cannot_be_read(made: MotoTrail) -> None:
    """Where the image that tells is gone from the bucket, the sentence says whose, and the exit code is 3."""
    record = audit_item(numbered_record(9, old=NEW, new=PAID, at=NOON + 8_000), made.settings)
    made.put(pack(record, "trail-bucket", Form.S3).item)
    result = trail("diff", "123", "2026-11-24T12:00", "now")
    assert (result.exit_code, result.stdout) == (AWS_REFUSED, "")
    assert result.stderr.startswith("trail: the images of the change of 2026-11-24T14:13:20.000Z can't be read")


def test_a_record_of_a_newer_version_is_not_passed_over(made: MotoTrail) -> None:
    """Where a newer version wrote the record that may tell, nothing older is taken for the truth: the exit code is 2."""
    newer = audit_item(numbered_record(9, old=NEW, new=PAID, at=NOON + 8_000), made.settings)
    made.put(newer | {"schema_version": {"N": "2"}})
    result = trail("diff", "123", "2026-11-24T12:00", "now")
    assert (result.exit_code, result.stdout) == (USAGE, "")
    assert "schema version 2" in result.stderr
    assert trail("diff", "123", "2026-11-24T12:00", "2026-11-24T13:00").exit_code == 0

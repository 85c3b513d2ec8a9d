"""`trail show KEY TIMESTAMP`: one change whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from audit_trail.core.records import audit_item
from audit_trail.core.spill import Form, pack
from tests.builders import ARN, NOON, TTL_IDENTITY
from tests.unit.fakes import numbered_record, order
from tests.unit.moto_trail import SOURCE_TABLE, MotoTrail, parsed, trail

if TYPE_CHECKING:
    from collections.abc import Iterator

NEW = order(123, status="NEW", tags={"SS": ["a", "b"]}, updated_by="checkout", total={"N": "59.80"})
PAID = order(123, status="PAID", tags={"SS": ["b", "c", "d"]}, updated_by="billing", total={"N": "59.80"}, why="paid")
NOTHING_FOUND, USAGE, AWS_REFUSED = 1, 2, 3


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let AWS be moto."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield


def shown(*words: str) -> list[str]:
    """Return the lines that `trail show` prints."""
    result = trail("show", *words)
    assert (result.exit_code, result.stderr) == (0, "")
    return [line.rstrip() for line in result.stdout.splitlines()]


def timestamp(number: int, second: int = 1) -> str:
    """Return a change's timestamp."""
    return f"2026-11-24T12:00:{second:02d}.000Z#{number:040d}"


def test_a_modify_is_shown_before_and_after() -> None:
    """Who, when and why stand above each difference with its value before and after, and the names of what didn't change."""
    MotoTrail().add(numbered_record(2, old=NEW, new=PAID, at=NOON + 1))

    assert shown("123", "2026-11-24T12:00:01Z") == [
        "order_id   123",
        "time       2026-11-24T12:00:01.000Z",
        "change     MODIFY",
        "who        billing",
        "why        paid",
        f"timestamp  {timestamp(2)}",
        f"stream     {ARN}",
        "",
        "            BEFORE    AFTER",
        "status      NEW       PAID",
        "tags        \N{MINUS SIGN} a       + c",
        "                      + d",
        "updated_by  checkout  billing",
        "why                   paid",
        "unchanged: order_id, total",
    ]


@pytest.mark.parametrize("stored", [True, False])
def test_a_reason_is_not_shown_as_that_of_somebody_else_s_change(stored: bool) -> None:  # noqa: FBT001  a column
    """A reason that stood there before is marked, in words and JSON, by every command, and for old records too."""
    tags = {"source-table": SOURCE_TABLE, "reason-attribute": "why"}
    made = MotoTrail(tags=tags, shards={"by_time": 4})
    later = PAID | {"status": {"S": "SENT"}}
    for number, (old, new) in enumerate([(NEW, PAID), (PAID, later)], start=1):
        item = audit_item(numbered_record(number, old=old, new=new, at=NOON + number), made.settings)
        made.put({name: value for name, value in item.items() if stored or name != "reason_source"})

    assert "why        paid" in shown("123", timestamp(1))
    assert "why        paid (unchanged)" in shown("123", timestamp(2, 2))
    range_ = ("--since", "2026-11-24", "--until", "2026-11-24")
    for command in (("history", "123"), ("search", *range_)):
        told = [(one["reason"], one["reason_source"]) for one in parsed(trail(*command, "--json"))]
        assert told == [("paid", "unchanged"), ("paid", "written")]
    page = trail("report", "123", "-o", "-").stdout
    assert page.count("left the reason attribute as it was") == 1


def test_an_insert_has_no_before() -> None:
    """An INSERT shows the whole item as what is there after it; large values are laid out."""
    lines: Any = {"L": [{"M": {"sku": {"S": "lamp"}, "quantity": {"N": "2"}, "price": {"N": "24.9"}}}, {"S": "x"}]}
    MotoTrail().add(numbered_record(1, new=order(123, status="NEW", lines=lines), at=NOON + 1))

    assert shown("123", timestamp(1))[6:] == [
        "",
        "          BEFORE  AFTER",
        "lines             [",
        '                    {"price": 24.9, "quantity": 2, "sku": "lamp"},',
        '                    "x"',
        "                  ]",
        "order_id          123",
        "status            NEW",
    ]


def test_a_remove_has_no_after() -> None:
    """A REMOVE shows the whole item as what was there before it, and who wrote last, as that."""
    MotoTrail().add(numbered_record(1, old=order(123, updated_by="mia"), at=NOON + 1))

    found = shown("123", timestamp(1))
    assert found[3] == "who        last written by mia"
    assert found[-2:] == ["order_id    123", "updated_by  mia"]


def test_what_time_to_live_removed() -> None:
    """A TTL deletion names DynamoDB."""
    MotoTrail().add(numbered_record(1, old=NEW, at=NOON + 1, userIdentity=TTL_IDENTITY))
    assert "who        dynamodb.amazonaws.com" in shown("123", timestamp(1))


def test_an_actor_that_stood_there_before_is_marked() -> None:
    """A change that left the actor attribute as it was says so."""
    MotoTrail().add(numbered_record(1, old=NEW, new=NEW | {"status": {"S": "X"}}, at=NOON + 1))
    assert "who        checkout (unchanged)" in shown("123", timestamp(1))


@pytest.mark.parametrize("change", [{"new": NEW}, {"old": NEW, "new": PAID}, {"old": PAID}])
def test_json_has_the_stream_record(change: Any) -> None:
    """With --json the change is what `history` prints, and the stream record that it was, equal in every field."""
    record = numbered_record(2, at=NOON + 1, **change)
    MotoTrail().add(record)

    [shown] = parsed(trail("show", "123", "2026-11-24T12:00:01", "--json"))
    assert shown.pop("stream_record") == record
    assert [shown] == parsed(trail("history", "123", "--json"))


def test_a_composite_key() -> None:
    """A key of two words and a time are told apart."""
    keys = {"customer": {"S": "customer-7"}, "order": {"N": "9"}}
    MotoTrail({"customer": "S", "order": "N"}).add(numbered_record(1, keys=keys, new=keys, at=NOON + 1))

    assert shown("customer-7", "9", "2026-11-24T12:00:01Z")[:2] == ["customer   customer-7", "order      9"]


def test_changes_of_one_second_are_told_apart_by_their_timestamps() -> None:
    """Where a second has several changes, its time is not enough: the sentence lists the timestamps that are."""
    MotoTrail().add(numbered_record(1, new=NEW, at=NOON + 1), numbered_record(2, old=NEW, new=PAID, at=NOON + 1))

    result = trail("show", "123", "2026-11-24T12:00:01Z")
    assert (result.exit_code, result.stdout) == (USAGE, "")
    assert result.stderr == (
        f"trail: 2 changes of this key fit 2026-11-24T12:00:01Z; name one of {timestamp(1)}, {timestamp(2)}\n"
    )
    assert "INSERT" in shown("123", timestamp(1))[2]
    assert "MODIFY" in shown("123", timestamp(2))[2]


@pytest.mark.parametrize(
    "when", ["2026-11-24T12:00:02Z", timestamp(3), timestamp(2, second=2), "2026-11-24T11:00+01:00"]
)
def test_nothing_found_is_exit_code_1(when: str) -> None:
    """A time or timestamp that the item has no change of prints nothing on stdout and exits with 1."""
    MotoTrail().add(numbered_record(2, new=NEW, at=NOON + 1), numbered_record(3, new=order(9), at=NOON + 2))

    result = trail("show", "123", when)
    assert (result.exit_code, result.stdout) == (NOTHING_FOUND, "")
    assert result.stderr == f"{SOURCE_TABLE} has no such change of this key.\n"


def test_images_that_cannot_be_read() -> None:
    """Where the images are gone from the bucket, what is known is shown, and the exit code is 3."""
    made = MotoTrail()
    record = audit_item(numbered_record(2, old=NEW, new=PAID, at=NOON + 1), made.settings)
    made.put(pack(record, "trail-bucket", Form.S3).item)

    result = trail("show", "123", timestamp(2))
    assert result.exit_code == AWS_REFUSED
    assert "who        billing" in result.stdout
    assert "(its images can't be read)" in result.stdout
    assert "the images of 1 change(s) can't be read" in result.stderr
    [line] = parsed(trail("show", "123", timestamp(2), "--json"))
    assert line["images_unreadable"] is True
    assert "stream_record" not in line


def test_images_that_the_stream_lacks() -> None:
    """A record of a stream without images says so."""
    record = numbered_record(1, new=NEW, at=NOON + 1)
    del record["dynamodb"]["NewImage"]
    MotoTrail().add(record)
    assert shown("123", timestamp(1))[-1] == "(the stream carries no image of it)"


def test_a_terminal_is_told_nothing_by_what_is_stored() -> None:
    """Control characters in names, values, keys and reasons are shown as escapes, and markup as it is."""
    bad = "\x1b[31m\r\x07"
    item: Any = {"sku": {"S": bad}, bad: {"S": bad}, "why": {"S": bad}, "m": {"M": {bad: {"S": f"[red]{'x' * 50}"}}}}
    MotoTrail({"sku": "S"}).add(
        numbered_record(1, keys={"sku": {"S": bad}}, old={"sku": {"S": bad}}, new=item, at=NOON)
    )

    result = trail("show", bad, "2026-11-24T12:00Z")
    assert result.exit_code == 0
    assert all(character.isprintable() for character in result.stdout.replace("\n", ""))
    assert "[red]xxx" in result.stdout
    assert r"\u001b[31m" in result.stdout

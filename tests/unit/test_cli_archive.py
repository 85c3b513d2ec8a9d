"""`trail archive` and `trail history --include-archive`: what expired is still answered for, by the same filters."""

from __future__ import annotations

import gzip
import json
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from typer.testing import CliRunner

from audit_trail import cli
from audit_trail.aws.archive import Archive
from audit_trail.aws.source_items import DynamoDBItems
from audit_trail.cli import expired, ledger
from audit_trail.cli.ledger import Ledger
from audit_trail.cli.main import app
from audit_trail.core import archive as lines
from audit_trail.core.records import audit_item
from tests.builders import NOON, TTL_IDENTITY
from tests.expiry import deletion
from tests.tables import image_to_boto
from tests.unit.fakes import numbered_record, order
from tests.unit.moto_bucket import BUCKET, REGION, keys_in
from tests.unit.moto_trail import AUDIT_TABLE, SOURCE_TABLE, MotoTrail, trail

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from typer.testing import Result
    from types_boto3_s3 import S3Client

    from audit_trail.core.records import StreamRecord
    from audit_trail.core.values import Image

DAY = 86_400


@dataclass
class Archived:
    """A trail with a bucket in moto, whose older records are archived."""

    moto: MotoTrail
    s3: S3Client
    opened: list[str] = field(default_factory=list)
    """The keys of the objects that were read."""

    def archive(self, *records: StreamRecord) -> list[Image]:
        """Archive the audit records of changes, in an object a day; return them."""
        items = [dict(audit_item(record, self.moto.settings)) for record in records]
        self.put([lines.line(deletion(item, 900 + number)) for number, item in enumerate(items)])
        return items

    def put(self, batch: list[lines.Line]) -> None:
        """Put a batch's objects."""
        for day in sorted({line.day for line in batch}):
            key, body = lines.object_of([line for line in batch if line.day == day])
            self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)


@pytest.fixture
def archived(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archived]:
    """Give such a trail."""
    moto = MotoTrail(tags={"source-table": SOURCE_TABLE, "actor-attribute": "updated_by", "bucket": BUCKET})
    s3: S3Client = boto3.client("s3", region_name=REGION)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    made = Archived(moto, s3)
    body = Archive.body

    def opening(archive: Archive, key: str) -> bytes:
        made.opened.append(key)
        return body(archive, key)

    monkeypatch.setattr(Archive, "body", opening)
    yield made
    s3.close()


def found(*words: str) -> list[dict[str, Any]]:
    """Return what a command prints with --json."""
    result: Result = trail(*words, "--json")
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def numbers(*words: str) -> list[int]:
    """Return the sequence numbers of what `trail archive` finds."""
    return [int(one["timestamp"].partition("#")[2]) for one in found("archive", *words)]


NEW = order(1, status="NEW", updated_by="mia")
PAID = order(1, status="PAID", updated_by="tom")
CHANGES = [
    numbered_record(1, new=NEW, at=NOON),
    numbered_record(2, old=NEW, new=PAID, at=NOON + DAY),
    numbered_record(3, new=order(2, note="x", updated_by="mia"), at=NOON + DAY),
    numbered_record(4, old=PAID, at=NOON + 2 * DAY, userIdentity=TTL_IDENTITY),
    numbered_record(5, new=order(3, price={"N": "5"}, updated_by="\ud800\x00"), at=NOON + 3 * DAY),
]


FILTERS: list[tuple[str, list[int]]] = [
    ("", [5, 4, 3, 2, 1]),
    ("--since 2026-11-25 --until 2026-11-25", [3, 2]),
    ("--since 2026-11-25T12:00:01 --until 2026-11-26T12:00:00", [4]),
    ("--operation REMOVE", [4]),
    ("--operation insert --operation modify", [5, 3, 2, 1]),
    ("--actor mia", [3, 1]),
    ("--actor dynamodb.amazonaws.com --actor tom", [4, 2]),
    ("--attribute status", [4, 2, 1]),
    ("--attribute /note", [3]),
    ("--attribute status --operation MODIFY --actor tom", [2]),
    ("--limit 2", [5, 4]),
]


def test_the_filters_are_those_of_search(archived: Archived) -> None:
    """By time, operation, attribute, actor and number, the archive answers what search would, newest first."""
    archived.archive(*CHANGES)
    assert [(words, numbers(*words.split())) for words, _ in FILTERS] == FILTERS


def test_what_is_shown_is_what_was_stored(archived: Archived) -> None:
    """An archived change is printed exactly as history printed it while it was in the table."""
    archived.moto.add(*CHANGES[:2])
    before = found("history", "1")
    archived.archive(*CHANGES[:2])
    assert found("archive") == before


def test_one_day_opens_that_days_objects_alone(archived: Archived) -> None:
    """A query of one day reads each object of that day once and no other, and says how many."""
    archived.archive(*CHANGES)
    archived.archive(CHANGES[1])
    result = trail("archive", "--since", "2026-11-25", "--until", "2026-11-25")
    assert sorted(archived.opened) == [key for key in keys_in(archived.s3) if "dt=2026-11-25/" in key]
    assert (len(archived.opened), len(result.stdout.splitlines())) == (2, 3)
    assert result.stderr == f"2 object(s) of 1 day(s) in {BUCKET}.\n"


def test_what_is_archived_twice_is_shown_once(archived: Archived) -> None:
    """Batches that overlap show each change once."""
    for batch in (CHANGES, CHANGES[1:4], CHANGES[2:]):
        archived.archive(*batch)
    assert numbers() == [5, 4, 3, 2, 1]


def test_an_empty_archive(archived: Archived) -> None:
    """Where nothing is archived in the range, nothing is opened, and the exit code is 1."""
    archived.archive(CHANGES[0])
    result = trail("archive", "--since", "2026-12-01")
    assert (result.exit_code, result.stdout, archived.opened) == (1, "", [])
    assert result.stderr.endswith("orders has no such changes in the archive.\n")


def test_history_goes_back_beyond_the_table(archived: Archived) -> None:
    """With the archive, a history is what it was before its older part expired: complete, once each, in order."""
    images = [order(1, n={"N": str(number)}, updated_by="mia") for number in range(12)]
    records = [
        numbered_record(number, old=images[number - 1] if number else None, new=image, at=NOON + number // 3 * DAY)
        for number, image in enumerate(images)
    ]
    archived.moto.add(*records)
    before = found("history", "1")
    for key in [one["Key"] for one in keyed(archived, records[:8])]:
        archived.moto.client.delete_item(TableName="orders-audit", Key=key)
    archived.archive(*records[:9], numbered_record(99, new=order(2)))
    assert len(found("history", "1")) == 4
    assert found("history", "1", "--include-archive") == before
    assert found("history", "1", "--include-archive", "--until", "2026-11-24") == before[-3:]


def expired_but_for_the_last(archived: Archived) -> None:
    """Let order 1 have three changes, a day each, of which the last alone is in the table, and the item as it left it."""
    paid, sent = (NEW | {"status": {"S": status}} for status in ("PAID", "SENT"))
    records = [
        numbered_record(1, new=NEW, at=NOON),
        numbered_record(2, old=NEW, new=paid, at=NOON + DAY),
        numbered_record(3, old=paid, new=sent, at=NOON + 2 * DAY),
    ]
    archived.archive(*records[:2])
    archived.moto.add(records[2])
    archived.moto.client.put_item(TableName=SOURCE_TABLE, Item=image_to_boto(sent))


def test_as_of_goes_back_beyond_the_table(archived: Archived) -> None:
    """With the archive, an item is as its expired records left it; without, only as the oldest that is there tells."""
    expired_but_for_the_last(archived)
    [state] = found("as-of", "1", "2026-11-24T13:00", "--include-archive")
    assert (state["image"]["status"], state["event_name"], state["inferred"]) == ("NEW", "INSERT", False)
    [state] = found("as-of", "1", "2026-11-24T13:00")
    assert (state["image"]["status"], state["event_name"], state["inferred"]) == ("PAID", "MODIFY", True)


def restored(archived: Archived, *words: str, listed: str | None = None) -> tuple[int, Image | None]:
    """Restore order 1 from the archive; return the exit code, and how it stands."""
    how = ("--include-archive", "--yes", "--actor", "mia", "--allow-delete", "--audit-table", AUDIT_TABLE)
    words = ("restore", *words, *how)
    result = CliRunner().invoke(app, words, input=listed, catch_exceptions=False)
    return result.exit_code, DynamoDBItems(archived.moto.client, SOURCE_TABLE).get({"order_id": {"N": "1"}})


@pytest.mark.parametrize(
    "words",
    [["1", "2026-11-24T13:00"], ["1", "--change", f"2026-11-24T12:00:00.000Z#{1:040d}"], ["--from", "-", "2026-11-24"]],
    ids=["time", "change", "many"],
)
def test_restore_goes_back_beyond_the_table(archived: Archived, words: list[str]) -> None:
    """With the archive, an item is put back as an expired record left it, wherever the moment is named."""
    expired_but_for_the_last(archived)
    assert restored(archived, *words, listed="1\n") == (0, NEW)


def test_many_items_are_restored_with_one_reading(archived: Archived) -> None:
    """However many items are restored, each object of the archive is read once."""
    expired_but_for_the_last(archived)
    archived.archive(
        numbered_record(3, new=order(2), at=NOON + DAY), numbered_record(5, new=order(3), at=NOON + 3 * DAY)
    )
    assert restored(archived, "--from", "-", "2026-11-27T13:00", listed="1\n2\n3\n")[0] == 0
    assert sorted(archived.opened) == keys_in(archived.s3)


def test_what_is_archived_meanwhile_is_restored_from(archived: Archived, monkeypatch: pytest.MonkeyPatch) -> None:
    """While many items are restored, the archive is looked at again a minute later for what came into it."""
    monkeypatch.setattr(expired, "_FRESH", -1.0)
    get = DynamoDBItems.get

    def meanwhile(items: DynamoDBItems, keys: Image) -> Image | None:
        archived.archive(numbered_record(6, old=order(3), new=order(3, note="late"), at=NOON + 3 * DAY))
        return get(items, keys)

    expired_but_for_the_last(archived)
    archived.archive(numbered_record(5, new=order(3), at=NOON + 3 * DAY))
    with monkeypatch.context() as patch:
        patch.setattr(DynamoDBItems, "get", meanwhile)
        restored(archived, "--from", "-", "2026-11-27T13:00", listed="1\n3\n")
    keys = {"order_id": {"N": "3"}}
    assert DynamoDBItems(archived.moto.client, SOURCE_TABLE).get(keys) == order(3, note="late", updated_by="mia")


def test_what_expired_before_the_archive_deletes_nothing(archived: Archived, monkeypatch: pytest.MonkeyPatch) -> None:
    """An item is restored to nothing where the archive was on by then, and not where it may lack an earlier life of it."""
    monkeypatch.setattr("audit_trail.cli.clock.now", lambda: datetime(2027, 3, 1, tzinfo=UTC))
    expired_but_for_the_last(archived)
    arn = archived.moto.client.describe_table(TableName=AUDIT_TABLE)["Table"]["TableArn"]
    archived.moto.client.tag_resource(ResourceArn=arn, Tags=[{"Key": "table-trail:retention-days", "Value": "1"}])
    there = restored(archived, "1", "2026-11-23")
    assert (there[0], there[1] is None) == (2, False)
    archived.archive(numbered_record(9, new=order(9), at=NOON - 2 * DAY))
    assert restored(archived, "1", "2026-11-23")[0] == 2
    archived.archive(numbered_record(8, new=order(9), at=NOON - 5 * DAY))
    assert restored(archived, "1", "2026-11-23") == (0, None)


def test_verify_crosses_the_border(archived: Archived) -> None:
    """With the archive, an item's chain is proven from its creation on, and a record gone from the archive is a gap."""
    expired_but_for_the_last(archived)
    assert trail("verify", "1", "--strict", "--settle", "0").exit_code == 1
    whole = trail("verify", "1", "--strict", "--settle", "0", "--include-archive")
    assert (whole.exit_code, whole.stdout.splitlines()[0]) == (0, "1 item(s), 3 record(s) verified")
    archived.s3.delete_object(Bucket=BUCKET, Key=next(key for key in keys_in(archived.s3) if "dt=2026-11-25" in key))
    broken = trail("verify", "1", "--settle", "0", "--include-archive")
    assert broken.exit_code == 1
    assert "BROKEN  chain      1  2026-11-26" in broken.stdout


def test_verify_of_everything_crosses_the_border(archived: Archived, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the archive, everybody's chains are proven across the border, and items that it alone has, from each object once."""
    for module in ("aws.scanning", "cli.whole_table"):
        monkeypatch.setattr(f"audit_trail.{module}.SEGMENTS", 1)
    expired_but_for_the_last(archived)
    gone = order(2, note="x")
    archived.archive(numbered_record(4, new=gone, at=NOON), numbered_record(5, old=gone, at=NOON + DAY))
    assert trail("verify", "--strict", "--settle", "0").exit_code == 1
    whole = trail("verify", "--strict", "--settle", "0", "--include-archive")
    assert (whole.exit_code, whole.stdout.splitlines()[0]) == (0, "2 item(s), 5 record(s) verified")
    assert sorted(archived.opened) == keys_in(archived.s3)
    for key in keys_in(archived.s3):
        if "dt=2026-11-25" in key:
            archived.s3.delete_object(Bucket=BUCKET, Key=key)
    broken = trail("verify", "--settle", "0", "--include-archive")
    assert broken.exit_code == 1
    assert sorted(line[:32] for line in broken.stdout.splitlines() if line.startswith("BROKEN")) == [
        "BROKEN  chain      1  2026-11-26",
        "BROKEN  live       2  2026-11-24",
    ]


def test_a_run_with_the_archive_is_not_gone_on_with_without(archived: Archived, tmp_path: Path) -> None:
    """A state file of a run with the archive is refused by a run without, and the other way round; each is left there."""
    state = tmp_path / "verify.state"
    archived.moto.add(numbered_record(1, new=NEW, at=NOON))
    archived.moto.client.put_item(TableName=SOURCE_TABLE, Item=image_to_boto(NEW))
    for first, second in (("--include-archive",), ()), ((), ("--include-archive",)):
        Ledger(state, f"verify of {AUDIT_TABLE}{' and its archive' if first else ''}").__exit__()
        result = trail("verify", "--settle", "0", "--state", str(state), *second)
        assert (result.exit_code, "name another file" in result.stderr, state.exists()) == (2, True, True)
        assert trail("verify", "--settle", "0", "--state", str(state), *first).exit_code == 0


def keyed(archived: Archived, records: Sequence[StreamRecord]) -> list[dict[str, Any]]:
    """Return the keys of changes' audit records."""
    items = [audit_item(record, archived.moto.settings) for record in records]
    return [{"Key": {name: item[name] for name in ("order_id", "timestamp")}} for item in items]


def test_a_range_of_history_opens_its_days_alone(archived: Archived) -> None:
    """History of a range in the middle of days reads the objects of those days alone."""
    archived.archive(*CHANGES)
    found("history", "1", "--include-archive", "--since", "2026-11-25T10:00", "--until", "2026-11-25T14:00")
    assert {key[:21] for key in archived.opened} == {"archive/dt=2026-11-25"}


def test_keys_that_look_the_same_are_told_apart(archived: Archived) -> None:
    """Keys whose characters no plain field can hold look alike there, and are still different histories."""
    keys = [{"S": f"a{character}"} for character in ("\ud800", "\ud801", "\x00", "\ufffd")]
    partitions = [{"pk": key, "timestamp": {"S": f"2026-11-24T12:00:00.000Z#{9:040d}"}} for key in keys]
    archived.put(
        [
            lines.line(
                deletion(item, 900 + number)
                | {"dynamodb": {"OldImage": item, "Keys": item, "SequenceNumber": str(900 + number)}}
            )
            for number, item in enumerate(partitions)
        ]
    )
    reader = Archive(lambda: archived.s3, BUCKET, "pk")
    assert [list(reader.records(key)) for key in keys] == [[item] for item in partitions]
    assert len(list(reader.records())) == len(keys)


def test_both_directions(archived: Archived) -> None:
    """Oldest first is newest first turned round, for one item and for all."""
    archived.archive(*CHANGES)
    reader = Archive(lambda: archived.s3, BUCKET, "order_id")
    for partition in (None, {"N": "1.0"}):
        newest = list(reader.records(partition))
        assert newest[::-1] == list(reader.records(partition, oldest_first=True))
    assert len(newest) == 3
    stamps = (lines.timestamp_of(newest[1]), lines.timestamp_of(newest[0]))
    assert list(reader.records({"N": "1"}, stamps)) == newest[:2]


def test_a_foreign_object_is_named(archived: Archived) -> None:
    """An object that somebody else put into the archive is named in one sentence."""
    archived.s3.put_object(Bucket=BUCKET, Key="archive/dt=2026-11-24/x.gz", Body=b"x")
    result = trail("history", "1", "--include-archive")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"s3://{BUCKET}/archive/dt=2026-11-24/x.gz is not an object of this archive" in result.stderr


@pytest.mark.parametrize("command", ["verify", "verify 1", "history 1"])
def test_a_line_without_a_record_is_named(archived: Archived, command: str) -> None:
    """An object whose lines hold no items of the audit table is named, too, by whatever reads it."""
    item = {"order_id": {"N": "1"}, "timestamp": {"S": f"2026-11-24T12:00:00.000Z#{1:040d}"}, "keys": "order 1"}
    fields = {"key": "1", "timestamp": item["timestamp"], "item": json.dumps(item)}
    key = "archive/dt=2026-11-24/x.gz"
    archived.s3.put_object(Bucket=BUCKET, Key=key, Body=gzip.compress(json.dumps(fields).encode("ascii")))
    result = trail(*command.split(), "--include-archive")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"s3://{BUCKET}/{key} is not an object of this archive" in result.stderr


def test_a_disk_that_is_full_is_one_sentence(archived: Archived, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there's no room for the archived records, verify ends with a sentence that says so."""
    monkeypatch.setattr(ledger, "_TABLES", f"{ledger._TABLES} PRAGMA max_page_count = 20;")
    archived.archive(*(numbered_record(number, new=order(number, text="x" * 9_000)) for number in range(10)))
    result = trail("verify", "--include-archive")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "the temporary file can't be used to remember what was read: database or disk is full" in result.stderr


def test_without_duckdb_it_says_what_to_install(archived: Archived, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where DuckDB isn't installed, one sentence says how to get it, and history with the archive works without."""
    archived.archive(*CHANGES)
    monkeypatch.setitem(sys.modules, "duckdb", None)
    monkeypatch.delitem(sys.modules, "audit_trail.cli.archived", raising=False)
    monkeypatch.delattr(cli, "archived", raising=False)
    result = trail("archive")
    assert (result.exit_code, result.stderr) == (
        2,
        "trail: trail archive needs DuckDB: pip install 'table-trail[archive]'\n",
    )
    assert len(found("history", "1", "--include-archive")) == 3

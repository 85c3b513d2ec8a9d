"""`trail verify`: what it prints, when it looks again, and how it goes on where it was interrupted."""

from __future__ import annotations

import json
import stat
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import jsonschema
import pytest
from moto import mock_aws

from audit_trail.aws.scanning import Meter, Scans
from audit_trail.cli import whole_table
from audit_trail.cli.whole_table import WholeTable
from audit_trail.core.chain import Circumstances, check
from audit_trail.core.checks import Check, Outcome
from audit_trail.core.history import Change
from audit_trail.core.records import audit_item
from audit_trail.core.spill import Form, pack
from scripts.project import ROOT
from tests.builders import NOON
from tests.tables import image_to_boto
from tests.unit.fakes import SETTINGS, numbered_record, order
from tests.unit.moto_bucket import BUCKET, REGION
from tests.unit.moto_trail import AUDIT_TABLE, SOURCE_TABLE, MotoTrail, parsed
from tests.unit.moto_trail import trail as run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from audit_trail.core.values import Image

NEW, PAID, SENT = (order(1, status=status) for status in ("NEW", "PAID", "SENT"))
CHANGES = [
    numbered_record(1, new=NEW),
    numbered_record(2, old=NEW, new=PAID, at=NOON + 1),
    numbered_record(3, old=PAID, new=SENT, at=NOON + 2),
]
STAMPS = [f"2026-11-24T12:00:0{second}.000Z#{number:040d}" for second, number in enumerate((1, 2, 3))]
SCHEMA = json.loads((ROOT / "docs" / "schemas" / "verification.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def trail(monkeypatch: pytest.MonkeyPatch) -> Iterator[MotoTrail]:
    """Give a trail of orders in moto, which gives every segment of a Scan the whole table: there is one, then."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setattr(whole_table, "SEGMENTS", 1)
    monkeypatch.setattr("audit_trail.aws.scanning.SEGMENTS", 1)
    with mock_aws():
        yield MotoTrail()


def put(trail: MotoTrail, image: Image) -> None:
    """Put an item into the source table."""
    trail.client.put_item(TableName=SOURCE_TABLE, Item=image_to_boto(image))


@pytest.mark.parametrize("words", [[], ["1"]], ids=["whole table", "one item"])
def test_a_gap_is_named_with_the_records_around_it(trail: MotoTrail, words: list[str]) -> None:
    """A missing record is one line with the item, the records on both sides and why; exit code 1, and what can't be told."""
    put(trail, SENT)
    trail.add(CHANGES[0], CHANGES[2])

    result = run("verify", *words, "--settle", "0")

    lines = result.stdout.splitlines()
    assert result.exit_code == 1
    assert lines[0] == (
        f"BROKEN  chain      1  {STAMPS[2]}: its old digest is not the new one of the record before: "
        f"something between them is missing or was changed (the record before: {STAMPS[0]})"
    )
    assert lines[1] == "1 item(s), 2 record(s) verified"
    assert "led back to the same image" in result.stderr


@pytest.mark.parametrize(
    ("words", "items", "said"),
    [
        (["999"], 0, f"{SOURCE_TABLE} has no changes of this key in {AUDIT_TABLE}: nothing is verified."),
        (["2"], 1, f"{SOURCE_TABLE} has no changes of this key in {AUDIT_TABLE}: nothing is verified."),
        ([], 1, f"{AUDIT_TABLE} has no records: nothing is verified."),
    ],
    ids=["a key that never was", "an item without records", "the whole table"],
)
def test_nothing_recorded_is_no_proof(trail: MotoTrail, words: list[str], items: int, said: str) -> None:
    """Where nothing is recorded, of a mistyped key for instance, nothing is verified: that is said, and exit code 1."""
    put(trail, order(2))
    if words:
        trail.add(*CHANGES)

    result = run("verify", *words, "--settle", "0")
    assert (result.exit_code, result.stderr) == (1, f"{said}\n")
    assert result.stdout.startswith(f"{items} item(s), 0 record(s) verified\n")
    as_json = run("verify", *words, "--settle", "0", "--json")
    assert as_json.exit_code == 1
    assert parsed(as_json)[-1]["items"] == items


def test_json_is_what_its_schema_says(trail: MotoTrail) -> None:
    """Every line of JSON, findings and counts, is as its schema says, and the counts are those of all checks."""
    put(trail, SENT)
    put(trail, order(2))
    trail.add(CHANGES[0], CHANGES[2])

    lines = parsed(run("verify", "--settle", "0", "--json"))

    for line in lines:
        jsonschema.validate(json.loads(json.dumps(line, default=float)), SCHEMA)
    *found, summary = lines
    assert {(one["keys"]["order_id"], one["check"], one["outcome"]) for one in found} == {
        (1, "chain", "broken"),
        (2, "live", "unknown"),
    }
    assert (summary["broken"], summary["unknown"], summary["items"], summary["records"]) == (1, 1, 2, 2)


@pytest.mark.parametrize("words", [[], ["1"]], ids=["whole table", "one item"])
@pytest.mark.parametrize("late", [1, 2], ids=["in between", "the last"])
def test_what_is_on_its_way_is_waited_for(
    trail: MotoTrail, monkeypatch: pytest.MonkeyPatch, words: list[str], late: int
) -> None:
    """A record that comes while verify waits, as from a redrive or a slow batch, closes the gap, and nothing is said."""
    put(trail, SENT)
    trail.add(*(one for index, one in enumerate(CHANGES) if index != late))
    monkeypatch.setattr("audit_trail.cli.verifying.time.sleep", lambda _seconds: trail.add(CHANGES[late]))

    result = run("verify", *words, "--json")

    [summary] = parsed(result)
    assert (result.exit_code, summary["broken"], summary["records"]) == (0, 0, 3)


def test_what_cannot_be_told_is_a_problem_when_asked(trail: MotoTrail, monkeypatch: pytest.MonkeyPatch) -> None:
    """What began with a change, or has no record, exits with 0, with --strict with 1, and isn't waited for."""
    monkeypatch.setattr("audit_trail.cli.verifying.time.sleep", _interrupted)
    put(trail, SENT)
    put(trail, order(2))
    trail.add(*CHANGES[1:])

    assert run("verify").exit_code == 0
    assert run("verify", "--strict").exit_code == 1
    assert "BROKEN" not in run("verify", "--strict").stdout


def test_an_interrupted_run_goes_on_where_it_was(
    trail: MotoTrail, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With a state file, a run that was interrupted reads nothing twice, compares with what it had read, and ends the file."""
    put(trail, SENT)
    trail.add(*CHANGES)
    state = tmp_path / "verify.state"
    with monkeypatch.context() as patch:
        patch.setattr(WholeTable, "read_audit", _interrupted)
        with pytest.raises(RuntimeError):
            run("verify", "--state", str(state))
    assert state.exists()
    trail.client.delete_item(TableName=SOURCE_TABLE, Key={"order_id": {"N": "1"}})

    result = run("verify", "--state", str(state), "--settle", "0")

    # The item as it was read before the interruption is what its newest record left.
    assert result.exit_code == 0
    assert not state.exists()
    assert run("verify", "--settle", "0").exit_code == 1


def test_an_item_is_counted_once_wherever_a_run_was_interrupted(
    trail: MotoTrail, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Interrupted between two pages of the audit table, it goes on with the first item that wasn't through."""
    for number in range(1, 8):
        image = order(number, text="x" * 300_000)
        put(trail, image)
        trail.add(numbered_record(number, new=image))
    words = ("verify", "--settle", "0", "--json", "--state", str(tmp_path / "verify.state"))
    pages = Scans.pages

    def one_page(scans: Scans, starts: Any, **request: Any) -> Any:
        for count, page in enumerate(pages(scans, starts, **request)):
            if count == 1 and request["TableName"] == AUDIT_TABLE:
                raise RuntimeError
            yield page

    with monkeypatch.context() as patch:
        patch.setattr(Scans, "pages", one_page)
        with pytest.raises(RuntimeError):
            run(*words)
    assert stat.S_IMODE((tmp_path / "verify.state").stat().st_mode) == 0o600, (
        "it holds keys and digests: its owner's alone"
    )
    read: list[int] = []

    def counted(scans: Scans, starts: Any, **request: Any) -> Any:
        for page in pages(scans, starts, **request):
            read.append(len(page.items))
            yield page

    monkeypatch.setattr(Scans, "pages", counted)

    [summary] = parsed(run(*words))

    assert (summary["items"], summary["records"], summary["unknown"]) == (7, 7, 0)
    assert sum(read) < 7


def _interrupted(*_: object) -> None:
    raise RuntimeError


def test_a_state_file_of_something_else_is_refused(trail: MotoTrail, tmp_path: Path) -> None:
    """A file that is about another table, or no state file, is refused and left alone."""
    other = tmp_path / "notes.txt"
    other.write_text("mine " * 1_000, encoding="ascii")

    result = run("verify", "--state", str(other))

    assert (result.exit_code, other.read_text(encoding="ascii")) == (2, "mine " * 1_000)


def test_options_of_the_whole_table_need_the_whole_table(trail: MotoTrail) -> None:
    """A state file or a rate together with a key is refused."""
    assert run("verify", "1", "--max-read-units", "5").exit_code == 2


@pytest.mark.parametrize("words", [[], ["1"]], ids=["whole table", "one item"])
def test_records_of_a_newer_version_are_not_judged(trail: MotoTrail, words: list[str]) -> None:
    """A record that a newer version wrote ends verify with exit code 2 and what to do, instead of an alarm."""
    trail.add(CHANGES[0])
    trail.put(audit_item(CHANGES[1], trail.settings) | {"schema_version": {"N": "2"}})

    result = run("verify", *words)

    assert (result.exit_code, "upgrade trail" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("spoil", "code", "why"),
    [
        (lambda _s3, _key: None, 0, None),
        (lambda s3, key: s3.put_object(Bucket=BUCKET, Key=key, Body=b"forged"), 1, "not what their name says"),
        (lambda s3, key: s3.delete_object(Bucket=BUCKET, Key=key), 1, "the object that had its images is gone"),
    ],
    ids=["whole", "changed", "gone"],
)
def test_images_in_the_bucket_are_verified_too(trail: MotoTrail, spoil: Any, code: int, why: str | None) -> None:
    """Images that lie in the bucket are verified there: one that was changed or is gone is found."""
    s3 = boto3.client("s3", region_name=REGION)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    packed = pack(audit_item(CHANGES[0], trail.settings), BUCKET, Form.S3)
    s3.put_object(Bucket=BUCKET, Key=packed.key, Body=packed.body)
    trail.put(packed.item)
    put(trail, NEW)
    spoil(s3, packed.key)

    result = run("verify", "--settle", "0")

    assert (result.exit_code, why is None or why in result.stdout) == (code, True)


def test_images_that_may_not_be_read_are_not_called_broken(trail: MotoTrail) -> None:
    """Where the bucket can't be asked, images are left open, the exit code is 3, and it says what to do."""
    trail.put(pack(audit_item(CHANGES[0], trail.settings), "trail-bucket", Form.S3).item)
    put(trail, NEW)

    result = run("verify", "--settle", "0")

    assert (result.exit_code, "can't be read" in result.stderr) == (3, True)


def test_composite_keys_are_looked_at_closely_by_their_own_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """An item with a composite key is found again in the source table, and a record that says another key is found."""
    monkeypatch.setattr(whole_table, "SEGMENTS", 1)
    monkeypatch.setattr("audit_trail.aws.scanning.SEGMENTS", 1)
    with mock_aws():
        trail = MotoTrail({"customer": "S", "order": "N"})
        keys = {"customer": {"S": "a#b"}, "order": {"N": "7"}}
        first, second = keys | {"status": {"S": "NEW"}}, keys | {"status": {"S": "PAID"}}
        trail.add(numbered_record(1, new=first, keys=keys), numbered_record(2, old=first, new=second, keys=keys))
        put(trail, second)
        assert run("verify", "--settle", "0").exit_code == 0

        record = dict(audit_item(numbered_record(3, old=second, new=first, keys=keys), trail.settings))
        trail.put(record | {"keys": {"M": keys | {"order": {"N": "8"}}}})
        [broken, live, _] = parsed(run("verify", "--settle", "0", "--json"))
        assert (broken["check"], broken["keys"], live["check"]) == ("record", {"customer": "a#b", "order": 7}, "live")


def test_a_meter_keeps_to_its_rate() -> None:
    """What reading takes is paid for before the next request, so that the rate holds on average."""
    now = [0.0]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    meter = Meter(10, lambda: now[0], sleep)
    for _ in range(3):
        meter.call(lambda **_request: {"ConsumedCapacity": {"CapacityUnits": 20.0}})

    assert slept == [2.0, 2.0]


def test_expiry_explains_what_is_missing() -> None:
    """A gap behind a record whose time has come is left open, and one behind a younger record is broken."""
    changes = [Change.from_item(audit_item(CHANGES[index], SETTINGS)) for index in (0, 2)]
    noon = changes[0].moment

    def outcome(after: timedelta, kept: timedelta | None) -> list[Outcome]:
        found = check(changes, Circumstances(now=noon + after, retention=kept))
        return [one.outcome for one in found if one.check is Check.CHAIN]

    day = timedelta(days=1)
    assert outcome(2 * day, day) == [Outcome.UNKNOWN]
    assert outcome(day / 2, day) == outcome(2 * day, None) == [Outcome.BROKEN]

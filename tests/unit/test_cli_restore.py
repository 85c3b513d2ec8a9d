"""`trail restore KEY TIME`: an item put back as it stood."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from audit_trail.aws.source_items import DynamoDBItems
from audit_trail.cli.context import Connection
from audit_trail.cli.main import app
from audit_trail.cli.refusals import explained
from scripts.project import ROOT
from tests.builders import NOON
from tests.tables import image_to_boto
from tests.unit.fake_endpoint import fake_endpoint, refusal
from tests.unit.fakes import numbered_record, order
from tests.unit.moto_trail import AUDIT_TABLE, SOURCE_TABLE, MotoTrail

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

    from audit_trail.core.values import Image

KEYS = {"order_id": {"N": "123"}}
NEW, PAID = order(123, status="NEW", total={"N": "1"}), order(123, status="PAID", total={"N": "1"})
WRONG = order(123, status="WRONG", total={"N": "1"})
SCHEMA = json.loads((ROOT / "docs" / "schemas" / "restored.schema.json").read_text("utf-8"))
TAGS = {"source-table": SOURCE_TABLE, "actor-attribute": "updated_by", "reason-attribute": "why"}
CALLER = "arn:aws:sts::123456789012:user/moto"
BY_CALLER = {"updated_by": {"S": CALLER}}
AT_NOON, BEFORE = "2026-11-24T12:00", "2026-11-24T11:00"


@pytest.fixture(autouse=True)
def made(aws: None, monkeypatch: pytest.MonkeyPatch) -> MotoTrail:
    """Let an order be made at noon, paid at one, and stand wrong now."""
    monkeypatch.setattr("audit_trail.cli.clock.now", lambda: datetime(2026, 11, 24, 14, 30, tzinfo=UTC))
    made = MotoTrail(tags=TAGS)
    made.add(numbered_record(1, new=NEW, at=NOON), numbered_record(2, old=NEW, new=PAID, at=NOON + 3_600))
    stand(made, WRONG)
    return made


def stand(made: MotoTrail, image: Image) -> None:
    """Let the item stand like this."""
    made.client.put_item(TableName=SOURCE_TABLE, Item=image_to_boto(image))


def stands(made: MotoTrail) -> Image | None:
    """Return the item as it stands."""
    return DynamoDBItems(made.client, SOURCE_TABLE).get(KEYS)


def restore(*words: str, answer: str | None = None) -> Result:
    """Run the command."""
    return CliRunner().invoke(
        app, ["restore", *words, "--audit-table", AUDIT_TABLE], input=answer, catch_exceptions=False
    )


def line(result: Result) -> dict[str, Any]:
    """Return the one line that was printed as JSON."""
    parsed: dict[str, Any] = json.loads(result.stdout)
    jsonschema.validate(parsed, SCHEMA)
    return parsed


def test_a_dry_run_shows_and_writes_nothing(made: MotoTrail) -> None:
    """--dry-run shows what differs between now and then, and writes nothing."""
    result = restore("123", AT_NOON, "--dry-run")
    assert (result.exit_code, result.stderr) == (0, "Nothing was written.\n")
    assert [one.rstrip() for one in result.stdout.splitlines()] == [
        "NOW   as it stands in the table",
        f"THEN  {AT_NOON}: as the INSERT of 2026-11-24T12:00:00.000Z left it",
        "",
        "            NOW    THEN",
        "status      WRONG  NEW",
        f"updated_by         {CALLER}",
        "unchanged: order_id, total",
    ]
    assert stands(made) == WRONG


@pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, NEW | BY_CALLER), ("n\n", 1, WRONG)])
def test_it_asks(made: MotoTrail, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, left: Image) -> None:
    """It asks before it writes, and a no writes nothing."""
    monkeypatch.setattr("audit_trail.cli.restoring._somebody_is_there", lambda: True)
    result = restore("123", AT_NOON, answer=answer)
    assert (result.exit_code, stands(made)) == (code, left)
    assert f"Write this to {SOURCE_TABLE}?" in result.stderr


@pytest.mark.parametrize(("there", "more"), [(False, []), (True, ["--json"])])
def test_where_nobody_can_be_asked_it_refuses(
    made: MotoTrail,
    monkeypatch: pytest.MonkeyPatch,
    there: bool,  # noqa: FBT001  a column
    more: list[str],
) -> None:
    """Without --yes, where there is no terminal or JSON is asked for, nothing is written, and both ways on are named."""
    monkeypatch.setattr("audit_trail.cli.restoring._somebody_is_there", lambda: there)
    result = restore("123", AT_NOON, *more, answer="y\n")
    assert (result.exit_code, stands(made)) == (2, WRONG)
    assert "give --yes, or --dry-run" in result.stderr


def test_it_explains_itself(made: MotoTrail) -> None:
    """--reason and --actor go into the attributes that the trail has for them; JSON says what was written."""
    result = restore("123", AT_NOON, "--yes", "--json", "--reason", "wrong import", "--actor", "mia")
    assert (result.exit_code, result.stderr) == (0, "Restored.\n")
    assert stands(made) == NEW | {"why": {"S": "wrong import"}, "updated_by": {"S": "mia"}}
    done = line(result)
    assert (done["became"], done["existed"], [one["path"] for one in done["diff"]]) == (
        "restored",
        True,
        ["/status", "/updated_by", "/why"],
    )
    again = restore("123", AT_NOON, "--yes", "--reason", "once more", "--actor", "mia")
    assert (again.exit_code, again.stderr) == (0, "Nothing differs: it stands as it did then.\n")


def test_an_old_name_is_not_put_back(made: MotoTrail) -> None:
    """Without --actor the caller is named, as STS says, and never who wrote the item then."""
    by_mia, by_bob = PAID | {"updated_by": {"S": "mia"}, "why": {"S": "first"}}, WRONG | {"updated_by": {"S": "bob"}}
    made.add(numbered_record(3, old=PAID, new=by_mia, at=NOON + 7_200))
    stand(made, by_bob)
    result = restore("123", "2026-11-24T14:00", "--yes")
    assert (result.exit_code, result.stderr.splitlines()[0]) == (
        0,
        f"Without --actor, the history will name {CALLER}.",
    )
    assert stands(made) == PAID | BY_CALLER


def test_where_nobody_says_who_is_calling(made: MotoTrail, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where STS doesn't say who is calling, the actor attribute stays as it stands, and that is said."""
    monkeypatch.setattr(Connection, "principal", lambda _self: None)
    stand(made, WRONG | {"updated_by": {"S": "bob"}})
    result = restore("123", AT_NOON, "--yes")
    assert "AWS doesn't tell who you are, so the actor attribute stays as it stands" in result.stderr
    assert stands(made) == NEW | {"updated_by": {"S": "bob"}}


def test_no_sts_is_nobody(aws: None) -> None:
    """An endpoint that has no STS, or nobody who listens, names nobody, within seconds."""
    with fake_endpoint() as endpoint:
        endpoint.respond = lambda _: refusal("UnknownOperationException")
        assert Connection(None, None, endpoint.url).principal() is None


@pytest.mark.parametrize("option", ["reason", "actor"])
def test_a_reason_that_the_trail_has_no_attribute_for(made: MotoTrail, option: str) -> None:
    """Without a configured attribute the option is refused, and the module's input named."""
    arn = made.client.describe_table(TableName=AUDIT_TABLE)["Table"]["TableArn"]
    made.client.untag_resource(ResourceArn=arn, TagKeys=[f"table-trail:{option}-attribute"])
    result = restore("123", AT_NOON, "--yes", f"--{option}", "x")
    assert (result.exit_code, stands(made)) == (2, WRONG)
    assert f"{option}_attribute" in result.stderr


@pytest.mark.parametrize("how", ["--yes", "--dry-run"])
def test_nothing_is_deleted_unless_that_is_allowed(made: MotoTrail, how: str) -> None:
    """An item that didn't exist then is shown and left alone without --allow-delete: exit code 2, and in many 1."""
    result = restore("123", BEFORE, how)
    assert (result.exit_code, stands(made)) == (2, WRONG)
    assert result.stderr.splitlines()[-1] == (
        "trail: it did not exist then, so it would be deleted: --allow-delete lets it"
    )
    assert "status      WRONG" in result.stdout or "status    WRONG" in result.stdout
    as_json = restore("123", BEFORE, how, "--json")
    assert (as_json.exit_code, line(as_json)["became"], line(as_json)["existed"]) == (2, "refused", False)
    many = restore("--from", "-", BEFORE, how, answer="123\n")
    assert (many.exit_code, stands(made)) == (1, WRONG)
    assert many.stdout == "refused: 123: it did not exist then, so it would be deleted: --allow-delete lets it\n"


def test_restoring_to_nothing_deletes(made: MotoTrail) -> None:
    """Before its INSERT the item didn't exist: restoring to that deletes it, where that is allowed."""
    assert restore("123", BEFORE, "--dry-run", "--allow-delete").exit_code == 0
    assert stands(made) == WRONG
    result = restore("123", BEFORE, "--yes", "--json", "--reason", "test data", "--allow-delete")
    assert (result.exit_code, stands(made), line(result)["existed"]) == (0, None, False)


def test_what_has_expired_deletes_nothing(made: MotoTrail) -> None:
    """Where records of then have expired, an item isn't deleted because its first record is an INSERT."""
    arn = made.client.describe_table(TableName=AUDIT_TABLE)["Table"]["TableArn"]
    made.client.tag_resource(ResourceArn=arn, Tags=[{"Key": "table-trail:retention-days", "Value": "1"}])
    result = restore("123", "2026-11-20", "--yes")
    assert (result.exit_code, stands(made)) == (2, WRONG)
    assert "records of that time have expired" in result.stderr


def test_a_change_names_the_moment(made: MotoTrail) -> None:
    """--change is the moment just after a change, and brings a deleted item back."""
    made.client.delete_item(TableName=SOURCE_TABLE, Key={"order_id": {"N": "123"}})
    result = restore("123", "--change", f"2026-11-24T13:00:00.000Z#{2:040d}", "--yes")
    assert (result.exit_code, stands(made)) == (0, PAID | BY_CALLER)


def test_somebody_else_was_faster(made: MotoTrail, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lost race is one sentence with what has changed, exit code 1, and nothing written."""
    get = DynamoDBItems.get

    def meanwhile(items: DynamoDBItems, keys: Image) -> Image | None:
        found = get(items, keys)
        stand(made, PAID)
        return found

    monkeypatch.setattr(DynamoDBItems, "get", meanwhile)
    result = restore("123", AT_NOON, "--yes")
    monkeypatch.undo()
    assert result.exit_code == 1
    assert "somebody else was faster, and nothing was restored: these have changed: status" in result.stderr
    assert DynamoDBItems(made.client, SOURCE_TABLE).get(KEYS) == PAID


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["2026-11-24T12:00"],
        ["123", AT_NOON, "--report", "x"],
        ["--from", "-", "--change", "x"],
        ["--from", "-"],
        ["123", "--from", "-", AT_NOON],
    ],
)
def test_words_that_are_off(words: list[str], made: MotoTrail) -> None:
    """Without a key or a time, and with options that don't go together, nothing is written: exit code 2."""
    assert (restore(*words, "--yes", answer="123\n").exit_code, stands(made)) == (2, WRONG)


@pytest.mark.parametrize(
    "listed", ["123\nabc\n", "123\n{}\n", "123\n{\n", '123\n"\n', '{"keys": {"order_id": true}}\n']
)
def test_a_line_that_is_no_key_stops_before_anything_is_written(made: MotoTrail, listed: str) -> None:
    """Every key is read before the first is restored; the sentence names the line."""
    result = restore("--from", "-", AT_NOON, "--yes", answer=listed)
    assert (result.exit_code, stands(made)) == (2, WRONG)
    assert f"line {listed.count(chr(10))} is no key" in result.stderr


def test_many_are_restored(made: MotoTrail, tmp_path: Path) -> None:
    """Each line is an item, once; those that can't be are told beside those that can, in words, JSON and the report."""
    report = tmp_path / "report"
    listed = "123\n" + json.dumps({"keys": {"order_id": 123}}) + "\n404\n"
    words = ["--from", "-", AT_NOON, "--yes", "--json", "--actor", "mia"]
    result = restore(*words, "--report", str(report), answer=listed)
    assert (result.exit_code, stands(made)) == (1, NEW | {"updated_by": {"S": "mia"}})
    done = [json.loads(one) for one in result.stdout.splitlines()]
    assert [(one["keys"]["order_id"], one["became"]) for one in done] == [(123, "restored"), (404, "not recorded")]
    assert stat.S_IMODE(report.stat().st_mode) == 0o600, "it holds keys: its owner's alone"
    for one in [*done, *map(json.loads, report.read_text("utf-8").splitlines())]:
        jsonschema.validate(one, SCHEMA)
    assert "2 item(s) as they stood just before 2026-11-24T12:00:01.000Z: 1 not recorded, 1 restored." in result.stderr
    again = restore(*words, "--report", str(report), answer="123\n")
    assert (again.exit_code, again.stdout) == (0, "")
    assert "1 done before" in again.stderr


@pytest.mark.parametrize("operation", ["GetItem", "UpdateItem", "PutItem", "DeleteItem"])
def test_permission_that_is_missing_names_the_policy(operation: str) -> None:
    """What restore may not do to the source table is said with the policy that has it."""
    explanation = explained(ClientError({"Error": {"Code": "AccessDeniedException"}}, operation))
    assert explanation is not None
    assert "attach the operator policy" in explanation[0]

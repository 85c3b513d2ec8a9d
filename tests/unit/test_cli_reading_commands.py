"""What every command that reads a trail does when there is nothing, one change, or something in the way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from audit_trail.cli.context import Connection
from audit_trail.core.records import audit_item
from audit_trail.core.spill import Form, pack
from tests.builders import NOON
from tests.unit.fakes import numbered_record, order
from tests.unit.moto_trail import AUDIT_TABLE, SOURCE_TABLE, MotoTrail, trail

if TYPE_CHECKING:
    from typer.testing import Result

FOUND, NOTHING_FOUND, USAGE, AWS_REFUSED = 0, 1, 2, 3
KEYED = {
    "history": (),
    "show": ("2026-11-24T12:00",),
    "diff": ("2026-11-24T11:00", "now"),
    "report": ("-o", "-"),
}
"""Commands about one item, and their words after its key."""
WHOLE = {"search": (), "tail": ("--since", "1h")}
"""Commands about the whole table, and their words."""
COMMANDS = [*KEYED, *WHOLE]
FINDING = {"DescribeTable", "ListTagsOfResource"}
ASKED = {command: FINDING | {"Query"} for command in KEYED} | {
    command: FINDING | {"Query", "BatchGetItem"} for command in WHOLE
}
"""The operations that commands need, beside GetObject where images lie in the bucket."""
SHARDS = {"by_time": 4, "by_actor": 4}
ORDER = order(123, status="PAID", updated_by="mia")

pytestmark = pytest.mark.usefixtures("aws")
every_command = pytest.mark.parametrize("command", COMMANDS)


@pytest.fixture(autouse=True)
def time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be half past twelve, and have `tail` stopped when it has looked once."""
    monkeypatch.setattr("audit_trail.cli.clock.now", lambda: datetime(2026, 11, 24, 12, 30, tzinfo=UTC))

    def ctrl_c(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("audit_trail.cli.tail.pause", ctrl_c)


@pytest.fixture
def made() -> MotoTrail:
    """Give a trail with both indexes, and an old change of another order than is asked for."""
    made = MotoTrail(shards=SHARDS)
    old = numbered_record(1, new=order(124, status="OTHER", updated_by="noah"), at=NOON - 3 * 86_400)
    made.add(old)
    return made


def words_of(command: str, key: str = "123") -> list[str]:
    """Return the words of a command."""
    return [command, key, *KEYED[command]] if command in KEYED else [command, *WHOLE[command]]


def run(command: str, **key: str) -> Result:
    """Run a command on the trail."""
    return trail(*words_of(command, **key))


def failure(result: Result) -> tuple[int, str]:
    """Return the exit code and the one sentence of a command that shows nothing."""
    assert result.stdout == ""
    [sentence] = [line for line in result.stderr.splitlines() if line.startswith("trail: ")]
    return result.exit_code, sentence.removeprefix("trail: ")


@every_command
def test_nothing_found(made: MotoTrail, command: str) -> None:
    """Where there is nothing, a command prints nothing, says so and exits with 1; `tail` waits for what may come."""
    result = run(command)
    assert (result.exit_code, result.stdout) == (FOUND if command == "tail" else NOTHING_FOUND, "")
    assert f"{SOURCE_TABLE} has no " in result.stderr or command == "tail"
    assert "trail: " not in result.stderr


@every_command
def test_one_change(made: MotoTrail, command: str) -> None:
    """The one change that is asked for is shown, and no other."""
    made.add(numbered_record(2, new=ORDER))
    result = run(command)
    assert result.exit_code == FOUND, result.stderr
    assert ("PAID" in result.stdout, "OTHER" in result.stdout) == (True, False)


@pytest.mark.parametrize("command", KEYED)
def test_a_key_of_another_type(made: MotoTrail, command: str) -> None:
    """A word that can't be a key of the table's type is refused, and the attribute named."""
    assert failure(run(command, key="order-123")) == (USAGE, "the key attribute order_id is a number")


@every_command
def test_no_credentials(made: MotoTrail, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """Without credentials, the sentence says how to get some."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    code, sentence = failure(run(command))
    assert (code, sentence.startswith("no AWS credentials: set AWS_PROFILE or --profile")) == (AWS_REFUSED, True)


@every_command
def test_no_such_table(command: str) -> None:
    """An audit table that isn't here makes the sentence name the options to check."""
    code, sentence = failure(run(command))
    assert (code, sentence.startswith("there is no such table in this account and region")) == (AWS_REFUSED, True)


@every_command
def test_no_source_table(made: MotoTrail, command: str) -> None:
    """When the audited table is gone, it is that one which the sentence names."""
    made.client.delete_table(TableName=SOURCE_TABLE)
    code, sentence = failure(run(command))
    assert (code, sentence.startswith(f"the source table {SOURCE_TABLE} of {AUDIT_TABLE} is gone")) == (
        AWS_REFUSED,
        True,
    )


class Gate:
    """Notes what DynamoDB is asked, and denies one operation."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: set[str] = set()
        self.denied = ""
        make = Connection.dynamodb

        def watched(connection: Connection, *arguments: Any) -> Any:
            client = make(connection, *arguments)
            client.meta.events.register("provide-client-params.dynamodb.*", self._pass)
            return client

        monkeypatch.setattr(Connection, "dynamodb", watched)

    def _pass(self, model: Any, **_: Any) -> None:
        self.asked.add(model.name)
        if model.name == self.denied:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not yours"}}, model.name)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Give what lets operations through, or not."""
    return Gate(monkeypatch)


@every_command
def test_what_is_asked(made: MotoTrail, gate: Gate, command: str) -> None:
    """A command asks DynamoDB for these operations, and for no other: never for a Scan, never to write."""
    made.add(numbered_record(2, new=ORDER))
    assert run(command).exit_code == FOUND
    assert gate.asked == ASKED[command]


@every_command
def test_access_denied(made: MotoTrail, gate: Gate, command: str) -> None:
    """Whichever operation isn't allowed is named, with the policy to attach, and nothing is shown."""
    made.add(numbered_record(2, new=ORDER))
    for operation in ASKED[command]:
        gate.denied = operation
        assert failure(run(command)) == (
            AWS_REFUSED,
            f"these credentials may not do {operation}: attach the reader policy that Terraform outputs (not yours)",
        )


@every_command
def test_images_that_cannot_be_read(made: MotoTrail, command: str) -> None:
    """Where a change's images can't be read from the bucket, a sentence says so; `diff`, which needs them, shows nothing."""
    record = audit_item(numbered_record(2, new=ORDER), made.settings)
    made.put(pack(record, "trail-bucket", Form.S3).item)
    result = run(command)
    assert result.exit_code == (FOUND if command == "tail" else AWS_REFUSED)
    assert "can't be read: check that the reader policy is attached" in result.stderr
    assert (result.stdout == "") == (command == "diff")
    assert "PAID" not in result.stdout


@pytest.mark.parametrize("command", KEYED)
def test_an_item_needs_no_index(command: str) -> None:
    """Without any index, the history of one item is shown all the same."""
    MotoTrail().add(numbered_record(2, new=ORDER))
    result = run(command)
    assert (result.exit_code, "PAID" in result.stdout) == (FOUND, True)


@pytest.mark.parametrize("command", WHOLE)
def test_an_index_that_is_missing(command: str) -> None:
    """Without the index by_time, what reads the whole table says how to turn it on, and reads nothing."""
    MotoTrail().add(numbered_record(2, new=ORDER))
    code, sentence = failure(run(command))
    assert code == USAGE
    assert sentence.startswith(f"{AUDIT_TABLE} has no index by_time: turn it on with module audit_trail's input ")
    assert ("--scan" in sentence) == (command == "search")


def newer(made: MotoTrail, number: int, at: float) -> None:
    """Put a record that a newer version wrote."""
    record = audit_item(numbered_record(number, new=order(123, status="FUTURE"), at=at), made.settings)
    made.put(record | {"schema_version": {"N": "2"}})


@every_command
def test_a_record_of_a_newer_version(made: MotoTrail, command: str) -> None:
    """A record that a newer version wrote is not guessed at, and the sentence says to upgrade."""
    newer(made, 2, NOON)
    code, sentence = failure(run(command))
    assert code == (FOUND if command == "tail" else USAGE)
    assert sentence == "a record has schema version 2, and this trail reads up to 1: upgrade trail"


@pytest.mark.parametrize("command", ["history", "report", "search", "tail"])
def test_beside_a_record_of_a_newer_version(made: MotoTrail, command: str) -> None:
    """Beside a record that a newer version wrote, the others are shown, and the exit code still tells."""
    made.add(numbered_record(2, new=ORDER))
    newer(made, 3, NOON + 60)
    result = run(command)
    assert result.exit_code == (FOUND if command == "tail" else USAGE)
    assert ("PAID" in result.stdout, "FUTURE" in result.stdout) == (True, False)
    assert "upgrade trail" in result.stderr

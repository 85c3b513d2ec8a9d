"""docs/trail.md can't drift from the command line, and what --json prints is what its schemas say."""

from __future__ import annotations

import inspect
import json
import re
import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import typer
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from audit_trail.cli import words
from audit_trail.cli.main import app
from audit_trail.core.history import Change
from audit_trail.core.records import audit_item
from audit_trail.core.spill import Form, pack
from scripts import trail_docs
from scripts.project import ROOT
from tests.builders import TTL_IDENTITY
from tests.report_pages import SETTINGS
from tests.unit.fakes import numbered_record, order
from tests.unit.moto_trail import MotoTrail, trail

if TYPE_CHECKING:
    from audit_trail.core.values import Image

MANUAL = trail_docs.PAGE.read_text(encoding="utf-8")
_group: Any = typer.main.get_command(app)
COMMANDS: dict[str, Any] = _group.commands
EXAMPLES = [line for text in re.findall(r"```sh\n(.*?)```", MANUAL, re.DOTALL) for line in text.splitlines() if line]


def section(name: str) -> str:
    """Return a command's part of the manual."""
    return MANUAL.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def test_the_manual_is_what_the_command_line_says() -> None:
    """docs/trail.md is what `python -m scripts.trail_docs` writes."""
    assert trail_docs.page() == MANUAL, "run python -m scripts.trail_docs"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_documented(name: str) -> None:
    """A command's part of the manual names every option and argument that it has, each with what it means."""
    for parameter in COMMANDS[name].params:
        if parameter.name == "help":
            continue
        assert parameter.help, parameter.name
        assert parameter.help in section(name)
        for option in parameter.opts if parameter.param_type_name == "option" else [parameter.metavar]:
            assert option in section(name)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_examples_and_exit_codes(name: str) -> None:
    """--help and manual of a command say what its exit codes mean, and give an example of it."""
    for text in (inspect.cleandoc(COMMANDS[name].help), section(name)):
        assert "Exits with 0 when " in text
        assert f"\ntrail {name}" in text


@pytest.mark.parametrize("line", EXAMPLES)
def test_every_example_is_understood(line: str) -> None:
    """Each example of the manual has the words and options that the command line knows."""
    # Without an audit table nothing is asked of AWS: the words are read first, and that is what stops it.
    done = CliRunner().invoke(app, shlex.split(line)[1:], env={"TRAIL_AUDIT_TABLE": ""})
    assert (done.exit_code, "--audit-table" in done.output) == (2, True)


def schema(name: str) -> dict[str, Any]:
    """Return a schema, which must be one itself."""
    read: dict[str, Any] = json.loads((ROOT / "docs" / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(read)
    return read


CHANGE, DIFFERENCE = schema("change"), schema("difference")
TYPED_IMAGE = {"$ref": "#/$defs/typed_image", "$defs": CHANGE["$defs"]}

ALL_TYPES = order(
    text="é",
    number={"N": "12345678901234567890123456789012345678"},
    binary={"B": "AAH/"},
    yes={"BOOL": True},
    nothing={"NULL": True},
    map={"M": {"a/b~": {"L": [{"S": ""}, {"M": {}}]}}},
    strings={"SS": ["a", "b"]},
    numbers={"NS": ["1", "2.5"]},
    binaries={"BS": ["AA==", "AQ=="]},
)
CHANGED = ALL_TYPES | {"strings": {"SS": ["b", "c"]}, "map": {"M": {"a/b~": {"L": []}}}, "updated_by": {"S": "mia"}}
RECORDS = {
    "INSERT": numbered_record(1, new=ALL_TYPES),
    "MODIFY": numbered_record(2, old=ALL_TYPES, new=CHANGED | {"why": {"S": "asked to"}}),
    "unchanged actor": numbered_record(3, old=CHANGED, new=CHANGED | {"yes": {"BOOL": False}}),
    "REMOVE": numbered_record(4, old=CHANGED),
    "TTL": numbered_record(5, old=CHANGED, userIdentity=TTL_IDENTITY),
    "nothing changed": numbered_record(6, old=CHANGED, new=CHANGED),
}


def items() -> dict[str, Image]:
    """Return a record of every kind that a trail has."""
    made: dict[str, Image] = {name: dict(audit_item(record, SETTINGS)) for name, record in RECORDS.items()}
    baseline = {"timestamp": {"S": f"2026-11-24T12:00:00.000Z#{0:040d}"}, "event_name": {"S": "BASELINE"}}
    made["BASELINE"] = made["INSERT"] | baseline
    made["no images"] = {name: value for name, value in made["MODIFY"].items() if "image" not in name}
    made["unreadable"] = pack(made["MODIFY"], "bucket", Form.S3).item
    return made


def check(line: str, of: dict[str, Any]) -> dict[str, Any]:
    """Check a line against a schema, and that it has no property which that leaves out; return it."""
    read: dict[str, Any] = json.loads(line)
    Draft202012Validator(of).validate(read)
    documented = list(of["properties"])
    assert sorted(read, key=documented.index) == list(read)
    return read


@pytest.mark.parametrize("whole", [False, True], ids=["", "whole"])
@pytest.mark.parametrize("typed", [False, True], ids=["plain", "typed"])
@pytest.mark.parametrize("kind", items())
def test_a_change_is_as_its_schema_says(kind: str, typed: bool, whole: bool) -> None:  # noqa: FBT001  parameters
    """A change of every kind, plain and typed, is valid by its schema, and has no property that the schema leaves out."""
    read = check(words.change_json(Change.from_item(items()[kind]), typed=typed, whole=whole), CHANGE)
    for name in ("keys", "old_image", "new_image"):
        if typed and name in read:
            Draft202012Validator(TYPED_IMAGE).validate(read[name])


@pytest.mark.usefixtures("aws")
def test_what_commands_print_is_as_the_schemas_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """What history, show, search, tail and diff print with --json is valid by the schema that the manual names."""
    monkeypatch.setattr("audit_trail.cli.clock.now", lambda: datetime(2026, 11, 24, 18, 0, tzinfo=UTC))
    made = MotoTrail(shards={"by_time": 1})
    made.add(RECORDS["INSERT"], RECORDS["MODIFY"])
    first, second = (f"2026-11-24T12:00:00.000Z#{number:040d}" for number in (1, 2))
    since = ["--since", "2026-11-24", "--json"]
    for command in (
        ["history", "123", "--json"],
        ["history", "123", "--json", "--typed"],
        ["show", "123", second, "--json"],
        ["search", *since, "--until", "2026-11-25"],
        ["tail", *since, "--limit", "2"],
    ):
        printed = trail(*command).stdout.splitlines()
        assert len(printed) == (1 if command[0] == "show" else 2)
        for line in printed:
            check(line, CHANGE)
    for more in ([], ["--typed"]):
        for moments in ([first, second], ["2026-11-20", second], ["2026-11-20", "2026-11-21"]):
            [line] = trail("diff", "123", *moments, "--json", *more).stdout.splitlines()
            for side in ("a", "b"):
                assert set(check(line, DIFFERENCE)[side]) <= set(DIFFERENCE["$defs"]["side"]["properties"])


@pytest.mark.parametrize(
    "line",
    [
        '{"event_name": "INSERT"}',
        '{"timestamp": "yesterday", "event_name": "INSERT"}',
        f'{{"timestamp": "2026-11-24T12:00:00.000Z#{0:040d}", "event_name": "UPSERT"}}',
        f'{{"timestamp": "2026-11-24T12:00:00.000Z#{0:040d}", "event_name": "INSERT", "actor": "mia"}}',
        f'{{"timestamp": "2026-11-24T12:00:00.000Z#{0:040d}", "event_name": "MODIFY", "diff": [{{"op": "move", "path": "/a"}}]}}',
    ],
)
def test_a_line_that_is_no_change_is_found(line: str) -> None:
    """The schema refuses what is no change."""
    assert not Draft202012Validator(CHANGE).is_valid(json.loads(line))


def test_both_schemas_mean_the_same_by_an_image() -> None:
    """What images and diffs are is the same in both schemas."""
    assert {name: DIFFERENCE["$defs"][name] for name in CHANGE["$defs"]} == CHANGE["$defs"]

"""What `trail` says when something is wrong: one sentence on stderr, an exit code, and no traceback."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws
from typer.testing import CliRunner

from audit_trail.cli.context import Connection
from audit_trail.cli.main import app
from scripts.project import ROOT
from tests.unit.fake_endpoint import fake_endpoint, refusal
from tests.unit.fakes import numbered_record
from tests.unit.moto_trail import AUDIT_TABLE, SOURCE_TABLE, MotoTrail

if TYPE_CHECKING:
    from collections.abc import Iterator

NOT_FOUND, USAGE, AWS_REFUSED, UNTRUSTED = 1, 2, 3, 4


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be signed in."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.fixture
def aws() -> Iterator[None]:
    """Let AWS be moto."""
    with mock_aws():
        yield


def failure(*words: str, table: str = AUDIT_TABLE) -> tuple[int, str]:
    """Run `trail history`, which must fail; return its exit code and its one sentence."""
    result = CliRunner().invoke(app, ["history", *words, "--audit-table", table], catch_exceptions=False)
    assert result.stdout == ""
    sentence = " ".join(result.stderr.split())
    assert sentence.startswith("trail: ")
    assert "Traceback" not in sentence
    return result.exit_code, sentence.removeprefix("trail: ")


def test_a_word_that_is_no_base64(aws: None) -> None:
    """A key of type B that isn't base64 is refused, and how to type it is said."""
    MotoTrail({"digest": "B"})

    assert failure("no base64!") == (USAGE, "the key attribute digest is binary, given as base64")


def test_an_empty_word(aws: None) -> None:
    """An empty word is no key: DynamoDB has no empty keys."""
    MotoTrail({"sku": "S"})

    assert failure("") == (USAGE, "the key attribute sku is a string that isn't empty")


@pytest.mark.parametrize("words", [["1", "2"], ["1", "2", "3"]])
def test_too_many_words_for_a_simple_key(aws: None, words: list[str]) -> None:
    """A key of one part doesn't take two words."""
    MotoTrail()

    assert failure(*words) == (USAGE, f"a key of {SOURCE_TABLE} has 1 part(s): order_id")


@pytest.mark.parametrize("words", [["1"], ["1", "2", "3"]])
def test_a_composite_key_of_another_number_of_words(aws: None, words: list[str]) -> None:
    """A key of two parts takes two words; the sentence names them."""
    MotoTrail({"customer": "S", "order": "S"})

    assert failure(*words) == (USAGE, f"a key of {SOURCE_TABLE} has 2 part(s): customer order")


def test_half_of_the_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one half of a key pair, that counts as having none."""
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    code, sentence = failure("123")

    assert (code, "no AWS credentials" in sentence) == (AWS_REFUSED, True)


def test_no_region(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a region, the sentence names the option and the variable."""
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_REGION", "")

    code, sentence = failure("123")

    assert (code, sentence) == (USAGE, "no AWS region: set AWS_REGION or --region")


@pytest.mark.parametrize(
    ("words", "there", "default", "expected"),
    [
        (None, "eu-west-1", None, "eu-west-1"),
        (None, "eu-west-1", "eu-central-1", "eu-west-1"),
        (None, None, "eu-central-1", "eu-central-1"),
        ("us-east-1", "eu-west-1", "eu-central-1", "us-east-1"),
    ],
)
def test_the_region_is_the_one_that_the_aws_cli_takes(
    monkeypatch: pytest.MonkeyPatch, words: str | None, there: str | None, default: str | None, expected: str
) -> None:
    """AWS_REGION is honoured, goes before AWS_DEFAULT_REGION as in the AWS CLI, and --region before both."""
    for name, value in (("AWS_REGION", there), ("AWS_DEFAULT_REGION", default)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    assert Connection(None, words, None).dynamodb().meta.region_name == expected


def test_a_profile_that_is_not_there() -> None:
    """A profile that the configuration doesn't have is named; AWS was not even asked."""
    code, sentence = failure("123", "--profile", "nobody")

    assert (code, "nobody" in sentence, "reached" in sentence) == (USAGE, True, False)


def test_an_endpoint_that_is_no_url() -> None:
    """An endpoint that isn't a URL is refused in a sentence."""
    code, sentence = failure("123", "--endpoint-url", "localhost:8000")

    assert (code, "localhost:8000" in sentence) == (USAGE, True)


def test_an_endpoint_where_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint that doesn't answer is named."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"

        code, sentence = failure("123", "--endpoint-url", url)

    assert (code, "AWS could not be reached" in sentence, url in sentence) == (AWS_REFUSED, True, True)


def test_a_table_that_is_no_audit_table(aws: None) -> None:
    """A table without the tags of a trail, the source table for instance, is not mistaken for one."""
    MotoTrail()

    code, sentence = failure("123", table=SOURCE_TABLE)

    assert (code, sentence.startswith(f"{SOURCE_TABLE} has no tag table-trail:source-table: name the audit table")) == (
        USAGE,
        True,
    )


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("AccessDeniedException", "these credentials may not do DescribeTable: attach the reader policy"),
        ("UnrecognizedClientException", "AWS does not accept these credentials (UnrecognizedClientException)"),
        ("ExpiredTokenException", "AWS does not accept these credentials (ExpiredTokenException): sign in again"),
        ("NovelException", "AWS refused DescribeTable: NovelException: no"),
    ],
)
def test_what_aws_refuses(code: str, sentence: str) -> None:
    """A refusal of AWS's is said with the operation, and with what to do about it where that is known."""
    with fake_endpoint() as endpoint:
        endpoint.respond = lambda _: refusal(code)

        exit_code, said = failure("123", "--endpoint-url", endpoint.url)

    assert (exit_code, said.startswith(sentence)) == (AWS_REFUSED, True)


def test_an_item_that_is_no_audit_record(aws: None) -> None:
    """An item in the audit table that isn't an audit record is said to be none, instead of a traceback."""
    MotoTrail().put({"order_id": {"N": "123"}, "timestamp": {"S": "yesterday"}})

    assert failure("123") == (
        UNTRUSTED,
        "the audit table holds an item that is not an audit record: one without a valid timestamp (it lacks what every record has)",
    )


def _item(trail: MotoTrail) -> dict[str, dict[str, str]]:
    trail.add(numbered_record(1, keys={"order_id": {"N": "123"}}))
    [item] = trail.client.scan(TableName=AUDIT_TABLE)["Items"]
    return {name: {"S": str(item[name]["S"])} for name in ("timestamp", "event_name")} | {"order_id": {"N": "123"}}


@pytest.mark.parametrize("words", [["history"], ["history", "123"], ["history", "123", "--colour"], ["histroy", "123"]])
def test_words_that_are_off(words: list[str]) -> None:
    """A command without a key or a table, or with an unknown option, is answered with its usage and exit code 2."""
    result = CliRunner().invoke(app, words)

    assert (result.exit_code, result.stdout) == (USAGE, "")
    assert "Usage: trail" in result.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["as-of"], "KEY and TIME are missing: write KEY... TIME"),
        (["as-of", "50"], "TIME is missing: write KEY... TIME"),
        (["as-of", "2026-11-24"], "KEY is missing: write KEY... TIME"),
        (["diff"], "KEY and A and B are missing: write KEY... A B"),
        (["diff", "50"], "A and B are missing: write KEY... A B"),
        (["diff", "50", "now"], "B is missing: write KEY... A B"),
        (["diff", "yesterday", "now"], "KEY is missing: write KEY... A B"),
        (["show", "50"], "TIMESTAMP is missing: write KEY... TIMESTAMP"),
        (["show", f"2026-11-24T12:00:00.000Z#{1:040d}"], "KEY is missing: write KEY... TIMESTAMP"),
        (["restore", "50"], "TIME is missing: write KEY... TIME"),
        (["restore", "now"], "say which item: its KEY before the TIME, or --from FILE"),
    ],
)
def test_a_word_that_is_missing_is_named(words: list[str], sentence: str) -> None:
    """Where a key or a time is missing, it is that one which the sentence names."""
    result = CliRunner().invoke(app, [*words, "--audit-table", AUDIT_TABLE])
    assert (result.exit_code, result.stdout, result.stderr) == (USAGE, "", f"trail: {sentence}\n")


def test_the_version() -> None:
    """--version says which version this is."""
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"trail {version('table-trail')}\n")


PIPED = """
import json, os, sys
from datetime import UTC, datetime
from moto import mock_aws
from audit_trail.cli import clock
from audit_trail.cli.main import main
from tests.unit.fakes import numbered_record, order
from tests.unit.moto_trail import AUDIT_TABLE, SOURCE_TABLE, MotoTrail, image_to_boto

clock.now = lambda: datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
ended = {}
with mock_aws():
    made = MotoTrail(shards={"by_time": 4})
    old, new = order(123, status="NEW"), order(123, status="PAID")
    made.add(numbered_record(1, new=old), numbered_record(2, old=old, new=new, at=1_795_521_660))
    made.client.put_item(TableName=SOURCE_TABLE, Item=image_to_boto(new | {"status": {"S": "WRONG"}}))
    for line in sys.stdin:
        reading, writing = os.pipe()
        os.close(reading)
        child = os.fork()
        if child == 0:
            os.dup2(writing, 1)
            os.environ["TRAIL_AUDIT_TABLE"] = AUDIT_TABLE
            sys.argv = ["trail", *line.split()]
            main()
        os.close(writing)
        ended[line.strip()] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(json.dumps(ended))
"""
"""Runs the commands that it is given, each with a standard output that nobody reads any more, and says how each ended."""


def test_a_closed_pipe_ends_quietly() -> None:
    """When nobody reads on, every command ends as other tools do: by SIGPIPE (141 in a shell), without a word about it."""
    commands = [
        *("history 123", "history 123 --json", "show 123 2026-11-24T12:00 --json", "diff 123 yesterday now"),
        *("as-of 123 now", "as-of 123 now --json", "report 123 -o -", "verify 123 --settle 0", "verify --settle 0"),
        *("search --since 1h", "search --since 1h --json", "tail --since 1h", "doctor"),
        *("restore 123 now --dry-run", "restore 123 now --dry-run --json"),
        *("--help", "history --help", "--version"),
    ]
    done = subprocess.run(
        [sys.executable, "-c", PIPED],
        input="\n".join(commands),
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'handler'}:{ROOT}", "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == dict.fromkeys(commands, -signal.SIGPIPE)
    assert not re.search("Traceback|BrokenPipe|trail: ", done.stderr)


def test_help_shows_an_example() -> None:
    """--help tells what the exit codes mean, and gives an example."""
    result = CliRunner().invoke(app, ["history", "--help"])

    assert result.exit_code == 0
    assert "trail history 123" in result.stdout
    assert "Exits with 0 when there are changes" in result.stdout

"""`trail history`'s filters, limit, zone and colours, as they are typed."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from audit_trail.core.records import audit_item
from tests.builders import NOON
from tests.unit.fakes import numbered_record, order
from tests.unit.moto_trail import AUDIT_TABLE, SOURCE_TABLE, MotoTrail, history, numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

NEW = order(123, status="NEW", updated_by="checkout", lines={"L": [{"S": "lamp"}]})
PAID = order(123, status="PAID", updated_by="billing", lines={"L": [{"S": "lamp"}]})
USAGE, UNTRUSTED = 2, 4


@pytest.fixture(autouse=True)
def story(monkeypatch: pytest.MonkeyPatch) -> Iterator[MotoTrail]:
    """Let AWS be moto, it be six in the evening, and an order have been made, paid, touched and deleted today."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setattr("audit_trail.cli.clock.now", lambda: datetime(2026, 11, 24, 18, 0, tzinfo=UTC))
    with mock_aws():
        trail = MotoTrail()
        trail.add(
            numbered_record(1, new=NEW, at=NOON - 86_400),
            numbered_record(2, old=NEW, new=PAID, at=NOON),
            numbered_record(3, old=PAID, new=PAID | {"lines": {"L": []}}, at=NOON + 3_600),
            numbered_record(4, old=PAID, at=NOON + 7_200),
        )
        yield trail


def found(*words: str) -> list[int]:
    """Return the sequence numbers that are found."""
    result = history("123", "--json", *words)
    assert (result.exit_code, result.stderr) == (0, "")
    return numbers(result)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], [4, 3, 2, 1]),
        (["--since", "2026-11-24T12:00"], [4, 3, 2]),
        (["--since", "2026-11-24T12:00:01"], [4, 3]),
        (["--until", "2026-11-24T12:00"], [2, 1]),
        (["--until", "2026-11-24T11:59:59Z"], [1]),
        (["--until", "yesterday"], [1]),
        (["--since", "today"], [4, 3, 2]),
        (["--since", "yesterday", "--until", "yesterday"], [1]),
        (["--since", "2026-11-23", "--until", "2026-11-24"], [4, 3, 2, 1]),
        (["--since", "5h"], [4, 3]),
        (["--since", "2026-11-24T14:00+01:00", "--until", "2026-11-24T14:00+01:00"], [3]),
        (["--operation", "MODIFY"], [3, 2]),
        (["--operation", "insert", "--operation", "Remove"], [4, 1]),
        (["--actor", "billing"], [3, 2]),
        (["--actor", "billing", "--actor", "checkout"], [3, 2, 1]),
        (["--attribute", "status"], [4, 2, 1]),
        (["--attribute", "/lines/0"], [4, 3, 1]),
        (["--attribute", "lines[0]"], [4, 3, 1]),
        (["--since", "2026-11-24T12:00:00.207Z"], [4, 3, 2]),
        (["--until", "2026-11-24T12:00:00.207Z"], [2, 1]),
        (["--attribute", "status", "--operation", "MODIFY"], [2]),
        (["--limit", "1"], [4]),
        (["--limit", "2", "--operation", "MODIFY"], [3, 2]),
        (["--limit", "9"], [4, 3, 2, 1]),
    ],
)
def test_filters_find_what_they_say(words: list[str], expected: list[int]) -> None:
    """By time, operation, actor, attribute and number, what is asked for is shown, the newest first."""
    assert found(*words) == expected


def test_nothing_that_fits_is_exit_code_1() -> None:
    """A filter that nothing fits prints nothing, says that there are no such changes, and exits with 1."""
    result = history("123", "--actor", "nobody")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"{SOURCE_TABLE} has no such changes of this key in {AUDIT_TABLE}.\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--since", "tomorrow"], "trail: 'tomorrow' is no time: write 2026-11-24T12:00, "),
        (["--until", "x"], "trail: 'x' is no time: write "),
        (["--since", "1h", "--until", "2h"], "trail: --since is after --until\n"),
        (["--attribute", "/a~b"], "trail: '/a~b' is neither an attribute's name nor a JSON Pointer such as "),
        (["--attribute", ""], "trail: '' is neither an attribute's name nor a JSON Pointer such as "),
        (["--operation", "DELETE"], "Usage: trail history "),
        (["--limit", "0"], "Usage: trail history "),
        (["--typed"], "trail: --typed goes with --json\n"),
    ],
)
def test_words_that_are_off(words: list[str], sentence: str) -> None:
    """An option that can't be meant is refused in a sentence, and nothing is shown."""
    result = history("123", *words)
    assert (result.exit_code, result.stdout) == (USAGE, "")
    assert result.stderr.startswith(sentence)


def test_records_of_a_newer_version_hide_no_other(story: MotoTrail) -> None:
    """Beside records that a newer version wrote, the others are shown; a sentence says how many there were."""
    for number, version in ((5, "2"), (6, "3")):
        item = audit_item(numbered_record(number, new=NEW, at=NOON + 7_200 + number), story.settings)
        story.put(item | {"schema_version": {"N": version}})
    result = history("123", "--json")
    assert (result.exit_code, numbers(result)) == (USAGE, [4, 3, 2, 1])
    assert result.stderr == "trail: 2 records have schema version 3, and this trail reads up to 1: upgrade trail\n"


def test_items_that_are_no_records_hide_no_other(story: MotoTrail) -> None:
    """Beside items that somebody else put into the audit table, the records are shown; a sentence counts those."""
    for stamp in ("a", "b"):
        story.put({"order_id": {"N": "123"}, "timestamp": {"S": stamp}})
    result = history("123", "--json")
    assert (result.exit_code, numbers(result)) == (UNTRUSTED, [4, 3, 2, 1])
    assert result.stderr == (
        "trail: the audit table holds 2 items that are not audit records; the first is one without a valid timestamp "
        "(it lacks what every record has)\n"
    )


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let this machine be in Berlin."""
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_times_are_this_machines(berlin: None) -> None:
    """Times are shown and read in this machine's zone, and each says how far that is from UTC."""
    header, line = history("123", "--since", "2026-11-24T15:00").stdout.splitlines()
    assert header.startswith("TIME (CET)                     CHANGE")
    assert line.startswith("2026-11-24T15:00:00.000+01:00  REMOVE")


def test_times_are_utc_when_asked(berlin: None) -> None:
    """With --utc, times are shown and read in UTC."""
    header, line = history("123", "--since", "2026-11-24T14:00", "--utc").stdout.splitlines()
    assert header.startswith("TIME (UTC)                CHANGE")
    assert line.startswith("2026-11-24T14:00:00.000Z  REMOVE")


def test_json_has_utc_everywhere(berlin: None) -> None:
    """The timestamp of --json is the record's own, whatever the zone."""
    assert '"2026-11-24T14:00:00.000Z#' in history("123", "--json", "--limit", "1").stdout


@pytest.mark.parametrize(
    ("words", "no_color", "coloured"),
    [([], "", False), (["--color"], "", True), (["--color"], "1", True), (["--no-color"], "", False)],
)
def test_colours(monkeypatch: pytest.MonkeyPatch, words: list[str], no_color: str, coloured: bool) -> None:  # noqa: FBT001  a parameter
    """Beside a terminal there are no colours unless --color asks for them, whatever NO_COLOR says."""
    monkeypatch.setenv("NO_COLOR", no_color)
    printed = history("123", *words).stdout
    assert ("\x1b[31mREMOVE\x1b[0m" in printed) is coloured
    assert ("\x1b" in printed) is coloured

"""`trail redrive`: what people and programs get to see of it, and what it leaves behind."""

from __future__ import annotations

import base64
import io
import os
import pty
import random
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO

import pytest

from audit_trail.batch.redriving import Became, Redriven
from audit_trail.cli import redriving
from audit_trail.core.failures import quarantined
from audit_trail.core.keys import KeySchema
from audit_trail.core.records import RecordSettings, audit_item
from audit_trail.core.spill import Form, pack
from audit_trail.ports import RequestFailedError
from tests.unit.failed import lambda_object
from tests.unit.fakes import SETTINGS, numbered_record, order
from tests.unit.moto_bucket import BUCKET, FAILURES, body_of
from tests.unit.moto_failures import FailedTrail, json_lines, run
from tests.unit.moto_trail import SOURCE_TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

DONE, NOT_ALL_DONE, USAGE, AWS_REFUSED = 0, 1, 2, 3


def malformed(number: int) -> dict[str, Any]:
    """Return a record that can never be stored."""
    record = numbered_record(number)
    del record["dynamodb"]["Keys"]
    return record


GOOD = lambda_object(1, *map(numbered_record, range(3)))
FIXED = quarantined(numbered_record(3, new=order(3, updated_by="alice", why="typo")), "an older version's trouble", "1")
BAD = quarantined(malformed(4), "the record has no Keys", "1")


def test_what_can_be_stored_is_put_back(trail: FailedTrail) -> None:
    """What can be stored is, and moves under redriven/; each object is a line, the sum is told beside it; exit code 0."""
    trail.put(GOOD, FIXED)

    result = run("redrive")

    assert result.stdout.splitlines() == [
        f"moved: {GOOD[0]} (3 record(s), 3 new)",
        f"moved: {FIXED[0]} (1 record(s), 1 new)",
    ]
    assert (result.exit_code, result.stderr) == (DONE, "2 object(s) moved under redriven/, 0 stay.\n")
    assert trail.keys() == [f"redriven/{GOOD[0]}", f"redriven/{FIXED[0]}"]
    assert trail.table.stored_numbers == [0, 1, 2, 3]


def test_what_went_into_the_one_bucket_of_before_is_put_back(trail: FailedTrail) -> None:
    """What waits in the history bucket, from before there was another, is put back too, and moves into the failures bucket."""
    trail.put(GOOD)
    trail.put(FIXED, BAD, bucket=BUCKET)

    result = run("redrive")

    assert (result.exit_code, result.stderr) == (NOT_ALL_DONE, "2 object(s) moved under redriven/, 1 stay.\n")
    assert trail.keys() == [f"redriven/{GOOD[0]}", f"redriven/{FIXED[0]}"]
    assert trail.keys(BUCKET) == [BAD[0]]
    assert body_of(trail.s3, f"redriven/{FIXED[0]}", FAILURES) == FIXED[1]
    assert trail.table.stored_numbers == [0, 1, 2, 3]
    assert [(line["bucket"], line["became"]) for line in json_lines(run("redrive", "--json"))] == [(BUCKET, "stays")]


def test_while_nothing_can_be_stored_no_other_bucket_is_tried(trail: FailedTrail) -> None:
    """Once nothing of an object could be stored for reasons that lie elsewhere, the next bucket's aren't tried either."""
    trail.put(GOOD)
    trail.put(FIXED, bucket=BUCKET)
    trail.table.outage = RequestFailedError("AccessDeniedException")
    trail.monkeypatch.setattr("audit_trail.cli.redriving.patience", lambda _: trail.table.clock.invocation())

    result = run("redrive")

    assert result.exit_code == NOT_ALL_DONE
    assert len(result.stdout.splitlines()) == 1
    assert "so 1 more were not tried" in result.stderr


def test_records_are_what_the_function_would_have_stored(trail: FailedTrail) -> None:
    """The records carry retention, actor and reason by the settings of the trail's function, from the table's tags."""
    trail.put(FIXED)

    run("redrive")

    [stored] = trail.table.stored.values()
    settings = RecordSettings(
        KeySchema("order_id"), retention_days=90, actor_attribute="updated_by", reason_attribute="why"
    )
    assert stored == audit_item(numbered_record(3, new=order(3, updated_by="alice", why="typo")), settings)
    assert stored["actor"], stored["expires_at"]


def test_what_stays_says_why(trail: FailedTrail) -> None:
    """An object that can't be put back stays where it was and says why, the others are moved; exit code 1."""
    trail.put(GOOD, BAD)

    result = run("redrive")

    assert result.stdout.splitlines()[1] == f"stays: {BAD[0]} (1 record(s), 0 new): the record has no Keys"
    assert (result.exit_code, result.stderr) == (NOT_ALL_DONE, "1 object(s) moved under redriven/, 1 stay.\n")
    assert trail.keys() == [BAD[0], f"redriven/{GOOD[0]}"]


def test_json_has_the_same_for_programs(trail: FailedTrail) -> None:
    """With --json each object is one line of JSON, and nothing else is on stdout."""
    trail.put(GOOD, BAD)

    assert json_lines(run("redrive", "--json")) == [
        {"bucket": FAILURES, "key": GOOD[0], "kind": "aws/lambda", "became": "moved", "records": 3, "stored": 3},
        {
            "bucket": FAILURES,
            "key": BAD[0],
            "kind": "quarantine",
            "became": "stays",
            "records": 1,
            "stored": 0,
            "reason": "the record has no Keys",
        },
    ]


def test_a_second_run_has_nothing_to_do(trail: FailedTrail) -> None:
    """Run again after everything was put back, it says that nothing waits, and exits with 0."""
    trail.put(GOOD)
    run("redrive")

    result = run("redrive")

    assert (result.exit_code, result.stdout, result.stderr) == (DONE, "", f"Nothing waits in {FAILURES} or {BUCKET}.\n")


def test_a_dry_run_writes_nothing(trail: FailedTrail) -> None:
    """--dry-run says of each object whether it would move or stay and why, and writes neither records nor objects."""
    before = [GOOD[0], FIXED[0], BAD[0]]
    trail.put(GOOD, FIXED, BAD)

    result = run("redrive", "--dry-run")

    assert sorted(result.stdout.splitlines()) == sorted(
        [
            f"would move: {GOOD[0]} (3 record(s))",
            f"would move: {FIXED[0]} (1 record(s))",
            f"would stay: {BAD[0]} (1 record(s)): the record has no Keys",
        ]
    )
    assert (result.exit_code, result.stderr) == (
        NOT_ALL_DONE,
        "Nothing was written: 2 object(s) would move, 1 would stay.\n",
    )
    assert sorted(trail.keys()) == sorted(before)
    assert (trail.table.requests, trail.table.stored) == ([], {})


def test_a_dry_run_is_marked_for_programs(trail: FailedTrail) -> None:
    """A dry run's JSON says that it is one, and doesn't claim that anything was stored."""
    trail.put(GOOD)

    result = run("redrive", "--dry-run", "--json")

    assert (result.exit_code, json_lines(result)) == (
        DONE,
        [{"bucket": FAILURES, "key": GOOD[0], "kind": "aws/lambda", "became": "moved", "records": 3, "dry_run": True}],
    )


def test_a_dry_run_puts_no_images(trail: FailedTrail) -> None:
    """A dry run of a record that would need S3 leaves no object behind."""
    noise = base64.b85encode(random.Random(1).randbytes(312_000)).decode()
    record = numbered_record(1, old=order(1, text=noise), new=order(1, text=noise[::-1]))
    assert pack(audit_item(record, SETTINGS), BUCKET).form is Form.S3
    trail.put(lambda_object(1, record))

    assert run("redrive", "--dry-run").exit_code == DONE
    assert trail.keys() == [lambda_object(1)[0]]


def test_only_what_is_asked_for_is_put_back(trail: FailedTrail) -> None:
    """--only puts back what has a key that begins so, and the exit code is about that alone."""
    trail.put(GOOD, FIXED)

    result = run("redrive", "--only", "quarantine/")

    assert result.exit_code == DONE
    assert trail.keys() == [GOOD[0], f"redriven/{FIXED[0]}"]


def test_an_outage_stops_it_and_says_so(trail: FailedTrail) -> None:
    """Where nothing can be stored now, it stops, says how many were not tried, and leaves everything in place."""
    objects = [lambda_object(number, numbered_record(number)) for number in range(4)]
    trail.put(*objects)
    trail.table.outage = RequestFailedError("AccessDeniedException")
    trail.monkeypatch.setattr("audit_trail.cli.redriving.patience", lambda _: trail.table.clock.invocation())

    result = run("redrive")

    [line] = result.stdout.splitlines()
    assert line == f"stays: {objects[0][0]} (1 record(s), 0 new): not stored in time: AccessDeniedException"
    assert result.exit_code == NOT_ALL_DONE
    assert "so 3 more were not tried. Run it again later." in result.stderr
    assert trail.keys() == [key for key, _ in objects]


def test_what_somebody_else_moved_is_no_failure(trail: FailedTrail) -> None:
    """An object that another run moved meanwhile is not listed as this run's, and is no reason for another exit code."""
    trail.put(GOOD, FIXED)
    trail.table.before = lambda _: trail.s3.delete_object(Bucket=FAILURES, Key=FIXED[0]) and None

    result = run("redrive")

    assert result.stdout.splitlines() == [f"moved: {GOOD[0]} (3 record(s), 3 new)"]
    assert result.stderr == "1 object(s) moved under redriven/, 0 stay. 1 moved by somebody else meanwhile.\n"
    assert result.exit_code == DONE


@contextmanager
def terminal() -> Iterator[tuple[TextIO, io.BytesIO]]:
    """Give a terminal to write to, and what it has shown once it's closed."""
    master, slave = pty.openpty()
    shown = io.BytesIO()

    def read() -> None:
        with suppress(OSError):  # how a terminal ends
            while part := os.read(master, 4_096):
                shown.write(part)

    reader = threading.Thread(target=read)
    reader.start()
    with os.fdopen(slave, "w", encoding="utf-8") as screen:
        yield screen, shown
    reader.join()
    os.close(master)


@pytest.mark.parametrize("both", [False, True])
def test_a_terminal_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch, both: bool) -> None:  # noqa: FBT001  a column
    """A terminal shows a bar with how many objects are done, on stderr; what is piped from stdout is the lines alone."""
    piped = io.StringIO()
    done = [Redriven(f"quarantine/{number}", Became.MOVED, 1, 1) for number in range(3)]
    monkeypatch.setenv("TERM", "xterm")
    with terminal() as (screen, shown):
        monkeypatch.setattr("sys.stderr", screen)
        monkeypatch.setattr("sys.stdout", screen if both else piped)
        count = redriving._print_each(((FAILURES, one) for one in done), 3, redriving._line, dry_run=False)

    lines = [f"moved: quarantine/{number} (1 record(s), 1 new)" for number in range(3)]
    text = shown.getvalue().decode()
    assert "putting back" in text
    assert "3/3" in text
    # The bar is erased before each line, which then has a row of its own.
    assert all((f"\x1b[2K{line}\r\n" in text) == both == (line in text) for line in lines)
    assert piped.getvalue().splitlines() == ([] if both else lines)
    assert count == {Became.MOVED: 3}


def test_a_source_table_that_is_gone_is_no_obstacle(trail: FailedTrail) -> None:
    """What waits can be put back after the source table was deleted: the audit table's tags tell enough."""
    trail.put(GOOD)
    trail.trail.client.delete_table(TableName=SOURCE_TABLE)

    assert run("redrive").exit_code == DONE
    assert trail.table.stored_numbers == [0, 1, 2]


def test_a_terminal_is_told_nothing_by_what_an_object_holds(trail: FailedTrail) -> None:
    """Control characters in a key are shown as escapes."""
    trail.put(("quarantine/\x1b[31m\u202e", BAD[1]))

    for words in (["--dry-run"], ["--json"], []):
        assert run("redrive", *words).stdout.replace("\n", "").isprintable()


def test_a_prefix_that_no_failure_has_is_refused(trail: FailedTrail) -> None:
    """A prefix under which no failure can lie is refused before anything is done."""
    result = run("redrive", "--only", "images/")

    assert (result.exit_code, result.stdout) == (USAGE, "")
    assert result.stderr.startswith("trail: --only images/ fits no failure")

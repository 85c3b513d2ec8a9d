"""`trail failures`: what could not be stored, since when and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from audit_trail.cli.main import app
from audit_trail.core.failures import quarantined
from audit_trail.ports import WaitingFailure
from tests.unit.failed import InMemoryFailureBucket, lambda_object
from tests.unit.fakes import numbered_record
from tests.unit.moto_bucket import BUCKET, FAILURES
from tests.unit.moto_failures import TAGS, FailedTrail, json_lines, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOUND, NOTHING_FOUND, USAGE, AWS_REFUSED = 0, 1, 2, 3


GIVEN_UP = lambda_object(1, numbered_record(1), numbered_record(2))
QUARANTINED = quarantined({"eventName": "TRUNCATE"}, "the record has no Keys", "7")


def alone(bucket: InMemoryFailureBucket) -> Callable[..., InMemoryFailureBucket]:
    """Return what opens this as the failures bucket, and an empty one as the other."""
    return lambda _client, name, _redriven: bucket if name == FAILURES else InMemoryFailureBucket()


def test_each_object_is_a_line(trail: FailedTrail) -> None:
    """An object is a line: since when, how many records, its size, its key and why; the sum is told beside it."""
    trail.put(GIVEN_UP, QUARANTINED)

    result = run("failures")

    header, *lines = result.stdout.splitlines()
    assert header.split() == ["AGE", "RECORDS", "SIZE", "KEY", "REASON"]
    assert [line.split(None, 5)[2:] for line in lines] == [
        ["2", f"{len(GIVEN_UP[1]):,}", GIVEN_UP[0], "RecordAgeExceeded after about 3 invocations"],
        ["1", f"{len(QUARANTINED[1]):,}", QUARANTINED[0], "the record has no Keys"],
    ]
    assert result.exit_code == FOUND
    assert result.stderr == "2 object(s) with 3 record(s) wait: `trail redrive` puts them back.\n"


def test_what_went_into_the_one_bucket_of_before_is_listed(trail: FailedTrail) -> None:
    """What waits in the history bucket, from before there was another, is listed as well, and JSON names each one's bucket."""
    trail.put(GIVEN_UP)
    trail.put(QUARANTINED, bucket=BUCKET)

    assert [(line["bucket"], line["key"]) for line in json_lines(run("failures", "--json"))] == [
        (FAILURES, GIVEN_UP[0]),
        (BUCKET, QUARANTINED[0]),
    ]
    assert run("failures").stderr == "2 object(s) with 3 record(s) wait: `trail redrive` puts them back.\n"


def test_a_trail_with_one_bucket_is_asked_once(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the tags name one bucket, what waits in it is listed once, and redriven within it."""
    tags = {name: value for name, value in TAGS.items() if name != "failures-bucket"}
    trail = FailedTrail(monkeypatch, tags)
    trail.put(GIVEN_UP, bucket=BUCKET)

    assert [line["key"] for line in json_lines(run("failures", "--json"))] == [GIVEN_UP[0]]
    assert run("redrive").exit_code == FOUND
    assert (trail.keys(BUCKET), trail.keys()) == ([f"redriven/{GIVEN_UP[0]}"], [])
    assert run("failures").stderr == f"Nothing waits in {BUCKET}.\n"


def test_json_has_the_same_for_programs(trail: FailedTrail) -> None:
    """With --json each object is one line of JSON."""
    trail.put(GIVEN_UP, QUARANTINED)

    first, second = json_lines(run("failures", "--json"))

    since, age = first.pop("since"), first.pop("age_seconds")
    assert abs(datetime.now(UTC) - datetime.fromisoformat(since)) < timedelta(seconds=30)
    assert 0 <= age < 30
    assert first == {
        "bucket": FAILURES,
        "key": GIVEN_UP[0],
        "kind": "aws/lambda",
        "size_bytes": len(GIVEN_UP[1]),
        "records": 2,
        "reason": "RecordAgeExceeded after about 3 invocations",
    }
    assert (second["kind"], second["records"], second["reason"]) == ("quarantine", 1, "the record has no Keys")


def test_nothing_that_waits_is_exit_code_1(trail: FailedTrail) -> None:
    """Where nothing waits, nothing is printed on stdout, the bucket is named on stderr, and the exit code is 1."""
    trail.put(("redriven/quarantine/x", b"{}"), ("images/y", b""))

    for words in ([], ["--json"], ["--only", "quarantine/"]):
        result = run("failures", *words)
        assert (result.exit_code, result.stdout) == (NOTHING_FOUND, "")
        assert result.stderr == f"Nothing waits in {FAILURES} or {BUCKET}.\n"


def test_only_narrows_by_the_key(trail: FailedTrail) -> None:
    """--only lists what has a key that begins so, whether it names more or less than the prefix."""
    trail.put(GIVEN_UP, QUARANTINED, ("another", b""))
    expected = {
        "quarantine/": [QUARANTINED[0]],
        "aws/lambda/": [GIVEN_UP[0]],
        "aws/lambda/5a2c0000": [GIVEN_UP[0]],
        "a": [GIVEN_UP[0]],
        GIVEN_UP[0]: [GIVEN_UP[0]],
        "": [GIVEN_UP[0], QUARANTINED[0]],
        "quarantine/none": [],
    }

    listed = {
        only: [line["key"] for line in json_lines(run("failures", "--json", "--only", only))] for only in expected
    }

    assert listed == expected


def test_a_prefix_that_no_failure_has_is_refused(trail: FailedTrail) -> None:
    """A prefix under which no failure can lie is refused in a sentence that says how keys begin."""
    for only in ("redriven/", "images/", "quarantine2", "/"):
        result = run("failures", "--only", only)
        assert (result.exit_code, result.stdout) == (USAGE, "")
        assert result.stderr == (
            f"trail: --only {only} fits no failure: their keys begin with aws/lambda/ or quarantine/\n"
        )


def test_what_cannot_be_understood_is_listed_too(trail: FailedTrail) -> None:
    """An object that isn't a failure is listed with the reason and an unknown count, and hides no other."""
    trail.put((GIVEN_UP[0], b"{"), QUARANTINED)

    result = run("failures")

    assert result.exit_code == FOUND
    [_, malformed, good] = result.stdout.splitlines()
    assert malformed.split()[2] == "?"
    assert malformed.endswith("can't be read: the object is not JSON")
    assert good.endswith("the record has no Keys")
    assert [line["records"] for line in json_lines(run("failures", "--json"))] == [None, 1]


def test_what_is_moved_while_it_is_listed_is_left_out(trail: FailedTrail) -> None:
    """An object that somebody puts back between the listing and the reading waits no more."""
    bucket = InMemoryFailureBucket(objects=dict([GIVEN_UP, QUARANTINED]))

    def move(*_: object) -> None:
        bucket.objects.pop(GIVEN_UP[0], None)

    bucket.meanwhile = move
    trail.monkeypatch.setattr("audit_trail.cli.waiting.S3FailureBucket", alone(bucket))

    assert [line["key"] for line in json_lines(run("failures", "--json"))] == [QUARANTINED[0]]


def test_every_page_is_listed(trail: FailedTrail, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more objects than S3 lists at once, every one is listed."""
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "10")
    trail.put(*(quarantined(number, "reason", "1") for number in range(25)))

    assert len(json_lines(run("failures", "--json"))) == 25


def test_a_terminal_is_told_nothing_by_what_an_object_holds(trail: FailedTrail) -> None:
    """Control characters in a key or a reason are shown as escapes."""
    key, body = quarantined({}, "\x1b[31m", "1")
    trail.put((key, body), ("quarantine/\u202e", body))

    for words in ([], ["--json"]):
        printed = run("failures", *words).stdout.replace("\n", "")
        assert printed.isprintable()


@dataclass
class AgedBucket(InMemoryFailureBucket):
    """A bucket whose objects have waited for so long."""

    waited: timedelta = timedelta()

    def waiting(self, prefix: str) -> Iterator[WaitingFailure]:
        """List the same with that age."""
        for one in super().waiting(prefix):
            yield WaitingFailure(one.key, one.size, datetime.now(UTC) - self.waited)


def test_the_age_is_in_words(trail: FailedTrail) -> None:
    """The age is told in the unit that fits it, and never as less than nothing."""
    bucket = AgedBucket(objects=dict([QUARANTINED]))
    trail.monkeypatch.setattr("audit_trail.cli.waiting.S3FailureBucket", alone(bucket))
    expected = {
        timedelta(seconds=59): "59 s",
        timedelta(minutes=2, seconds=1): "2 min",
        timedelta(minutes=119): "119 min",
        timedelta(hours=47): "47 h",
        timedelta(days=30, hours=5): "30 d",
        timedelta(seconds=-5): "0 s",
    }

    for bucket.waited, shown in expected.items():
        assert run("failures").stdout.splitlines()[1].strip().startswith(f"{shown}  ")


def test_a_bucket_that_is_gone(trail: FailedTrail) -> None:
    """Where the bucket is not there, one sentence says so, with exit code 3."""
    trail.s3.delete_bucket(Bucket=FAILURES)

    result = run("failures")

    assert (result.exit_code, result.stdout) == (AWS_REFUSED, "")
    assert "NoSuchBucket" in result.stderr


@pytest.mark.parametrize(("command", "example"), [("failures", "trail failures"), ("redrive", "trail redrive")])
def test_help_shows_an_example(command: str, example: str) -> None:
    """--help tells what the exit codes mean, and gives an example."""
    result = CliRunner().invoke(app, [command, "--help"])

    assert result.exit_code == 0
    assert f"{example} --only quarantine/" in result.stdout.partition("For example:")[2]
    assert "Exits with 0 when" in result.stdout

"""`trail tail`: changes as they come, until it is stopped."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from audit_trail.core.records import audit_item
from tests.builders import NOON
from tests.unit.fakes import numbered_record, order
from tests.unit.moto_trail import AUDIT_TABLE, SOURCE_TABLE, MotoTrail, numbers, trail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

USAGE = 2


class Time:
    """This machine's time: a pause lets two seconds pass, and does what was planned for it."""

    def __init__(self) -> None:
        self.past = 0.0
        self.plan: list[Callable[[], None]] = []

    def now(self) -> datetime:
        """Return the time."""
        return datetime.fromtimestamp(NOON + self.past, UTC)

    def pause(self, seconds: float) -> None:
        """Let time pass; the end of the plan is Ctrl-C."""
        self.past += seconds
        if not self.plan:
            raise KeyboardInterrupt
        self.plan.pop(0)()


@pytest.fixture(autouse=True)
def passing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Time]:
    """Let AWS be moto and it be noon."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    time = Time()
    monkeypatch.setattr("audit_trail.cli.clock.now", time.now)
    monkeypatch.setattr("audit_trail.cli.tail.pause", time.pause)
    with mock_aws():
        yield time


@pytest.fixture
def made(passing: Time) -> MotoTrail:
    """Give a trail with an index by time and one change of a minute ago."""
    trail = MotoTrail(shards={"by_time": 4, "by_actor": 4})
    trail.add(numbered_record(1, new=order(1, updated_by="mia"), at=NOON - 60))
    return trail


def comes(trail: MotoTrail, number: int, **attributes: Any) -> Callable[[], None]:
    """Return what lets a change come that was made at noon."""
    record = numbered_record(number, new=order(number, **attributes), at=NOON)
    return lambda: trail.add(record)


def test_changes_are_shown_as_they_come_until_ctrl_c(made: MotoTrail, passing: Time) -> None:
    """Each change that comes is a line, what was there before isn't, and Ctrl-C ends it with exit code 0."""
    passing.plan = [comes(made, 2, status="NEW"), comes(made, 3), lambda: None]
    result = trail("tail")
    assert result.exit_code == 0
    assert result.stderr == f"Following {SOURCE_TABLE} by the index by_time; Ctrl-C ends it.\n"
    header, *lines = result.stdout.splitlines()
    assert header.split() == ["TIME", "(UTC)", "CHANGE", "KEY", "WHO", "WHAT"]
    assert [line.split() for line in lines] == [
        ["2026-11-24T12:00:00.000Z", "INSERT", "2", "-", "status:", "NEW"],
        ["2026-11-24T12:00:00.000Z", "INSERT", "3", "-"],
    ]


def test_it_can_begin_earlier(made: MotoTrail, passing: Time) -> None:
    """With --since, it begins with the changes from then on."""
    passing.plan = [comes(made, 2)]
    result = trail("tail", "--since", "5m", "--json")
    assert (result.exit_code, numbers(result)) == (0, [1, 2])


def test_it_ends_after_so_many(made: MotoTrail, passing: Time) -> None:
    """With --limit, it ends by itself, with exit code 0, after so many changes and not one more."""
    passing.plan = [comes(made, 2), lambda: made.add(*(numbered_record(n, new=order(n), at=NOON) for n in (3, 4, 5)))]
    result = trail("tail", "--limit", "3", "--json")
    assert (result.exit_code, numbers(result)) == (0, [2, 3, 4])
    assert passing.past == 4


@pytest.mark.parametrize(
    ("words", "expected"),
    [(["--actor", "mia"], [2, 4]), (["--operation", "REMOVE"], [5]), (["--attribute", "price"], [4])],
)
def test_filters_hold(made: MotoTrail, passing: Time, words: list[str], expected: list[int]) -> None:
    """Only the changes that are asked for are shown, with the actor's too by the index by_time."""
    passing.plan = [
        comes(made, 2, updated_by="mia"),
        comes(made, 3, updated_by="noah"),
        comes(made, 4, updated_by="mia", price={"N": "1"}),
        lambda: made.add(numbered_record(5, old=order(5), at=NOON)),
    ]
    result = trail("tail", "--json", *words)
    assert (result.exit_code, numbers(result)) == (0, expected)
    assert "by the index by_time" in result.stderr


def test_nothing_that_comes_is_no_failure(made: MotoTrail) -> None:
    """Stopped before anything came, it ends with exit code 0 and nothing on stdout."""
    result = trail("tail")
    assert (result.exit_code, result.stdout) == (0, "")


@pytest.mark.parametrize("shards", [{}, {"by_actor": 4}])
@pytest.mark.parametrize("words", [[], ["--actor", "mia"]])
def test_without_the_index_it_says_how_to_turn_it_on(shards: dict[str, int], words: list[str]) -> None:
    """Without the index by_time nothing can be followed: the sentence names the module's input; the exit code is 2."""
    MotoTrail(shards=shards)
    result = trail("tail", *words)
    assert (result.exit_code, result.stdout) == (USAGE, "")
    assert result.stderr == (
        f"trail: {AUDIT_TABLE} has no index by_time: turn it on with module audit_trail's input time_index = {{}} "
        "(it knows the changes that are recorded from then on)\n"
    )


def test_a_record_of_a_newer_version_is_told_when_it_comes(made: MotoTrail, passing: Time) -> None:
    """A record that a newer version wrote is said to be there once, and what comes behind it is shown."""
    newer = audit_item(numbered_record(2, new=order(2), at=NOON), made.settings) | {"schema_version": {"N": "2"}}
    passing.plan = [lambda: made.put(newer), comes(made, 3), lambda: None]
    result = trail("tail", "--json")
    assert (result.exit_code, numbers(result)) == (0, [3])
    assert result.stderr.splitlines()[1:] == [
        "trail: a record has schema version 2, and this trail reads up to 1: upgrade trail"
    ]


def test_ctrl_c_while_it_asks_ends_it_as_well(made: MotoTrail, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends it with exit code 0 whenever it comes, be it in the middle of a request."""

    def interrupted(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("audit_trail.aws.tailing._identity", interrupted)
    assert trail("tail").exit_code == 0

"""What a batch does when DynamoDB fails: retry, split, stop in time, and report the rest."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from audit_trail import batch
from audit_trail.ports import BatchResult, Outcome, RequestFailedError, RequestRefusedError, Verdict
from tests.unit.fakes import (
    SETTINGS,
    THROTTLED,
    FakeClock,
    Fault,
    InMemoryAuditTable,
    InMemoryImageStore,
    LongestPauses,
    SlowlyMade,
    named,
    numbered_record,
)

if TYPE_CHECKING:
    from audit_trail.core.records import StreamRecord

OUTAGE = RequestFailedError("InternalServerError")


def records(count: int) -> list[StreamRecord]:
    """Return that many stream records, numbered from 0."""
    return [numbered_record(number) for number in range(count)]


def store(count: int, table: InMemoryAuditTable, jitter: random.Random | None = None) -> BatchResult:
    """Store that many records within the table's own time."""
    return batch.store(
        records(count), table=table, images=InMemoryImageStore(), settings=SETTINGS, time=table.clock.invocation(jitter)
    )


def test_what_is_throttled_is_sent_again_alone() -> None:
    """A throttled statement is sent again after a pause, without its neighbours, until it is stored."""
    table = InMemoryAuditTable(answers={3: [THROTTLED, THROTTLED], 20: [THROTTLED]})

    result = store(25, table)

    assert result.failures == {}
    assert table.requests == [list(range(25)), [3, 20], [3]]
    assert len(table.clock.slept) == 2
    assert (result.stored.total(), result.retries) == (25, 3)


@pytest.mark.parametrize("deadline", [10.0, 60.0])
def test_records_that_take_long_to_make_are_stored_in_turns(deadline: float) -> None:
    """Of a batch that can't be made in time, each delivery stores the first records and reports the rest, in time."""
    table = SlowlyMade()
    left = records(40)
    deliveries = 0
    while left:
        deliveries += 1
        table.clock.now, table.clock.deadline = 0.0, deadline
        result = batch.store(
            left, table=table, images=InMemoryImageStore(), settings=SETTINGS, time=table.clock.invocation()
        )
        done = min(result.failures, default=len(left))
        assert result.stored.total() == done > 0
        assert set(result.failures) == set(range(done, len(left)))
        assert table.clock.now <= deadline - batch.RESERVE
        left = left[done:]
    assert deliveries <= 40 if deadline == 10 else deliveries == 5
    assert len(table.stored) == 40


def test_what_is_refused_in_every_form_fails() -> None:
    """A statement refused inline, as gzip and from S3 fails at once, with its code, and its neighbours are stored."""
    table = InMemoryAuditTable(answers={3: [Outcome(Verdict.REFUSED, "ValidationError")] * 3})

    result = store(25, table)

    assert result.failures == {3: "refused by DynamoDB: ValidationError"}
    assert table.requests == [list(range(25)), [3], [3]]
    assert table.clock.slept == []
    assert len(table.stored) == 24


def test_what_is_refused_inline_is_stored_in_another_form() -> None:
    """A record that DynamoDB refuses although we count that it fits is stored with its images as gzip."""
    table = InMemoryAuditTable(answers={3: [Outcome(Verdict.REFUSED, "ValidationError")]})

    result = store(25, table)

    assert result.failures == {}
    assert table.requests == [list(range(25)), [3]]
    assert len(table.stored) == 25


def test_pauses_grow_and_end_at_two_seconds() -> None:
    """Each pause is up to twice as long as the last, and never more than two seconds."""
    table = InMemoryAuditTable(answers={0: [THROTTLED] * 8})

    store(1, table, LongestPauses())

    assert table.clock.slept == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


def test_pauses_are_spread_by_chance() -> None:
    """Two functions that are throttled at once don't come back at once: each pause is drawn from nothing to the longest."""
    pauses = []
    for seed in (1, 2):
        table = InMemoryAuditTable(answers={0: [THROTTLED] * 8})
        store(1, table, random.Random(seed))
        pauses.append(table.clock.slept)

    assert pauses[0] != pauses[1]
    longest = [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    assert all(0 <= pause <= most for pause, most in zip(pauses[0] + pauses[1], longest * 2, strict=True))


@pytest.mark.parametrize("code", ["ThrottlingError", "AccessDenied", "ResourceNotFound"])
def test_what_never_gets_through_is_reported_in_time(code: str) -> None:
    """What is never stored is tried until two seconds before the deadline, then reported with the last code."""
    clock = FakeClock(deadline=30)
    table = InMemoryAuditTable(clock=clock, answers={7: [Outcome(Verdict.RETRY, code)]}, for_ever=True)

    result = store(20, table)

    assert result.failures == {7: f"not stored in time: {code}"}
    assert named(result.response(records(20))) == 7
    assert 30 - 2 - 2.1 <= clock.now <= 30 - 2
    assert len(table.stored) == 19


def test_it_stops_two_seconds_before_the_deadline() -> None:
    """Nothing is begun that may not end two seconds before the deadline, and what was not sent is reported."""
    clock = FakeClock(deadline=10)
    table = InMemoryAuditTable(clock=clock, seconds=1.5)

    result = store(1_000, table)

    assert len(table.requests) == 5
    assert clock.deadline - clock.now >= 2
    assert named(result.response(records(1_000))) == 125
    assert set(result.failures) == set(range(125, 1_000))
    assert set(result.failures.values()) == {"not stored in time: OutOfTime"}


@pytest.mark.parametrize("deadline", [0.0, 1.0, 2.0])
def test_without_time_nothing_is_begun(deadline: float) -> None:
    """Where less than two seconds are left from the start, no request is sent and the whole batch is reported."""
    table = InMemoryAuditTable(clock=FakeClock(deadline=deadline))

    result = store(3, table)

    assert table.requests == []
    assert table.clock.slept == []
    assert named(result.response(records(3))) == 0


@pytest.mark.parametrize("position", [0, 1, 12, 13, 23, 24])
@pytest.mark.parametrize("code", ["ValidationException", "413"])
def test_a_refused_request_is_split_until_the_record_is_found(position: int, code: str) -> None:
    """A request that is refused for one record in it is split until that one is alone: the 24 others are stored."""
    table = InMemoryAuditTable(poison={position: RequestRefusedError(code, for_good=True)})

    result = store(25, table)

    assert result.failures == {position: f"refused by DynamoDB: {code}"}
    assert table.stored_numbers == [number for number in range(25) if number != position]
    # Twice the halvings that 25 needs, the first, and that one record as gzip and from S3.
    assert len(table.requests) <= 13
    assert table.clock.slept == []


def test_several_bad_records_in_one_request_are_all_found() -> None:
    """A request that is refused for several records loses just those."""
    refusal = RequestRefusedError("ValidationException", for_good=True)
    table = InMemoryAuditTable(poison={4: refusal, 5: refusal, 24: refusal})

    result = store(50, table)

    assert set(result.failures) == {4, 5, 24}
    assert len(table.stored) == 47


def test_a_refusal_that_nobody_knows_is_not_final() -> None:
    """A record that is refused with an unknown code is tried again, for it may not be its fault."""
    table = InMemoryAuditTable(poison={4: RequestRefusedError("NovelException", for_good=False)})

    def heal_later(_: list[int]) -> None:
        if len(table.requests) == 15:
            table.poison.clear()

    table.before = heal_later
    result = store(25, table)

    assert result.failures == {}
    assert len(table.stored) == 25
    assert result.retries > 0


def test_an_unknown_refusal_that_stays_is_reported() -> None:
    """A record that is refused with an unknown code to the end is reported, and its neighbours are stored."""
    table = InMemoryAuditTable(poison={4: RequestRefusedError("NovelException", for_good=False)})

    result = store(25, table)

    assert result.failures == {4: "not stored in time: NovelException"}
    assert len(table.stored) == 24


def test_a_request_that_keeps_failing_holds_up_no_other() -> None:
    """Where a request fails whenever one record is in it, for no fault that is told, the others are stored."""
    table = InMemoryAuditTable(poison={0: OUTAGE})

    result = store(200, table)

    assert set(result.failures) <= set(range(25))
    assert set(range(25, 200)) <= set(table.stored_numbers)


def test_an_outage_ends_the_round_and_is_waited_out() -> None:
    """When a request fails for no fault of a record, nothing more is sent before a pause; then all is stored."""
    table = InMemoryAuditTable(faults=[None, Fault(OUTAGE), Fault(OUTAGE)])

    result = store(100, table)

    assert result.failures == {}
    assert [request[0] for request in table.requests] == [0, 25, 50, 75, 25, 50]
    assert len(table.clock.slept) == 2
    assert table.stored_numbers == list(range(100))


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "InternalServerError", "ReadTimeoutError", "AccessDeniedException"]
)
def test_an_outage_that_stays_is_reported(code: str) -> None:
    """When every request fails, the batch is retried until the time is up, and reported from its first record."""
    table = InMemoryAuditTable(clock=FakeClock(deadline=20), outage=RequestFailedError(code))

    result = store(60, table)

    assert named(result.response(records(60))) == 0
    assert len(result.failures) == 60
    assert result.failures[0] == f"not stored in time: {code}"
    assert len(table.requests) > 5
    assert table.clock.now <= 18


def test_an_outage_in_a_split_request_loses_nothing() -> None:
    """A failure in the middle of splitting a refused request leaves every other record stored in the end."""
    table = InMemoryAuditTable(
        poison={3: RequestRefusedError("ValidationException", for_good=True)},
        faults=[None, None, Fault(OUTAGE), None, Fault(OUTAGE)],
    )

    result = store(60, table)

    assert set(result.failures) == {3}
    assert len(table.stored) == 59


def test_a_time_out_after_the_table_stored_it_is_success() -> None:
    """A request that the table stored although its answer got lost is a duplicate when sent again, which is success."""
    table = InMemoryAuditTable(faults=[Fault(RequestFailedError("ReadTimeoutError"), committed=True)])

    result = store(25, table)

    assert result.failures == {}
    assert result.duplicates == 25
    assert table.stored_numbers == list(range(25))


@pytest.mark.parametrize("seed", range(30))
def test_each_record_is_stored_or_reported(seed: int) -> None:
    """Under any mix of faults each record is stored or among the failures, and the first of these is named (promise 1)."""
    rng = random.Random(seed)
    clock = FakeClock(deadline=rng.uniform(2, 15))
    table = InMemoryAuditTable(clock=clock, seconds=rng.uniform(0.01, 1))
    faults: list[Fault | None] = [Fault(OUTAGE), Fault(OUTAGE, committed=True), None, None]
    table.faults = rng.choices(faults, k=20)
    table.poison = {
        number: RequestRefusedError("ValidationException", for_good=rng.random() < 0.5)
        for number in rng.sample(range(120), rng.randint(0, 3))
    }
    table.answers = {number: [THROTTLED] * rng.randint(1, 4) for number in rng.sample(range(120), 30)}

    result = store(120, table)

    lost = set(range(120)) - set(table.stored_numbers)
    assert lost <= set(result.failures)
    assert named(result.response(records(120))) == (min(result.failures) if result.failures else None)
    assert clock.deadline - clock.now >= 2 - table.seconds

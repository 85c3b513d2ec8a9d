"""Records that can never be stored go into quarantine at once, whole and with the reason; nothing else ever does."""

from __future__ import annotations

import hashlib
import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail import batch
from audit_trail.core.failures import understand
from audit_trail.core.records import audit_item
from audit_trail.ports import BatchResult, Outcome, RequestFailedError, RequestRefusedError, Verdict
from tests.unit.bad_records import BAD_RECORDS, SECRET
from tests.unit.failed import InMemoryFailureBucket, records_in
from tests.unit.fakes import (
    SETTINGS,
    FakeClock,
    Fault,
    InMemoryAuditTable,
    InMemoryImageStore,
    named,
    numbered_record,
    order,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit_trail.core.records import AuditItem, RecordSettings, StreamRecord

REFUSED = Outcome(Verdict.REFUSED, "ValidationError")
THROTTLED = Outcome(Verdict.RETRY, "ThrottlingError")


def malformed(number: int) -> StreamRecord:
    """Return a record that can never be stored."""
    record = numbered_record(number)
    del record["dynamodb"]["Keys"]
    return record


def store(
    records: list[StreamRecord],
    table: InMemoryAuditTable,
    bucket: InMemoryFailureBucket,
    images: InMemoryImageStore | None = None,
) -> BatchResult:
    """Store a batch within the table's own time, with a quarantine."""
    return batch.store(
        records,
        table=table,
        images=images or InMemoryImageStore(),
        settings=SETTINGS,
        time=table.clock.invocation(),
        quarantine=batch.Quarantine(bucket, "7"),
    )


@pytest.mark.parametrize(("spoil", "sentence"), BAD_RECORDS.values(), ids=BAD_RECORDS.keys())
def test_a_malformed_record_is_kept_whole(spoil: Callable[[dict[str, Any]], Any], sentence: str) -> None:
    """A record that can never be stored is quarantined whole, with what is wrong; its neighbours are stored, all is done."""
    records: list[StreamRecord] = [numbered_record(number) for number in range(25)]
    records[12] = spoil(numbered_record(12, new=order(12, card=SECRET)))
    table, bucket = InMemoryAuditTable(), InMemoryFailureBucket()

    result = store(records, table, bucket)

    assert result.response(records) == {"batchItemFailures": []}
    assert list(result.quarantined) == [12]
    assert sentence in result.quarantined[12]
    assert SECRET not in result.quarantined[12]
    [(key, body)] = bucket.objects.items()
    assert json.loads(body) == {
        "schema_version": 1,
        "function_version": "7",
        "reason": result.quarantined[12],
        "record": records[12],
    }
    failure = understand(key, body)
    assert (failure.reason, failure.records) == (result.quarantined[12], [records[12]])
    assert table.stored_numbers == [*range(12), *range(13, 25)]


def test_the_key_is_the_records_own() -> None:
    """An object's key is the digest of the record alone: not of the reason, the function's version or a clock."""
    record = malformed(1)
    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    bucket = InMemoryFailureBucket()

    store([record], InMemoryAuditTable(), bucket)

    assert list(bucket.objects) == [f"quarantine/{hashlib.sha256(text.encode()).hexdigest()}.json"]


def test_a_second_delivery_finds_the_same_object() -> None:
    """A record delivered again after it was quarantined changes nothing, and is done."""
    records = [malformed(1), numbered_record(2)]
    table, bucket = InMemoryAuditTable(), InMemoryFailureBucket()
    store(records, table, bucket)
    before = dict(bucket.objects)

    again = store(records, table, bucket)

    assert again.response(records) == {"batchItemFailures": []}
    assert bucket.objects == before
    assert bucket.puts[0] == bucket.puts[1]


@pytest.mark.parametrize("code", ["ValidationException", "SerializationException", "413"])
def test_what_the_table_refuses_in_every_form_is_quarantined(code: str) -> None:
    """A record that DynamoDB refuses inline, as gzip and from S3 is quarantined raw, with DynamoDB's code."""
    records: list[StreamRecord] = [numbered_record(number) for number in range(25)]
    table = InMemoryAuditTable(poison={3: RequestRefusedError(code, for_good=True)})
    bucket = InMemoryFailureBucket()

    result = store(records, table, bucket)

    assert result.response(records) == {"batchItemFailures": []}
    assert result.quarantined == {3: f"refused by DynamoDB: {code}"}
    assert table.requests.count([3]) == 3
    assert records_in(bucket, "quarantine/") == [records[3]]
    assert len(table.stored) == 24


def test_a_statement_refused_in_every_form_is_quarantined() -> None:
    """A statement that alone is refused in every form is quarantined; one that is taken in the last form is not."""
    records: list[StreamRecord] = [numbered_record(number) for number in range(5)]
    table = InMemoryAuditTable(answers={1: [REFUSED] * 2, 3: [REFUSED] * 3})
    bucket = InMemoryFailureBucket()

    result = store(records, table, bucket)

    assert result.quarantined == {3: "refused by DynamoDB: ValidationError"}
    assert table.stored_numbers == [0, 1, 2, 4]


@pytest.mark.parametrize(("count", "kept"), [(9, True), (10, False), (60, False)])
@pytest.mark.parametrize("kind", ["malformed", "refused", "both"])
def test_all_of_many_refused_is_a_wrong_setting(count: int, kept: bool, kind: str) -> None:  # noqa: FBT001  a column
    """Where all of ten or more records are refused, none is quarantined: it's a setting, and all are delivered again."""
    refused = {"malformed": 0, "refused": count, "both": count // 2}[kind]
    records = [numbered_record(n) if n < refused else malformed(n) for n in range(count)]
    table = InMemoryAuditTable(answers={n: [REFUSED] * 3 for n in range(refused)})
    bucket = InMemoryFailureBucket()

    result = store(records, table, bucket)

    assert len(bucket.puts) == len(result.quarantined) == (count if kept else 0)
    assert named(result.response(records)) == (None if kept else 0)
    assert all("check the function's settings" in reason for reason in result.failures.values())
    assert len(result.failures) == (0 if kept else count)


@pytest.mark.parametrize("stored_before", [False, True])
def test_one_good_record_among_many_clears_the_settings(stored_before: bool) -> None:  # noqa: FBT001  a column
    """Where one of the batch is stored, or was before, the settings are right and all the others are quarantined."""
    records = [*map(malformed, range(30)), numbered_record(30)]
    table, bucket = InMemoryAuditTable(), InMemoryFailureBucket()
    if stored_before:
        store([numbered_record(30)], table, bucket)

    result = store(records, table, bucket)

    assert result.quarantined.keys() == set(range(30))
    assert len(bucket.objects) == 30
    assert result.failures == {}


def test_settings_are_not_cleared_by_what_is_only_throttled() -> None:
    """While no record was taken, many that are refused wait; when the last is refused too, none of them is quarantined."""
    records = [*map(malformed, range(20)), numbered_record(20)]
    table, bucket = InMemoryAuditTable(answers={20: [THROTTLED, *[REFUSED] * 3]}), InMemoryFailureBucket()

    result = store(records, table, bucket)

    assert bucket.puts == []
    assert result.failures.keys() == set(range(21))


@pytest.mark.parametrize("stored_before", [False, True])
def test_what_is_throttled_holds_up_no_quarantine(stored_before: bool) -> None:  # noqa: FBT001  a column
    """Once one record was taken, now or before, all that are refused are quarantined, however long others are throttled."""
    records = [*map(malformed, range(20)), numbered_record(20), numbered_record(21)]
    table = InMemoryAuditTable(clock=FakeClock(deadline=10), answers={21: [THROTTLED]}, for_ever=True)
    bucket = InMemoryFailureBucket()
    if stored_before:
        store([numbered_record(20)], table, InMemoryFailureBucket())
    moments: list[float] = []
    bucket.before = lambda _: moments.append(table.clock.now)

    result = store(records, table, bucket)

    assert (len(moments), max(moments) < 1) == (20, True)
    assert result.quarantined.keys() == set(range(20))
    assert result.failures.keys() == {21}


def test_few_records_are_quarantined_while_the_table_is_down() -> None:
    """In a batch of fewer than ten, a bad record is quarantined at once although the table takes nothing."""
    outage = RequestFailedError("InternalServerError")
    table = InMemoryAuditTable(clock=FakeClock(deadline=10), outage=outage)
    bucket = InMemoryFailureBucket()
    moments: list[float] = []
    bucket.before = lambda _: moments.append(table.clock.now)

    result = store([malformed(0), numbered_record(1)], table, bucket)

    assert (len(moments), max(moments) < 1) == (1, True)
    assert (list(result.quarantined), list(result.failures)) == ([0], [1])


def test_the_same_record_many_times_is_one() -> None:
    """A record that a batch holds a dozen times is one record: it is quarantined once, and every place of it is done."""
    records = [malformed(1) for _ in range(12)]
    bucket = InMemoryFailureBucket()

    result = store(records, InMemoryAuditTable(), bucket)

    assert len(bucket.puts) == 1
    assert result.quarantined.keys() == set(range(12))
    assert result.response(records) == {"batchItemFailures": []}


OTHERS_FAULT = ["ThrottlingError", "ProvisionedThroughputExceeded", "InternalServerError", "AccessDenied"]
OTHERS_FAULT += ["ResourceNotFound", "RequestLimitExceeded", "TransactionConflict", "CodeOfTomorrow"]


@pytest.mark.parametrize("code", OTHERS_FAULT)
@pytest.mark.parametrize("count", [1, 5, 40])
def test_what_is_not_the_records_fault_is_never_quarantined(code: str, count: int) -> None:
    """Throttling, errors of the service, missing permissions and tables are reported, however long they last."""
    records: list[StreamRecord] = [numbered_record(number) for number in range(count)]
    answers = {number: [Outcome(Verdict.RETRY, code)] for number in range(count)}
    table = InMemoryAuditTable(clock=FakeClock(deadline=10), answers=answers, for_ever=True)
    bucket = InMemoryFailureBucket()

    result = store(records, table, bucket)

    assert (bucket.puts, result.quarantined) == ([], {})
    assert len(result.failures) == result.late == count


@pytest.mark.parametrize(
    "error",
    [
        *map(
            RequestFailedError, ["ThrottlingException", "ReadTimeoutError", "AccessDeniedException", "IncompleteAnswer"]
        ),
        RequestRefusedError("NovelException", for_good=False),
    ],
    ids=lambda error: error.code,
)
def test_a_request_that_fails_is_never_quarantined(error: RequestFailedError) -> None:
    """A whole request that fails for no fault of a record, or for a reason that nobody knows, is reported."""
    records: list[StreamRecord] = [numbered_record(number) for number in range(3)]
    table = InMemoryAuditTable(clock=FakeClock(deadline=10), outage=error)
    bucket = InMemoryFailureBucket()

    result = store(records, table, bucket)

    assert (bucket.puts, len(result.failures)) == ([], 3)


def test_a_record_whose_images_cannot_be_put_is_never_quarantined() -> None:
    """A record refused inline and as gzip waits while its images can't go to S3: whether it can be stored is not known."""
    table = InMemoryAuditTable(clock=FakeClock(deadline=10), answers={1: [REFUSED] * 2})
    bucket = InMemoryFailureBucket()

    result = store([numbered_record(1)], table, bucket, InMemoryImageStore(down="AccessDenied"))

    assert result.failures == {0: "not stored in time: AccessDenied"}
    assert bucket.puts == []


def fail_on(number: int, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let our own code fail on one record."""

    def audit_item_or_fail(record: StreamRecord, settings: RecordSettings) -> AuditItem:
        if record["dynamodb"]["SequenceNumber"] == f"{number:021d}":
            raise error
        return audit_item(record, settings)

    monkeypatch.setattr("audit_trail.batch.inserts.audit_item", audit_item_or_fail)


def test_what_nobody_foresaw_is_quarantined(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record on which our own code fails is quarantined with the kind and place of the error, without its message."""
    fail_on(2, KeyError(SECRET), monkeypatch)
    bucket = InMemoryFailureBucket()

    result = store([numbered_record(number) for number in (1, 2, 3)], InMemoryAuditTable(), bucket)

    [content] = map(json.loads, bucket.objects.values())
    assert content["reason"].startswith("failed unexpectedly: KeyError at test_quarantine.py:")
    assert SECRET not in content["reason"]
    assert "Traceback" not in json.dumps(content)
    assert result.stored.total() == 2


def test_memory_that_runs_out_is_not_the_records_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record for which the memory doesn't suffice is delivered again, and not quarantined."""
    fail_on(2, MemoryError(), monkeypatch)
    records: list[StreamRecord] = [numbered_record(number) for number in (1, 2, 3)]
    bucket = InMemoryFailureBucket()

    result = store(records, InMemoryAuditTable(), bucket)

    assert named(result.response(records)) == 2
    assert (bucket.puts, result.stored.total()) == ([], 2)


@pytest.mark.parametrize(("error", "kept"), [(ZeroDivisionError("secret"), True), (MemoryError(), False)])
def test_another_form_that_nobody_foresaw_costs_only_its_record(
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    kept: bool,  # noqa: FBT001  a column
) -> None:
    """A record on which our own code fails when it takes another form is quarantined, and its neighbours are stored."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("audit_trail.batch.inserts.pack", fail)
    table, bucket = InMemoryAuditTable(answers={2: [REFUSED]}), InMemoryFailureBucket()

    result = store([numbered_record(number) for number in (1, 2, 3)], table, bucket)

    assert table.stored_numbers == [1, 3]
    assert list(result.quarantined) == ([1] if kept else [])
    assert list(result.failures) == ([] if kept else [1])


def test_what_cannot_be_quarantined_is_delivered_again() -> None:
    """While the bucket is down, a record that can never be stored is reported, and its neighbours are stored."""
    records = [numbered_record(0), malformed(1), numbered_record(2)]
    table, bucket = InMemoryAuditTable(), InMemoryFailureBucket(down="AccessDenied")

    result = store(records, table, bucket)

    assert named(result.response(records)) == 1
    assert result.failures == {1: "the record has no Keys (not quarantined: AccessDenied)"}
    assert (result.quarantined, table.stored_numbers) == ({}, [0, 2])


def test_a_bucket_that_is_down_is_asked_once() -> None:
    """While the bucket is down, one put is tried for the whole batch, however many records wait and rounds go by."""
    records = [*map(malformed, range(8)), *map(numbered_record, range(8, 40))]
    table = InMemoryAuditTable(clock=FakeClock(deadline=20), answers={20: [THROTTLED] * 10})
    bucket = InMemoryFailureBucket(down="SlowDown")

    result = store(records, table, bucket)

    assert len(bucket.puts) == 1
    assert result.failures.keys() == set(range(8))
    assert len(table.clock.slept) == 10


def test_what_was_quarantined_before_the_bucket_failed_is_done() -> None:
    """Records quarantined before the bucket failed are done; the first that was not is the one reported."""
    bucket = InMemoryFailureBucket()

    def fail_from_the_third(_: str) -> None:
        if len(bucket.puts) > 2:
            raise RequestFailedError("InternalError")

    bucket.before = fail_from_the_third
    records = [*map(malformed, range(5)), numbered_record(5)]

    result = store(records, InMemoryAuditTable(), bucket)

    assert result.quarantined.keys() == {0, 1}
    assert named(result.response(records)) == 2


@pytest.mark.parametrize("count", [4, 40])
def test_neighbours_do_not_wait_for_the_quarantine(count: int) -> None:
    """Neighbours are sent before anything is quarantined, and what is quarantined doesn't wait for those throttled."""
    happened: list[str] = []
    bucket = InMemoryFailureBucket()
    bucket.before = lambda _: happened.append("quarantined")
    clock = FakeClock(deadline=10)
    table = InMemoryAuditTable(clock=clock, answers={count: [THROTTLED]}, for_ever=True)
    table.before = lambda _: happened.append("sent")

    result = store([malformed(0), *map(numbered_record, range(1, count + 1))], table, bucket)

    requests = -(-count // 25)
    assert happened[: requests + 2] == [*["sent"] * requests, "quarantined", "sent"]
    assert list(result.failures) == [count]


def test_the_deadline_is_kept_while_quarantining() -> None:
    """Nothing is put that may not end two seconds before the deadline, and what was not is reported."""
    clock = FakeClock(deadline=10)
    bucket = InMemoryFailureBucket()

    def be_slow(_: str) -> None:
        clock.now += 1.5

    bucket.before = be_slow
    records = [*map(malformed, range(20)), numbered_record(20)]

    result = store(records, InMemoryAuditTable(clock=clock), bucket)

    assert clock.now <= clock.deadline - batch.RESERVE
    assert 0 < len(bucket.puts) == len(result.quarantined) < 20
    assert named(result.response(records)) == len(bucket.puts)
    assert set(result.failures.values()) == {"the record has no Keys (not quarantined: OutOfTime)"}


def test_slow_requests_of_the_table_are_counted_for_the_bucket() -> None:
    """Where DynamoDB was slow, no put is begun that as slow a bucket would not end in time."""
    clock = FakeClock(deadline=9)
    bucket = InMemoryFailureBucket()

    result = store([malformed(0), numbered_record(1)], InMemoryAuditTable(clock=clock, seconds=4), bucket)

    assert bucket.puts == []
    assert list(result.failures) == [0]


def test_a_record_that_cannot_be_written_down_is_delivered_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that our own code can't write into quarantine is reported, and its neighbours are stored."""

    def fail(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr("audit_trail.batch.quarantine.quarantined", fail)
    records = [malformed(0), numbered_record(1)]
    table, bucket = InMemoryAuditTable(), InMemoryFailureBucket()

    result = store(records, table, bucket)

    assert (named(result.response(records)), table.stored_numbers, bucket.puts) == (0, [1], [])


def test_without_a_quarantine_everything_is_reported() -> None:
    """Without a quarantine, malformed and refused records are among the failures with their own reasons."""
    table = InMemoryAuditTable(answers={2: [REFUSED] * 3})
    records = [malformed(1), numbered_record(2), numbered_record(3)]

    result = batch.store(
        records, table=table, images=InMemoryImageStore(), settings=SETTINGS, time=table.clock.invocation()
    )

    assert result.failures == {0: "the record has no Keys", 1: "refused by DynamoDB: ValidationError"}
    assert (result.quarantined, result.late) == ({}, 0)


@pytest.mark.parametrize("seed", range(60))
def test_each_record_is_stored_quarantined_or_reported(seed: int) -> None:
    """Under any mix of faults each record is stored, quarantined or reported, and only poison is quarantined."""
    rng = random.Random(seed)
    clock = FakeClock(deadline=rng.uniform(2, 12))
    table = InMemoryAuditTable(clock=clock, seconds=rng.uniform(0.01, 0.5))
    bucket = InMemoryFailureBucket()
    outage = RequestFailedError("InternalServerError")
    table.faults = rng.choices([Fault(outage), Fault(outage, committed=True), None, None], k=20)
    count = rng.choice([3, 9, 10, 30, 120])
    bad = set(rng.sample(range(count), rng.randint(0, min(count, 20))))
    refused = set(rng.sample(range(count), rng.randint(0, 3))) - bad
    table.poison = {number: RequestRefusedError("ValidationException", for_good=True) for number in refused}
    throttled = rng.sample(range(count), count // 3)
    table.answers = {number: [THROTTLED] * rng.randint(1, 4) for number in throttled}

    def fail_now_and_then(_: str) -> None:
        clock.now += rng.uniform(0, 0.2)
        if rng.random() < 0.1:
            raise RequestFailedError("SlowDown")

    bucket.before = fail_now_and_then
    records = [malformed(number) if number in bad else numbered_record(number) for number in range(count)]

    result = store(records, table, bucket)

    kept = {int(record["dynamodb"]["SequenceNumber"]) for record in records_in(bucket, "quarantine/")}
    assert kept == set(result.quarantined) <= bad | refused
    assert set(table.stored_numbers) | kept | set(result.failures) == set(range(count))
    assert not kept & set(result.failures)
    assert named(result.response(records)) == (min(result.failures) if result.failures else None)
    assert clock.deadline - clock.now >= 2 - table.seconds - 0.2

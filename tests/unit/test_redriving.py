"""What could not be stored is put back object by object: all of it or it stays, in any order, twice or at once."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest

from audit_trail.batch.redriving import PATIENCE, Became, Redriven
from audit_trail.core.failures import quarantined
from audit_trail.core.keys import KeySchema
from audit_trail.core.records import RecordSettings, stream_record
from audit_trail.ports import RequestFailedError, RequestRefusedError
from tests.unit.failed import InMemoryFailureBucket, given_up, lambda_object, put_back
from tests.unit.fakes import (
    REFUSED,
    THROTTLED,
    FakeClock,
    InMemoryAuditTable,
    InMemoryImageStore,
    SlowlyMade,
    numbered_record,
)

if TYPE_CHECKING:
    from audit_trail.core.records import StreamRecord


def malformed(number: int) -> StreamRecord:
    """Return a record that can never be stored."""
    record = numbered_record(number)
    del record["dynamodb"]["Keys"]
    return record


def bucket_of(*objects: tuple[str, bytes]) -> InMemoryFailureBucket:
    """Return a bucket in which these objects wait."""
    return InMemoryFailureBucket(objects=dict(objects))


def batches(count: int, size: int) -> list[tuple[str, bytes]]:
    """Return so many objects of so many records each, all of them different."""
    numbers = range(count * size)
    return [
        lambda_object(number, *map(numbered_record, numbers[number * size : (number + 1) * size]))
        for number in range(count)
    ]


def test_everything_is_put_back_and_moved() -> None:
    """Each object's records are stored as the function would have, and the object moves under redriven/ unchanged."""
    records = [numbered_record(number) for number in range(5)]
    objects = [lambda_object(1, *records[:3]), lambda_object(2, records[3]), quarantined(records[4], "reason", "1")]
    bucket, table = bucket_of(*objects), InMemoryAuditTable()

    done = put_back(bucket, table)

    assert [(one.became, one.records, one.stored) for one in done] == [
        (Became.MOVED, 3, 3),
        (Became.MOVED, 1, 1),
        (Became.MOVED, 1, 1),
    ]
    assert sorted(map(stream_record, table.stored.values()), key=lambda record: record["eventID"]) == records
    assert bucket.objects == {f"redriven/{key}": body for key, body in objects}


def test_a_second_run_finds_nothing_to_do() -> None:
    """Put back once more, whole buckets of moved objects change nothing, and neither do the same objects again."""
    objects = batches(3, 30)
    bucket, table = bucket_of(*objects), InMemoryAuditTable()
    put_back(bucket, table)
    stored = json.dumps(list(table.stored.values()))

    assert put_back(bucket, table) == []
    again = put_back(bucket_of(*objects), table)

    assert [(one.became, one.records, one.stored) for one in again] == [(Became.MOVED, 30, 0)] * 3
    assert json.dumps(list(table.stored.values())) == stored


def test_a_record_that_is_still_malformed_stays() -> None:
    """A quarantined record that still can't be stored stays where it is, says why, and isn't quarantined again."""
    key, body = quarantined(malformed(1), "an older reason", "1")
    bucket = bucket_of((key, body))

    [done] = put_back(bucket, InMemoryAuditTable())

    assert done == Redriven(key, Became.STAYS, records=1, reason="the record has no Keys")
    assert (bucket.objects, bucket.puts) == ({key: body}, [])


def test_one_bad_record_keeps_its_object_and_lets_its_neighbours_through() -> None:
    """Of an object with a bad record all others are stored, and the whole object stays until that one can be, too."""
    records = [*map(numbered_record, range(99)), malformed(99)]
    bucket, table = bucket_of(lambda_object(1, *records)), InMemoryAuditTable()

    [first] = put_back(bucket, table)
    [second] = put_back(bucket, table)

    assert (first.became, first.records, first.stored) == (Became.STAYS, 100, 99)
    assert (second.became, second.records, second.stored) == (Became.STAYS, 100, 0)
    assert first.reason == second.reason == "1 of 100 records: the record has no Keys"
    assert table.stored_numbers == list(range(99))
    assert len(bucket.keys("aws/lambda/")) == 1


def test_each_reason_is_told_with_its_count() -> None:
    """Where records of an object fail for different reasons, each is told, the most frequent first."""
    table = InMemoryAuditTable(answers={number: [REFUSED] * 3 for number in (8, 9)})
    bucket = bucket_of(lambda_object(1, malformed(1), *map(numbered_record, (8, 9, 10))))

    [done] = put_back(bucket, table)

    assert done.reason == "2 of 4 records: refused by DynamoDB: ValidationError; 1 of 4 records: the record has no Keys"


def test_an_object_whose_records_take_long_to_make_is_put_back_whole() -> None:
    """An object with more records than can be made in its time is put back in one run, and not begun anew for ever."""
    bucket, table = bucket_of(*batches(1, 40)), SlowlyMade()

    [done] = put_back(bucket, table)

    assert (done.became, done.stored) == (Became.MOVED, 40)


@pytest.mark.parametrize("body", [b"", b"not JSON", b"{}", json.dumps(given_up(payload=None)).encode()])
def test_a_malformed_object_stops_nothing(body: bytes) -> None:
    """An object that can't be understood stays with the reason, and those behind it are put back."""
    (key, _), other = batches(2, 3)
    bucket = bucket_of((key, body), other)

    first, second = put_back(bucket, InMemoryAuditTable())

    assert (first.became, first.records, second.became) == (Became.STAYS, 0, Became.MOVED)
    assert first.reason.startswith("can't be read: the object ")
    assert bucket.objects[key] == body


def test_many_bad_records_are_no_reason_to_stop() -> None:
    """Objects in which no record can ever be stored stay, each with its reason, and don't stop the others."""
    bad = [lambda_object(number, *map(malformed, range(20))) for number in range(3)]
    bucket, table = bucket_of(*bad, lambda_object(9, numbered_record(9))), InMemoryAuditTable()

    done = put_back(bucket, table)

    assert [one.became for one in done] == [Became.STAYS] * 3 + [Became.MOVED]
    assert table.stored_numbers == [9]


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "AccessDeniedException", "ResourceNotFoundException", "ReadTimeoutError"]
)
def test_an_outage_stops_the_run(code: str) -> None:
    """Where nothing of an object could be stored for reasons that lie elsewhere, the run ends there, after 30 seconds."""
    objects = batches(4, 3)
    bucket, table = bucket_of(*objects), InMemoryAuditTable()

    def fail_from_the_second(_: list[int]) -> None:
        table.outage = RequestFailedError(code) if len(table.requests) else None

    table.before = fail_from_the_second

    done = put_back(bucket, table)

    assert [(one.became, one.stuck) for one in done] == [(Became.MOVED, False), (Became.STAYS, True)]
    assert done[1].reason == f"3 of 3 records: not stored in time: {code}"
    assert PATIENCE - 5 < table.clock.now <= PATIENCE == 30
    assert dict(objects[1:]).items() <= bucket.objects.items()


def test_an_object_that_is_throttled_halfway_does_not_stop_the_run() -> None:
    """An object of which something was stored stays for the rest, and the next ones are tried."""
    table = InMemoryAuditTable(answers={1: [THROTTLED]}, for_ever=True)
    bucket = bucket_of(*batches(2, 3))

    done = put_back(bucket, table)

    assert [(one.became, one.stored, one.stuck) for one in done] == [
        (Became.STAYS, 2, False),
        (Became.MOVED, 3, False),
    ]


def test_each_object_has_its_own_time() -> None:
    """However long objects take, each has the whole time for itself, so that large buckets are put back in one run."""
    table = InMemoryAuditTable(seconds=15)
    bucket = bucket_of(*batches(5, 3))

    done = put_back(bucket, table)

    assert [one.became for one in done] == [Became.MOVED] * 5
    assert table.clock.now == 75


def test_a_large_record_goes_through_s3_again() -> None:
    """A record whose images don't fit goes into the image store before it's inserted, as in the function."""
    noise = random.Random(1).randbytes(150_000).hex()
    record = numbered_record(1, new={"order_id": {"N": "1"}, "text": {"S": noise}})
    record["dynamodb"]["OldImage"] = {"order_id": {"N": "1"}, "text": {"S": noise[::-1]}}
    record["eventName"] = "MODIFY"
    bucket, table, images = bucket_of(lambda_object(1, record)), InMemoryAuditTable(), InMemoryImageStore()

    [done] = put_back(bucket, table, images=images)

    assert (done.became, len(images.objects)) == (Became.MOVED, 1)


def test_a_wrong_key_in_the_settings_moves_nothing() -> None:
    """With another table's key nothing is stored, nothing moves, and the reason names the key."""
    objects = batches(2, 12)
    bucket, table = bucket_of(*objects), InMemoryAuditTable()

    done = put_back(bucket, table, settings=RecordSettings(KeySchema("customer_id")))

    assert [one.became for one in done] == [Became.STAYS] * 2
    assert all("customer_id" in one.reason for one in done)
    assert (bucket.objects, table.stored) == (dict(objects), {})


@pytest.mark.parametrize("operation", ["read", "move"])
def test_an_object_that_another_run_moved_meanwhile(operation: str) -> None:
    """An object that somebody else moves while it's worked on is no error, and lies under redriven/ once."""
    bucket, table = bucket_of(*batches(3, 2)), InMemoryAuditTable()
    keys = bucket.keys()

    def move_the_second(at: str, key: str) -> None:
        if at == operation and key == keys[1] and key in bucket.objects:
            bucket.objects[f"redriven/{key}"] = bucket.objects.pop(key)

    bucket.meanwhile = move_the_second

    done = put_back(bucket, table, keys=keys)

    expected = Became.GONE if operation == "read" else Became.MOVED
    assert [one.became for one in done] == [Became.MOVED, expected, Became.MOVED]
    assert sorted(bucket.objects) == [f"redriven/{key}" for key in keys]


@pytest.mark.parametrize("seed", range(20))
def test_two_runs_at_once_do_what_one_does(seed: int) -> None:
    """Two runs over the same objects, interleaved anywhere, store each record once and move each object."""
    rng = random.Random(seed)
    bucket, table = bucket_of(*batches(4, 6)), InMemoryAuditTable()
    keys = bucket.keys()
    other = False

    def let_the_other_go(_operation: str, _key: str) -> None:
        nonlocal other
        if not other and rng.random() < 0.3:
            other = True
            put_back(bucket, table, keys=rng.sample(keys, len(keys)))

    bucket.meanwhile = let_the_other_go

    done = put_back(bucket, table, keys=keys)

    assert table.stored_numbers == list(range(24))
    assert sorted(bucket.objects) == [f"redriven/{key}" for key in keys]
    assert {one.became for one in done} <= {Became.MOVED, Became.GONE}


@pytest.mark.parametrize("moment", range(12))
def test_a_run_killed_anywhere_is_finished_by_the_next(moment: int) -> None:
    """A run killed before any of its steps leaves everything in one place or the other, and the next run finishes it."""
    bucket, table = bucket_of(*batches(4, 3)), InMemoryAuditTable()
    steps = 0

    def kill(*_: object) -> None:
        nonlocal steps
        steps += 1
        if steps == moment + 1:
            raise KeyboardInterrupt

    bucket.meanwhile = table.before = kill
    keys = bucket.keys()
    with pytest.raises(KeyboardInterrupt):
        put_back(bucket, table)
    assert {key.removeprefix("redriven/") for key in bucket.objects} == set(keys)

    put_back(bucket, table)

    assert table.stored_numbers == list(range(12))
    assert sorted(bucket.objects) == [f"redriven/{key}" for key in keys]


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [("read", "can't be read: AccessDenied"), ("move", "all of it is stored, but it could not be moved: AccessDenied")],
)
def test_what_the_bucket_refuses_is_told(operation: str, sentence: str) -> None:
    """Where an object can't be read or moved, it stays, says so, and the others are tried."""
    bucket, table = bucket_of(*batches(2, 2)), InMemoryAuditTable()
    bucket.broken = {operation: "AccessDenied"}

    done = put_back(bucket, table)

    assert [(one.became, one.reason) for one in done] == [(Became.STAYS, sentence)] * 2
    assert table.stored_numbers == ([] if operation == "read" else [0, 1, 2, 3])


def test_a_refusal_of_a_whole_request_is_told_too() -> None:
    """A record for which DynamoDB refuses whole requests stays with its code, and its neighbours are stored."""
    table = InMemoryAuditTable(poison={4: RequestRefusedError("ValidationException", for_good=True)}, clock=FakeClock())
    bucket = bucket_of(*batches(1, 10))

    [done] = put_back(bucket, table)

    assert (done.became, done.stored) == (Became.STAYS, 9)
    assert done.reason == "1 of 10 records: refused by DynamoDB: ValidationException"

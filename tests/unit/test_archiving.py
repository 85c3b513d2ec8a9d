"""A batch of deletions: each is archived, quarantined or delivered again, and nothing else gets into the archive."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.batch import MANY, Quarantine, Time
from audit_trail.batch.archiving import archive
from audit_trail.core.archive import items
from audit_trail.core.failures import quarantined
from audit_trail.ports import BatchResult, RequestFailedError
from tests.builders import NOON
from tests.event_source_mapping import (
    EventSourceMapping,
    Faults,
    FunctionCrashed,
    InMemoryStream,
    InProcessFunction,
    MappingConfig,
    SimulatedClock,
)
from tests.expiry import AUDIT_ARN, audit_record, by_hand, deletion
from tests.unit.failed import InMemoryFailureBucket, lambda_object, put_back
from tests.unit.fakes import FakeClock, InMemoryAuditTable, named, numbered_record

if TYPE_CHECKING:
    from tests.event_source_mapping import LambdaContext

DAY = 86_400


def of_days(count: int, days: int = 1) -> list[dict[str, Any]]:
    """Return audit records of so many changes, in turn on so many days."""
    return [audit_record(numbered_record(number, at=NOON + number % days * DAY)) for number in range(count)]


def deletions(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return their deletions by TTL."""
    return [deletion(record, 900 + number) for number, record in enumerate(records)]


def run(records: list[Any], bucket: InMemoryFailureBucket, seconds: float = 60.0) -> BatchResult:
    """Archive a batch in simulated time."""
    clock = FakeClock(deadline=seconds)
    return archive(records, store=bucket, time=clock.invocation(), quarantine=Quarantine(bucket, "1"))


def archived(bucket: InMemoryFailureBucket) -> list[Any]:
    """Return every record in the archive."""
    return [item for key in bucket.keys("archive/") for item in items(bucket.objects[key], "order_id", key[11:21])]


def stamp(record: dict[str, Any]) -> str:
    """Return a record's place by its sequence number."""
    return str(record["sequence_number"])


def test_an_object_a_day() -> None:
    """A batch becomes one object for each day of change, and each record lies in that of its own day."""
    records, bucket = of_days(9, days=3), InMemoryFailureBucket()

    result = run(deletions(records), bucket)

    assert result.response(deletions(records)) == {"batchItemFailures": []}
    assert [key[:22] for key in bucket.keys("archive/")] == [f"archive/dt=2026-11-{day}/" for day in (24, 25, 26)]
    for key in bucket.keys("archive/"):
        assert {item["timestamp"]["S"][:10] for item in items(bucket.objects[key], "order_id", key[11:21])} == {
            key[11:21]
        }
    assert sorted(archived(bucket), key=stamp) == records
    assert (result.stored.total(), result.bytes_stored) == (9, sum(map(len, bucket.objects.values())))


def test_delivered_again_the_same_batch_changes_nothing() -> None:
    """A batch that comes twice finds its objects there, and puts the same bytes under the same names."""
    batch, bucket = deletions(of_days(5)), InMemoryFailureBucket()
    run(batch, bucket)
    before = dict(bucket.objects)
    assert run(batch, bucket).response(batch) == {"batchItemFailures": []}
    assert bucket.objects == before
    assert len(set(bucket.puts)) == 1


def test_a_batch_without_a_middle_does_not_hide_it() -> None:
    """Of two batches with the same ends, the second one's other records are archived as well."""
    records = of_days(3)
    first, middle, last = deletions(records)
    bucket = InMemoryFailureBucket()
    run([first, last], bucket)
    run([first, middle, last], bucket)
    assert {item["timestamp"]["S"] for item in archived(bucket)} == {record["timestamp"]["S"] for record in records}


def test_while_the_bucket_is_down_everything_is_delivered_again() -> None:
    """While S3 refuses, the answer names the batch's first record, within the time that there is."""
    batch = deletions(of_days(4, days=2))
    result = run(batch, InMemoryFailureBucket(down="SlowDown"), seconds=5)
    assert named(result.response(batch)) == 900
    assert set(result.failures.values()) == {"not archived in time: SlowDown"}
    assert (result.late, result.stored.total()) == (4, 0)
    assert result.retries > 0


def test_a_day_that_is_refused_does_not_cost_those_before_it() -> None:
    """Where one day's object can't be written, the answer names that day's first record."""
    batch, bucket = deletions(of_days(4, days=2)), InMemoryFailureBucket()

    def refuse(key: str) -> None:
        if "dt=2026-11-25" in key:
            raise RequestFailedError("InternalError")

    bucket.before = refuse
    assert named(run(batch, bucket, seconds=5).response(batch)) == 901
    assert len(archived(bucket)) == 2


def test_a_bucket_that_comes_back() -> None:
    """A refusal that passes is tried again within the invocation."""
    batch, bucket = deletions(of_days(3)), InMemoryFailureBucket()
    refusals = iter([RequestFailedError("SlowDown")])

    def refuse_once(_: str) -> None:
        if refusal := next(refusals, None):
            raise refusal

    bucket.before = refuse_once
    result = run(batch, bucket)
    assert (result.response(batch), result.retries, len(archived(bucket))) == ({"batchItemFailures": []}, 1, 3)


def test_without_time_nothing_is_begun() -> None:
    """An invocation at its end writes nothing and reports everything."""
    batch, bucket = deletions(of_days(2)), InMemoryFailureBucket()
    assert named(run(batch, bucket, seconds=2).response(batch)) == 900
    assert bucket.puts == []


def test_what_is_no_audit_record_is_quarantined() -> None:
    """A deleted item that is no audit record is put aside whole, and its neighbours are archived."""
    odd = deletion({"order_id": {"N": "1"}, "timestamp": {"S": "?"}}, 905)
    batch, bucket = [*deletions(of_days(3)), odd], InMemoryFailureBucket()
    result = run(batch, bucket)
    assert result.response(batch) == {"batchItemFailures": []}
    [key] = bucket.keys("quarantine/")
    assert json.loads(bucket.objects[key])["record"] == odd
    assert (list(result.quarantined), len(archived(bucket))) == ([3], 3)


def test_if_nothing_is_an_audit_record_nothing_is_quarantined() -> None:
    """Where many records and every one is refused, what is read is wrong: they are reported."""
    batch = [deletion({"order_id": {"N": "1"}, "timestamp": {"S": "?"}}, 900 + number) for number in range(MANY)]
    bucket = InMemoryFailureBucket()
    assert named(run(batch, bucket).response(batch)) == 900
    assert bucket.objects == {}


def test_nothing_but_expiry_gets_into_the_archive() -> None:
    """Without any filter, writes and deletions by hand in a batch are left out and counted."""
    records = of_days(4)
    batch = [
        by_hand("INSERT", records[0], 1),
        by_hand("MODIFY", records[1], 2),
        by_hand("REMOVE", records[2], 3),
        deletion(records[3], 4),
    ]
    bucket = InMemoryFailureBucket()
    result = run(batch, bucket)
    assert (result.ignored, result.response(batch)) == (3, {"batchItemFailures": []})
    assert archived(bucket) == [records[3]]
    assert bucket.keys("quarantine/") == []


def test_redrive_puts_expired_records_into_the_archive() -> None:
    """A payload of the archive's mapping goes into the archive, never into the audit table, and twice does no harm."""
    batch = deletions(of_days(6, days=2))
    odd = deletion(audit_record(numbered_record(77)), 977)
    objects = dict([lambda_object(1, *batch), quarantined(odd, "a bug since mended", "1")])
    bucket, table = InMemoryFailureBucket(objects=dict(objects)), InMemoryAuditTable()

    done = put_back(bucket, table)

    assert [(one.became, one.records, one.stored) for one in done] == [("moved", 6, 6), ("moved", 1, 1)]
    assert (len(archived(bucket)), table.stored) == (7, {})
    before = bucket.keys("archive/")
    bucket.objects |= objects
    assert [one.became for one in put_back(bucket, table)] == ["moved", "moved"]
    assert bucket.keys("archive/") == before


def test_redrive_keeps_changes_and_expired_records_apart() -> None:
    """Changes go into the audit table and expired records into the archive, each from its own object."""
    [expired] = deletions(of_days(1))
    bucket = InMemoryFailureBucket(objects=dict([lambda_object(1, numbered_record(5)), lambda_object(2, expired)]))
    table = InMemoryAuditTable()
    put_back(bucket, table)
    assert (table.stored_numbers, len(archived(bucket))) == ([5], 1)


def test_redrive_leaves_what_belongs_nowhere() -> None:
    """Records of several streams in one object, or of the audit table's without expiry, stay where they are and say why."""
    [record] = of_days(1)
    mixed = lambda_object(1, numbered_record(5), deletion(record, 1))
    hand = lambda_object(2, by_hand("REMOVE", record, 1), deletion(record, 2))
    bucket, table = InMemoryFailureBucket(objects=dict([mixed, hand])), InMemoryAuditTable()
    done = put_back(bucket, table)
    assert [one.became for one in done] == ["stays", "stays"]
    assert "several tables' streams" in done[0].reason
    assert "1 of 2 record(s)" in done[1].reason
    assert table.stored == {}


def test_redrive_stops_while_the_archive_takes_nothing() -> None:
    """While the bucket refuses, expired records stay and the next objects aren't tried."""
    bucket = InMemoryFailureBucket(
        objects=dict(lambda_object(n, *deletions(of_days(1))) for n in range(2)), down="SlowDown"
    )
    [done] = put_back(bucket, InMemoryAuditTable())
    assert (done.became, done.stuck) == ("stays", True)


@pytest.mark.parametrize("seed", range(2))
def test_five_thousand_expire_amid_crashes_and_duplicates(seed: int) -> None:
    """Of 5,000 expired records every one is archived and read once, whatever crashes, times out or comes twice on the way.

    Among them in the stream are as many records that others wrote or deleted by hand, of which none is archived.
    """
    rng = random.Random(seed)
    records = of_days(5_000, days=7)
    stream = InMemoryStream(AUDIT_ARN)
    for shard in range(4):
        stream.add_shard(f"shard-{shard}")
    for number, record in enumerate(records):
        hand = by_hand(rng.choice(("INSERT", "MODIFY", "REMOVE")), record | {"actor": {"S": "mallory"}}, 2 * number)
        for one in (hand, deletion(record, 2 * number + 1)):
            stream.append(f"shard-{number % 4}", one)
    clock = SimulatedClock(NOON + 90 * DAY)
    bucket = InMemoryFailureBucket()

    def shaky(_: str) -> None:
        if rng.random() < 0.1:
            raise RequestFailedError("SlowDown")
        if rng.random() < 0.05:
            raise FunctionCrashed

    bucket.before = shaky

    def handler(event: dict[str, Any], context: LambdaContext) -> Any:
        left = Time(remaining=lambda: context.get_remaining_time_in_millis() / 1000, sleep=clock.sleep, jitter=rng)
        return archive(event["Records"], store=bucket, time=left, quarantine=Quarantine(bucket, "1")).response(
            event["Records"]
        )

    expiry = {"eventName": ["REMOVE"], "userIdentity": {"type": ["Service"], "principalId": ["dynamodb.amazonaws.com"]}}
    mapping = EventSourceMapping(
        InProcessFunction(
            handler,
            clock,
            faults=Faults(throttled=0.05, crashed_before=0.1, crashed_after=0.1, timed_out=0.05),
            rng=rng,
        ),
        stream,
        clock,
        MappingConfig(
            batch_size=rng.choice((50, 300, 10_000)),
            report_batch_item_failures=True,
            bisect_batch_on_function_error=True,
            filter_patterns=(expiry,),
        ),
        rng=rng,
        duplicate_rate=0.2,
    )
    mapping.run_until_idle()

    assert mapping.metrics["FilteredOutEventCount"] == 5_000
    written = archived(bucket)
    assert len(written) > 5_000, "some were archived twice"
    assert {json.dumps(item, sort_keys=True) for item in written} == {
        json.dumps(item, sort_keys=True) for item in records
    }

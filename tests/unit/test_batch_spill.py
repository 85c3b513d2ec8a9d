"""Records of a batch that don't fit an item: S3 before the table, and what happens when either fails."""

from __future__ import annotations

import base64
import random
from typing import TYPE_CHECKING

import pytest

from audit_trail import batch
from audit_trail.core.records import audit_item, stream_record
from audit_trail.core.sizes import fits
from audit_trail.core.spill import unpack
from audit_trail.ports import BatchResult, RequestFailedError, RequestRefusedError
from tests.unit.fakes import (
    REFUSED,
    SETTINGS,
    THROTTLED,
    FakeClock,
    Fault,
    InMemoryAuditTable,
    InMemoryImageStore,
    named,
    numbered_record,
    order,
)

if TYPE_CHECKING:
    from audit_trail.core.records import StreamRecord
    from audit_trail.core.values import Image


def small(number: int) -> StreamRecord:
    """Return a record that fits inline."""
    return numbered_record(number, old=order(number, text="a"), new=order(number, text="b"))


def compressible(number: int) -> StreamRecord:
    """Return a record that fits once its images are compressed."""
    return numbered_record(number, old=order(number, text="a" * 300_000), new=order(number, text="b" * 300_000))


def huge(number: int) -> StreamRecord:
    """Return a record whose images don't fit an item, compressed or not."""
    noise = base64.b85encode(random.Random(number).randbytes(350_000)).decode("ascii")
    return numbered_record(number, old=order(number, text=noise[:390_000]), new=order(number, text=noise[-390_000:]))


def store(records: list[StreamRecord], table: InMemoryAuditTable, images: InMemoryImageStore) -> BatchResult:
    """Store a batch within the table's own time."""
    return batch.store(records, table=table, images=images, settings=SETTINGS, time=table.clock.invocation())


def form_of(item: Image) -> str:
    """Return where an item's images lie."""
    return str(item["images"]["M"]["encoding"]["S"]) if "images" in item else "inline"


def forms(table: InMemoryAuditTable) -> dict[int, str]:
    """Return in which form each record is stored, by its sequence number."""
    return {int(item["sequence_number"]["S"]): form_of(item) for item in table.stored.values()}


def assert_readable(table: InMemoryAuditTable, images: InMemoryImageStore, records: list[StreamRecord]) -> None:
    """Assert that exactly these records are stored, and can be read with the objects that are there."""
    read = [
        unpack(item, lambda uri: images.objects[uri.removeprefix(f"s3://{images.bucket}/")])
        for item in table.stored.values()
    ]
    rebuilt = {item["sequence_number"]["S"]: stream_record(item) for item in read}
    # Not by assert's own comparison, which would try to explain megabytes.
    same = rebuilt == {record["dynamodb"]["SequenceNumber"]: record for record in records}
    assert same
    assert all(fits(item) for item in table.stored.values())


def test_each_record_takes_the_form_that_it_needs() -> None:
    """In one batch, records stay inline, are compressed or go to S3, each as it needs, and all can be read."""
    records = [small(1), huge(2), compressible(3), small(4), huge(5)]
    table, images = InMemoryAuditTable(), InMemoryImageStore()

    result = store(records, table, images)

    assert result.failures == {}
    assert forms(table) == {1: "inline", 2: "s3", 3: "gzip", 4: "inline", 5: "s3"}
    assert (result.spilled, len(images.objects), result.stored.total()) == (2, 2, 5)
    assert_readable(table, images, records)


def test_images_are_in_s3_before_the_record_is_inserted() -> None:
    """Whenever a request is sent, the object of each record in it is in the bucket already."""
    images = InMemoryImageStore()
    happened: list[str] = []
    images.before = lambda _: happened.append("put")
    table = InMemoryAuditTable(before=lambda numbers: happened.append(f"insert {numbers}"))

    store([huge(1), small(2), huge(3)], table, images)

    assert happened == ["put", "put", "insert [2, 1, 3]"]


def test_no_record_is_inserted_without_its_object() -> None:
    """While the bucket is down, its records are reported with its code and never sent; their neighbours are stored."""
    records = [small(1), huge(2), compressible(3), huge(4), small(5)]
    table, images = InMemoryAuditTable(), InMemoryImageStore(down="AccessDenied")

    result = store(records, table, images)

    assert result.failures == dict.fromkeys((1, 3), "not stored in time: AccessDenied")
    assert named(result.response(records)) == 2
    assert forms(table) == {1: "inline", 3: "gzip", 5: "inline"}
    assert table.requests == [[1, 3, 5]]
    assert (images.objects, result.spilled) == ({}, 0)


def test_a_bucket_that_is_down_is_asked_once_a_round() -> None:
    """While the bucket is down, one object a round is tried, however many wait for it."""
    images = InMemoryImageStore(down="SlowDown")
    table = InMemoryAuditTable(clock=FakeClock(deadline=5))

    result = store([huge(number) for number in range(4)], table, images)

    assert set(result.failures.values()) == {"not stored in time: SlowDown"}
    assert len(images.puts) == len(table.clock.slept) + 1


def test_a_bucket_that_comes_back_within_the_invocation() -> None:
    """When the bucket answers again, the records that waited for it are stored in the same invocation."""
    records = [small(1), huge(2), huge(3)]
    table, images = InMemoryAuditTable(), InMemoryImageStore(down="SlowDown")

    def come_back(_: str) -> None:
        images.down = "" if len(images.puts) > 2 else images.down

    images.before = come_back

    result = store(records, table, images)

    assert result.failures == {}
    assert table.requests == [[1], [2, 3]]
    assert len(images.puts) == 4
    assert_readable(table, images, records)


def test_one_object_that_fails_leaves_those_before_it() -> None:
    """Records whose objects were stored before the bucket failed are inserted; the others are reported."""
    images = InMemoryImageStore()

    def fail_from_the_second(_: str) -> None:
        if len(images.puts) > 1:
            raise RequestFailedError("InternalError")

    images.before = fail_from_the_second
    table = InMemoryAuditTable()

    result = store([huge(1), huge(2), huge(3)], table, images)

    assert result.failures == dict.fromkeys((1, 2), "not stored in time: InternalError")
    assert forms(table) == {1: "s3"}
    assert (len(images.objects), result.spilled) == (1, 1)


def test_a_second_delivery_finds_the_same_objects() -> None:
    """A record delivered again puts the same object, which is there already, and is a duplicate in the table."""
    records = [huge(1), compressible(2), huge(3)]
    table, images = InMemoryAuditTable(), InMemoryImageStore()
    store(records, table, images)
    objects, stored = dict(images.objects), dict(table.stored)

    again = store(records, table, images)

    assert again.response(records) == {"batchItemFailures": []}
    assert (again.stored.total(), again.duplicates) == (0, 3)
    assert images.puts[:2] == images.puts[2:]
    assert (images.objects == objects, table.stored == stored) == (True, True)


def test_an_insert_that_is_tried_again_does_not_put_again() -> None:
    """Within an invocation, an object is put once, however often its record's insert is throttled."""
    records = [huge(1)]
    table = InMemoryAuditTable(answers={1: [THROTTLED] * 3}, faults=[Fault(RequestFailedError("InternalServerError"))])
    images = InMemoryImageStore()

    result = store(records, table, images)

    assert result.failures == {}
    assert table.requests == [[1]] * 5
    assert len(images.puts) == 1
    assert_readable(table, images, records)


def test_time_that_runs_out_while_objects_are_put() -> None:
    """When puts use up the time, no more is begun, and what isn't inserted is reported."""
    clock = FakeClock(deadline=10)
    images, table = InMemoryImageStore(), InMemoryAuditTable(clock=clock)

    def be_slow(_: str) -> None:
        clock.now += 3

    images.before = be_slow
    records = [small(0), *(huge(number) for number in range(1, 6))]

    result = store(records, table, images)

    # Two puts take six seconds; a third would end at nine, past the reserve at eight.
    assert len(images.puts) == 2
    assert clock.now <= clock.deadline - batch.RESERVE
    assert set(result.failures) | set(forms(table)) == set(range(6))
    assert not set(result.failures) & set(forms(table))
    assert set(result.failures) >= {3, 4, 5}
    assert named(result.response(records)) == min(result.failures)


def test_small_records_do_not_wait_for_the_bucket() -> None:
    """Where there's more than a request's worth, records that need no object are sent before any is put."""
    images = InMemoryImageStore()
    happened: list[str] = []
    images.before = lambda _: happened.append("put")
    table = InMemoryAuditTable(before=lambda numbers: happened.append(f"{len(numbers)}"))

    store([huge(0), *(small(number) for number in range(1, 26)), huge(26)], table, images)

    assert happened == ["25", "put", "put", "2"]


@pytest.mark.parametrize(
    ("refusals", "form", "failed"), [(0, "inline", False), (1, "gzip", False), (2, "s3", False), (3, "", True)]
)
def test_what_is_refused_moves_on_to_the_next_form(
    refusals: int,
    form: str,
    failed: bool,  # noqa: FBT001  a table's column
) -> None:
    """A record that DynamoDB refuses goes as gzip, then from S3; only the refusal of that makes it fail."""
    records = [small(1), small(2), small(3)]
    table, images = InMemoryAuditTable(answers={2: [REFUSED] * refusals}), InMemoryImageStore()

    result = store(records, table, images)

    assert forms(table) == {1: "inline", 3: "inline"} | ({} if failed else {2: form})
    assert result.failures == ({1: "refused by DynamoDB: ValidationError"} if failed else {})
    assert table.requests == [[1, 2, 3], *[[2]] * min(refusals, 2)]
    assert len(images.objects) == (refusals >= 2)
    assert_readable(
        table, images, [record for record, number in zip(records, (1, 2, 3), strict=True) if number in forms(table)]
    )


def test_a_request_refused_for_one_record_moves_only_that_one() -> None:
    """Where one record makes DynamoDB refuse whole requests, it alone is sent in every form, then fails."""
    table = InMemoryAuditTable(poison={3: RequestRefusedError("ValidationException", for_good=True)})
    images = InMemoryImageStore()

    result = store([small(number) for number in range(8)], table, images)

    assert result.failures == {3: "refused by DynamoDB: ValidationException"}
    assert set(forms(table)) == set(range(8)) - {3}
    assert set(forms(table).values()) == {"inline"}
    assert table.requests[-2:] != table.requests[:2]
    assert table.requests.count([3]) == 3


def test_a_refused_record_waits_for_a_bucket_that_is_down() -> None:
    """A record that has only S3 left is reported while the bucket is down, not given up as refused."""
    table, images = InMemoryAuditTable(answers={1: [REFUSED] * 2}), InMemoryImageStore(down="SlowDown")

    result = store([small(1), small(2)], table, images)

    assert result.failures == {0: "not stored in time: SlowDown"}
    assert forms(table) == {2: "inline"}


def test_the_same_image_twice_is_one_object() -> None:
    """Two records with the same images share an object."""
    one, other = huge(1), huge(1)
    other["dynamodb"]["SequenceNumber"] = f"{2:021d}"
    table, images = InMemoryAuditTable(), InMemoryImageStore()

    store([one, other], table, images)

    assert len(images.objects) == 1
    assert_readable(table, images, [one, other])


def test_requests_with_large_records_stay_within_four_megabytes() -> None:
    """Compressed records count with their compressed size, so that many of them go in one request."""
    table, images = InMemoryAuditTable(), InMemoryImageStore()

    store([compressible(number) for number in range(10)], table, images)

    assert table.requests == [list(range(10))]
    assert max(table.sizes) < 100_000


def test_what_a_record_needs_is_what_its_item_says() -> None:
    """The record itself, before it's packed, is a function of the stream record: packing changes nothing of it."""
    record = huge(1)
    table, images = InMemoryAuditTable(), InMemoryImageStore()

    store([record], table, images)

    [stored] = table.stored.values()
    whole = audit_item(record, SETTINGS)
    kept = {name: value for name, value in stored.items() if name != "images"}
    assert (kept.items() <= whole.items()) is True
    assert whole.keys() - kept.keys() == {"old_image", "new_image", "diff", "changed_attributes"}

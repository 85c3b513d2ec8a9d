"""A batch of stream records: what is sent, how the answers are sorted, and what the response names."""

from __future__ import annotations

import json
import random

import pytest

from audit_trail import batch
from audit_trail.core.records import StreamRecord, stream_record
from audit_trail.ports import BatchResult, RequestRefusedError
from tests.unit.fakes import (
    REFUSED,
    SETTINGS,
    THROTTLED,
    FakeClock,
    InMemoryAuditTable,
    InMemoryImageStore,
    named,
    numbered_record,
    order,
)


def store(records: list[StreamRecord], table: InMemoryAuditTable) -> BatchResult:
    """Store a batch within the table's own time."""
    return batch.store(
        records, table=table, images=InMemoryImageStore(), settings=SETTINGS, time=table.clock.invocation()
    )


def test_every_record_is_stored_and_nothing_is_named() -> None:
    """A batch without trouble is stored whole, each record by the kind of its change, and the response is empty."""
    inserts: list[StreamRecord] = [numbered_record(number) for number in (1, 2, 3)]
    modify = numbered_record(4, old=order(9, status="NEW"), new=order(9, status="PAID"))
    remove = numbered_record(5, old=order(9, status="PAID"))
    table = InMemoryAuditTable()

    result = store([*inserts, modify, remove], table)

    assert result.response([*inserts, modify, remove]) == {"batchItemFailures": []}
    assert result.stored == {"INSERT": 3, "MODIFY": 1, "REMOVE": 1}
    assert list(map(stream_record, table.stored.values())) == [*inserts, modify, remove]


def test_an_empty_batch_asks_for_nothing() -> None:
    """An empty list of records sends no request and reports no failure."""
    table = InMemoryAuditTable()

    assert store([], table).response([]) == {"batchItemFailures": []}
    assert table.requests == []


@pytest.mark.parametrize("count", [1, 24, 25, 26, 50, 51, 100, 1_000])
def test_as_few_requests_as_dynamodb_allows(count: int) -> None:
    """Where nothing is throttled, n records take n/25 requests, rounded up, and no pause."""
    table = InMemoryAuditTable()

    store([numbered_record(number) for number in range(count)], table)

    assert len(table.requests) == -(-count // 25)
    assert max(map(len, table.requests)) <= 25
    assert [number for request in table.requests for number in request] == list(range(count))
    assert table.clock.slept == []


def test_a_request_never_passes_four_megabytes() -> None:
    """Large records go in requests of at most 4 MB each, as full as that allows."""
    large = [numbered_record(number, new=order(number, text="x" * 390_000)) for number in range(22)]
    table = InMemoryAuditTable()

    store([*large, numbered_record(22)], table)

    assert table.requests == [list(range(10)), list(range(10, 20)), [20, 21, 22]]
    assert max(table.sizes) <= 4_000_000


def test_the_same_record_twice_in_a_batch_is_sent_once() -> None:
    """A record that a batch holds twice is sent once, for one request may not name a key twice."""
    records: list[StreamRecord] = [numbered_record(number) for number in (1, 2, 1, 3, 2, 1)]
    table = InMemoryAuditTable()

    result = store(records, table)

    assert table.requests == [[1, 2, 3]]
    assert (result.stored.total(), result.duplicates) == (3, 3)
    assert result.response(records) == {"batchItemFailures": []}


def test_a_record_twice_in_a_batch_fails_from_its_first_place() -> None:
    """Where a record that a batch holds twice is not stored, both places count as failed."""
    records: list[StreamRecord] = [numbered_record(number) for number in (1, 2, 3, 2)]
    table = InMemoryAuditTable(answers={2: [REFUSED] * 3})

    result = store(records, table)

    assert set(result.failures) == {1, 3}
    assert named(result.response(records)) == 2


def test_changes_of_one_item_within_a_second_are_all_kept() -> None:
    """Four hundred changes of one item within the same second are four hundred records (promise 2)."""
    images = [order(7, count={"N": str(number)}) for number in range(401)]
    records: list[StreamRecord] = [
        numbered_record(number, old=images[number - 1], new=images[number]) for number in range(1, 401)
    ]
    table = InMemoryAuditTable()

    result = store(records, table)

    assert result.stored == {"MODIFY": 400}
    assert table.stored_numbers == list(range(1, 401))


def test_delivered_again_nothing_changes() -> None:
    """A batch that is delivered again changes nothing and succeeds: every record is there already (promise 2)."""
    records: list[StreamRecord] = [numbered_record(number) for number in range(60)]
    table = InMemoryAuditTable()
    store(records, table)
    before = json.dumps(list(table.stored.values()))

    again = store(records, table)

    assert again.response(records) == {"batchItemFailures": []}
    assert (again.stored.total(), again.duplicates) == (0, 60)
    assert json.dumps(list(table.stored.values())) == before


@pytest.mark.parametrize("seed", range(40))
def test_the_response_names_the_first_record_that_is_not_stored(seed: int) -> None:
    """Whatever fails in whichever order and way, the first sequence number that is not stored is the one named."""
    rng = random.Random(seed)
    failing = rng.sample(range(90), rng.randint(1, 6))
    records: list[dict[str, object]] = [numbered_record(number) for number in range(90)]
    table = InMemoryAuditTable(clock=FakeClock(deadline=10), for_ever=True)
    for number in failing:
        kind = rng.choice(["throttled", "refused", "poison", "malformed"])
        if kind == "throttled":
            table.answers[number] = [THROTTLED]
        elif kind == "refused":
            table.answers[number] = [REFUSED]
        elif kind == "poison":
            table.poison[number] = RequestRefusedError("ValidationException", for_good=True)
        else:
            records[number]["eventName"] = "TRUNCATE"

    result = store([*records], table)

    assert named(result.response([*records])) == min(failing)
    assert set(result.failures) == set(failing)
    assert set(table.stored_numbers) == set(range(90)) - set(failing)


def nameless(number: int) -> StreamRecord:
    """Return a record that has no sequence number."""
    record = numbered_record(number)
    del record["dynamodb"]["SequenceNumber"]
    return record


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([numbered_record(1), numbered_record(2), nameless(3), numbered_record(4)], 2),
        ([numbered_record(1), nameless(2), nameless(3), numbered_record(4)], 1),
        ([nameless(1), numbered_record(2)], ""),
        ([None, nameless(1), numbered_record(2)], ""),
    ],
)
def test_what_has_no_sequence_number_is_named_by_the_one_before_it(
    records: list[StreamRecord], expected: int | str
) -> None:
    """A record that can't be named makes the nearest one before it be named, or else the whole batch be retried."""
    table = InMemoryAuditTable()

    result = store(records, table)

    assert named(result.response(records)) == expected
    assert len(table.stored) == sum(
        isinstance(record, dict) and "SequenceNumber" in record["dynamodb"] for record in records
    )

"""Records that can never be stored: a clear sentence for each, and nothing lost beside it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail import batch
from audit_trail.core.records import audit_item, sequence_number
from tests.unit.bad_records import BAD_RECORDS, SECRET
from tests.unit.fakes import SETTINGS, InMemoryAuditTable, InMemoryImageStore, numbered_record, order

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit_trail.core.records import AuditItem, RecordSettings, StreamRecord


@pytest.mark.parametrize(("spoil", "sentence"), BAD_RECORDS.values(), ids=BAD_RECORDS.keys())
def test_a_bad_record_is_reported_in_a_sentence_without_data(
    spoil: Callable[[dict[str, Any]], Any], sentence: str
) -> None:
    """A record that can never be stored is reported with what is wrong and none of its data; neighbours are stored."""
    records: list[StreamRecord] = [numbered_record(number) for number in range(25)]
    records[12] = spoil(numbered_record(12, new=order(12, card=SECRET)))
    table = InMemoryAuditTable()

    result = batch.store(
        records, table=table, images=InMemoryImageStore(), settings=SETTINGS, time=table.clock.invocation()
    )

    assert list(result.failures) == [12]
    assert sentence in result.failures[12]
    assert SECRET not in result.failures[12]
    assert table.stored_numbers == [*range(12), *range(13, 25)]
    number = sequence_number(records[12])
    assert result.response(records)["batchItemFailures"] == [
        {"itemIdentifier": number or records[11]["dynamodb"]["SequenceNumber"]}
    ]


def test_a_record_that_nobody_foresaw_costs_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record on which our own code fails is told by the error's kind and place alone, and its neighbours are stored."""

    def fail_on_two(record: StreamRecord, settings: RecordSettings) -> AuditItem:
        if record["dynamodb"]["SequenceNumber"].endswith("2"):
            raise ZeroDivisionError("secret")
        return audit_item(record, settings)

    monkeypatch.setattr("audit_trail.batch.inserts.audit_item", fail_on_two)
    records = [numbered_record(number) for number in (1, 2, 3)]
    table = InMemoryAuditTable()

    result = batch.store(
        records, table=table, images=InMemoryImageStore(), settings=SETTINGS, time=table.clock.invocation()
    )

    assert result.failures.keys() == {1}
    assert re.fullmatch(
        r"failed unexpectedly: ZeroDivisionError at test_batch_bad_input\.py:[0-9]+", result.failures[1]
    )
    assert table.stored_numbers == [1, 3]

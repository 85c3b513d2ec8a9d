"""Records that can never be stored: a clear sentence for each, and nothing lost beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from audit_trail import batch
from audit_trail.core.records import sequence_number
from tests.unit.bad_records import BAD_RECORDS, SECRET
from tests.unit.fakes import SETTINGS, InMemoryAuditTable, InMemoryImageStore, numbered_record, order

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit_trail.core.records import StreamRecord


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

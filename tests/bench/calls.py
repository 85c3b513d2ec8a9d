"""Work that can be counted where time is too noisy: calls of functions, in Python and in C, on the way of a record.

`python -m tests.bench.calls` prints what there is now.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import boto3

from audit_trail.aws.audit_table import CLIENT_CONFIG, PartiqlAuditTable
from audit_trail.batch import Time, store
from audit_trail.ports import Outcome, Verdict
from tests.bench.corpus import SETTINGS, make
from tests.unit.fakes import InMemoryImageStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit_trail.ports import AuditTable

RECORDS = {"small": 50, "medium": 50, "large": 10}


class InstantTable(PartiqlAuditTable):
    """The real audit table's adapter up to the request, which it keeps instead of sending it."""

    def __init__(self) -> None:
        session = boto3.Session("test", "test", region_name="us-east-1")
        super().__init__(session.client("dynamodb", config=CLIENT_CONFIG), "audit")
        self.sent: list[bytes] = []

    def insert(self, inserts: Sequence[bytes]) -> Sequence[Outcome]:
        """Answer that all is stored."""
        self.sent += inserts
        return [Outcome(Verdict.STORED)] * len(inserts)


def stored(table: AuditTable, records: Sequence[dict[str, Any]]) -> None:
    """Store a batch as the function does, with time enough."""
    time = Time(remaining=lambda: 60.0, sleep=lambda _: None, jitter=random.Random(0))
    result = store(records, table=table, images=InMemoryImageStore(), settings=SETTINGS, time=time)
    assert not result.failures


def calls(records: Sequence[dict[str, Any]]) -> Counter[Any]:
    """Count the calls from stream records to their inserts: of each C function, and of Python's as None."""
    table = InstantTable()
    fresh = json.loads(json.dumps(records))
    stored(table, records)
    counts: Counter[Any] = Counter()

    def count(_: object, event: str, function: object) -> None:
        if event in ("call", "c_call"):
            counts[function if event == "c_call" else None] += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        stored(table, fresh)
    finally:
        sys.setprofile(before)
    return counts


def calls_a_record(corpus: str) -> float:
    """Count the calls a record of a corpus."""
    records = make(corpus, RECORDS[corpus]).records
    return calls(records).total() / len(records)


if __name__ == "__main__":
    for name in RECORDS:
        sys.stdout.write(f"{name}: {calls_a_record(name):,.0f}\n")

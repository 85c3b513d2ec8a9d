"""Searches on an engine, with its own keys, indexes and expressions, against a reading of the whole table."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from audit_trail.aws.reader import TrailReader
from tests.property.test_filters import NOON, filters, histories, lists_move, means
from tests.tables import INDEXES, create_table, put_all
from tests.unit import paged_client

if TYPE_CHECKING:
    from collections.abc import Iterable

    from types_boto3_dynamodb import DynamoDBClient

    from audit_trail.core.filters import Filter
    from audit_trail.core.history import Change
    from audit_trail.core.values import Image


@given(records=histories(), asked=st.lists(filters, min_size=1, max_size=4))
@settings(max_examples=settings().max_examples // 5)
def test_filters_find_what_a_look_at_every_record_finds(
    dynamodb: DynamoDBClient, records: list[Image], asked: list[Filter]
) -> None:
    """By history, by either index and by a scan, a filter finds what comparing both images of each record finds."""
    name = f"filters-{uuid.uuid4().hex[:12]}"
    create_table(dynamodb, name, {"order_id": "N", "timestamp": "S"}, INDEXES)
    try:
        put_all(dynamodb, name, records)
        trail = replace(paged_client.trail(), audit_table=name)
        with TrailReader(dynamodb, trail, _no_object) as reader:
            for wanted in asked:
                _compare(reader, records, wanted)
    finally:
        dynamodb.delete_table(TableName=name)


def _compare(reader: TrailReader, records: list[Image], wanted: Filter) -> None:
    judged = [record for record in records if not lists_move(wanted, record)]
    told = {_stamp(record) for record in judged}
    expected = sorted(_stamp(record) for record in judged if means(wanted, record))
    histories = [reader.history({"order_id": {"N": key}}, wanted) for key in "123"]
    assert _found(itertools.chain(*histories), told) == expected
    assert _found(reader.scan(wanted, lambda _: None), told) == expected
    recent = wanted if wanted.since is not None else replace(wanted, since=NOON - timedelta(days=1))
    assert _found(reader.search(recent, reader.index(recent), NOON + timedelta(days=9)), told) == expected


def _found(changes: Iterable[Change], told: set[str]) -> list[str]:
    return sorted(change.timestamp for change in changes if change.timestamp in told)


def _stamp(record: Image) -> str:
    stamp: str = record["timestamp"]["S"]
    return stamp


def _no_object(uri: str) -> bytes:
    raise AssertionError(uri)

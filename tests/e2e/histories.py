"""What audit tables hold, item by item."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from audit_trail.aws.reading import from_client
from audit_trail.core.history import Change
from audit_trail.core.values import canonical_image, canonical_text
from tests.functional.test_capture import assert_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from types_boto3_dynamodb import DynamoDBClient

    from audit_trail.core.values import Image
    from tests.e2e.workload import Item

ItemKey = tuple[str, str]
"""A source table and the canonical text of an item's key."""


def scan(dynamodb: DynamoDBClient, table: str) -> list[Image]:
    """Return all that an audit table holds."""
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return [
        {name: from_client(value) for name, value in item.items()} for page in pages for item in page.get("Items", [])
    ]


def item_key(table: str, keys: Image) -> ItemKey:
    """Return what tells an item from all others."""
    return table, canonical_text(canonical_image(keys))


def item_key_of(record: Image) -> ItemKey:
    """Return which item an audit record is about."""
    return item_key(record["event_source_arn"]["S"].split("/")[1], record["keys"]["M"])


def histories(records: Iterable[Image]) -> dict[ItemKey, list[Change]]:
    """Group audit records by item, in the order of their sequence numbers."""
    found: dict[ItemKey, list[Change]] = defaultdict(list)
    for record in records:
        found[item_key_of(record)].append(Change.from_item(record))
    return {key: sorted(history, key=lambda change: change.sequence_number) for key, history in found.items()}


def assert_exact(records: Sequence[Image], items: Iterable[Item]) -> None:
    """Assert that each item's history is what was written to it, change by change, and that its chain is whole."""
    found = histories(records)
    for item in items:
        history = found[item_key(item.table, item.keys)]
        written = [None if image is None else canonical_image(image) for image in item.images]
        read = [(_canonical(change.old_image), _canonical(change.new_image)) for change in history]
        assert read == list(pairwise(written))
        assert_whole(history)


def _canonical(image: Image | None) -> Image | None:
    """Return an image in canonical form, if there is one."""
    return None if image is None else canonical_image(image)

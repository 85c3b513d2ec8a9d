"""Whether an audit table tells exactly what was written: nothing lost, nothing twice, every item's chain whole."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from audit_trail.aws import reading
from audit_trail.core.errors import DiffError
from audit_trail.core.history import Change
from audit_trail.core.images import digest
from audit_trail.core.keys import KeySchema
from audit_trail.core.patch import apply, invert
from audit_trail.core.values import Image, canonical_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from types_boto3_dynamodb import DynamoDBClient

    Images = Sequence[Image | None]


def faults(client: DynamoDBClient, source: str, audit: str, written: Sequence[Images]) -> list[str]:
    """Compare the whole audit table with all that was written to the items of these numbers; return what is wrong."""
    trail = reading.Trail(audit, source, KeySchema("order_id"), {"order_id": "N"}, "updated_by")
    found: list[str] = []
    count = 0
    for number, images in enumerate(written):
        stored_items = reading.stored(client, trail, {"order_id": {"N": str(number)}})
        items = (reading.restored(item, _no_objects) for item in stored_items)
        history = sorted(map(Change.from_item, items), key=lambda change: change.sequence_number)
        count += len(history)
        found += [f"item {number}: {fault}" for fault in item_faults(history, images)]
    stored = sum(page["Count"] for page in client.get_paginator("scan").paginate(TableName=audit, Select="COUNT"))
    if stored != count:
        found.append(f"the table has {stored} records, and the items that were written have {count}")
    return found


def item_faults(history: Sequence[Change], written: Images) -> list[str]:
    """Compare one item's history, oldest first, with its images as they were written, None for a deletion."""
    found = []
    if len(history) != len(written):
        found.append(f"{len(history)} records of {len(written)} changes")
    before: Image | None = None
    link: Any = None
    for position, (change, image) in enumerate(zip(history, written, strict=False)):
        after = None if image is None else canonical_image(image)
        old, new = change.old_image, change.new_image
        if (old, new) != (before, after):
            found.append(f"change {position} has other images than were written")
        if change.item.get("old_image_sha256") != link or not all(
            _right(change.item.get(name), one) for name, one in (("old_image_sha256", old), ("new_image_sha256", new))
        ):
            found.append(f"change {position} breaks the chain of digests")
        if old is not None and new is not None and not _leads(change, old, new):
            found.append(f"change {position} has a diff that doesn't lead from image to image")
        before, link = after, change.item.get("new_image_sha256")
    return found


def _leads(change: Change, old: Image, new: Image) -> bool:
    try:
        return (apply(old, change.diff), apply(new, invert(change.diff))) == (new, old)
    except DiffError:
        return False


def _right(stored: Any, image: Image | None) -> bool:
    return bool(stored == (None if image is None else {"B": base64.b64encode(digest(image)).decode("ascii")}))


def _no_objects(_: str) -> bytes:
    raise AssertionError("small records don't lie in S3")

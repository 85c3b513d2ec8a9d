"""The baselines: how a record is made without care, and how the blog post laid it out."""

from __future__ import annotations

import json
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from deepdiff import DeepDiff

_deserialize = TypeDeserializer().deserialize
_serialize = TypeSerializer().serialize


def naive_item(record: dict[str, Any]) -> dict[str, Any]:
    """Make an audit item as most examples do: deserialise both images, hand them to DeepDiff, serialise it all."""
    change = record["dynamodb"]
    old, new = (
        {name: _deserialize(value) for name, value in change.get(image, {}).items()}
        for image in ("OldImage", "NewImage")
    )
    item = {
        "order_id": _deserialize(change["Keys"]["order_id"]),
        "timestamp": str(change["ApproximateCreationDateTime"]),
        "event_name": record["eventName"],
        "old_image": old,
        "new_image": new,
        "diff": DeepDiff(old, new, verbose_level=2).to_json(),
    }
    return {name: _serialize(value) for name, value in item.items()}


def blog_item(record: dict[str, Any]) -> dict[str, Any]:
    """Make an audit item as the blog post laid it out: the stream record, both images and the diff as JSON texts."""
    change = record["dynamodb"]
    old, new = (dict(change.get(image, {})) for image in ("OldImage", "NewImage"))
    changed = {
        name: {"old": old.get(name), "new": new.get(name)} for name in {*old, *new} if old.get(name) != new.get(name)
    }
    return {
        "order_id": change["Keys"]["order_id"],
        "timestamp": {"S": "2026-11-24T02:51:41"},
        "FullJSON": {"S": json.dumps(record)},
        "NewData": {"S": json.dumps(new)},
        "OldData": {"S": json.dumps(old)},
        "DiffContainingOldValue": {"S": json.dumps(changed)},
    }

"""The pipeline, deployed, works at all."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.e2e.conftest import Deployment


def test_a_put_is_in_the_audit_table_in_under_two_seconds(deployment: Deployment) -> None:
    """A change of the source table is one record, with the new image, in the audit table within 2 seconds."""
    dynamodb = deployment.client("dynamodb")
    key = {"order_id": {"N": str(uuid.uuid4().int % 10**30)}}
    item = {**key, "status": {"S": "created"}, "raw": {"B": b"\x00\xff"}}
    # The promise is about a warm function: on LocalStack the first one waits for its container.
    warm_up = {"order_id": {"N": "-1"}}
    dynamodb.put_item(TableName=deployment.source_table, Item=warm_up)
    _records(deployment, warm_up, seconds=30)

    dynamodb.put_item(TableName=deployment.source_table, Item=item)
    [record] = _records(deployment, key, seconds=2)

    assert record["event_name"] == {"S": "INSERT"}
    assert record["new_image"] == {"M": item}


def _records(deployment: Deployment, key: dict[str, dict[str, str]], seconds: float) -> list[dict[str, Any]]:
    dynamodb = deployment.client("dynamodb")
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found: list[dict[str, Any]] = dynamodb.query(
            TableName=deployment.audit_table,
            KeyConditionExpression="order_id = :key",
            ExpressionAttributeValues={":key": key["order_id"]},
            ConsistentRead=True,
        )["Items"]
        if found:
            return found
        time.sleep(0.01)
    return []

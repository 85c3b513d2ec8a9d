"""What make demo and make invoke do to a deployment."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

from rich.console import Console

from scripts import demo, invoke

if TYPE_CHECKING:
    import pytest

    from tests.e2e.conftest import Deployment


def test_the_demo_ends_with_the_history_of_its_order(deployment: Deployment, capfd: pytest.CaptureFixture[str]) -> None:
    """Three changes of an order are audited one by one, and `trail history` shows all of them, and who made them."""
    console = Console(file=io.StringIO())
    dynamodb = deployment.client("dynamodb")

    demo.change_order(dynamodb, console, deployment.source_table, deployment.audit_table)
    code = demo.show_history(deployment.engine.endpoint, deployment.audit_table)

    shown = capfd.readouterr()
    assert code == 0, shown.err
    for word in ("checkout", "payments", "warehouse", "created", "paid", "shipped"):
        assert word in shown.out


def test_invoke_stores_the_sample_event(deployment: Deployment, capfd: pytest.CaptureFixture[str]) -> None:
    """The sample event, sent as `make invoke` sends it, is answered with success and is one record afterwards."""
    code = invoke.invoke(deployment.client("lambda"), deployment.function, invoke.SAMPLE.read_bytes())

    shown = capfd.readouterr()
    assert code == 0, shown.err
    assert json.loads(shown.out) == {"batchItemFailures": []}
    found = deployment.client("dynamodb").query(
        TableName=deployment.audit_table,
        KeyConditionExpression="order_id = :order",
        FilterExpression="sequence_number = :number",
        ExpressionAttributeValues={":order": {"N": "123"}, ":number": {"S": "111"}},
        ConsistentRead=True,
    )["Items"]
    assert [record["new_image"]["M"]["status"] for record in found] == [{"S": "NEW"}]

"""make demo: the example on this machine, three changes of an order, and their history as `trail` shows it."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from localstack_client.session import Session
from rich.console import Console

from scripts import engine, local
from scripts.local_deployment import clean_environment
from scripts.project import ROOT, ProblemError, exit_code

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

ORDER = {"order_id": {"N": "123"}}
CHANGES: list[tuple[str, dict[str, Any]]] = [
    (
        "created",
        {
            "status": {"S": "created"},
            "total": {"N": "59.80"},
            "lines": {
                "L": [
                    {"M": {"sku": {"S": "lamp"}, "quantity": {"N": "2"}, "price": {"N": "24.90"}}},
                    {"M": {"sku": {"S": "bulb"}, "quantity": {"N": "4"}, "price": {"N": "2.50"}}},
                ]
            },
            "updated_by": {"S": "checkout"},
        },
    ),
    ("paid", {"status": {"S": "paid"}, "payment": {"M": {"method": {"S": "card"}}}, "updated_by": {"S": "payments"}}),
    (
        "shipped",
        {"status": {"S": "shipped"}, "parcels": {"SS": ["parcel-1", "parcel-2"]}, "updated_by": {"S": "warehouse"}},
    ),
]
NEXT = """
It keeps running. Next, for example:
  . .local/env                             point this shell's AWS clients and trail at it
  .venv/bin/trail history 123 --json       the same as JSON Lines
  .venv/bin/trail search --since 1h        changes of all orders
  .venv/bin/trail diff 123 1d now          what all of it came to
  .venv/bin/trail report 123 -o 123.html   its history as a page to keep
  make invoke                              the function with a sample event
  make local-down                          end it"""
# The promise on an emulator; the first change also waits for the function's cold start.
SECONDS = 2.0


def change_order(dynamodb: DynamoDBClient, console: Console, source_table: str, audit_table: str) -> None:
    """Write the order three times; after each, wait until its change is in the audit table and print how long it took.

    Raises ProblemError when a change takes more than ten times what is promised.
    """
    item: dict[str, Any] = dict(ORDER)
    known = changes_of_order(dynamodb, audit_table)
    for count, (what, attributes) in enumerate(CHANGES, start=known + 1):
        item |= attributes
        dynamodb.put_item(TableName=source_table, Item=item)
        started = time.monotonic()
        while changes_of_order(dynamodb, audit_table) < count:
            if time.monotonic() - started > 10 * SECONDS:
                raise ProblemError(f"the change did not reach {audit_table}: see .local/engine for the engine's log.")
            time.sleep(0.01)
        console.print(f"order 123 {what}: in the audit table after {time.monotonic() - started:.2f} s")


def changes_of_order(dynamodb: DynamoDBClient, audit_table: str) -> int:
    """Return how many changes of the order the audit table holds."""
    answer = dynamodb.query(
        TableName=audit_table,
        KeyConditionExpression="order_id = :order_id",
        ExpressionAttributeValues={":order_id": ORDER["order_id"]},
        ConsistentRead=True,
        Select="COUNT",
    )
    return answer["Count"]


def show_history(endpoint: str, audit_table: str) -> int:
    """Run `trail history` for the order, as a user would, and return its exit code."""
    environment = {**clean_environment(endpoint), "TRAIL_AUDIT_TABLE": audit_table}
    command = [sys.executable, "-m", "audit_trail.cli.main", "history", ORDER["order_id"]["N"]]
    return subprocess.run(command, cwd=ROOT / "handler", env=environment, check=False).returncode


def main() -> int:
    """Deploy, change, show the history, and leave it running."""
    console = Console(stderr=True, highlight=False)
    console.print("[bold]1. Deploy orders and audit to an emulator on this machine[/bold]")
    endpoint, outputs = local.up()
    console.print("[bold]2. Change an order three times[/bold]")
    session = Session("test", "test", region_name=engine.REGION, localstack_host=endpoint.removeprefix("http://"))
    dynamodb: DynamoDBClient = session.client("dynamodb")
    change_order(dynamodb, console, outputs["source_table_name"], outputs["audit_table_name"])
    console.print("[bold]3. Ask for its history:[/bold] trail history 123")
    code = show_history(endpoint, outputs["audit_table_name"])
    if code == 0:
        console.print(NEXT, soft_wrap=True)
    return code


if __name__ == "__main__":
    sys.exit(exit_code(main))

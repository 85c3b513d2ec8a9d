"""What make demo and make invoke do to a deployment."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from scripts import demo, invoke
from scripts.project import ROOT
from tests.e2e.histories import scan
from tests.tables import image_to_boto

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Deployment


README = (ROOT / "README.md").read_text(encoding="utf-8")
[_console] = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
SESSIONS: list[tuple[str, str]] = [
    (command, shown.strip()) for command, _, shown in (one.partition("\n") for one in _console.split("$ trail ")[1:])
]
"""The commands of the README with what they print, after `make demo`."""
NEXT = re.findall(r"^  \.venv/bin/trail (.*?)  ", demo.NEXT, re.MULTILINE)
TIMESTAMP = r"[0-9-]{10}T[0-9:.]+Z#[0-9]+"


@pytest.fixture(scope="module")
def changed(deployment: Deployment) -> None:
    """Let the demo's order change as in the demo, and have no other history: the sample event is of the same order."""
    dynamodb = deployment.client("dynamodb")
    for item in scan(dynamodb, deployment.audit_table):
        if item["order_id"] == demo.ORDER["order_id"]:
            key = {name: item[name] for name in ("order_id", "timestamp")}
            dynamodb.delete_item(TableName=deployment.audit_table, Key=image_to_boto(key))
    console = Console(file=io.StringIO())
    demo.change_order(dynamodb, console, deployment.source_table, deployment.audit_table)


def test_the_demo_ends_with_the_history_of_its_order(
    deployment: Deployment, changed: None, capfd: pytest.CaptureFixture[str]
) -> None:
    """Three changes of an order are audited one by one, and `trail history` shows all of them, and who made them."""
    code = demo.show_history(deployment.engine.endpoint, deployment.audit_table)

    shown = capfd.readouterr()
    assert code == 0, shown.err
    for word in ("checkout", "payments", "warehouse", "created", "paid", "shipped"):
        assert word in shown.out


@pytest.mark.parametrize("command", NEXT)
def test_what_the_demo_suggests_next_finds_something(
    deployment: Deployment, changed: None, tmp_path: Path, command: str
) -> None:
    """Each `trail …` that the demo ends with is answered with what it finds."""
    done = deployment.trail(*command.replace("123.html", str(tmp_path / "123.html")).split())
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("command", "shown"), SESSIONS, ids=[command.split()[0] for command, _ in SESSIONS])
def test_the_readme_shows_what_is_printed(
    deployment: Deployment, changed: None, tmp_path: Path, command: str, shown: str
) -> None:
    """Each `trail …` of the README prints what stands there, but for times, names of tables, sizes and digests."""
    lines = deployment.trail("history", "123", "--json").stdout.splitlines()
    timestamps = {change.get("actor"): change["timestamp"] for change in map(json.loads, lines)}
    actor = {"show": "payments", "diff": "checkout"}.get(command.split(maxsplit=1)[0])
    words = re.sub(TIMESTAMP, timestamps[actor], command) if actor else command
    done = deployment.trail(*words.replace("order-123.html", str(tmp_path / "order-123.html")).split())
    assert done.returncode == 0, done.stderr
    printed = (done.stderr + done.stdout).replace(f"{tmp_path}/", "").replace(deployment.source_table, "orders")
    assert _masked(printed.strip()) == _masked(shown)


def _masked(text: str) -> list[str]:
    """Replace what differs from run to run."""
    text = re.sub(f"{TIMESTAMP}|[0-9-]{{10}}T[0-9:.]+Z?", "TIME", text)
    text = re.sub(r"[0-9,]+ (change\(s\)|bytes)|[0-9a-f]{64}", "NUMBER", text)
    return [line.rstrip() for line in text.splitlines()]


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

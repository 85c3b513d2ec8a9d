"""What `trail` finds in a deployed trail, of changes that really went through it."""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.tables import image_to_boto

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit_trail.core.values import Image
    from tests.e2e.conftest import Deployment

ACTOR = f"clerk-{uuid.uuid4().hex[:8]}"
"""Nobody else writes in this name."""


@pytest.fixture(scope="module")
def written(deployment: Deployment) -> list[str]:
    """Let six orders be made, changed and deleted by one actor; give the keys, once all of it is in the audit table."""
    dynamodb = deployment.client("dynamodb")
    keys = [str(uuid.uuid4().int % 10**30) for _ in range(6)]
    for key in keys:
        item: Image = {"order_id": {"N": key}, "status": {"S": "new"}, "updated_by": {"S": ACTOR}}
        dynamodb.put_item(TableName=deployment.source_table, Item=image_to_boto(item))
        dynamodb.put_item(TableName=deployment.source_table, Item=image_to_boto(item | {"status": {"S": "paid"}}))
        dynamodb.delete_item(TableName=deployment.source_table, Key={"order_id": {"N": key}})
    deadline = time.monotonic() + 20
    while any(len(list(history(deployment, key))) < 3 for key in keys):
        assert time.monotonic() < deadline, "the changes did not reach the audit table within 20 seconds"
        time.sleep(0.1)
    return keys


def history(deployment: Deployment, key: str) -> Iterator[dict[str, Any]]:
    """Yield an item's records as they are stored, the newest first."""
    yield from deployment.client("dynamodb").query(
        TableName=deployment.audit_table,
        KeyConditionExpression="order_id = :key",
        ExpressionAttributeValues={":key": {"N": key}},
        ScanIndexForward=False,
    )["Items"]


def found(deployment: Deployment, *words: str) -> tuple[str, list[tuple[str, str]]]:
    """Return what a search says, and the key and timestamp of each change that it finds."""
    done = deployment.trail("search", "--since", "1h", "--json", *words)
    assert done.returncode == 0, done.stderr
    changes = [json.loads(line) for line in done.stdout.splitlines()]
    return done.stderr, [(str(change["keys"]["order_id"]), change["timestamp"]) for change in changes]


def stored(deployment: Deployment, keys: list[str]) -> dict[str, list[tuple[str, str]]]:
    """Return key and timestamp of each record of these items, the newest first, by item."""
    return {key: [(key, record["timestamp"]["S"]) for record in history(deployment, key)] for key in keys}


@pytest.mark.parametrize(
    ("words", "index", "kinds"),
    [
        ((), "by_time", 3),
        (("--scan",), "", 3),
        (("--attribute", "status", "--operation", "MODIFY"), "by_time", 1),
        (("--actor", ACTOR), "by_actor", 2),
    ],
    ids=["by_time", "scan", "by_attribute", "by_actor"],
)
def test_a_search_finds_what_was_written(
    deployment: Deployment, written: list[str], words: tuple[str, ...], index: str, kinds: int
) -> None:
    """By each index that Terraform made and the function filled, a search finds each change once, each item's in order."""
    said, changes = found(deployment, *words)
    assert said.startswith(f"Index {index}, 4 shard(s), " if index else "The whole of ")
    for key, records in stored(deployment, written).items():
        # The newest is the deletion, which has no actor; the one in the middle changed the status.
        expected = {3: records, 2: records[1:], 1: records[1:2]}[kinds]
        assert [change for change in changes if change[0] == key] == expected


def test_every_way_of_reading_agrees(deployment: Deployment, written: list[str]) -> None:
    """`history`, `show`, `diff`, `tail` and `report` tell the same of a deployed trail's item."""
    key = written[0]
    [removed, modified, inserted] = map(json.loads, deployment.trail("history", key, "--json").stdout.splitlines())
    assert [one["event_name"] for one in (removed, modified, inserted)] == ["REMOVE", "MODIFY", "INSERT"]
    shown = json.loads(deployment.trail("show", key, modified["timestamp"], "--json").stdout)
    assert {name: shown[name] for name in modified} == modified
    net = json.loads(deployment.trail("diff", key, inserted["timestamp"], modified["timestamp"], "--json").stdout)
    assert net["diff"] == modified["diff"]
    tail = deployment.trail("tail", "--since", "1h", "--actor", ACTOR, "--limit", "12", "--json").stdout
    assert [one for one in map(json.loads, tail.splitlines()) if one["keys"] == modified["keys"]] == [
        inserted,
        modified,
    ]
    page = deployment.trail("report", key, "-o", "-").stdout
    assert [change["timestamp"] in page for change in (removed, modified, inserted)] == [True, True, True]

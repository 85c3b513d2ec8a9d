"""`trail verify` and `trail baseline` against the true rules of DynamoDB."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from audit_trail.aws import reading
from audit_trail.cli.main import app
from tests.tables import image_to_boto
from tests.unit.fakes import order

if TYPE_CHECKING:
    from audit_trail.core.values import Image
    from tests.functional.live_trail import LiveTrail, TrailOf


@pytest.fixture
def trail(trail_of: TrailOf, dynamodb_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> LiveTrail:
    """Give a trail of orders, which `trail` finds by its environment; DynamoDB Local has no tags."""
    made = trail_of()
    tags = {"source-table": made.source, "bucket": "trail-bucket", "partition-key": "order_id"}
    monkeypatch.setattr(reading, "_tags", lambda _client, _arn: tags)
    for name, value in {
        "TRAIL_AUDIT_TABLE": made.audit,
        "AWS_ENDPOINT_URL": dynamodb_endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }.items():
        monkeypatch.setenv(name, value)
    return made


def run(*words: str) -> tuple[int, list[dict[str, Any]]]:
    """Run a command of `trail`, and return its exit code and the lines of JSON that it printed."""
    result = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
    assert result.stderr == "", result.stderr
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


def put(trail: LiveTrail, image: Image) -> None:
    trail.dynamodb.put_item(TableName=trail.source, Item=image_to_boto(image))


def write(trail: LiveTrail, items: int, changes: int) -> None:
    """Change so many items so often, delete every tenth, and let the trail store it."""
    for change in range(changes):
        for number in range(items):
            put(trail, order(number, status=f"s{change}", text="x" * 300))
    for number in range(0, items, 10):
        trail.dynamodb.delete_item(TableName=trail.source, Key={"order_id": {"N": str(number)}})
    trail.capture()


def test_a_whole_table_that_is_whole(trail: LiveTrail) -> None:
    """Everything that the handler stored of a table's changes is verified, and nothing is called broken or unknown."""
    write(trail, 40, 5)

    code, [summary] = run("verify")

    assert (code, summary["broken"], summary["unknown"]) == (0, 0, 0)
    assert (summary["items"], summary["records"]) == (40, 204)

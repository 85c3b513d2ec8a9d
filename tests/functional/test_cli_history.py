"""`trail history` against the true rules of DynamoDB, on what the handler's own code stored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from audit_trail.aws import reading
from audit_trail.cli.main import app
from tests.functional.live_trail import LiveTrail
from tests.tables import image_to_boto
from tests.unit.fakes import numbered_record, order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodbstreams import DynamoDBStreamsClient

    from audit_trail.core.values import Image


@pytest.fixture
def trail_of(
    dynamodb_endpoint: str,
    dynamodb: DynamoDBClient,
    streams: DynamoDBStreamsClient,
    table_name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[..., LiveTrail]]:
    """Give a maker of a trail with these key attributes, which `trail` finds by its environment.

    DynamoDB Local has no tags: those that the audit table would have are put in place of the call that reads them.
    """
    made: list[LiveTrail] = []

    def make(**keys: Any) -> LiveTrail:
        trail = LiveTrail(dynamodb_endpoint, dynamodb, streams, table_name, keys)
        made.append(trail)
        trail.create_audit_table()
        tags = {"source-table": trail.source, "actor-attribute": "updated_by"}
        monkeypatch.setattr(reading, "_tags", lambda _client, _arn: tags)
        monkeypatch.setenv("TRAIL_AUDIT_TABLE", trail.audit)
        monkeypatch.setenv("AWS_ENDPOINT_URL", dynamodb_endpoint)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        return trail

    yield make
    for trail in made:
        trail.close()


def put(trail: LiveTrail, image: Image) -> None:
    """Put an item into the source table."""
    trail.dynamodb.put_item(TableName=trail.source, Item=image_to_boto(image))


def changes(*words: str) -> list[dict[str, Any]]:
    """Return what `trail history --json` prints."""
    result = CliRunner().invoke(app, ["history", *words, "--json"], catch_exceptions=False)
    assert (result.exit_code, result.stderr) == (0, "")
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_what_was_written_is_what_is_shown(trail_of: Callable[..., LiveTrail]) -> None:
    """Three changes of an order, by two people, come out newest first with who and what."""
    trail = trail_of(order_id="N")
    put(trail, order(123, status="NEW", updated_by="checkout"))
    put(trail, order(123, status="PAID", updated_by="billing"))
    trail.dynamodb.delete_item(TableName=trail.source, Key={"order_id": {"N": "123"}})
    trail.capture()

    result = CliRunner().invoke(app, ["history", "123"], catch_exceptions=False)

    assert result.exit_code == 0
    removed, modified, inserted = [line[26:].strip() for line in result.stdout.splitlines()[1:]]
    # An image's attributes have no order on DynamoDB; a diff's have.
    assert removed.startswith("REMOVE  last written by billing   was ")
    assert modified == "MODIFY  billing                   status: NEW → PAID, updated_by: checkout → billing"
    assert inserted.startswith("INSERT  checkout                  ")
    assert ("status: PAID" in removed, "status: NEW" in inserted) == (True, True)


@pytest.mark.parametrize(
    ("keys", "item", "words"),
    [
        ({"digest": "B"}, {"digest": {"B": "AAH/"}}, ["AAH/"]),
        ({"sku": "S"}, {"sku": {"S": "ü #%"}}, ["ü #%"]),
        ({"customer": "S", "order": "N"}, {"customer": {"S": "a#b"}, "order": {"N": "1.50"}}, ["a#b", "1.5"]),
        ({"blob": "B", "it's": "B"}, {"blob": {"B": "/w=="}, "it's": {"B": "AA=="}}, ["/w==", "AA=="]),
    ],
    ids=["B", "S", "S and N", "B and B"],
)
def test_any_key_is_found(
    trail_of: Callable[..., LiveTrail], keys: dict[str, str], item: Image, words: list[str]
) -> None:
    """Keys of every type, simple and composite, lead from the command line to the record that the handler stored."""
    trail = trail_of(**keys)
    put(trail, item)
    trail.capture()

    assert [change["event_name"] for change in changes(*words)] == ["INSERT"]


def test_every_page_is_read(trail_of: Callable[..., LiveTrail]) -> None:
    """An item with thousands of changes, far beyond the 1 MB that one Query gives, is shown whole and in order."""
    trail = trail_of(order_id="N")
    images = [order(1, n={"N": str(number)}, text="x" * 500) for number in range(3_001)]
    trail.redeliver([numbered_record(n, old=images[n - 1], new=images[n]) for n in range(1, 3_001)])
    stored = trail.dynamodb.query(
        TableName=trail.audit,
        KeyConditionExpression="order_id = :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    assert "LastEvaluatedKey" in stored, "one page would prove nothing"

    assert [change["new_image"]["n"] for change in changes("1")] == list(range(3_000, 0, -1))


def test_nothing_found_is_exit_code_1(trail_of: Callable[..., LiveTrail]) -> None:
    """A key without changes exits with 1, with nothing on stdout."""
    trail_of(order_id="N")

    result = CliRunner().invoke(app, ["history", "404"])

    assert (result.exit_code, result.stdout) == (1, "")

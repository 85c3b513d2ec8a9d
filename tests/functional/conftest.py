"""What the functional tests share: a client and tables of their own, on any engine."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from tests import engines
from tests.browser import chromium
from tests.functional.live_trail import live_trails

if TYPE_CHECKING:
    from collections.abc import Iterator

    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodbstreams import DynamoDBStreamsClient

    from tests.browser import Browser
    from tests.functional.live_trail import TrailOf


@pytest.fixture(scope="session")
def dynamodb(dynamodb_endpoint: str) -> Iterator[DynamoDBClient]:
    """Give a DynamoDB client on the engine."""
    client: DynamoDBClient = engines.session(dynamodb_endpoint).client("dynamodb")
    yield client
    client.close()


@pytest.fixture(scope="session")
def streams(dynamodb_endpoint: str) -> Iterator[DynamoDBStreamsClient]:
    """Give a DynamoDB Streams client on the engine."""
    client: DynamoDBStreamsClient = engines.session(dynamodb_endpoint).client("dynamodbstreams")
    yield client
    client.close()


@pytest.fixture
def table_name(dynamodb: DynamoDBClient) -> Iterator[str]:
    """Give a table name that no other test has; a table by that name is deleted after the test."""
    name = f"table-{uuid.uuid4().hex[:12]}"
    yield name
    try:
        dynamodb.delete_table(TableName=name)
    except dynamodb.exceptions.ResourceNotFoundException:
        return


@pytest.fixture
def trail_of(
    dynamodb_endpoint: str, dynamodb: DynamoDBClient, streams: DynamoDBStreamsClient, table_name: str
) -> Iterator[TrailOf]:
    """Give a maker of a trail: a source table with a stream and these key attributes, and its audit table."""
    with live_trails(dynamodb_endpoint, dynamodb, streams, table_name) as make:
        yield make


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Give a headless Chromium."""
    with chromium(tmp_path_factory.mktemp("chromium")) as started:
        yield started

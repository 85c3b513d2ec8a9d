"""What the functional tests share: a client and tables of their own, on any engine."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from audit_trail.aws import reading
from audit_trail.aws.failure_bucket import S3FailureBucket
from audit_trail.aws.image_bucket import S3ImageStore, fetcher
from tests import engines
from tests.browser import chromium
from tests.event_source_mapping import S3Destination
from tests.functional.live_trail import live_trails
from tests.unit.moto_bucket import BUCKET, FAILURES, REGION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodbstreams import DynamoDBStreamsClient
    from types_boto3_s3 import S3Client

    from tests.browser import Browser
    from tests.functional.live_trail import LiveTrail, TrailOf


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


@pytest.fixture
def s3(dynamodb_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    """Give the trail's buckets in moto, while DynamoDB stays the engine's, for the command line too."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws(config={"core": {"passthrough": {"urls": [re.escape(dynamodb_endpoint)], "services": []}}}):
        client: S3Client = boto3.client("s3", region_name=REGION)
        for name in (BUCKET, FAILURES):
            client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield client
        client.close()


@pytest.fixture
def trail(trail_of: TrailOf, s3: S3Client, monkeypatch: pytest.MonkeyPatch) -> LiveTrail:
    """Give a trail whose failures and images lie in those buckets; its tags stand in for those that the engine lacks."""
    trail = trail_of(order_id="N")
    trail.failures = S3FailureBucket(lambda: s3, FAILURES)
    trail.image_store, trail.fetch = S3ImageStore(lambda: s3, BUCKET), fetcher(lambda: s3, [BUCKET, FAILURES])
    trail.on_failure = S3Destination(s3, FAILURES)
    tags = {
        "source-table": trail.source,
        "bucket": BUCKET,
        "failures-bucket": FAILURES,
        "partition-key": "order_id",
        "actor-attribute": "updated_by",
    }
    monkeypatch.setattr(reading, "_tags", lambda *_: tags)
    monkeypatch.setenv("TRAIL_AUDIT_TABLE", trail.audit)
    return trail


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Give a headless Chromium."""
    with chromium(tmp_path_factory.mktemp("chromium")) as started:
        yield started

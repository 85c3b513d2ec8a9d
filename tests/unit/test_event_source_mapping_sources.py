"""The model of the event source mapping: where records come from and go to. The model's methods cite AWS's pages."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from tests.event_source_mapping import DynamoDBStream, InMemoryStream, S3Destination, StreamShard, event_record
from tests.event_source_mapping_scene import SHARD, START, STREAM_ARN, Scene, change

if TYPE_CHECKING:
    from types_boto3_dynamodbstreams import DynamoDBStreamsClient


@pytest.fixture
def scene() -> Scene:
    return Scene()


def api_record(number: int) -> dict[str, Any]:
    """Return a record as boto3 gives it."""
    return {
        "eventID": str(number),
        "dynamodb": {
            "ApproximateCreationDateTime": datetime.fromtimestamp(START, UTC),
            "SequenceNumber": str(number).zfill(21),
        },
    }


def test_api_records_become_event_records() -> None:
    """Times turn into seconds, binaries into base64, the identity's names to lower case; all else stays, unknown fields too."""
    record = {
        "eventID": "1",
        "eventName": "REMOVE",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-central-1",
        "userIdentity": {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"},
        "new": "field",
        "dynamodb": {
            "ApproximateCreationDateTime": datetime(2027, 1, 15, 8, tzinfo=UTC),
            "Keys": {"id": {"B": b"\x00\xff"}},
            "OldImage": {
                "id": {"B": b"\x00\xff"},
                "set": {"BS": [b"a", b"b"]},
                "deep": {"M": {"list": {"L": [{"B": b"c"}, {"NS": ["1", "2"]}, {"NULL": True}]}}},
                "B": {"M": {"B": {"S": "a name, not a tag"}}},
                "rest": {"L": [{"S": ""}, {"N": "1"}, {"BOOL": False}, {"SS": ["x"]}]},
            },
            "SequenceNumber": "100000000000000000001",
            "SizeBytes": 7,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
            "Later": 1,
        },
    }
    event = event_record(record, STREAM_ARN)
    assert json.loads(json.dumps(event)) == event
    assert event == {
        "eventID": "1",
        "eventName": "REMOVE",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-central-1",
        "userIdentity": {"principalId": "dynamodb.amazonaws.com", "type": "Service"},
        "new": "field",
        "dynamodb": {
            "ApproximateCreationDateTime": START,
            "Keys": {"id": {"B": "AP8="}},
            "OldImage": {
                "id": {"B": "AP8="},
                "set": {"BS": ["YQ==", "Yg=="]},
                "deep": {"M": {"list": {"L": [{"B": "Yw=="}, {"NS": ["1", "2"]}, {"NULL": True}]}}},
                "B": {"M": {"B": {"S": "a name, not a tag"}}},
                "rest": {"L": [{"S": ""}, {"N": "1"}, {"BOOL": False}, {"SS": ["x"]}]},
            },
            "SequenceNumber": "100000000000000000001",
            "SizeBytes": 7,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
            "Later": 1,
        },
        "eventSourceARN": STREAM_ARN,
    }


@pytest.fixture
def streams() -> DynamoDBStreamsClient:
    client: DynamoDBStreamsClient = boto3.client(
        "dynamodbstreams", region_name="eu-central-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    return client


SHARD_ID = "shardId-00000001573689847184-864758bb"


def test_every_page_of_shards_is_read(streams: DynamoDBStreamsClient) -> None:
    """A stream with more shards than DescribeStream tells at once is known whole."""
    child = SHARD_ID.replace("864758bb", "11111111")
    pages = [
        {"Shards": [{"ShardId": SHARD_ID}], "LastEvaluatedShardId": SHARD_ID},
        {"Shards": [{"ShardId": child, "ParentShardId": SHARD_ID}]},
    ]
    with Stubber(streams) as stub:
        stub.add_response("describe_stream", {"StreamDescription": pages[0]}, {"StreamArn": STREAM_ARN})
        stub.add_response(
            "describe_stream",
            {"StreamDescription": pages[1]},
            {"StreamArn": STREAM_ARN, "ExclusiveStartShardId": SHARD_ID},
        )
        assert DynamoDBStream(streams, STREAM_ARN).shards() == [StreamShard(SHARD_ID), StreamShard(child, SHARD_ID)]


def test_reads_from_page_to_page_to_the_shards_end(streams: DynamoDBStreamsClient) -> None:
    """Each read goes on with the iterator that the last one gave; without one the shard is closed."""
    with Stubber(streams) as stub:
        stub.add_response("get_shard_iterator", {"ShardIterator": "first"})
        stub.add_response(
            "get_records",
            {"Records": [api_record(1)], "NextShardIterator": "second"},
            {"ShardIterator": "first", "Limit": 1000},
        )
        stub.add_response("get_records", {"Records": [api_record(2)]}, {"ShardIterator": "second", "Limit": 7})
        reader = DynamoDBStream(streams, STREAM_ARN).open(SHARD_ID, "TRIM_HORIZON")
        pages = [reader.read(5000), reader.read(7)]
    assert [([record["eventID"] for record in page.records], page.closed) for page in pages] == [
        (["1"], False),
        (["2"], True),
    ]


@pytest.mark.parametrize(
    ("code", "position"),
    [
        ("ExpiredIteratorException", {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": "1".zfill(21)}),
        ("TrimmedDataAccessException", {"ShardIteratorType": "TRIM_HORIZON"}),
    ],
)
def test_a_lost_iterator_is_renewed(streams: DynamoDBStreamsClient, code: str, position: dict[str, str]) -> None:
    """An expired iterator goes on behind the last record read, a trimmed one at the horizon."""
    with Stubber(streams) as stub:
        stub.add_response("get_shard_iterator", {"ShardIterator": "first"})
        stub.add_response("get_records", {"Records": [api_record(1)], "NextShardIterator": "old"})
        stub.add_client_error("get_records", code)
        stub.add_response(
            "get_shard_iterator",
            {"ShardIterator": "new"},
            {"StreamArn": STREAM_ARN, "ShardId": SHARD_ID, **position},
        )
        stub.add_response(
            "get_records",
            {"Records": [api_record(2)], "NextShardIterator": "next"},
            {"ShardIterator": "new", "Limit": 10},
        )
        reader = DynamoDBStream(streams, STREAM_ARN).open(SHARD_ID, "TRIM_HORIZON")
        reader.read(10)
        assert reader.read(10).records[0]["eventID"] == "2"


@mock_aws
def test_the_destination_can_be_a_bucket() -> None:
    """The S3 adapter stores the object under its key, in UTF-8."""
    client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    client.create_bucket(Bucket="trail")
    S3Destination(client, "trail").deliver("aws/lambda/x", '"\N{EURO SIGN}"')
    assert client.get_object(Bucket="trail", Key="aws/lambda/x")["Body"].read() == b'"\xe2\x82\xac"'


def test_memory_streams_forget_after_24_hours(scene: Scene) -> None:
    """A stream in memory drops what is a day older than its newest record; readers skip that and nothing else."""
    late, early = (scene.stream.open(SHARD, "TRIM_HORIZON") for _ in range(2))
    for number in range(1, 1001):
        scene.stream.append(SHARD, change(number, at=START + number * 180))
        if number == 600:
            assert len(early.read(600).records) == 600
    firsts = [int(reader.read(1000).records[0]["dynamodb"]["SequenceNumber"]) for reader in (late, early)]
    assert firsts == [520, 601]


def test_memory_streams_can_forget_what_was_read() -> None:
    """On demand, what all readers have read is dropped, and they go on where they were."""
    stream = InMemoryStream(STREAM_ARN, forget_read=True)
    stream.add_shard(SHARD)
    first, second = (stream.open(SHARD, "TRIM_HORIZON") for _ in range(2))
    for number in range(1, 1001):
        stream.append(SHARD, change(number))
        if number == 900:
            first.read(900)
            second.read(800)
    later = stream.open(SHARD, "TRIM_HORIZON")
    firsts = [int(reader.read(1).records[0]["dynamodb"]["SequenceNumber"]) for reader in (first, second, later)]
    assert firsts == [901, 801, 801]


def test_a_closed_shard_takes_no_more(scene: Scene) -> None:
    """Writing to a closed shard is an error that says what to do."""
    scene.stream.close_shard(SHARD)
    with pytest.raises(ValueError, match="write to one of its children"):
        scene.write([1])

"""The model of the event source mapping over the real DynamoDB Streams API."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tests.event_source_mapping import (
    DynamoDBStream,
    EventSourceMapping,
    InMemoryDestination,
    InProcessFunction,
    MappingConfig,
    SimulatedClock,
)
from tests.tables import put_all

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef
    from types_boto3_dynamodbstreams import DynamoDBStreamsClient

ITEM: dict[str, AttributeValueTypeDef] = {
    "order_id": {"N": "1"},
    "b": {"B": b"\x00\xff"},
    "bs": {"BS": [b"a", b"b"]},
    "deep": {"M": {"list": {"L": [{"B": b"c"}, {"NS": ["1", "2"]}, {"NULL": True}]}}},
    "s": {"S": "\N{EURO SIGN}"},
    "flag": {"BOOL": False},
    "ss": {"SS": ["x"]},
}
ITEM_IN_THE_EVENT = {
    "order_id": {"N": "1"},
    "b": {"B": "AP8="},
    "bs": {"BS": ["YQ==", "Yg=="]},
    "deep": {"M": {"list": {"L": [{"B": "Yw=="}, {"NS": ["1", "2"]}, {"NULL": True}]}}},
    "s": {"S": "\N{EURO SIGN}"},
    "flag": {"BOOL": False},
    "ss": {"SS": ["x"]},
}


def table_with_stream(dynamodb: DynamoDBClient, name: str) -> str:
    """Make a table and return its stream's ARN."""
    return dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "order_id", "AttributeType": "N"}],
        KeySchema=[{"AttributeName": "order_id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]["LatestStreamArn"]


def put_many(dynamodb: DynamoDBClient, table: str, count: int) -> None:
    """Write one version of each of so many items, in order of their numbers."""
    put_all(dynamodb, table, [{"order_id": {"N": str(number)}} for number in range(count)])


def number_of(record: dict[str, Any]) -> int:
    return int(record["dynamodb"]["Keys"]["order_id"]["N"])


def test_delivers_each_change_as_lambda_would(
    dynamodb: DynamoDBClient, streams: DynamoDBStreamsClient, table_name: str
) -> None:
    """An insert, a change and a removal of an item with all ten types arrive in order, in Lambda's shape."""
    arn = table_with_stream(dynamodb, table_name)
    dynamodb.put_item(TableName=table_name, Item=ITEM)
    dynamodb.update_item(
        TableName=table_name,
        Key={"order_id": {"N": "1"}},
        UpdateExpression="SET flag = :on",
        ExpressionAttributeValues={":on": {"BOOL": True}},
    )
    dynamodb.delete_item(TableName=table_name, Key={"order_id": {"N": "1"}})
    events: list[dict[str, Any]] = []
    clock = SimulatedClock(time.time())
    function = InProcessFunction(lambda event, _: events.append(event), clock)
    EventSourceMapping(function, DynamoDBStream(streams, arn), clock).run_until_idle()

    records = [record for event in events for record in event["Records"]]
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    changes = [record["dynamodb"] for record in records]
    changed = ITEM_IN_THE_EVENT | {"flag": {"BOOL": True}}
    assert [change.get("NewImage") for change in changes] == [ITEM_IN_THE_EVENT, changed, None]
    assert [change.get("OldImage") for change in changes] == [None, ITEM_IN_THE_EVENT, changed]
    for record in records:
        assert record["eventSource"] == "aws:dynamodb"
        assert record["eventSourceARN"] == arn
        assert record["awsRegion"]
        assert record["dynamodb"]["Keys"] == {"order_id": {"N": "1"}}
        assert isinstance(record["dynamodb"]["ApproximateCreationDateTime"], float)
        assert abs(record["dynamodb"]["ApproximateCreationDateTime"] - time.time()) < 120


def test_reads_a_long_stream_whatever_fails(
    dynamodb: DynamoDBClient, streams: DynamoDBStreamsClient, table_name: str
) -> None:
    """Of 2,500 records, several pages of the API, all but the poison are done exactly once, and the poison is given up alone."""
    arn = table_with_stream(dynamodb, table_name)
    put_many(dynamodb, table_name, 2_500)
    clock = SimulatedClock(time.time())
    destination = InMemoryDestination()
    done: list[int] = []

    def handler(event: dict[str, Any], _: object) -> dict[str, Any]:
        for record in event["Records"]:
            if number_of(record) == 1_234:
                return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
            done.append(number_of(record))
        return {"batchItemFailures": []}

    config = MappingConfig(
        batch_size=1_500,
        maximum_retry_attempts=2,
        report_batch_item_failures=True,
        bisect_batch_on_function_error=True,
    )
    mapping = EventSourceMapping(
        InProcessFunction(handler, clock), DynamoDBStream(streams, arn), clock, config, on_failure=destination
    )
    mapping.run_until_idle()
    assert sorted(done) == [number for number in range(2_500) if number != 1_234]
    assert mapping.metrics["PolledEventCount"] == 2_500
    assert mapping.metrics["OnFailureDestinationDeliveredEventCount"] == 1
    assert max(entry.size for entry in mapping.invocations) == 1_500


def test_latest_delivers_only_what_comes_later(
    dynamodb: DynamoDBClient, streams: DynamoDBStreamsClient, table_name: str
) -> None:
    """LATEST over the real API skips what was written before the first poll."""
    arn = table_with_stream(dynamodb, table_name)
    put_many(dynamodb, table_name, 3)
    clock = SimulatedClock(time.time())
    numbers: list[int] = []
    function = InProcessFunction(lambda event, _: numbers.extend(map(number_of, event["Records"])), clock)
    config = MappingConfig(starting_position="LATEST")
    mapping = EventSourceMapping(function, DynamoDBStream(streams, arn), clock, config)
    mapping.run_until_idle()
    dynamodb.put_item(TableName=table_name, Item={"order_id": {"N": "77"}})
    mapping.run_until_idle()
    assert numbers == [77]

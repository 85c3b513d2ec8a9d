"""What survives when the function's process is killed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from scripts import engine
from tests.event_source_mapping import DynamoDBStream, EventSourceMapping, MappingConfig
from tests.functional.lambda_process import KilledFunction
from tests.functional.test_capture import assert_whole

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import WriteRequestTypeDef

    from tests.functional.live_trail import TrailOf

BATCHES, BATCH_SIZE = 200, 30
ITEMS = 25


def test_a_function_that_is_killed_at_any_moment_loses_nothing(
    trail_of: TrailOf, dynamodb: DynamoDBClient, dynamodb_endpoint: str
) -> None:
    """SIGKILL at random moments of 200 batches: each change is stored exactly once, and each item's chain is whole."""
    trail = trail_of(order_id="N")
    rounds = BATCHES * BATCH_SIZE // ITEMS
    for version in range(rounds):
        puts: list[WriteRequestTypeDef] = [
            {"PutRequest": {"Item": {"order_id": {"N": str(number)}, "version": {"N": str(version)}}}}
            for number in range(ITEMS)
        ]
        assert not dynamodb.batch_write_item(RequestItems={trail.source: puts})["UnprocessedItems"]
    function = KilledFunction(
        {
            "AUDIT_TABLE": trail.audit,
            "PARTITION_KEY": "order_id",
            "TRAIL_BUCKET": "no-bucket",
            "ACTOR_ATTRIBUTE": "updated_by",
            "AWS_ENDPOINT_URL": dynamodb_endpoint,
            "AWS_DEFAULT_REGION": engine.REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        },
        random.Random(4),
        probability=0.4,
    )
    stored_by_the_killed = 0
    try:
        mapping = EventSourceMapping(
            function,
            DynamoDBStream(trail.streams, trail.stream_arn),
            trail.clock,
            MappingConfig(batch_size=BATCH_SIZE, report_batch_item_failures=True, bisect_batch_on_function_error=True),
            rng=random.Random(5),
        )
        stored = 0
        while (invocation := mapping.step()) is not None:
            before, stored = stored, dynamodb.describe_table(TableName=trail.audit)["Table"]["ItemCount"]
            stored_by_the_killed += invocation.done == 0 and stored > before
    finally:
        function.close()

    for number in range(ITEMS):
        history = trail.history({"order_id": {"N": str(number)}})
        assert [(change.new_image or {})["version"] for change in history] == [{"N": str(v)} for v in range(rounds)]
        assert_whole(history)
    assert len(mapping.invocations) >= BATCHES
    assert function.killed > BATCHES / 10
    assert stored_by_the_killed > 0

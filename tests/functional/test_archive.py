"""Records that DynamoDB itself expires are in the archive, each once and unchanged, and histories stay whole."""

from __future__ import annotations

import json
import os
import random
import time
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from audit_trail.aws.archive import Archive
from audit_trail.aws.failure_bucket import S3FailureBucket
from audit_trail.aws.objects import Objects
from audit_trail.batch import Quarantine, Time
from audit_trail.batch.archiving import archive
from audit_trail.cli.main import app
from audit_trail.core import archive as lines
from audit_trail.core.records import RecordSettings
from tests.event_source_mapping import (
    DynamoDBStream,
    EventSourceMapping,
    Faults,
    InProcessFunction,
    MappingConfig,
    S3Destination,
)
from tests.functional.live_trail import AS_DEPLOYED
from tests.unit.fakes import numbered_record, order
from tests.unit.moto_bucket import BUCKET, FAILURES, body_of, keys_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest
    from typer.testing import Result
    from types_boto3_s3 import S3Client

    from audit_trail.core.values import Image
    from tests.event_source_mapping import LambdaContext
    from tests.functional.live_trail import LiveTrail, TrailOf

COUNT, TABLES = (100, 50) if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else (20, 1)
"""Records that expire of each table, and tables: of one, DynamoDB Local deletes two a second."""
ITEMS, DAYS = 10, 3
DAY = 86_400
EXPIRED = {"eventName": ["REMOVE"], "userIdentity": {"type": ["Service"], "principalId": ["dynamodb.amazonaws.com"]}}
"""The mapping's filter; tests/terraform/test_archive.py reads the same from Terraform's plan."""
LARGE = random.Random(1).randbytes(250_000).hex()


def test_everything_that_expires_is_archived(
    trail: LiveTrail, trail_of: TrailOf, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every record that DynamoDB's TTL deletes is in the archive once and unchanged, whatever happens on the way.

    The function crashes, times out and gets batches twice; histories with the archive are what they were before, and a
    day's query opens that day's objects alone.
    """
    began = int(time.time()) // DAY * DAY - 100 * DAY
    # The other tables' orders are others, so that one archive holds them all.
    trails = [trail, *(trail_of(order_id="N") for _ in range(TABLES - 1))]
    arns = [with_stream(one) for one in trails]
    for number, one in enumerate(trails):
        one.image_store = trail.image_store
        one.settings = RecordSettings(trail.schema, retention_days=1, actor_attribute="updated_by")
        one.redeliver(list(changes(began, number * ITEMS)))
    by_hand = trail.stored()[:2]
    for item in by_hand:
        key = {name: item[name] for name in ("order_id", "timestamp")}
        trail.dynamodb.update_item(
            TableName=trail.audit,
            Key=key,
            UpdateExpression="SET actor = :a",
            ExpressionAttributeValues={":a": {"S": "x"}},
        )
        trail.dynamodb.delete_item(TableName=trail.audit, Key=key)
    stored = [item for one in trails for item in one.stored()]
    expiring = [item for item in stored if int(item["expires_at"]["N"]) < time.time()]
    assert (len(stored), len(expiring)) == ((COUNT + ITEMS) * TABLES - 2, COUNT * TABLES - 2)
    before = [shown("history", str(number)) for number in range(0, ITEMS, 5)]

    expire(trails)
    counts = [
        deliver(one, s3, arn, seed=seed, batch_size=size)["FilteredOutEventCount"]
        for seed, size in ((1, 7), (2, 25))
        for one, arn in zip(trails, arns, strict=True)
    ]

    inserted = COUNT + ITEMS
    assert counts == [inserted + 4, *[inserted] * (TABLES - 1)] * 2
    archived = list(Archive(lambda: s3, BUCKET, "order_id").records(oldest_first=True))
    assert sorted(archived, key=place) == sorted(expiring, key=place)
    assert list(map(stamp, archived)) == sorted(map(stamp, expiring))
    written = [item for key in keys_in(s3) if key.startswith("archive/") for item in lines.items(body_of(s3, key))]
    assert len(written) > len(archived), "some were delivered twice"
    assert [shown("history", str(number), "--include-archive") for number in range(0, ITEMS, 5)] == before
    assert len(before[0]) > len(shown("history", "0")) == 1

    opened: list[str] = []
    body = Archive.body

    def opening(archive: Archive, key: str) -> bytes:
        opened.append(key)
        return body(archive, key)

    monkeypatch.setattr(Archive, "body", opening)
    day = time.strftime("%Y-%m-%d", time.gmtime(began + DAY))
    of_the_day = shown("archive", "--since", day, "--until", day)
    assert sorted(opened) == [key for key in keys_in(s3) if key.startswith(f"archive/dt={day}/")]
    assert [line["timestamp"] for line in of_the_day] == sorted(
        (stamp(item) for item in expiring if stamp(item).startswith(day)), reverse=True
    )


def changes(began: int, first: int) -> Iterator[dict[str, Any]]:
    """Yield so many changes of the items from one on, on some days long ago, one of them large, and one of today each."""
    images: dict[int, Image] = {}
    for number in range(COUNT + ITEMS):
        which = first + number % ITEMS
        text = LARGE if number == COUNT - 1 else f"{number}"
        new = order(which, n={"N": str(number)}, note=text, updated_by=f"clerk-{number % 7}")
        at = time.time() // 1 if number >= COUNT else began + number * DAYS * DAY // COUNT
        yield numbered_record(number + 1, old=images.get(which), new=new, at=at)
        images[which] = new


def with_stream(trail: LiveTrail) -> str:
    """Turn the audit table's stream on, as Terraform would; return its ARN."""
    stream = {"StreamEnabled": True, "StreamViewType": "OLD_IMAGE"}
    made = trail.dynamodb.update_table(TableName=trail.audit, StreamSpecification=stream)  # type: ignore[arg-type]
    return made["TableDescription"]["LatestStreamArn"]


def expire(trails: list[LiveTrail]) -> None:
    """Turn TTL on and wait until the records of today alone are left, one of each item."""
    for trail in trails:
        trail.dynamodb.update_time_to_live(
            TableName=trail.audit, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"}
        )
    end = time.monotonic() + 10 * COUNT + 60
    for trail in trails:
        while trail.dynamodb.describe_table(TableName=trail.audit)["Table"]["ItemCount"] > ITEMS:
            assert time.monotonic() < end, "nothing expires here"
            time.sleep(1)


def deliver(trail: LiveTrail, s3: S3Client, arn: str, *, seed: int, batch_size: int) -> Any:
    """Deliver the audit table's stream from its beginning, with all that can go wrong; return the mapping's metrics."""
    bucket, failures = Objects(lambda: s3, BUCKET), S3FailureBucket(lambda: s3, FAILURES)
    rng = random.Random(seed)
    config: dict[str, Any] = {**AS_DEPLOYED, "batch_size": batch_size, "filter_patterns": (EXPIRED,)}

    def handler(event: dict[str, Any], context: LambdaContext) -> Any:
        left = Time(
            remaining=lambda: context.get_remaining_time_in_millis() / 1000, sleep=trail.clock.sleep, jitter=rng
        )
        return archive(event["Records"], store=bucket, time=left, quarantine=Quarantine(failures, "1")).response(
            event["Records"]
        )

    faults = Faults(throttled=0.1, crashed_before=0.1, crashed_after=0.2, timed_out=0.1)
    mapping = EventSourceMapping(
        InProcessFunction(handler, trail.clock, timeout=30, faults=faults, rng=rng),
        DynamoDBStream(trail.streams, arn),
        trail.clock,
        MappingConfig(**config),
        on_failure=S3Destination(s3, FAILURES),
        rng=rng,
        duplicate_rate=0.2,
    )
    mapping.run_until_idle()
    assert mapping.metrics["OnFailureDestinationDeliveredEventCount"] == mapping.metrics["DroppedEventCount"] == 0
    return mapping.metrics


def shown(command: str, *words: str) -> list[dict[str, Any]]:
    """Return what a command prints with --json."""
    result: Result = CliRunner().invoke(app, [command, *words, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def stamp(item: Image) -> str:
    """Return a record's sort key."""
    return lines.timestamp_of(item)


def place(item: Image) -> tuple[int, str]:
    """Return a record's key."""
    return int(item["order_id"]["N"]), stamp(item)

"""What could not be stored is put back by `trail redrive`, on DynamoDB's true rules, with the bucket in moto."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from audit_trail.aws import reading
from audit_trail.aws.failure_bucket import S3FailureBucket
from audit_trail.cli.main import app
from audit_trail.core.records import audit_item, stream_record
from tests.event_source_mapping import S3Destination
from tests.functional.test_capture import assert_exact
from tests.functional.writer import Writer
from tests.tables import put_all
from tests.unit.moto_bucket import BUCKET, FAILURES, keys_in
from tests.unit.moto_failures import json_lines

if TYPE_CHECKING:
    import pytest
    from typer.testing import Result
    from types_boto3_s3 import S3Client

    from audit_trail.core.records import AuditItem, RecordSettings, StreamRecord
    from tests.functional.live_trail import LiveTrail

DAY = 24 * 60 * 60


def redrive(*words: str) -> Result:
    """Run `trail redrive`."""
    return CliRunner().invoke(app, ["redrive", *words, "--json"], catch_exceptions=False)


def waiting(s3: S3Client) -> Counter[str]:
    """Return how many objects lie under each first prefix of the failures bucket."""
    return Counter(key.partition("/")[0] for key in keys_in(s3, FAILURES))


def put_many(trail: LiveTrail, count: int) -> None:
    """Insert so many items."""
    numbers = [{"N": str(number)} for number in range(count)]
    put_all(trail.dynamodb, trail.source, [{"order_id": number, "n": number} for number in numbers])


def test_poison_among_a_thousand(trail: LiveTrail, s3: S3Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 1,000 records 999 are stored in one pass and the poison is quarantined; after the fix, redrive stores it once."""
    put_many(trail, 1_000)

    def with_a_bug(record: StreamRecord, settings: RecordSettings) -> AuditItem:
        if record["dynamodb"]["Keys"] == {"order_id": {"N": "617"}}:
            raise ZeroDivisionError
        return audit_item(record, settings)

    with monkeypatch.context() as before_the_fix:
        before_the_fix.setattr("audit_trail.batch.inserts.audit_item", with_a_bug)
        mapping = trail.mapping(batch_size=1_000)
        mapping.run_until_idle()
        still_broken = redrive()
    assert [(entry.size, entry.outcome) for entry in mapping.invocations] == [(1_000, "succeeded")]
    assert {item["order_id"]["N"] for item in trail.stored()} == {str(n) for n in range(1_000)} - {"617"}
    assert still_broken.exit_code == 1
    assert waiting(s3) == {"quarantine": 1}

    fixed, again = redrive(), redrive()

    [line] = json_lines(fixed)
    assert (fixed.exit_code, line["became"], line["stored"]) == (0, "moved", 1)
    assert (again.exit_code, again.stdout) == (0, "")
    assert waiting(s3) == {"redriven": 1}
    stored = trail.stored()
    assert [stream_record(item) for item in stored] == trail.delivered
    s3.copy_object(Bucket=FAILURES, Key=line["key"], CopySource={"Bucket": FAILURES, "Key": f"redriven/{line['key']}"})
    assert json_lines(redrive())[0]["stored"] == 0
    assert trail.stored() == stored


def test_an_audit_table_gone_beyond_the_record_age(trail: LiveTrail, s3: S3Client) -> None:
    """What was written while the audit table was gone lies in the bucket, and redrive restores every change a month later."""
    trail.dynamodb.delete_table(TableName=trail.audit)
    writer = Writer(trail.dynamodb, trail.source, {"order_id": "N"}, random.Random(7), items=5)
    writer.write(150)
    mapping = trail.mapping(maximum_record_age_in_seconds=600, batch_size=40)
    mapping.run_until_idle()
    given_up = mapping.metrics["OnFailureDestinationDeliveredEventCount"]
    assert (given_up, mapping.metrics["DroppedEventCount"]) == (150, 0)
    assert set(waiting(s3)) == {"aws"}

    # By then the stream has long forgotten: what lies in the bucket is all there is.
    trail.clock.sleep(30 * DAY)
    trail.create_audit_table()
    objects = len(keys_in(s3, FAILURES))
    result = redrive()

    assert result.exit_code == 0
    assert [line["became"] for line in json_lines(result)] == ["moved"] * objects
    assert set(waiting(s3)) == {"redriven"}
    assert_exact(trail, writer)
    assert redrive().exit_code == 0
    assert_exact(trail, writer)


def test_large_records_are_put_back_with_their_images(trail: LiveTrail, s3: S3Client) -> None:
    """Changes whose images don't fit an item are put back with their images in the bucket, and read back equal."""
    trail.dynamodb.delete_table(TableName=trail.audit)
    texts = [random.Random(number).randbytes(190_000).hex()[:380_000] for number in range(2)]
    for text in texts:
        trail.dynamodb.put_item(TableName=trail.source, Item={"order_id": {"N": "1"}, "text": {"S": text}})
    trail.mapping(maximum_record_age_in_seconds=60, batch_size=1).run_until_idle()
    trail.create_audit_table()

    assert redrive().exit_code == 0

    assert waiting(s3) == {"redriven": 2}
    assert [key.partition("/")[0] for key in keys_in(s3)] == ["images"]
    history = trail.history({"order_id": {"N": "1"}})
    assert [(change.new_image or {})["text"]["S"] == text for change, text in zip(history, texts, strict=True)] == [
        True,
        True,
    ]


def test_a_trail_that_had_one_bucket(trail: LiveTrail, s3: S3Client) -> None:
    """After a trail got its second bucket, what it put into its one bucket before is still read, put back and verified."""
    both = reading._tags(trail.dynamodb, "")
    one = both.pop("failures-bucket")
    trail.failures, trail.on_failure = S3FailureBucket(lambda: s3, BUCKET), S3Destination(s3, BUCKET)
    trail.dynamodb.delete_table(TableName=trail.audit)
    put_many(trail, 30)
    trail.mapping(maximum_record_age_in_seconds=60, batch_size=10).run_until_idle()
    trail.create_audit_table()
    mapping = trail.mapping(starting_position="LATEST")
    mapping.run_until_idle()
    text = random.Random(1).randbytes(190_000).hex()[:380_000]
    for large in (text, text[::-1]):
        trail.dynamodb.put_item(TableName=trail.source, Item={"order_id": {"N": "100"}, "text": {"S": large}})
    mapping.run_until_idle()
    assert {key.partition("/")[0] for key in keys_in(s3)} == {"aws", "images"}

    both["failures-bucket"] = one
    trail.failures, trail.on_failure = S3FailureBucket(lambda: s3, FAILURES), S3Destination(s3, FAILURES)
    result = redrive()

    assert (result.exit_code, {line["bucket"] for line in json_lines(result)}) == (0, {BUCKET})
    assert set(waiting(s3)) == {"redriven"}
    assert {key.partition("/")[0] for key in keys_in(s3)} == {"images"}
    history = trail.history({"order_id": {"N": "100"}})
    assert [
        (change.new_image or {})["text"]["S"] == large
        for change, large in zip(history, (text, text[::-1]), strict=True)
    ] == [True, True]
    assert len(trail.stored()) == 32
    assert redrive().stdout == ""
    for key in ("1", "100"):
        verified = CliRunner().invoke(app, ["verify", key], catch_exceptions=False)
        assert verified.exit_code == 0, verified.output


def test_a_dry_run_tells_the_truth(trail: LiveTrail, s3: S3Client) -> None:
    """A dry run writes nothing to the table or the bucket, and the run after it does what it said."""
    trail.dynamodb.delete_table(TableName=trail.audit)
    put_many(trail, 30)
    trail.mapping(maximum_record_age_in_seconds=60, batch_size=10).run_until_idle()
    trail.create_audit_table()
    s3.put_object(Bucket=FAILURES, Key="quarantine/odd", Body=b"{}")
    before = keys_in(s3, FAILURES)

    told = json_lines(redrive("--dry-run"))

    assert (keys_in(s3, FAILURES), trail.stored()) == (before, [])
    done = json_lines(redrive())
    assert [(line["key"], line["became"]) for line in told] == [(line["key"], line["became"]) for line in done]
    assert len(trail.stored()) == 30


def test_without_the_audit_table_nothing_moves(trail: LiveTrail, s3: S3Client) -> None:
    """While the audit table is gone, redrive says so in one sentence and leaves everything where it is."""
    trail.dynamodb.delete_table(TableName=trail.audit)
    put_many(trail, 5)
    trail.mapping(maximum_record_age_in_seconds=60).run_until_idle()
    before = keys_in(s3, FAILURES)

    result = redrive()

    assert (result.exit_code, keys_in(s3, FAILURES)) == (3, before)
    assert "there is no such table" in result.stderr


def test_two_runs_at_once(trail: LiveTrail, s3: S3Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second run that goes through all objects while the first is amid the first of them changes nothing of the outcome."""
    trail.dynamodb.delete_table(TableName=trail.audit)
    put_many(trail, 60)
    trail.mapping(maximum_record_age_in_seconds=60, batch_size=10).run_until_idle()
    trail.create_audit_table()
    others: list[Result] = []
    move = S3FailureBucket.move

    def move_after_another_run(bucket: S3FailureBucket, key: str, body: bytes) -> None:
        monkeypatch.setattr(S3FailureBucket, "move", move)
        others.append(redrive())
        move(bucket, key, body)

    monkeypatch.setattr(S3FailureBucket, "move", move_after_another_run)

    result = redrive()

    assert (result.exit_code, others[0].exit_code) == (0, 0)
    assert len(json_lines(others[0])) > len(json_lines(result)) == 1
    assert len(trail.stored()) == 60
    assert set(waiting(s3)) == {"redriven"}

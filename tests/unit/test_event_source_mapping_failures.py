"""The model of the event source mapping: record age, the destination, metrics, duplicates. The model's methods cite AWS's pages."""

from __future__ import annotations

import dataclasses
import re

import pytest

from tests.event_source_mapping import Faults
from tests.event_source_mapping_scene import HOUR, SHARD, START, STREAM_ARN, Scene, failures, poison

DAY = 24 * HOUR


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_retries_for_ever_end_with_the_stream(scene: Scene) -> None:
    """By default a poison record blocks its shard for 24 hours, then it is gone without a trace, and so is what expired."""
    scene.write([1])
    mapping = scene.mapping(poison(1), batch_size=1)
    mapping.step()
    scene.clock.sleep(2 * HOUR)
    scene.write([2])
    mapping.run_until_idle()
    assert scene.delivered[-1] == [2]
    assert START + DAY <= scene.clock.time() < START + DAY + 120
    assert (mapping.metrics["expired"], mapping.metrics["DroppedEventCount"], scene.discarded()) == (1, 0, [])


def test_records_expire_unread(scene: Scene) -> None:
    """What nobody polled within 24 hours is never delivered."""
    scene.write([1])
    scene.clock.sleep(DAY + 1)
    scene.write([2])
    mapping = scene.mapping()
    mapping.run_until_idle()
    assert scene.delivered == [[2]]
    assert mapping.metrics["expired"] == 1


def test_too_old_records_are_given_up(scene: Scene) -> None:
    """Retrying ends when a record passes the maximum age, with the condition and shape that AWS was recorded with."""
    scene.write([1])
    scene.mapping(poison(1), maximum_record_age_in_seconds=3600).run_until_idle()
    assert START + HOUR < scene.clock.time() < START + HOUR + 120
    (record,) = scene.discarded()
    assert record["requestContext"]["condition"] == "RecordAgeExceeded"
    assert record["requestContext"]["approximateInvokeCount"] == len(scene.delivered) > 50
    assert "responseContext" not in record


def test_only_the_old_records_of_a_batch_are_given_up(scene: Scene) -> None:
    """The young records behind the ones that are too old are delivered."""
    scene.write([1, 2])
    scene.clock.sleep(61)
    scene.write([3, 4])
    mapping = scene.mapping(maximum_record_age_in_seconds=60)
    mapping.run_until_idle()
    assert (scene.delivered, scene.discarded_numbers()) == ([[3, 4]], [[1, 2]])
    assert scene.discarded()[0]["requestContext"]["approximateInvokeCount"] == 1
    assert mapping.metrics["OnFailureDestinationDeliveredEventCount"] == 2


def test_an_outage_longer_than_the_age_sends_everything_to_the_destination(scene: Scene) -> None:
    """When nothing works for longer than the maximum age, every record is in the destination with its payload."""
    scene.write(range(1, 251))
    mapping = scene.mapping(poison(*range(1, 251)), batch_size=100, maximum_record_age_in_seconds=21_600)
    mapping.run_until_idle()
    assert sorted(number for batch in scene.discarded_numbers() for number in batch) == list(range(1, 251))
    assert mapping.metrics["OnFailureDestinationDeliveredEventCount"] == 250
    assert mapping.metrics["DroppedEventCount"] == 0


def test_throttling_uses_up_no_retries(scene: Scene) -> None:
    """An invocation that is refused is tried again until the record is too old, whatever the retry limit, and not split."""
    scene.write([1, 2])
    mapping = scene.mapping(
        faults=Faults(throttled=1.0),
        maximum_retry_attempts=0,
        maximum_record_age_in_seconds=3600,
        bisect_batch_on_function_error=True,
    )
    mapping.run_until_idle()
    assert scene.delivered == []
    assert scene.discarded_numbers() == [[1, 2]]
    assert {entry.outcome for entry in mapping.invocations} == {"refused"}
    assert mapping.metrics["FailedInvokeEventCount"] == 2 * len(mapping.invocations) > 100


def test_the_object_has_awss_key_and_shape(scene: Scene) -> None:
    """The invocation record in S3 has AWS's key and fields, and the whole event as JSON text in `payload`."""
    scene.write([1, 2], note="\N{EURO SIGN}")
    mapping = scene.mapping(poison(1), maximum_retry_attempts=0)
    mapping.run_until_idle()
    (key,) = scene.destination.objects
    uuid = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
    path = rf"aws/lambda/{mapping.mapping_uuid}/{SHARD}/2027/01/15/2027-01-15T08\.00\.00-{uuid}"
    assert re.fullmatch(path, key)
    (record,) = scene.discarded()
    assert re.fullmatch(uuid, record["requestContext"].pop("requestId"))
    payload = record.pop("payload")
    assert isinstance(payload, str)
    assert record == {
        "requestContext": {
            "functionArn": mapping.function.arn,
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 1,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2027-01-15T08:00:00.000Z",
        "DDBStreamBatchInfo": {
            "shardId": SHARD,
            "startSequenceNumber": "1",
            "endSequenceNumber": "2",
            "approximateArrivalOfFirstRecord": "2027-01-15T08:00:00Z",
            "approximateArrivalOfLastRecord": "2027-01-15T08:00:00Z",
            "batchSize": 2,
            "streamArn": STREAM_ARN,
        },
    }
    assert scene.discarded_numbers() == [[1, 2]]


def test_a_failed_delivery_drops_the_records(scene: Scene) -> None:
    """A destination that is down when records are given up loses them; that is counted as AWS counts it."""
    scene.write([1, 2])
    scene.destination.down = True
    mapping = scene.mapping(poison(1), maximum_retry_attempts=0)
    mapping.run_until_idle()
    names = ("DestinationDeliveryFailures", "DroppedEventCount", "OnFailureDestinationDeliveredEventCount")
    assert [mapping.metrics[name] for name in names] == [1, 2, 0]


def test_without_a_destination_records_are_dropped(scene: Scene) -> None:
    """Given up and sent nowhere is dropped."""
    scene.write([1, 2])
    mapping = dataclasses.replace(scene.mapping(poison(1), maximum_retry_attempts=0), on_failure=None)
    mapping.run_until_idle()
    assert mapping.metrics["DroppedEventCount"] == 2


def test_metrics_count_events(scene: Scene) -> None:
    """Polled counts each record once, invoked each delivery of it, failed those that a delivery didn't get done."""
    scene.write([1, 2, 3])
    answers = iter([failures(2), failures(2), None])
    mapping = scene.mapping(lambda _: next(answers), report_batch_item_failures=True)
    mapping.run_until_idle()
    names = ("PolledEventCount", "InvokedEventCount", "FailedInvokeEventCount")
    assert [mapping.metrics[name] for name in names] == [3, 7, 4]


def test_iterator_age_is_that_of_the_last_record(scene: Scene) -> None:
    """The iterator age is the time since the batch's last record was written, in milliseconds."""
    scene.write([1])
    scene.clock.sleep(5)
    scene.write([2])
    scene.clock.sleep(7)
    entry = scene.mapping().step()
    assert entry is not None
    assert entry.iterator_age_milliseconds == 7000


def test_a_success_may_be_delivered_again(scene: Scene) -> None:
    """At least once: a batch that succeeded can come once more, in its place."""
    scene.write([1, 2, 3])
    mapping = scene.mapping(batch_size=2)
    mapping.duplicate_rate = 1.0
    mapping.run_until_idle()
    assert scene.delivered == [[1, 2], [1, 2], [3], [3]]

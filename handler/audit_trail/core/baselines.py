"""BASELINE: how an item stood when it was first seen."""

from dataclasses import replace
from typing import Any

from audit_trail.core.records import RecordSettings, StreamRecord
from audit_trail.core.values import Image


def baseline_settings(settings: RecordSettings) -> RecordSettings:
    """Return the settings by which an item's BASELINE is made; it is no change, and no index lists it."""
    return replace(settings, event_names=("BASELINE",), time_index_shards=0, actor_index_shards=0)


def baseline_record(image: Image, keys: Image, epoch_seconds: int, stream_arn: str) -> StreamRecord:
    """Return what `audit_trail.core.records.audit_item` makes a BASELINE of, in the form of a stream record.

    ``epoch_seconds`` is DynamoDB's own time of the consistent read that gave the image. As of the stream that the table
    has, so that an item whose records are all of an older stream can have one too.
    """
    change: dict[str, Any] = {
        "ApproximateCreationDateTime": epoch_seconds,
        "Keys": keys,
        "NewImage": image,
        "SequenceNumber": "0",
    }
    return {"eventName": "BASELINE", "eventSourceARN": stream_arn, "dynamodb": change}

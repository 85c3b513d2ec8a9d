"""What becomes of records that Lambda gives up."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from tests.event_source_mapping.records import payload_of

if TYPE_CHECKING:
    import random
    from collections import Counter
    from collections.abc import Sequence

    from tests.event_source_mapping.clock import Clock
    from tests.event_source_mapping.destination import OnFailureDestination
    from tests.event_source_mapping.function import InvokeResult
    from tests.event_source_mapping.records import BufferedRecord

Condition = Literal["RetryAttemptsExhausted", "RecordAgeExceeded"]


@dataclass(frozen=True)
class Discarded:
    """Records of a shard given up together, and why. `result` is the last answer, if it was one that decided it."""

    records: Sequence[BufferedRecord]
    condition: Condition
    shard_id: str
    invocations: int
    result: InvokeResult | None = None


@dataclass(frozen=True, kw_only=True)
class Discarder:
    """Sends discarded records to the on-failure destination, with the whole payload, or to nobody."""

    on_failure: OnFailureDestination | None
    metrics: Counter[str]
    clock: Clock
    rng: random.Random
    mapping_uuid: str
    function_arn: str
    stream_arn: str

    def discard(self, discarded: Discarded) -> None:
        """Give records up. A delivery that fails is not tried again: they're dropped.

        AWS, what counts as what: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
        (DroppedEventCount, OnFailureDestinationDeliveredEventCount)
        """
        count = len(discarded.records)
        if self.on_failure is None:
            self.metrics["DroppedEventCount"] += count
            return
        moment = datetime.fromtimestamp(self.clock.time(), UTC)
        try:
            self.on_failure.deliver(self._key(discarded, moment), self._body(discarded, moment))
        except Exception:  # noqa: BLE001  whatever it is, the records are gone
            self.metrics["DestinationDeliveryFailures"] += 1
            self.metrics["DroppedEventCount"] += count
        else:
            self.metrics["OnFailureDestinationDeliveredEventCount"] += count

    def _key(self, discarded: Discarded, moment: datetime) -> str:
        """Return aws/lambda/<mapping UUID>/<shard>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<random UUID>.

        AWS: https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
        """
        folder = f"aws/lambda/{self.mapping_uuid}/{discarded.shard_id}"
        return f"{folder}/{moment:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{random_uuid(self.rng)}"

    def _body(self, discarded: Discarded, moment: datetime) -> str:
        """Return the invocation record as JSON. `payload` is the whole event, as JSON text inside the JSON.

        AWS: https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html ("the `payload` field contains
        the original invocation record as an escaped JSON string"). Recorded from AWS in LocalStack's aws-validated
        snapshots: the condition RecordAgeExceeded, that it has no `responseContext` and counts one invocation at least,
        and that `functionError` is null after a partial batch response.
        """
        records, result = discarded.records, discarded.result
        context: dict[str, object] = {
            "requestContext": {
                "requestId": result.request_id if result else random_uuid(self.rng),
                "functionArn": self.function_arn,
                "condition": discarded.condition,
                "approximateInvokeCount": max(1, discarded.invocations),
            }
        }
        if result:
            context["responseContext"] = {
                "statusCode": result.status_code,
                "executedVersion": result.executed_version,
                "functionError": result.function_error,
            }
        context |= {
            "version": "1.0",
            "timestamp": _iso(moment, "milliseconds"),
            "DDBStreamBatchInfo": {
                "shardId": discarded.shard_id,
                "startSequenceNumber": records[0].sequence_number,
                "endSequenceNumber": records[-1].sequence_number,
                "approximateArrivalOfFirstRecord": _iso(datetime.fromtimestamp(records[0].created, UTC), "seconds"),
                "approximateArrivalOfLastRecord": _iso(datetime.fromtimestamp(records[-1].created, UTC), "seconds"),
                "batchSize": len(records),
                "streamArn": self.stream_arn,
            },
            "payload": payload_of(records),
        }
        return json.dumps(context, ensure_ascii=False)


def random_uuid(rng: random.Random) -> str:
    """Return a UUID that the seed decides."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def _iso(moment: datetime, precision: Literal["seconds", "milliseconds"]) -> str:
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")

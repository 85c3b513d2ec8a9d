"""What could not be stored, in memory: a bucket, Lambda's payloads as AWS documents them, and how they're put back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from audit_trail.batch.redriving import Redriven, redrive
from audit_trail.core.failures import REDRIVEN_PREFIX
from audit_trail.core.provenance import Tables
from audit_trail.ports import RequestFailedError, WaitingFailure
from tests.builders import ARN, NOON
from tests.unit.fakes import SETTINGS, FakeClock, InMemoryAuditTable, InMemoryImageStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from audit_trail.core.records import RecordSettings, StreamRecord
    from audit_trail.ports import AuditTable, ImageStore

TABLES = Tables(ARN.partition("/stream/")[0], f"{ARN.partition(':table/')[0]}:table/orders-audit")
NOW = NOON + 400 * 86_400
LAMBDA_KEY = "aws/lambda/5a2c0000-1111-4222-8333-444455556666/shardId-00000001/2026/11/24/2026-11-24T18.00.00-{}"


@dataclass
class InMemoryFailureBucket(InMemoryImageStore):
    """A trail's bucket in memory; `broken` says which operations are refused, and with which code."""

    broken: dict[str, str] = field(default_factory=dict)
    meanwhile: Callable[[str, str], None] = lambda _operation, _key: None
    """Called with each operation and key, before it is done."""

    def waiting(self, prefix: str) -> Iterator[WaitingFailure]:
        """List in the order of the keys, as S3 does."""
        for key, body in sorted(self.objects.items()):
            if key.startswith(prefix):
                yield WaitingFailure(key, len(body), datetime(2026, 11, 24, tzinfo=UTC))

    def read(self, key: str) -> bytes | None:
        """Return an object's content."""
        self._begin("read", key)
        return self.objects.get(key)

    def move(self, key: str, body: bytes) -> None:
        """Move an object under redriven/."""
        self._begin("move", key)
        if key in self.objects:
            assert self.objects[key] == body
            self.objects[f"{REDRIVEN_PREFIX}{key}"] = self.objects.pop(key)

    def keys(self, prefix: str = "") -> list[str]:
        """Return the keys of what lies under a prefix."""
        return [found.key for found in self.waiting(prefix)]

    def _begin(self, operation: str, key: str) -> None:
        self.meanwhile(operation, key)
        if operation in self.broken:
            raise RequestFailedError(self.broken[operation])


def given_up(*records: Any, condition: str = "RecordAgeExceeded", **more: Any) -> dict[str, Any]:
    """Return what Lambda writes about records that it gave up, but for the payload as AWS's page shows it.

    https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
    """
    return {
        "requestContext": {
            "requestId": "316aa6d0-8154-xmpl-9af7-85d5f4a6bc81",
            "functionArn": "arn:aws:lambda:us-east-2:111122223333:function:orders-audit",
            "condition": condition,
            "approximateInvokeCount": 3,
        },
        "version": "1.0",
        "timestamp": "2026-11-24T18:00:00.000Z",
        "DDBStreamBatchInfo": {
            "shardId": "shardId-00000001",
            "startSequenceNumber": "800000000003126276362",
            "endSequenceNumber": "800000000003126276362",
            "approximateArrivalOfFirstRecord": "2026-11-24T12:00:00Z",
            "approximateArrivalOfLastRecord": "2026-11-24T12:00:00Z",
            "batchSize": len(records),
            "streamArn": ARN,
        },
        "payload": json.dumps({"Records": list(records)}),
        **more,
    }


def lambda_object(number: int, *records: Any, **more: Any) -> tuple[str, bytes]:
    """Return key and body of such an object."""
    return LAMBDA_KEY.format(number), json.dumps(given_up(*records, **more)).encode("utf-8", "surrogatepass")


def put_back(
    bucket: InMemoryFailureBucket,
    table: AuditTable,
    *,
    images: ImageStore | None = None,
    settings: RecordSettings = SETTINGS,
    keys: Sequence[str] | None = None,
) -> list[Redriven]:
    """Put back what waits in a bucket, each object in simulated time of its own."""
    clock = table.clock if isinstance(table, InMemoryAuditTable) else FakeClock()

    def time(seconds: float) -> Any:
        clock.deadline = clock.now + seconds
        return clock.invocation()

    return list(
        redrive(
            bucket.keys("aws/lambda/") + bucket.keys("quarantine/") if keys is None else keys,
            failures=bucket,
            table=table,
            images=images or InMemoryImageStore(),
            archive=bucket,
            tables=TABLES,
            settings=settings,
            time=time,
            now=lambda: NOW,
        )
    )


def records_in(bucket: InMemoryFailureBucket, prefix: str) -> list[StreamRecord]:
    """Return the stream records of our own objects under a prefix."""
    return [json.loads(bucket.objects[key])["record"] for key in bucket.keys(prefix)]

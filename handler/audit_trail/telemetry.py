"""Logs and metrics: ids, counts, sizes and reasons, never a key value, an attribute value or an actor."""

import logging
import os
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

from audit_trail.core.records import StreamRecord, creation_time, sequence_number
from audit_trail.ports import BatchResult

# Terraform names the service after the function, so that the metrics of several trails stay apart.
_service = os.environ.get("POWERTOOLS_SERVICE_NAME") or "table-trail"
logger = Logger(service=_service)
# At DEBUG, botocore logs whole requests and answers, which hold items.
logging.getLogger("botocore").setLevel(logging.INFO)
metrics = Metrics(namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE") or "TableTrail", service=_service)


def report(result: BatchResult, records: Sequence[StreamRecord], now: float) -> None:
    """Log what became of a batch and count it; ``now`` is in epoch seconds."""
    for event_name, count in result.stored.items():
        _count(f"ChangesStored{event_name.title()}", count)
    _count("ChangesStored", result.stored.total())
    _count("Duplicates", result.duplicates)
    _count("ImagesSpilled", result.spilled)
    _count("StatementsRetried", result.retries)
    _count("ChangesNotStored", len(result.failures))
    _count("RecordsQuarantined", len(result.quarantined))
    metrics.add_metric(name="BytesStored", unit=MetricUnit.Bytes, value=result.bytes_stored)
    age = _oldest_age(records, now)
    if age is not None:
        metrics.add_metric(name="OldestRecordAge", unit=MetricUnit.Seconds, value=age)
    logger.info(
        "batch done",
        records=len(records),
        stored=dict(result.stored),
        bytes_stored=result.bytes_stored,
        duplicates=result.duplicates,
        retries=result.retries,
        quarantined=len(result.quarantined),
        not_stored=len(result.failures),
    )
    _log_failures(result, records, "records not stored")
    metrics.flush_metrics()


def report_archived(result: BatchResult, records: Sequence[StreamRecord]) -> None:
    """Log what became of a batch of deletions from the audit table and count it."""
    _count("RecordsArchived", result.stored.total())
    _count("RecordsNotArchived", len(result.failures))
    _count("RecordsQuarantined", len(result.quarantined))
    metrics.add_metric(name="BytesArchived", unit=MetricUnit.Bytes, value=result.bytes_stored)
    logger.info(
        "batch archived",
        records=len(records),
        archived=result.stored.total(),
        bytes_archived=result.bytes_stored,
        retries=result.retries,
        ignored=result.ignored,
        quarantined=len(result.quarantined),
        not_archived=len(result.failures),
    )
    if result.ignored:
        logger.error("records ignored that aren't deletions by TTL: check the mapping's filter", records=result.ignored)
    _log_failures(result, records, "records not archived")
    metrics.flush_metrics()


def _log_failures(result: BatchResult, records: Sequence[StreamRecord], what: str) -> None:
    for position, reason in result.quarantined.items():
        logger.error(
            "record quarantined: it can never be stored as it is",
            reason=reason,
            sequence_number=number_of(records[position]),
        )
    for reason, count in Counter(result.failures.values()).items():
        first = min(position for position, other in result.failures.items() if other == reason)
        logger.error(
            f"{what}: they are delivered again, then given to the on-failure destination",
            reason=reason,
            records=count,
            first_sequence_number=number_of(records[first]),
        )


def _count(name: str, value: int) -> None:
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def _oldest_age(records: Sequence[StreamRecord], now: float) -> float | None:
    """Return how many seconds ago the oldest change was made; the clocks are not one's own, so never less than zero."""
    times = [time for time in map(creation_time, records) if time is not None and time >= 0]
    return float(max(Decimal(0), Decimal(now) - min(times))) if times else None


def number_of(record: StreamRecord) -> str | None:
    """Return a record's sequence number, where it is one: anything else may be data."""
    number = sequence_number(record)
    return number if number and number.isascii() and number.isdigit() else None

"""Logs and metrics: ids, counts, sizes and reasons, never a key value, an attribute value or an actor."""

import logging
import os
from collections import Counter
from collections.abc import Sequence

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

from audit_trail.core.records import StreamRecord, sequence_number
from audit_trail.ports import BatchResult

# Terraform names the service after the function, so that the metrics of several trails stay apart.
_service = os.environ.get("POWERTOOLS_SERVICE_NAME") or "table-trail"
logger = Logger(service=_service)
# At DEBUG, botocore logs whole requests and answers, which hold items.
logging.getLogger("botocore").setLevel(logging.INFO)
metrics = Metrics(namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE") or "TableTrail", service=_service)


def report(result: BatchResult, records: Sequence[StreamRecord]) -> None:
    """Log what became of a batch and count it."""
    for event_name, count in result.stored.items():
        metrics.add_metric(name=f"ChangesStored{event_name.title()}", unit=MetricUnit.Count, value=count)
    metrics.add_metric(name="ChangesStored", unit=MetricUnit.Count, value=result.stored.total())
    metrics.add_metric(name="Duplicates", unit=MetricUnit.Count, value=result.duplicates)
    metrics.add_metric(name="ImagesSpilled", unit=MetricUnit.Count, value=result.spilled)
    metrics.add_metric(name="StatementsRetried", unit=MetricUnit.Count, value=result.retries)
    metrics.add_metric(name="ChangesNotStored", unit=MetricUnit.Count, value=len(result.failures))
    logger.info(
        "batch done",
        records=len(records),
        stored=dict(result.stored),
        duplicates=result.duplicates,
        retries=result.retries,
        not_stored=len(result.failures),
    )
    for reason, count in Counter(result.failures.values()).items():
        first = min(position for position, other in result.failures.items() if other == reason)
        number = sequence_number(records[first])
        logger.error(
            "records not stored: they are delivered again, then given to the on-failure destination",
            reason=reason,
            records=count,
            first_sequence_number=number if number and number.isdigit() else None,
        )

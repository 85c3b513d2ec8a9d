"""Logs and metrics: ids, counts, sizes and reasons, never a key value, an attribute value or an actor."""

import logging
from collections import Counter
from collections.abc import Sequence

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

from audit_trail.core.records import StreamRecord, sequence_number
from audit_trail.ports import BatchResult

logger = Logger(service="table-trail")
# At DEBUG, botocore logs whole requests and answers, which hold items.
logging.getLogger("botocore").setLevel(logging.INFO)
metrics = Metrics(namespace="TableTrail", service="table-trail")


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

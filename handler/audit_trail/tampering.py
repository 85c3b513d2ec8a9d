"""The function that is told of each change and each deletion of the audit table's records, and says which should not be.

Its metric RecordsTampered counts what somebody did by hand, RecordsExpiredEarly what TTL deleted before its time, and an
alarm rings for each; the records themselves are logged by their numbers alone.
"""

from collections import Counter
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.metrics import MetricUnit

from audit_trail import telemetry
from audit_trail.core.archive import expired, expired_early

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@telemetry.logger.inject_lambda_context(log_event=False)
def handler(event: dict[str, Any], _context: "LambdaContext") -> None:
    """Count what should not be: each record stands for one change or deletion, or for a repeated delivery."""
    records = event["Records"]
    _count(
        "RecordsTampered",
        [record for record in records if not expired(record)],
        "records of the audit table were changed or deleted by hand: see docs/runbook.md#records-tampered",
    )
    _count(
        "RecordsExpiredEarly",
        [record for record in records if expired_early(record)],
        "TTL deleted records of the audit table before their time: see docs/runbook.md#records-expired-early",
    )


def _count(metric: str, records: list[Any], what: str) -> None:
    if not records:
        return
    telemetry.metrics.add_metric(name=metric, unit=MetricUnit.Count, value=len(records))
    telemetry.metrics.flush_metrics()
    telemetry.logger.error(
        what,
        changes=dict(Counter(str(record.get("eventName")) for record in records)),
        first_sequence_number=telemetry.number_of(records[0]),
        last_sequence_number=telemetry.number_of(records[-1]),
    )

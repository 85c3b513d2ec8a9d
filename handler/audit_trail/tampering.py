"""The function that is told when somebody changes or deletes records of the audit table by hand.

Its metric RecordsTampered counts them, and an alarm rings; the records themselves are logged by their numbers alone.
"""

from collections import Counter
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.metrics import MetricUnit

from audit_trail import telemetry

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@telemetry.logger.inject_lambda_context(log_event=False)
def handler(event: dict[str, Any], _context: "LambdaContext") -> None:
    """Count what the mapping's filter lets through: each record stands for one change by hand, or for a repeated delivery."""
    records = event["Records"]
    telemetry.metrics.add_metric(name="RecordsTampered", unit=MetricUnit.Count, value=len(records))
    telemetry.metrics.flush_metrics()
    telemetry.logger.error(
        "records of the audit table were changed or deleted by hand: see docs/runbook.md#records-tampered",
        changes=dict(Counter(str(record.get("eventName")) for record in records)),
        first_sequence_number=telemetry.number_of(records[0]),
        last_sequence_number=telemetry.number_of(records[-1]),
    )

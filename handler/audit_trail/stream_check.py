"""The function that a schedule calls, to see whether changes of the source table still reach the trail's function.

Its metric StreamMismatch is 1 when they don't. The alarm rings as well when the metric stays away, so the function
fails, rather than guess, when it can't look.
"""

import os
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.metrics import MetricUnit
from botocore.config import Config

from audit_trail import telemetry
from audit_trail.aws.event_source_mapping import find_mapping
from audit_trail.aws.source_table import stream_of
from audit_trail.core.stream_health import problems
from audit_trail.settings import required

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# Three attempts at each of two services fit into the 30 seconds that Terraform gives it.
_CONFIG = Config(connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 3, "mode": "standard"})

_source_table = required(os.environ, "SOURCE_TABLE", None, "the source table's name")
_mapping_uuid = required(os.environ, "EVENT_SOURCE_MAPPING", None, "the event source mapping's UUID")
_dynamodb = boto3.client("dynamodb", config=_CONFIG)
_lambda = boto3.client("lambda", config=_CONFIG)


@telemetry.logger.inject_lambda_context(log_event=False)
def handler(_event: Any, _context: "LambdaContext") -> dict[str, Any]:
    """Compare the source table's stream with what the mapping reads; count, log and return what is wrong.

    :raises botocore.exceptions.ClientError: it can't be known: permission is missing, or a service can't answer.
    :raises botocore.exceptions.BotoCoreError: it can't be known: a service can't be reached.
    """
    found = problems(stream_of(_dynamodb, _source_table), find_mapping(_lambda, _mapping_uuid))
    telemetry.metrics.add_metric(name="StreamMismatch", unit=MetricUnit.Count, value=1 if found else 0)
    telemetry.metrics.flush_metrics()
    if found:
        telemetry.logger.error("changes don't reach the trail: see docs/runbook.md#stream-mismatch", reasons=found)
    else:
        telemetry.logger.info("the source table's stream is read")
    return {"problems": found}

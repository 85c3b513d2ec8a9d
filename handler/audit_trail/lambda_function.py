"""The function that Lambda calls with batches of stream records: wiring at cold start, and the handler."""

import gc
import os
import random
import time
from typing import TYPE_CHECKING, Any

import boto3

from audit_trail import batch, telemetry
from audit_trail.aws.audit_table import CLIENT_CONFIG, PartiqlAuditTable
from audit_trail.aws.image_bucket import CLIENT_CONFIG as S3_CLIENT_CONFIG
from audit_trail.aws.image_bucket import S3ImageStore
from audit_trail.core.errors import TableTrailError
from audit_trail.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

_settings = Settings.from_environment(os.environ)
_table = PartiqlAuditTable(boto3.client("dynamodb", config=CLIENT_CONFIG), _settings.audit_table)
_images = S3ImageStore(lambda: boto3.client("s3", config=S3_CLIENT_CONFIG), _settings.trail_bucket)
# What is made once needs no looking through while events are parsed, which is where most collections would fall.
gc.freeze()
_jitter = random.Random()  # noqa: S311  spreads retries, guards nothing


class EventError(TableTrailError):
    """The function was called with something else than a batch of stream records."""


@telemetry.logger.inject_lambda_context(log_event=False)
def handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Store a batch of stream records and answer with a partial batch response.

    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html

    :raises EventError: the event has no ``Records``.
    """
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list):
        raise EventError(
            "the event has no list of Records: send what a DynamoDB stream delivers, as tests/events/sample.json has it"
        )
    response: dict[str, Any] = _store(records, context)
    return response


@telemetry.metrics.log_metrics
def _store(records: list[Any], context: "LambdaContext") -> dict[str, Any]:
    result = batch.store(
        records,
        table=_table,
        images=_images,
        settings=_settings.records,
        time=batch.Time(
            remaining=lambda: context.get_remaining_time_in_millis() / 1000, sleep=time.sleep, jitter=_jitter
        ),
    )
    telemetry.report(result, records)
    return result.response(records)

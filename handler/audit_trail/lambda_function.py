"""The functions that Lambda calls with batches of stream records: wiring at cold start, and the two handlers."""

import functools
import gc
import os
import random
import time
from typing import TYPE_CHECKING, Any

import boto3

from audit_trail import batch, telemetry
from audit_trail.aws.audit_table import CLIENT_CONFIG, PartiqlAuditTable
from audit_trail.aws.failure_bucket import S3FailureBucket
from audit_trail.aws.image_bucket import S3ImageStore
from audit_trail.aws.objects import CLIENT_CONFIG as S3_CLIENT_CONFIG
from audit_trail.aws.objects import Objects
from audit_trail.batch import archiving
from audit_trail.core.errors import TableTrailError, kind_of
from audit_trail.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.typing import LambdaContext

_settings = Settings.from_environment(os.environ)
_table = PartiqlAuditTable(boto3.client("dynamodb", config=CLIENT_CONFIG), _settings.audit_table)
_s3 = functools.cache(lambda: boto3.client("s3", config=S3_CLIENT_CONFIG))
_images = S3ImageStore(_s3, _settings.trail_bucket)
_archived = Objects(_s3, _settings.trail_bucket)
_failures = S3FailureBucket(_s3, _settings.failures_bucket)
_quarantine = batch.Quarantine(_failures, os.environ.get("AWS_LAMBDA_FUNCTION_VERSION") or "unknown")
# What is made once needs no looking through while events are parsed, which is where most collections would fall.
gc.freeze()
# A change may have hundreds of thousands of values: looking through them as often as Python does by itself takes longer
# than to make a record of them.
gc.set_threshold(100_000)
_jitter = random.Random()  # noqa: S311  spreads retries, guards nothing


class EventError(TableTrailError):
    """The function was called with something else than a batch of stream records."""


class UnexpectedError(TableTrailError):
    """Something failed that nobody foresaw, not with one record but with the whole batch."""


@telemetry.logger.inject_lambda_context(log_event=False)
def handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Store a batch of stream records and answer with a partial batch response.

    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html

    :raises EventError: the event has no ``Records``.
    :raises UnexpectedError: whatever else failed; it is told without its message, which may quote data.
    """
    return _answered(event, context, _store)


@telemetry.logger.inject_lambda_context(log_event=False)
def archive(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Archive a batch of records that expired from the audit table, and answer with a partial batch response.

    :raises EventError: the event has no ``Records``.
    :raises UnexpectedError: whatever else failed; it is told without its message, which may quote data.
    """
    return _answered(event, context, _archive)


def _answered(
    event: Any, context: "LambdaContext", work: "Callable[[list[Any], batch.Time], dict[str, Any]]"
) -> dict[str, Any]:
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list):
        raise EventError(
            "the event has no list of Records: send what a DynamoDB stream delivers, as tests/events/sample.json has it"
        )
    time_left = batch.Time(
        remaining=lambda: context.get_remaining_time_in_millis() / 1000, sleep=time.sleep, jitter=_jitter
    )
    try:
        return work(records, time_left)
    except Exception as error:  # noqa: BLE001  Lambda writes what is raised, message and all, to the log
        raise UnexpectedError(f"failed unexpectedly: {kind_of(error)}; Lambda delivers the batch again") from None


def _store(records: list[Any], time_left: batch.Time) -> dict[str, Any]:
    result = batch.store(
        records,
        table=_table,
        images=_images,
        settings=_settings.records,
        time=time_left,
        quarantine=_quarantine,
    )
    telemetry.report(result, records, time.time())
    return result.response(records)


def _archive(records: list[Any], time_left: batch.Time) -> dict[str, Any]:
    result = archiving.archive(records, store=_archived, time=time_left, quarantine=_quarantine)
    telemetry.report_archived(result, records)
    return result.response(records)

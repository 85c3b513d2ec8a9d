"""The function that a schedule calls, to see whether changes of the source table still reach the trail's function.

Its metric StreamMismatch is 1 when they don't. Where there is an archive, ArchiveStreamMismatch is 1 when what expires
from the audit table, or is done to it by hand, doesn't reach the functions that are told of it. An alarm rings as well
when its metric stays away, so the function fails, rather than guess, when it can't look.
"""

import os
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.metrics import MetricUnit
from botocore.config import Config

from audit_trail import telemetry
from audit_trail.aws.event_source_mapping import find_mapping
from audit_trail.aws.source_table import stream_of
from audit_trail.core.stream_health import ARCHIVE, CAPTURE, TAMPERING, mapping_problems, stream_problems
from audit_trail.settings import required

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from audit_trail.core.stream_health import Reading

# Three attempts at each of five questions fit into the 90 seconds that Terraform gives it.
_CONFIG = Config(connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 3, "mode": "standard"})


def _uuid(name: str) -> str:
    return required(os.environ, name, None, "the event source mapping's UUID")


_source_table = required(os.environ, "SOURCE_TABLE", None, "the source table's name")
_capture = {CAPTURE: _uuid("EVENT_SOURCE_MAPPING")}
_audit_table = os.environ.get("AUDIT_TABLE", "")  # only where there is an archive
_archive = (
    {ARCHIVE: _uuid("ARCHIVE_EVENT_SOURCE_MAPPING"), TAMPERING: _uuid("TAMPERING_EVENT_SOURCE_MAPPING")}
    if _audit_table
    else {}
)
_dynamodb = boto3.client("dynamodb", config=_CONFIG)
_lambda = boto3.client("lambda", config=_CONFIG)


@telemetry.logger.inject_lambda_context(log_event=False)
def handler(_event: Any, _context: "LambdaContext") -> dict[str, Any]:
    """Compare each table's stream with what the mappings read; count, log and return what is wrong.

    Of the source table it tells also when it can't look at the archive.

    :raises botocore.exceptions.ClientError: it can't be known: permission is missing, or a service can't answer.
    :raises botocore.exceptions.BotoCoreError: it can't be known: a service can't be reached.
    """
    found = _problems(_source_table, _capture)
    _tell(
        "StreamMismatch",
        found,
        ill="changes don't reach the trail: see docs/runbook.md#stream-mismatch",
        well="the source table's stream is read",
    )
    if _archive:
        of_archive = _problems(_audit_table, _archive)
        _tell(
            "ArchiveStreamMismatch",
            of_archive,
            ill="what expires, or is done by hand, isn't seen: see docs/runbook.md#archive-stream-mismatch",
            well="the audit table's stream is read",
        )
        found += of_archive
    return {"problems": found}


def _problems(table: str, mappings: "Mapping[Reading, str]") -> list[str]:
    stream = stream_of(_dynamodb, table)
    found = stream_problems(next(iter(mappings)), stream)
    for reading, uuid in mappings.items():
        found += mapping_problems(reading, stream, find_mapping(_lambda, uuid))
    return found


def _tell(metric: str, reasons: list[str], *, ill: str, well: str) -> None:
    telemetry.metrics.add_metric(name=metric, unit=MetricUnit.Count, value=1 if reasons else 0)
    telemetry.metrics.flush_metrics()
    if reasons:
        telemetry.logger.error(ill, reasons=reasons)
    else:
        telemetry.logger.info(well)

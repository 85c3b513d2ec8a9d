"""Looks at everything that `trail doctor` judges: one question after the other, and each may be refused."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from botocore.config import Config

from audit_trail.aws import cloudwatch, reading, safeguards
from audit_trail.aws import function as functions
from audit_trail.aws import source_table as tables
from audit_trail.aws.failure_bucket import S3FailureBucket
from audit_trail.aws.looking import look
from audit_trail.cli import bucket as buckets
from audit_trail.cli.context import Connection
from audit_trail.core.doctor import alarms, mapping, traffic
from audit_trail.core.doctor.facts import AuditTable, Facts, Function, MappingSettings, SourceTable, Unseen, Waiting
from audit_trail.core.doctor.function import needed_by_role
from audit_trail.core.failures import LAMBDA_PREFIX, QUARANTINE_PREFIX

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_iam import IAMClient
    from types_boto3_s3 import S3Client

_T = TypeVar("_T")

_CONFIG = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 3, "mode": "standard"})
MOST_OBJECTS = 1_000  # one page of S3's
_HOUR, _FORTNIGHT = timedelta(hours=1), timedelta(days=14)
_MINUTE, _FIVE_MINUTES = timedelta(minutes=1), timedelta(minutes=5)


def examined(connection: Connection, audit_table: str) -> Facts:
    """Look at all of a trail.

    :raises NotATrailError: there is no such table, or it doesn't carry the tags of an audit table.
    :raises SourceGoneError: the function's settings can't be known without the source table, which is gone.
    :raises botocore.exceptions.ClientError: not even the audit table can be looked at.
    :raises botocore.exceptions.BotoCoreError: AWS can't be reached.
    """
    now = datetime.now(UTC)
    dynamodb, lambdas, s3 = connection.dynamodb(_CONFIG), connection.functions(_CONFIG), connection.s3(_CONFIG)
    watching = connection.cloudwatch(_CONFIG)
    table = _table(dynamodb, audit_table)
    told = look("dynamodb", lambda: _told(dynamodb, audit_table))

    def ask(service: str, question: Callable[[Mapping[str, str]], _T]) -> _T | Unseen:
        # Whatever else there is, its name is in the audit table's tags.
        return told if isinstance(told, Unseen) else look(service, lambda: question(told))

    source = ask("dynamodb", lambda it: _source(dynamodb, it["SOURCE_TABLE"]))
    stream = source.stream.arn if isinstance(source, SourceTable) else None
    function = ask("lambda", lambda it: functions.find_function(lambdas, it["FUNCTION"]))
    watched = alarms.ALWAYS + alarms.ON_REQUEST + alarms.OF_ARCHIVE

    def metrics(it: Mapping[str, str]) -> dict[str, cloudwatch.Metric]:
        of_archive = cloudwatch.metrics_of_archive(it["ARCHIVE"], it["FUNCTION"]) if it.get("ARCHIVE") else {}
        return cloudwatch.metrics_of(it["FUNCTION"], it["SOURCE_TABLE"]) | of_archive

    def function_of(name: str) -> Function | Unseen | None:
        return ask("lambda", lambda it: functions.find_function(lambdas, it[name]) if it.get(name) else None)

    def mapping_of(name: str) -> MappingSettings | Unseen | None:
        return ask(
            "lambda",
            lambda it: (
                mapping.chosen(functions.mappings_of(lambdas, it[name]), table.name, table.stream.arn)
                if it.get(name)
                else None
            ),
        )

    return Facts(
        now=now,
        table=table,
        settings=told,
        point_in_time_recovery=look("dynamodb", lambda: safeguards.point_in_time_recovery(dynamodb, audit_table)),
        expiry=look("dynamodb", lambda: safeguards.expiry(dynamodb, audit_table)),
        source=source,
        mapping=ask(
            "lambda",
            lambda it: mapping.chosen(functions.mappings_of(lambdas, it["FUNCTION"]), it["SOURCE_TABLE"], stream),
        ),
        function=function,
        denied_to_role=ask(
            "iam", lambda it: _denied_to_role(connection.iam(_CONFIG), function, table.arn, stream, it["TRAIL_BUCKET"])
        ),
        bucket=ask("s3", lambda it: safeguards.bucket(s3, it["TRAIL_BUCKET"])),
        given_up=ask("s3", lambda it: _waiting(s3, it["TRAIL_BUCKET"], LAMBDA_PREFIX)),
        quarantined=ask("s3", lambda it: _waiting(s3, it["TRAIL_BUCKET"], QUARANTINE_PREFIX)),
        alarms=ask("cloudwatch", lambda it: cloudwatch.alarms(watching, it["FUNCTION"], watched)),
        minutes=ask("cloudwatch", lambda it: cloudwatch.series(watching, metrics(it), now, _HOUR, _MINUTE)),
        fortnight=ask(
            "cloudwatch",
            lambda it: cloudwatch.series(
                watching,
                {name: metric for name, metric in metrics(it).items() if name in (traffic.STORED, traffic.WRITTEN)},
                now,
                _FORTNIGHT,
                _FIVE_MINUTES,
            ),
        ),
        archive_function=function_of("ARCHIVE"),
        archive_mapping=mapping_of("ARCHIVE"),
        tampering_function=function_of("TAMPERING"),
        tampering_mapping=mapping_of("TAMPERING"),
    )


def _table(client: "DynamoDBClient", name: str) -> AuditTable:
    description = tables.describe(client, name)
    if description is None:
        raise reading.NotATrailError(
            f"there is no table {name} in this account and region: check --audit-table and --region, or restore it from "
            "its backup under its name"
        )
    return AuditTable(
        name=name,
        arn=description["TableArn"],
        status=description["TableStatus"],
        partition_key=tables.key_schema(description).partition_key,
        deletion_protection=description.get("DeletionProtectionEnabled", False),
        stream=tables.stream(description),
    )


def _told(client: "DynamoDBClient", audit_table: str) -> dict[str, str]:
    told = reading.function_settings(client, audit_table)
    buckets.checked(told, audit_table)
    if not told.get("FUNCTION"):
        raise reading.NotATrailError(
            f"{audit_table} has no tag table-trail:function, so that its function can't be found: `make deploy`"
        )
    return told


def _source(client: "DynamoDBClient", name: str) -> SourceTable | None:
    description = tables.describe(client, name)
    if description is None:
        return None
    return SourceTable(tables.stream(description), tables.key_schema(description))


def _denied_to_role(
    client: "IAMClient", function: Function | Unseen | None, table: str, stream: str | None, bucket: str
) -> dict[str, list[str]]:
    if not isinstance(function, Function):
        return {}  # without the function, nobody asks what its role may do
    _, partition, _, region, account, _ = table.split(":", 5)
    log_group = f"arn:{partition}:logs:{region}:{account}:log-group:{function.log_group}"
    needed = needed_by_role(table, stream, f"arn:{partition}:s3:::{bucket}", log_group)
    return functions.denied(client, function.role, needed)


def _waiting(client: "S3Client", bucket: str, prefix: str) -> Waiting:
    found = list(islice(S3FailureBucket(lambda: client, bucket).waiting(prefix), MOST_OBJECTS + 1))
    counted = found[:MOST_OBJECTS]
    oldest = min((one.since for one in counted), default=None)
    return Waiting(len(counted), more=len(found) > MOST_OBJECTS, oldest=oldest)

"""Looks at everything that `trail doctor` judges: many questions at the same time, and each may be refused."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING, TypeVar

from botocore.config import Config

from audit_trail.aws import cloudwatch, reading, safeguards
from audit_trail.aws import function as functions
from audit_trail.aws import source_table as tables
from audit_trail.aws.failure_bucket import S3FailureBucket
from audit_trail.aws.looking import PATIENCE, begin
from audit_trail.cli import bucket as buckets
from audit_trail.cli.context import Connection
from audit_trail.core.buckets import own_buckets
from audit_trail.core.doctor import alarms, mapping, traffic
from audit_trail.core.doctor.facts import AuditTable, Facts, Function, MappingSettings, SourceTable, Unseen, Waiting
from audit_trail.core.doctor.function import control, needed_by_role
from audit_trail.core.failures import LAMBDA_PREFIX, QUARANTINE_PREFIX

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_iam import IAMClient
    from types_boto3_s3 import S3Client

_T = TypeVar("_T")

_CONFIG = Config(connect_timeout=3, read_timeout=PATIENCE, retries={"total_max_attempts": 2, "mode": "standard"})
MOST_OBJECTS = 1_000  # one page of S3's
_HOUR, _FORTNIGHT = timedelta(hours=1), timedelta(days=14)
_MINUTE, _FIVE_MINUTES = timedelta(minutes=1), timedelta(minutes=5)
_OF_FORTNIGHT = frozenset({traffic.STORED, traffic.WRITTEN, traffic.TIME_INDEX_WRITTEN})


def examined(connection: Connection, audit_table: str) -> Facts:
    """Look at all of a trail, at many things at the same time; what takes longer than a few seconds is unseen.

    :raises NotATrailError: there is no such table, or it doesn't carry the tags of an audit table.
    :raises SourceGoneError: the function's settings can't be known without the source table, which is gone.
    :raises botocore.exceptions.ClientError: not even the audit table can be looked at.
    :raises botocore.exceptions.BotoCoreError: AWS can't be reached.
    """
    now = datetime.now(UTC)
    # Made beforehand: a session makes clients for one thread at a time.
    dynamodb, lambdas, s3 = connection.dynamodb(_CONFIG), connection.functions(_CONFIG), connection.s3(_CONFIG)
    watching, iam = connection.cloudwatch(_CONFIG), connection.iam(_CONFIG)
    table = _table(dynamodb, audit_table)
    told = begin("dynamodb", lambda: _told(dynamodb, audit_table))()

    def ask(service: str, question: Callable[[Mapping[str, str]], _T]) -> Callable[[], _T | Unseen]:
        # Whatever else there is, its name is in the audit table's tags.
        return (lambda: told) if isinstance(told, Unseen) else begin(service, lambda: question(told))

    def function_of(name: str) -> Callable[[], Function | Unseen | None]:
        return ask("lambda", lambda it: functions.find_function(lambdas, it[name]) if it.get(name) else None)

    def mapping_of(name: str) -> Callable[[], MappingSettings | Unseen | None]:
        return ask(
            "lambda",
            lambda it: (
                mapping.chosen(functions.mappings_of(lambdas, it[name]), table.name, table.stream.arn)
                if it.get(name)
                else None
            ),
        )

    def readers_of(stream: str | None) -> Callable[[], tuple[str, ...] | Unseen]:
        return ask("lambda", lambda _: functions.readers_of(lambdas, stream) if stream else ())

    def of_failures_bucket(question: Callable[["S3Client", str], _T | None]) -> Callable[[], _T | Unseen | None]:
        return ask("s3", lambda it: question(s3, it["FAILURES_BUCKET"]) if it.get("FAILURES_BUCKET") else None)

    asked_for_source = ask("dynamodb", lambda it: _source(dynamodb, it["SOURCE_TABLE"]))
    asked_for_function = function_of("FUNCTION")
    point_in_time_recovery = begin("dynamodb", lambda: safeguards.point_in_time_recovery(dynamodb, audit_table))
    expiry = begin("dynamodb", lambda: safeguards.expiry(dynamodb, audit_table))
    bucket = ask("s3", lambda it: safeguards.bucket(s3, it["TRAIL_BUCKET"]))
    lifecycle = ask("s3", lambda it: safeguards.lifecycle(s3, it["TRAIL_BUCKET"]))
    failures_bucket, failures_lifecycle = (
        of_failures_bucket(safeguards.bucket),
        of_failures_bucket(safeguards.lifecycle),
    )
    given_up = ask("s3", lambda it: _waiting(s3, _buckets(it), LAMBDA_PREFIX))
    quarantined = ask("s3", lambda it: _waiting(s3, _buckets(it), QUARANTINE_PREFIX))
    watched = alarms.ALWAYS + alarms.ON_REQUEST + alarms.OF_ARCHIVE
    found_alarms = ask("cloudwatch", lambda it: cloudwatch.alarms(watching, it["FUNCTION"], watched))
    minutes = ask("cloudwatch", lambda it: cloudwatch.series(watching, _metrics(it, table.name), now, _HOUR, _MINUTE))
    archive_function, archive_mapping = function_of("ARCHIVE"), mapping_of("ARCHIVE")
    tampering_function, tampering_mapping = function_of("TAMPERING"), mapping_of("TAMPERING")
    audit_readers = readers_of(table.stream.arn)

    # What needs the answers to these is asked after them.
    source, function = asked_for_source(), asked_for_function()
    stream = source.stream.arn if isinstance(source, SourceTable) else None
    found_mapping = ask(
        "lambda",
        lambda it: mapping.chosen(functions.mappings_of(lambdas, it["FUNCTION"]), it["SOURCE_TABLE"], stream),
    )
    source_readers = readers_of(stream)
    denied_to_role = ask("iam", lambda it: _denied_to_role(iam, function, table.arn, stream, it))

    found_minutes = minutes()
    # A service that was too slow for an hour isn't asked for two weeks.
    fortnight = (
        (lambda: found_minutes)
        if isinstance(found_minutes, Unseen)
        else ask(
            "cloudwatch",
            lambda it: cloudwatch.series(
                watching,
                {name: one for name, one in _metrics(it, table.name).items() if name in _OF_FORTNIGHT},
                now,
                _FORTNIGHT,
                _FIVE_MINUTES,
            ),
        )
    )

    return Facts(
        now=now,
        table=table,
        settings=told,
        point_in_time_recovery=point_in_time_recovery(),
        expiry=expiry(),
        source=source,
        mapping=found_mapping(),
        function=function,
        denied_to_role=denied_to_role(),
        source_readers=source if isinstance(source, Unseen) else source_readers(),
        bucket=bucket(),
        lifecycle=lifecycle(),
        failures_bucket=failures_bucket(),
        failures_lifecycle=failures_lifecycle(),
        given_up=given_up(),
        quarantined=quarantined(),
        alarms=found_alarms(),
        minutes=found_minutes,
        fortnight=fortnight(),
        archive_function=archive_function(),
        archive_mapping=archive_mapping(),
        tampering_function=tampering_function(),
        tampering_mapping=tampering_mapping(),
        audit_readers=audit_readers(),
    )


def _metrics(told: Mapping[str, str], audit_table: str) -> dict[str, cloudwatch.Metric]:
    found = cloudwatch.metrics_of(told["FUNCTION"], told["SOURCE_TABLE"])
    if told.get("ARCHIVE"):
        found |= cloudwatch.metrics_of_archive(told["ARCHIVE"], told["FUNCTION"])
    by_time, by_actor = (told.get(name, "0") not in ("", "0") for name in ("TIME_INDEX_SHARDS", "ACTOR_INDEX_SHARDS"))
    return found | cloudwatch.metrics_of_indexes(audit_table, by_time=by_time, by_actor=by_actor)


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
    return SourceTable(
        tables.stream(description), tables.key_schema(description), replicated=bool(description.get("Replicas"))
    )


def _denied_to_role(
    client: "IAMClient",
    function: Function | Unseen | None,
    table: str,
    stream: str | None,
    settings: Mapping[str, str],
) -> dict[str, list[str]] | Unseen:
    if not isinstance(function, Function):
        return {}  # without the function, nobody asks what its role may do
    _, partition, _, region, account, _ = table.split(":", 5)
    log_group = f"arn:{partition}:logs:{region}:{account}:log-group:{function.log_group}"
    failures, history = (f"arn:{partition}:s3:::{_buckets(settings)[at]}" for at in (0, -1))
    needed = needed_by_role(table, stream, history, failures, log_group)
    return functions.denied(client, function.role, needed, control(failures))


def _buckets(settings: Mapping[str, str]) -> tuple[str, ...]:
    return own_buckets(settings["TRAIL_BUCKET"], settings.get("FAILURES_BUCKET"))


def _waiting(client: "S3Client", buckets: Sequence[str], prefix: str) -> Waiting:
    waiting = chain.from_iterable(S3FailureBucket(lambda: client, name).waiting(prefix) for name in buckets)
    found = list(islice(waiting, MOST_OBJECTS + 1))
    counted = found[:MOST_OBJECTS]
    oldest = min((one.since for one in counted), default=None)
    return Waiting(len(counted), more=len(found) > MOST_OBJECTS, oldest=oldest)

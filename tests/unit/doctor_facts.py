"""A trail that is well, as `trail doctor` sees it, and what one check says of a trail that differs from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from audit_trail.core.doctor import examine, traffic
from audit_trail.core.doctor.alarms import ALWAYS, OF_ARCHIVE
from audit_trail.core.doctor.archive import EXPIRED, TAMPERED
from audit_trail.core.doctor.facts import (
    Alarm,
    AuditTable,
    Bucket,
    Expiry,
    Facts,
    Function,
    LifecycleRule,
    MappingSettings,
    SourceTable,
    Waiting,
)
from audit_trail.core.keys import KeySchema
from audit_trail.core.stream_health import Mapping, Stream

if TYPE_CHECKING:
    from audit_trail.core.doctor.facts import Series
    from audit_trail.core.doctor.findings import Finding

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
STREAM = "arn:aws:dynamodb:eu-central-1:111122223333:table/orders/stream/2026-11-24T00:00:00.000"
TABLE = AuditTable(
    name="audit",
    arn="arn:aws:dynamodb:eu-central-1:111122223333:table/audit",
    status="ACTIVE",
    partition_key="order_id",
    deletion_protection=True,
    stream=Stream(None, enabled=False, view_type=None),
)
SETTINGS = {
    "AUDIT_TABLE": "audit",
    "FUNCTION": "audit-trail",
    "IMAGE_STORAGE": "old_and_new",
    "PARTITION_KEY": "order_id",
    "SORT_KEY": "",
    "SOURCE_TABLE": "orders",
    "TRAIL_BUCKET": "trail-bucket",
    "FAILURES_BUCKET": "failures-bucket",
}
ENVIRONMENT = {
    "AUDIT_TABLE": "audit",
    "PARTITION_KEY": "order_id",
    "TRAIL_BUCKET": "trail-bucket",
    "FAILURES_BUCKET": "failures-bucket",
}
SOURCE = SourceTable(Stream(STREAM, enabled=True, view_type="NEW_AND_OLD_IMAGES"), KeySchema("order_id"))
MAPPING = MappingSettings(
    mapping=Mapping(STREAM, "Enabled"),
    uuid="5a2c0000-1111-4222-8333-444455556666",
    last_result="OK",
    response_types=("ReportBatchItemFailures",),
    bisects=True,
    most_retries=-1,
    record_age=21_600,
    destination="arn:aws:s3:::failures-bucket",
    filters=(),
)
FUNCTION = Function(
    name="audit-trail",
    role="arn:aws:iam::111122223333:role/audit-trail-eu-central-1",
    state="Active",
    update_status="Successful",
    reason="",
    environment=ENVIRONMENT,
    log_group="/aws/lambda/audit-trail",
)
READER = "arn:aws:lambda:eu-central-1:111122223333:function:audit-trail"
NOTHING = Waiting(0, more=False, oldest=None)


def series(*values: tuple[float, float]) -> Series:
    """Return values, each with how many minutes ago its period began."""
    return tuple((NOW - timedelta(minutes=minutes), value) for minutes, value in values)


MINUTES = {
    traffic.ITERATOR_AGE: series((20, 9e9), (3, 2_000)),
    traffic.INVOCATIONS: series((50, 5), (3, 5)),
    traffic.ERRORS: series((3, 0)),
    traffic.THROTTLES: series((3, 0)),
    traffic.STORED: series((50, 40), (3, 60)),
    traffic.NOT_STORED: series((3, 0)),
    traffic.WRITTEN: series((3, 60)),
}
FORTNIGHT = {traffic.STORED: series((3, 60)), traffic.WRITTEN: series((3, 60))}

WELL = Facts(
    now=NOW,
    table=TABLE,
    settings=SETTINGS,
    point_in_time_recovery=True,
    expiry=Expiry("ENABLED", "expires_at"),
    source=SOURCE,
    mapping=MAPPING,
    function=FUNCTION,
    denied_to_role={},
    source_readers=(READER,),
    bucket=Bucket("Enabled", blocks_public_access=True, policy_is_public=False),
    lifecycle=(LifecycleRule("archive", enabled=True, prefix="archive/", deletes=False),),
    failures_bucket=Bucket("Enabled", blocks_public_access=True, policy_is_public=False),
    failures_lifecycle=(
        LifecycleRule("redriven", enabled=True, prefix="redriven/", deletes=True),
        LifecycleRule("given-up", enabled=True, prefix="aws/lambda/", deletes=True, only_noncurrent=True),
    ),
    given_up=NOTHING,
    quarantined=NOTHING,
    alarms=tuple(Alarm(key, "OK", calls_somebody=True) for key in ALWAYS),
    minutes=MINUTES,
    fortnight=FORTNIGHT,
    archive_function=None,
    archive_mapping=None,
    tampering_function=None,
    tampering_mapping=None,
    audit_readers=(),
)

AUDIT_STREAM = "arn:aws:dynamodb:eu-central-1:111122223333:table/audit/stream/2026-11-24T06:00:00.000"
ARCHIVE_MAPPING = replace(MAPPING, mapping=Mapping(AUDIT_STREAM, "Enabled"), filters=EXPIRED)
TAMPERING_MAPPING = replace(
    MAPPING,
    mapping=Mapping(AUDIT_STREAM, "Enabled"),
    filters=TAMPERED,
    response_types=(),
    bisects=False,
    destination=None,
)
ARCHIVING = replace(
    WELL,
    table=replace(TABLE, stream=Stream(AUDIT_STREAM, enabled=True, view_type="OLD_IMAGE")),
    settings=SETTINGS | {"RETENTION_DAYS": "90", "ARCHIVE": "audit-archive", "TAMPERING": "audit-tampering"},
    function=replace(FUNCTION, environment=ENVIRONMENT | {"RETENTION_DAYS": "90"}),
    alarms=tuple(Alarm(key, "OK", calls_somebody=True) for key in ALWAYS + OF_ARCHIVE),
    minutes=MINUTES
    | {
        traffic.ARCHIVE_ITERATOR_AGE: series((20, 9e9), (3, 2_000)),
        traffic.ARCHIVE_INVOCATIONS: series((50, 5), (3, 5)),
        traffic.ARCHIVE_ERRORS: series((3, 0)),
        traffic.ARCHIVE_THROTTLES: series((3, 0)),
        traffic.ARCHIVED: series((50, 40)),
        traffic.NOT_ARCHIVED: series((3, 0)),
    },
    archive_function=replace(FUNCTION, name="audit-archive"),
    archive_mapping=ARCHIVE_MAPPING,
    tampering_function=replace(FUNCTION, name="audit-tampering"),
    tampering_mapping=TAMPERING_MAPPING,
    audit_readers=(f"{READER}-archive", f"{READER}-tampering"),
)
"""A trail with an archive that is well."""


def finding(check: str, trail: Facts = WELL, /, **differing: Any) -> Finding:
    """Return what a check says of a trail that is well but for these facts."""
    return next(found for name, found in examine(replace(trail, **differing)) if name == check)


def verdict_and_section(check: str, **differing: Any) -> tuple[str, str]:
    """Return its verdict and the section of the runbook that it names."""
    found = finding(check, **differing)
    return found.verdict, found.section or ""

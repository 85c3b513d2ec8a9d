"""What `trail doctor` found out, before anybody judges it: as AWS says it, in its words."""

from collections.abc import Mapping as Settings
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from audit_trail.core.errors import TableTrailError
from audit_trail.core.keys import KeySchema
from audit_trail.core.stream_health import Mapping, Stream

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Unseen:
    """Something that could not be looked at."""

    action: str
    """What had to be done for it, as IAM names it: ``lambda:GetFunctionConfiguration``."""
    code: str
    denied: bool
    """The caller lacks the permission; otherwise AWS could not answer."""
    why: str = ""
    """Why there is no answer to rely on, in words, where ``code`` is none of AWS's."""


class NotSeenError(TableTrailError):
    """A check needs what could not be looked at."""

    def __init__(self, unseen: Unseen) -> None:
        super().__init__(unseen.action)
        self.unseen = unseen


def seen(fact: _T | Unseen) -> _T:
    """Return a fact.

    :raises NotSeenError: it could not be looked at.
    """
    if isinstance(fact, Unseen):
        raise NotSeenError(fact)
    return fact


@dataclass(frozen=True, slots=True)
class AuditTable:
    """The audit table's description."""

    name: str
    arn: str
    status: str
    partition_key: str
    deletion_protection: bool
    stream: Stream


@dataclass(frozen=True, slots=True)
class Expiry:
    """The audit table's TTL."""

    status: str
    attribute: str | None


@dataclass(frozen=True, slots=True)
class SourceTable:
    """The source table's description."""

    stream: Stream
    key_schema: KeySchema
    replicated: bool = False
    """A global table, whose replication reads the stream, too."""


@dataclass(frozen=True, slots=True)
class MappingSettings:
    """The event source mapping, with what Terraform sets."""

    mapping: Mapping
    uuid: str
    last_result: str
    response_types: tuple[str, ...]
    bisects: bool
    most_retries: int
    """-1 is without end."""
    record_age: int
    """Seconds; -1 is without end."""
    destination: str | None
    """ARN of the on-failure destination."""
    filters: tuple[str, ...]
    """Patterns of the filters, as JSON; none lets everything through."""


@dataclass(frozen=True, slots=True)
class Function:
    """The function's configuration."""

    name: str
    role: str
    """Its ARN."""
    state: str
    update_status: str
    reason: str
    """Why it isn't Active, or the last update failed."""
    environment: Settings[str, str] | Unseen
    log_group: str


@dataclass(frozen=True, slots=True)
class Bucket:
    """How one of the trail's buckets is set up."""

    versioning: str
    blocks_public_access: bool
    policy_is_public: bool


@dataclass(frozen=True, slots=True)
class LifecycleRule:
    """A rule of a bucket's lifecycle."""

    name: str
    enabled: bool
    prefix: str
    """Of the objects that it is for; empty for all."""
    deletes: bool
    """It deletes objects, or versions of them; otherwise it moves them, or tidies up."""
    only_noncurrent: bool = False
    """It deletes noncurrent versions alone."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits under one prefix of the trail's buckets."""

    objects: int
    more: bool
    """There are more, which were not counted."""
    oldest: datetime | None
    """Of those that were counted."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A CloudWatch alarm."""

    key: str
    """Its name without the trail's."""
    state: str
    calls_somebody: bool


Series = tuple[tuple[datetime, float], ...]
"""A metric's values, each with the beginning of its period."""


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it. None stands for what doesn't exist."""

    now: datetime
    table: AuditTable
    settings: Settings[str, str] | Unseen
    """What the audit table's tags say, by the names of the function's environment, and SOURCE_TABLE and FUNCTION; where there
    is an archive, ARCHIVE and TAMPERING, its functions."""
    point_in_time_recovery: bool | Unseen
    expiry: Expiry | Unseen
    source: SourceTable | Unseen | None
    mapping: MappingSettings | Unseen | None
    function: Function | Unseen | None
    denied_to_role: Settings[str, list[str]] | Unseen
    """Of what the function's role needs, the actions that it may not do, by the ARN that they are for."""
    source_readers: tuple[str, ...] | Unseen
    """ARNs of the functions that read the source table's stream by an event source mapping that isn't disabled."""
    bucket: Bucket | Unseen | None
    """The history bucket."""
    lifecycle: tuple[LifecycleRule, ...] | Unseen | None
    """Its rules."""
    failures_bucket: Bucket | Unseen | None
    """None also where the trail has one bucket for everything; likewise its rules."""
    failures_lifecycle: tuple[LifecycleRule, ...] | Unseen | None
    given_up: Waiting | Unseen
    quarantined: Waiting | Unseen
    alarms: tuple[Alarm, ...] | Unseen
    minutes: Settings[str, Series] | Unseen
    """Metrics of the last hour, minute by minute, by the names in `traffic`; without an archive or an index, none of its."""
    fortnight: Settings[str, Series] | Unseen
    """Metrics of the last 14 days, in periods of five minutes."""
    archive_function: Function | Unseen | None
    archive_mapping: MappingSettings | Unseen | None
    tampering_function: Function | Unseen | None
    tampering_mapping: MappingSettings | Unseen | None
    audit_readers: tuple[str, ...] | Unseen
    """As `source_readers`, of the audit table's stream."""


def archives(facts: Facts) -> bool:
    """Tell whether the trail is known to have an archive."""
    return not isinstance(facts.settings, Unseen) and bool(facts.settings.get("ARCHIVE"))

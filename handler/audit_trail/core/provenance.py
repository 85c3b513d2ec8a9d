"""Which of the records that wait in the bucket are this trail's own.

Whoever may put an object there chooses what it says. A record is taken only where it names a stream of the trail's own
tables, and an expired one only where it had to expire.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audit_trail.core.archive import expired
from audit_trail.core.errors import ForeignFailureError, MalformedFailureError
from audit_trail.core.values import json_number

_SECONDS_A_DAY = 86_400
_CLOCKS_DIFFER = 900  # seconds


@dataclass(frozen=True, slots=True)
class Tables:
    """ARNs of the tables whose streams a trail takes records from."""

    source: str
    audit: str


def table_arn(record: Any) -> str:
    """Return the ARN of the table whose stream a record names; nothing where it names none."""
    arn = record.get("eventSourceARN") if isinstance(record, Mapping) else None
    table, stream, label = arn.partition("/stream/") if isinstance(arn, str) else ("", "", "")
    return table if stream and label else ""


def origin(records: Sequence[Any], tables: Tables, now: float) -> str:
    """Return the ARN of the table that all records of an object come from; ``now`` is in epoch seconds.

    :raises ForeignFailureError: one comes from another table, or not all from the same, or expired before its time.
    :raises MalformedFailureError: one names no stream.
    """
    named = {table_arn(record) for record in records}
    if named - {tables.source, tables.audit, ""}:
        raise ForeignFailureError(
            "not this trail's: a record names another table's stream; nothing of the object is taken", len(records)
        )
    if "" in named:
        raise MalformedFailureError("a record of the object names no stream, so whose it is can't be told")
    if len(named) > 1:
        raise ForeignFailureError("not this trail's: the records name several tables' streams", len(records))
    if tables.audit in named and not all(_timely(record, now) for record in records if expired(record)):
        raise ForeignFailureError(
            "not what TTL deletes: a record's age, its expires_at and its deletion don't agree; nothing of the object "
            "is taken",
            len(records),
        )
    return named.pop() if named else tables.source


def _timely(record: Mapping[str, Any], now: float) -> bool:
    """Tell whether a record expired when it had to: whole days after its change, and no later than now.

    DynamoDB deletes it then or some days later
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html).
    """
    try:
        change = record["dynamodb"]
        item = change["OldImage"]
        created = int(float(item["approximate_creation_date_time"]["N"]))
        expires = int(item["expires_at"]["N"])
        deleted = json_number(change["ApproximateCreationDateTime"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return False
    kept = expires - created
    whole_days = kept > 0 and kept % _SECONDS_A_DAY == 0
    return whole_days and deleted is not None and expires <= deleted <= now + _CLOCKS_DIFFER

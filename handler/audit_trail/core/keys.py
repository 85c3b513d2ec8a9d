"""The keys of audit records: functions of the stream record alone, never of a clock.

One partition of the audit table is one item's whole history. Names and values have to fit DynamoDB's limits
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html).
"""

import hashlib
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from audit_trail.core.errors import MalformedRecordError
from audit_trail.core.values import AttributeValue, Image, canonical_bytes, canonical_value

RESERVED_NAMES = frozenset(
    {
        "timestamp",
        "schema_version",
        "event_id",
        "event_name",
        "event_version",
        "event_source",
        "aws_region",
        "event_source_arn",
        "sequence_number",
        "stream_view_type",
        "approximate_creation_date_time",
        "size_bytes",
        "user_identity",
        "keys",
        "old_image",
        "new_image",
        "old_image_sha256",
        "new_image_sha256",
        "diff",
        "changed_attributes",
        "actor",
        "reason",
        "actor_source",
        "reason_source",
        "expires_at",
        "time_bucket",
        "actor_bucket",
        "other",
        "images",
    },
)
"""The audit record's own attribute names: no source key's name may take one of them."""

_LONGEST_NAME = 255  # bytes
_LONGEST_VALUE = 2_048  # bytes, a partition key's
_KEY_TYPES = ("S", "N", "B")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_10000 = 253_402_300_800  # seconds: the first moment that needs a fifth digit for its year


@dataclass(frozen=True, slots=True)
class KeySchema:
    """The names of the source table's primary key; ``sort_key`` is None for a simple one."""

    partition_key: str
    sort_key: str | None = None

    @property
    def audit_partition_key(self) -> str:
        """Name of the audit table's partition key: Terraform makes it by the same rule (modules/audit_trail)."""
        if self.sort_key is not None:
            return _cut(f"{self.partition_key}#{self.sort_key}")
        name = self.partition_key
        if name in RESERVED_NAMES or len(_bytes(name)) > _LONGEST_NAME:
            return _cut(f"source#{name}")
        return name

    def audit_partition_value(self, keys: Image) -> AttributeValue:
        """Return the partition key of an item's history, from the item's own key.

        A simple key stays as it is. A composite one becomes ``<pk>#<sk>``, percent-encoded so that two different
        keys can never meet; longer than 2,048 bytes, it becomes ``sha256:`` and the digest of it.

        :raises MalformedRecordError: the keys are not those of this table.
        """
        names = {self.partition_key} if self.sort_key is None else {self.partition_key, self.sort_key}
        if keys.keys() != names:
            expected = " and ".join(filter(None, (self.partition_key, self.sort_key)))
            raise MalformedRecordError(
                f"the record's key attributes are not this table's ({expected}): check PARTITION_KEY and SORT_KEY",
            )
        if self.sort_key is None:
            value = keys[self.partition_key]
            _key_text(value)
            return value
        joined = f"{_key_text(keys[self.partition_key])}#{_key_text(keys[self.sort_key])}"
        if len(_bytes(joined)) > _LONGEST_VALUE:
            joined = f"sha256:{hashlib.sha256(_bytes(joined)).hexdigest()}"
        return {"S": joined}


def _cut(name: str) -> str:
    return _bytes(name)[:_LONGEST_NAME].decode("utf-8", "ignore")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _key_text(value: AttributeValue) -> str:
    [(tag, body)] = canonical_value(value).items()
    if tag not in _KEY_TYPES:
        raise MalformedRecordError("a key attribute is not of type S, N or B")
    text: str = body
    return text.replace("%", "%25").replace("#", "%23")


def sort_key(approximate_creation_date_time: Decimal, sequence_number: str) -> str:
    """Return an audit record's ``timestamp``: fixed width, unique, and in the order of time.

    ``approximate_creation_date_time`` is in epoch seconds. A sequence number of more than 40 digits is kept whole.

    :raises MalformedRecordError: the time lies outside the years 1970 to 9999, or the number isn't one.
    """
    if not (sequence_number.isascii() and sequence_number.isdigit()):
        raise MalformedRecordError("the record's SequenceNumber is not a string of digits")
    return f"{iso_time(approximate_creation_date_time)}#{sequence_number:0>40}"


@lru_cache(maxsize=256)  # a batch's records lie within few seconds
def iso_time(epoch_seconds: Decimal) -> str:
    """Write epoch seconds as UTC with milliseconds, rounded down: ``2026-11-24T02:51:41.000Z``.

    :raises MalformedRecordError: the time lies outside the years 1970 to 9999.
    """
    if not 0 <= epoch_seconds < _YEAR_10000:
        raise MalformedRecordError("the record's ApproximateCreationDateTime is not a time from 1970 to 9999")
    # Not by Decimal's own arithmetic, which rounds beyond 28 digits.
    numerator, denominator = epoch_seconds.as_integer_ratio()
    moment = _EPOCH + timedelta(milliseconds=numerator * 1000 // denominator)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def shard(partition_value: AttributeValue, shards: int) -> str:
    """Return which of an index's shards an item's history lies in: two digits, the same for ever."""
    return f"{zlib.crc32(canonical_bytes(canonical_value(partition_value))) % shards:02d}"

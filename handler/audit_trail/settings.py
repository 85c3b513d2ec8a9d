"""The function's environment, checked once at cold start."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from audit_trail.core.buckets import own_buckets
from audit_trail.core.errors import TableTrailError
from audit_trail.core.keys import KeySchema
from audit_trail.core.pointers import is_pointer
from audit_trail.core.records import NEW_AND_DIFF, OLD_AND_NEW, RecordSettings

_TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}").fullmatch
_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]").fullmatch
_LONGEST_RETENTION = 36_500  # days
_MOST_DIGITS = 9
_MOST_SHARDS = 100  # two digits


class SettingsError(TableTrailError):
    """A setting is missing or malformed; the sentence names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What Terraform tells the function (modules/audit_trail/lambda.tf)."""

    audit_table: str
    trail_bucket: str
    """The history bucket: images and the archive."""
    failures_bucket: str
    """What could not be stored; the history bucket where none is set, as before there were two."""
    records: RecordSettings

    @property
    def buckets(self) -> tuple[str, ...]:
        """The trail's own buckets, each once; failures are looked for in all of them."""
        return own_buckets(self.trail_bucket, self.failures_bucket)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read and check all settings.

        :raises SettingsError: one is missing or malformed.
        """
        return cls(
            audit_table=required(environment, "AUDIT_TABLE", _TABLE_NAME, "a DynamoDB table's name"),
            trail_bucket=required(environment, "TRAIL_BUCKET", _BUCKET_NAME, "an S3 bucket's name"),
            failures_bucket=required(
                environment,
                "FAILURES_BUCKET" if environment.get("FAILURES_BUCKET") else "TRAIL_BUCKET",
                _BUCKET_NAME,
                "an S3 bucket's name",
            ),
            records=RecordSettings(
                key_schema=KeySchema(
                    partition_key=required(environment, "PARTITION_KEY", None, "an attribute's name"),
                    sort_key=environment.get("SORT_KEY") or None,
                ),
                retention_days=_integer(environment, "RETENTION_DAYS", 1, _LONGEST_RETENTION) or None,
                actor_attribute=_attribute(environment, "ACTOR_ATTRIBUTE"),
                reason_attribute=_attribute(environment, "REASON_ATTRIBUTE"),
                time_index_shards=_integer(environment, "TIME_INDEX_SHARDS", 0, _MOST_SHARDS),
                actor_index_shards=_integer(environment, "ACTOR_INDEX_SHARDS", 0, _MOST_SHARDS),
                image_storage=_one_of(environment, "IMAGE_STORAGE", (OLD_AND_NEW, NEW_AND_DIFF)),
            ),
        )


def required(environment: Mapping[str, str], name: str, matches: object, what: str) -> str:
    """Return a setting that must be there, and match if there is a pattern.

    :raises SettingsError: it is missing or malformed; ``what`` it should be is in the sentence.
    """
    value = environment.get(name, "")
    if not value:
        raise SettingsError(f"the setting {name} is missing: set the environment variable {name} to {what}")
    if callable(matches) and not matches(value):
        raise SettingsError(f"the setting {name} is malformed: it must be {what}")
    return value


def _integer(environment: Mapping[str, str], name: str, lowest: int, highest: int) -> int:
    value = environment.get(name, "")
    if not value:
        return 0
    if not (value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS and lowest <= int(value) <= highest):
        raise SettingsError(f"the setting {name} is malformed: it must be a whole number from {lowest} to {highest}")
    return int(value)


def _one_of(environment: Mapping[str, str], name: str, values: tuple[str, ...]) -> str:
    value = environment.get(name) or values[0]
    if value not in values:
        raise SettingsError(f"the setting {name} is malformed: it must be {' or '.join(values)}")
    return value


def _attribute(environment: Mapping[str, str], name: str) -> str | None:
    value = environment.get(name, "")
    if value.startswith("/") and not is_pointer(value):
        raise SettingsError(f"the setting {name} is malformed: it must be an attribute's name or a JSON Pointer")
    return value or None

"""The trail's buckets, as the commands open them, and which of their objects they are asked for."""

import functools
from collections.abc import Iterator, Mapping
from typing import Annotated, TypeVar

import typer

from audit_trail.aws import reading
from audit_trail.aws.failure_bucket import S3FailureBucket
from audit_trail.cli.context import Connection, UsageError
from audit_trail.core.failures import LAMBDA_PREFIX, QUARANTINE_PREFIX
from audit_trail.ports import WaitingFailure, WaitingFailures
from audit_trail.settings import Settings, SettingsError

OnlyOption = Annotated[
    str,
    typer.Option("--only", metavar="PREFIX", help="Only objects whose key begins so.", show_default=False),
]
_PREFIXES = (LAMBDA_PREFIX, QUARANTINE_PREFIX)
_B = TypeVar("_B", bound=S3FailureBucket)


def function_settings(connection: Connection, audit_table: str) -> Settings:
    """Read the settings that the trail's function has.

    :raises NotATrailError: the audit table's tags aren't those that Terraform gives it.
    """
    return checked(reading.function_settings(connection.dynamodb(), audit_table), audit_table)


def checked(settings: Mapping[str, str], audit_table: str) -> Settings:
    """Return what an audit table's tags say, as the settings that they are.

    :raises NotATrailError: they aren't those that Terraform gives it.
    """
    try:
        return Settings.from_environment(settings)
    except SettingsError as error:
        raise reading.NotATrailError(
            f"the tags of {audit_table} are not those that Terraform gives it, apply it again: {error}"
        ) from None


def opened(connection: Connection, settings: Settings, kind: type[_B]) -> list[_B]:
    """Open each bucket in which failures may wait; whatever is put back moves into the failures bucket."""
    client = functools.cache(connection.s3)
    return [kind(client, name, settings.failures_bucket) for name in settings.buckets]


def kind(key: str) -> str:
    """Say what an object is: ``aws/lambda`` or ``quarantine``."""
    return next(prefix for prefix in _PREFIXES if key.startswith(prefix)).rstrip("/")


def waiting(bucket: WaitingFailures, only: str) -> Iterator[WaitingFailure]:
    """List what waits to be put back and has a key that begins with ``only``.

    :raises UsageError: no key can begin so.
    """
    narrowed = [
        max(prefix, only, key=len) for prefix in _PREFIXES if prefix.startswith(only) or only.startswith(prefix)
    ]
    if not narrowed:
        raise UsageError(f"--only {only} fits no failure: their keys begin with {' or '.join(_PREFIXES)}")
    for prefix in narrowed:
        yield from bucket.waiting(prefix)

"""The trail's bucket, as the commands open it, and which of its objects they are asked for."""

from collections.abc import Iterator
from typing import Annotated

import typer

from audit_trail.aws import reading
from audit_trail.cli.context import Connection, UsageError
from audit_trail.core.failures import LAMBDA_PREFIX, QUARANTINE_PREFIX
from audit_trail.ports import WaitingFailure, WaitingFailures
from audit_trail.settings import Settings, SettingsError

OnlyOption = Annotated[
    str,
    typer.Option("--only", metavar="PREFIX", help="Only objects whose key begins so.", show_default=False),
]
_PREFIXES = (LAMBDA_PREFIX, QUARANTINE_PREFIX)


def function_settings(connection: Connection, audit_table: str) -> Settings:
    """Read the settings that the trail's function has.

    :raises NotATrailError: the audit table's tags aren't those that Terraform gives it.
    """
    try:
        return Settings.from_environment(reading.function_settings(connection.dynamodb(), audit_table))
    except SettingsError as error:
        raise reading.NotATrailError(
            f"the tags of {audit_table} are not those that Terraform gives it, apply it again: {error}"
        ) from None


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

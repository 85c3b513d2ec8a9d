"""What ``trail failures`` does; by itself, since `trail --help` needs nothing of what it takes to import this."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from time import time
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from audit_trail.aws import reading
from audit_trail.aws.failure_bucket import S3FailureBucket
from audit_trail.cli import bucket as buckets
from audit_trail.cli import words
from audit_trail.cli.context import Connection, Exit, tell
from audit_trail.core.durations import lasting
from audit_trail.core.errors import ForeignFailureError, MalformedFailureError
from audit_trail.core.failures import understand
from audit_trail.core.provenance import Tables, origin
from audit_trail.ports import RequestFailedError, WaitingFailure


@dataclass(frozen=True, slots=True)
class _Listed:
    bucket: str
    found: WaitingFailure
    reason: str
    records: int | None
    """None where the object can't be read."""
    foreign: bool = False
    """Whether it holds what isn't this trail's."""


def run(connection: Connection, audit_table: str, only: str, *, as_json: bool) -> None:
    """List what waits to be put back; `audit_trail.cli.failures` has the promise."""
    settings = buckets.function_settings(connection, audit_table)
    opened = buckets.opened(connection, settings, S3FailureBucket)
    tables = reading.tables_of(connection.dynamodb(), audit_table)
    listed = (one for bucket in opened for one in _listed(bucket, only, tables))
    objects, records, foreign = _print_json(listed) if as_json else _print_lines(listed)
    summary = Console(stderr=True, highlight=False)
    if not objects:
        summary.print(f"Nothing waits in {' or '.join(settings.buckets)}.", markup=False)
        raise typer.Exit(Exit.NOTHING_FOUND)
    summary.print(f"{objects} object(s) with {records} record(s) wait: `trail redrive` puts them back.", markup=False)
    if foreign:
        tell(
            f"{foreign} of them hold what isn't this trail's, and stay: find out who put them into "
            f"{' or '.join(settings.buckets)}, see docs/runbook.md"
        )
        raise typer.Exit(Exit.UNTRUSTED)


def _listed(bucket: S3FailureBucket, only: str, tables: Tables) -> Iterator[_Listed]:
    for found in buckets.waiting(bucket, only):
        try:
            body = bucket.read(found.key)
            if body is None:
                continue
            failure = understand(found.key, body)
        except (MalformedFailureError, RequestFailedError) as error:
            yield _Listed(bucket.bucket, found, f"can't be read: {error}", None)
            continue
        foreign = _foreign(failure.records, tables)
        yield _Listed(bucket.bucket, found, foreign or failure.reason, len(failure.records), foreign=bool(foreign))


def _foreign(records: list[Any], tables: Tables) -> str:
    """Say why records aren't this trail's; nothing where they are, or name no stream: then why they wait says more."""
    try:
        origin(records, tables, time())
    except ForeignFailureError as error:
        return str(error)
    except MalformedFailureError:
        pass
    return ""


def _print_json(listed: Iterator[_Listed]) -> tuple[int, int, int]:
    objects = records = foreign = 0
    for one in listed:
        objects, records, foreign = objects + 1, records + (one.records or 0), foreign + one.foreign
        line = {
            "bucket": one.bucket,
            "key": one.found.key,
            "kind": buckets.kind(one.found.key),
            "since": one.found.since.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "age_seconds": _age(one.found),
            "size_bytes": one.found.size,
            "records": one.records,
            "reason": one.reason,
        }
        typer.echo(json.dumps(line | ({"foreign": True} if one.foreign else {})))
    return objects, records, foreign


def _print_lines(listed: Iterator[_Listed]) -> tuple[int, int, int]:
    console = Console(highlight=False, soft_wrap=True)
    objects = records = foreign = 0
    for one in listed:
        if not objects:
            console.print(Text(f"{'AGE':>7}  {'RECORDS':>7}  {'SIZE':>9}  {'KEY':<76}  REASON", style="bold"))
        objects, records, foreign = objects + 1, records + (one.records or 0), foreign + one.foreign
        count = "?" if one.records is None else one.records
        age, size = lasting(_age(one.found)), f"{one.found.size:,}"
        key, reason = words.printable(one.found.key), words.printable(one.reason)
        console.print(Text(f"{age:>7}  {count:>7}  {size:>9}  {key:<76}  {reason}"))
    return objects, records, foreign


def _age(found: WaitingFailure) -> int:
    return max(0, int((datetime.now(UTC) - found.since).total_seconds()))

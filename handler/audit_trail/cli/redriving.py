"""What ``trail redrive`` does; by itself, since `trail --help` needs nothing of what it takes to import this."""

import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from audit_trail import batch
from audit_trail.aws import reading
from audit_trail.aws.audit_table import CLIENT_CONFIG, PartiqlAuditTable
from audit_trail.aws.failure_bucket import S3FailureBucket
from audit_trail.aws.image_bucket import S3ImageStore
from audit_trail.aws.objects import CLIENT_CONFIG as S3_CLIENT_CONFIG
from audit_trail.aws.objects import Objects
from audit_trail.batch.redriving import Became, Redriven
from audit_trail.batch.redriving import redrive as put_back
from audit_trail.cli import bucket as buckets
from audit_trail.cli import words
from audit_trail.cli.context import Connection, Exit, tell
from audit_trail.ports import Outcome, Verdict

_FOREIGN = "foreign"


class _DryTable(PartiqlAuditTable):
    """Takes every insert and sends none."""

    def insert(self, inserts: Sequence[bytes]) -> Sequence[Outcome]:
        return [Outcome(Verdict.STORED)] * len(inserts)


class _DryImages(S3ImageStore):
    def put(self, key: str, body: bytes) -> None:
        """Put nothing."""


class _DryObjects(Objects):
    def put(self, key: str, body: bytes) -> None:
        """Put nothing."""


class _DryBucket(S3FailureBucket):
    def move(self, key: str, body: bytes) -> None:
        """Move nothing."""


def run(connection: Connection, audit_table: str, only: str, *, dry_run: bool, as_json: bool) -> None:
    """Put back what waits, and print what became of each; `audit_trail.cli.redrive` has the promise."""
    settings = buckets.function_settings(connection, audit_table)
    client = connection.dynamodb(CLIENT_CONFIG)
    table = (_DryTable if dry_run else PartiqlAuditTable)(client, audit_table)
    images = (_DryImages if dry_run else S3ImageStore)(lambda: connection.s3(S3_CLIENT_CONFIG), settings.trail_bucket)
    archive = (_DryObjects if dry_run else Objects)(connection.s3, settings.trail_bucket)
    opened = buckets.opened(connection, settings, _DryBucket if dry_run else S3FailureBucket)
    waiting = [(bucket, [found.key for found in buckets.waiting(bucket, only)]) for bucket in opened]
    tables = reading.tables_of(connection.dynamodb(), audit_table)

    def each() -> Iterator[tuple[str, Redriven]]:
        for bucket, keys in waiting:
            for one in put_back(
                keys,
                failures=bucket,
                table=table,
                images=images,
                archive=archive,
                tables=tables,
                settings=settings.records,
                time=patience,
                now=time.time,
            ):
                yield bucket.bucket, one
                if one.stuck:
                    return

    total = sum(len(keys) for _, keys in waiting)
    count = _print_each(each(), total, _json if as_json else _line, dry_run=dry_run)
    _summarise(count, total, settings.buckets, dry_run=dry_run)
    if count[_FOREIGN]:
        tell(
            f"{count[_FOREIGN]} object(s) hold what isn't this trail's: find out who put them into "
            f"{' or '.join(settings.buckets)}, see docs/runbook.md"
        )
        raise typer.Exit(Exit.UNTRUSTED)
    if count[Became.STAYS]:
        raise typer.Exit(Exit.NOT_ALL_DONE)


def patience(seconds: float) -> batch.Time:
    """Return the time of what may take so many seconds."""
    end = time.monotonic() + seconds
    return batch.Time(remaining=lambda: end - time.monotonic(), sleep=time.sleep, jitter=random.Random())  # noqa: S311  spreads retries


def _print_each(
    done: Iterator[tuple[str, Redriven]], total: int, line: Callable[..., str], *, dry_run: bool
) -> Counter[str]:
    count: Counter[str] = Counter()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    # On one terminal, what is printed has to go above the bar; a pipe gets it as it is.
    beside_the_bar = console.is_terminal and sys.stdout.isatty()
    with Progress(
        *columns, console=console, transient=True, redirect_stdout=False, disable=not console.is_terminal
    ) as progress:
        for bucket, one in progress.track(done, total, description="dry run" if dry_run else "putting back"):
            count[one.became] += 1
            if one.foreign:
                count[_FOREIGN] += 1
            if one.became is Became.GONE:
                continue
            if beside_the_bar:
                console.print(Text(line(bucket, one, dry_run=dry_run)), soft_wrap=True)
            else:
                typer.echo(line(bucket, one, dry_run=dry_run))
    return count


def _json(bucket: str, one: Redriven, *, dry_run: bool) -> str:
    fields = {
        "bucket": bucket,
        "key": one.key,
        "kind": buckets.kind(one.key),
        "became": one.became,
        "records": one.records,
    }
    fields |= {"dry_run": True} if dry_run else {"stored": one.stored}
    fields |= {"foreign": True} if one.foreign else {}
    return json.dumps(fields | ({"reason": one.reason} if one.reason else {}))


def _line(_bucket: str, one: Redriven, *, dry_run: bool) -> str:
    became = f"would {'move' if one.became is Became.MOVED else 'stay'}" if dry_run else one.became
    new = "" if dry_run else f", {one.stored} new"
    reason = f": {words.printable(one.reason)}" if one.reason else ""
    return f"{became}: {words.printable(one.key)} ({one.records} record(s){new}){reason}"


def _summarise(count: Counter[str], total: int, among: Sequence[str], *, dry_run: bool) -> None:
    moved, stay, gone = (count[became] for became in (Became.MOVED, Became.STAYS, Became.GONE))
    untried = total - moved - stay - gone
    if not total:
        words = f"Nothing waits in {' or '.join(among)}."
    elif dry_run:
        words = f"Nothing was written: {moved} object(s) would move, {stay} would stay."
    else:
        words = f"{moved} object(s) moved under redriven/, {stay} stay."
    if gone:
        words += f" {gone} moved by somebody else meanwhile."
    if untried:
        words += f" Stopped: nothing of the last one could be stored now, so {untried} more were not tried. "
        words += "Run it again later."
    Console(stderr=True, highlight=False, soft_wrap=True).print(words, markup=False)

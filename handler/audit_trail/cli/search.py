"""``trail search``: changes of the whole table in a time range."""

import sys
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from audit_trail.aws.reader import NoIndexError, TrailReader
from audit_trail.cli import clock
from audit_trail.cli.context import note, speaks_plainly
from audit_trail.cli.options import FilterOptions, OutputOptions, RangeOptions, TrailOptions, grouped
from audit_trail.cli.screen import Screen, at_most, finish
from audit_trail.cli.words import time_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit_trail.core.filters import Filter
    from audit_trail.core.history import Change

ScanOption = Annotated[
    bool,
    typer.Option(
        "--scan",
        help="Read all of the audit table instead of an index: slow, paid for by its whole size, and not allowed by "
        "the reader policy (it needs dynamodb:Scan).",
    ),
]
_USUAL = timedelta(hours=24)


@grouped
@speaks_plainly
def search(
    *,
    trail: TrailOptions,
    within: RangeOptions,
    which: FilterOptions,
    output: OutputOptions,
    scan: ScanOption = False,
) -> None:
    """Show changes of the whole table in a time range, newest first; of the last 24 hours unless --since is given.

    Reads the index by_actor where --actor is given and that index is on, or else by_time, and says which. An index
    knows the changes that were recorded since it was turned on (module audit_trail's inputs time_index and
    actor_index). Each item's changes are in the order of its history; between items, the time decides.

    Exits with 0 when there are such changes, 1 when there is none, 2 when the command's words are off, the index is
    missing or a newer version wrote some records (the others are shown), 3 when AWS refuses, and 4 when
    a record is not what Table Trail writes (the others are shown).

    For example:

    trail search --since yesterday --until yesterday

    trail search --since 2026-11-24T14:00 --until 2026-11-24T15:00

    trail search --since 7d --attribute price --attribute /lines/0/price

    trail search --since 30d --actor mia --operation MODIFY --json
    """
    wanted = which.wanted(within, output)
    if wanted.since is None:
        wanted = replace(wanted, since=(wanted.until or clock.now()) - _USUAL)
    with trail.open() as reader:
        screen = Screen(reader.trail, output, with_keys=True)
        changes = _scanned(reader, wanted, output) if scan else _found(reader, wanted, output)
        shown = screen.print(at_most(changes, which.limit))
        finish(reader, shown, f"{reader.trail.source_table} has no such changes in {reader.trail.audit_table}.")


def _found(reader: TrailReader, wanted: "Filter", output: OutputOptions) -> "Iterator[Change]":
    try:
        index = reader.index(wanted)
    except NoIndexError as error:
        raise NoIndexError(f"{error}, or have the whole audit table read with --scan") from None
    note(f"Index {index.name}, {index.shards} shard(s), {_range(wanted, output)}.")
    return reader.search(wanted, index, clock.now())


def _scanned(reader: TrailReader, wanted: "Filter", output: OutputOptions) -> "Iterator[Change]":
    from rich.console import Console  # noqa: PLC0415  --help doesn't need it
    from rich.progress import Progress  # noqa: PLC0415  the same

    note(f"The whole of {reader.trail.audit_table}, {_range(wanted, output)}.")
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("reading", total=reader.trail.approximate_records or None)
        return reader.scan(wanted, lambda records: progress.advance(task, records))


def _range(wanted: "Filter", output: OutputOptions) -> str:
    since, until = (moment and time_words(moment, output.zone) for moment in (wanted.since, wanted.until))
    return f"from {since} until before {until}" if until else f"from {since} on"

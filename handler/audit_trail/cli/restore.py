"""``trail restore KEY TIME``: puts an item back as it stood, on condition that nothing it shows has moved since."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from audit_trail.cli import key as keys
from audit_trail.cli.context import IncludeArchiveOption, UsageError, speaks_plainly
from audit_trail.cli.options import OutputOptions, TrailOptions, grouped
from audit_trail.cli.redrive import DryRunOption

WordsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[KEY...] TIME",
        help="The item's key, and a time as for as-of; with --change the key alone, with --from the time alone.",
        show_default=False,
    ),
]
ChangeOption = Annotated[
    str | None,
    typer.Option("--change", metavar="TIMESTAMP", help="In place of TIME: just after the change with this timestamp."),
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="NAME", help="Put back only this attribute; may be repeated."),
]
ReasonOption = Annotated[
    str | None,
    typer.Option("--reason", metavar="TEXT", help="Why: written into the attribute that the trail has for it."),
]
ActorOption = Annotated[
    str | None,
    typer.Option("--actor", metavar="WHO", help="Who restores: written likewise. Unset: who you are, by AWS STS."),
]
FromOption = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="FILE",
        help="Restore many items: a key a line, as it is typed here or as search --json prints it; - is stdin.",
        show_default=False,
    ),
]
ReportOption = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="FILE",
        help="With --from: add a line of JSON for each item to this file, and leave alone those that it has already.",
        show_default=False,
    ),
]
AllowDeleteOption = Annotated[
    bool, typer.Option("--allow-delete", help="Delete an item that did not exist then; without it, that is refused.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Write without asking.")]


@dataclass(frozen=True, slots=True)
class WhichOptions:
    """Which moment and which items, beside the words."""

    change: ChangeOption = None
    source: FromOption = None
    report: ReportOption = None


@dataclass(frozen=True, slots=True)
class HowOptions:
    """How it is written."""

    only: OnlyOption = None
    reason: ReasonOption = None
    actor: ActorOption = None
    allow_delete: AllowDeleteOption = False
    dry_run: DryRunOption = False
    yes: YesOption = False


@grouped
@speaks_plainly
def restore(  # noqa: PLR0913  each is an option or a group of them
    words: WordsArgument = None,
    *,
    trail: TrailOptions,
    which: WhichOptions,
    how: HowOptions,
    output: OutputOptions,
    include_archive: IncludeArchiveOption = False,
) -> None:
    """Put an item back as it stood: show what differs between now and then, ask, and write.

    Only attributes that differ are written, each on condition that it still is as it was shown; what was added
    meanwhile stays. An item that was deleted is put back where there is still none; one that didn't exist is deleted
    with --allow-delete alone, where it is still as shown. When somebody else was faster, nothing is left written and a
    sentence says so. The restore is a change like any other, so the history has it too; --reason and --actor explain
    it there. Who wrote the item then, and why, is never put back: the trail's attribute for the actor gets --actor, or
    else the ARN of who you are, or where AWS doesn't tell, stays as it stands.

    With --from, many items are restored one after the other, each like that; --json lines of `trail search` will do as
    keys. Interrupted, run it again with the same time and --report: it goes on where it was.

    With --include-archive, expired records tell how an item stood, too; of many items, each object of the archive is
    read once. What expired in the last minute or two may be in neither.

    Exits with 0 when the item stands as it did, 1 when somebody else was faster, nothing is recorded of the key, the
    answer was no or not all of many could be done, 2 when the command's words are off, it can't be written at once or
    it would be deleted without --allow-delete, 3 when AWS refuses, and 4 when the record that tells is not what Table
    Trail writes.

    For example:

    trail restore 123 2026-11-24T12:00 --dry-run

    trail restore customer-7 order-9 yesterday --only status --reason "wrong import"

    trail restore --from keys.txt 2026-11-24T12:00 --yes --report done.jsonl

    trail restore 123 2026-11-23 --allow-delete --reason "test order"

    trail restore 123 2025-03-31 --include-archive
    """
    output.check()
    given = list(words or [])
    if which.source is None and which.report is not None:
        raise UsageError("--report goes with --from")
    if which.source is not None and which.change is not None:
        raise UsageError("--change is of one item, and --from restores many: give a time")
    if which.change is None and not given:
        raise UsageError("say which TIME: --help shows how")
    time = which.change or given.pop()
    if which.source is None and not given and not keys.is_time(time, output):
        raise UsageError("TIME is missing: write KEY... TIME")
    if (which.source is None) != bool(given):
        raise UsageError("say which item: its KEY before the TIME, or --from FILE")

    from audit_trail.cli import restoring, restoring_many  # noqa: PLC0415  takes longer than all of `trail --help`

    with trail.open(include_archive=include_archive) as reader:
        wanted = restoring.Wanted(reader, trail.connection, time, how, output)
        if which.source is not None:
            archive = trail.archive(reader.trail) if include_archive else None
            restoring_many.run(wanted, which.source, which.report, archive)
        else:
            restoring.run(wanted, given)

"""``trail history KEY``: every change of one item, newest first."""

from typing import Annotated

import typer

from audit_trail.cli import key as keys
from audit_trail.cli.context import IncludeArchiveOption, speaks_plainly
from audit_trail.cli.options import FilterOptions, OutputOptions, RangeOptions, TrailOptions, grouped
from audit_trail.cli.screen import Screen, at_most, finish

KeyArgument = Annotated[
    list[str],
    typer.Argument(metavar="KEY...", help="The item's key: 123, or two words for a composite key.", show_default=False),
]
KeyBeforeArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY...", help="The item's key: 123, or two words for a composite key.", show_default=False),
]
"""The same where times follow it: what is missing then is told by the command itself."""


@grouped
@speaks_plainly
def history(  # noqa: PLR0913  each is an option or a group of them
    key: KeyArgument,
    *,
    trail: TrailOptions,
    within: RangeOptions,
    which: FilterOptions,
    output: OutputOptions,
    include_archive: IncludeArchiveOption = False,
) -> None:
    """Show every change of one item, newest first: when, what kind, who, and what from what to what.

    With --include-archive this goes back beyond what expired from the audit table. What expired in the last minute or
    two may be in neither.

    Exits with 0 when there are changes, 1 when there is none, 2 when the command's words are off or a newer version
    wrote some records (the others are shown), 3 when AWS refuses, and 4 when a record is not what
    Table Trail writes (the others are shown).

    For example:

    trail history 123

    trail history customer-7 order-9 --since 7d --attribute status

    trail history 123 --operation MODIFY --actor billing --json

    trail history 123 --include-archive --since 2025-01-01 --until 2025-03-31
    """
    wanted = which.wanted(within, output)
    with trail.open(include_archive=include_archive) as reader:
        screen = Screen(reader.trail, output)
        changes = reader.history(keys.parse(key, reader.trail), wanted)
        shown = screen.print(at_most(changes, which.limit))
        found = "no such changes of this key" if wanted != type(wanted)() else "no changes of this key"
        finish(reader, shown, f"{reader.trail.source_table} has {found} in {reader.trail.audit_table}.")

"""``trail history KEY``: every change of one item, newest first."""

from typing import Annotated

import typer

from audit_trail.cli import key as keys
from audit_trail.cli.context import speaks_plainly
from audit_trail.cli.options import FilterOptions, OutputOptions, RangeOptions, TrailOptions, grouped
from audit_trail.cli.screen import Screen, at_most, finish

KeyArgument = Annotated[
    list[str],
    typer.Argument(metavar="KEY...", help="The item's key: 123, or two words for a composite key.", show_default=False),
]


@grouped
@speaks_plainly
def history(
    key: KeyArgument, *, trail: TrailOptions, within: RangeOptions, which: FilterOptions, output: OutputOptions
) -> None:
    """Show every change of one item, newest first: when, what kind, who, and what from what to what.

    Exits with 0 when there are changes, 1 when there is none, 2 when the command's words are off or a newer version
    wrote some records (the others are shown), and 3 when AWS refuses.

    For example:

    trail history 123

    trail history customer-7 order-9 --since 7d --attribute status

    trail history 123 --operation MODIFY --actor billing --json
    """
    wanted = which.wanted(within, output)
    with trail.open() as reader:
        screen = Screen(reader.trail, output)
        changes = reader.history(keys.parse(key, reader.trail), wanted)
        shown = screen.print(at_most(changes, which.limit))
        found = "no such changes of this key" if wanted != type(wanted)() else "no changes of this key"
        finish(reader, shown, f"{reader.trail.source_table} has {found} in {reader.trail.audit_table}.")

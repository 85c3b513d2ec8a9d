"""``trail as-of KEY TIME``: the item as it stood."""

from typing import Annotated

import typer

from audit_trail.cli import key as keys
from audit_trail.cli import standing, words
from audit_trail.cli.compare import print_facts
from audit_trail.cli.context import IncludeArchiveOption, note, speaks_plainly
from audit_trail.cli.history import KeyBeforeArgument
from audit_trail.cli.options import OutputOptions, TrailOptions, grouped
from audit_trail.cli.screen import Screen, finish

TimeArgument = Annotated[str | None, typer.Argument(metavar="TIME", help=standing.MOMENT, show_default=False)]


@grouped
@speaks_plainly
def as_of(
    key: KeyBeforeArgument = None,
    time: TimeArgument = None,
    *,
    trail: TrailOptions,
    output: OutputOptions,
    include_archive: IncludeArchiveOption = False,
) -> None:
    """Show an item as it stood at a moment, from its records alone, and the record that tells it.

    It reads at most twice, however long the history is, unless the item has more than 1 MB of records in the one
    minute that decides: then once more for each further MB of it. With --include-archive it reads the archive, too,
    for what expired.

    Exits with 0 when the item existed, 1 when it didn't exist yet, was deleted, or nothing is recorded of the key, 2
    when the command's words are off or a newer version wrote a record that is needed, 3 when AWS refuses,
    and 4 when such a record is not what Table Trail writes.

    For example:

    trail as-of 123 2026-11-24T12:00

    trail as-of customer-7 order-9 yesterday --json --typed

    trail as-of 123 2025-03-31 --include-archive
    """
    output.check()
    item_words = keys.before(key, {"TIME": time}, output)
    when = standing.moment(time or "", output)
    with trail.open(include_archive=include_archive) as reader:
        state = standing.at(reader, keys.parse(item_words, reader.trail), when)
        standing.warn(when, reader.trail, archived=include_archive)
        if state is None:
            finish(reader, 0, f"{reader.trail.source_table} has no changes of this key in {reader.trail.audit_table}.")
            return
        if output.as_json:
            typer.echo(standing.in_json(when.text, state, typed=output.typed))
        else:
            console = Screen(reader.trail, output).console
            console.print(words.printable(standing.in_words(when.text, state, output)), markup=False)
            if state.image is not None:
                console.print()
                in_order = sorted(state.image.items())
                print_facts(console, ((words.printable(name), words.short(value)) for name, value in in_order))
        if state.inferred and state.image is not None:
            note("The history of this item begins later than that.")
        finish(reader, int(state.image is not None), _absence(inferred=state.inferred))


def _absence(*, inferred: bool) -> str:
    return "It did not exist yet." if inferred else "It was deleted."

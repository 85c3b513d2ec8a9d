"""``trail diff KEY A B``: the net difference between two moments."""

from typing import TYPE_CHECKING, Annotated

import typer

from audit_trail.cli import key as keys
from audit_trail.cli import standing, words
from audit_trail.cli.compare import print_comparison, print_facts
from audit_trail.cli.context import speaks_plainly
from audit_trail.cli.history import KeyBeforeArgument
from audit_trail.cli.options import OutputOptions, TrailOptions, grouped
from audit_trail.cli.screen import Screen, finish
from audit_trail.core.diff import Entry
from audit_trail.core.diff import diff as difference

if TYPE_CHECKING:
    from audit_trail.core.states import State

AArgument = Annotated[str | None, typer.Argument(metavar="A", help=standing.MOMENT, show_default=False)]
BArgument = Annotated[
    str | None, typer.Argument(metavar="B", help="Another one, written likewise.", show_default=False)
]


@grouped
@speaks_plainly
def diff(
    key: KeyBeforeArgument = None,
    a: AArgument = None,
    b: BArgument = None,
    *,
    trail: TrailOptions,
    output: OutputOptions,
) -> None:
    """Show what differs in an item between two moments, from its records alone, and when it did not exist.

    Before the first record of an item, that record's old image tells how it stood; this is said where it's used.

    Exits with 0 when something differs, 1 when nothing does or nothing is recorded of the key, 2 when the command's
    words are off or a newer version wrote a record that is needed, 3 when AWS refuses, and 4 when such a record
    is not what Table Trail writes.

    For example:

    trail diff 123 yesterday now

    trail diff 123 2026-11-24T12:00 2026-11-24T13:00 --utc

    trail diff customer-7 order-9 7d now --json
    """
    output.check()
    words_of_key = keys.before(key, {"A": a, "B": b}, output)
    first, second = (standing.moment(text or "", output) for text in (a, b))
    with trail.open() as reader:
        item_key = keys.parse(words_of_key, reader.trail)
        old, new = (standing.at(reader, item_key, moment) for moment in (first, second))
        if old is None or new is None:
            finish(reader, 0, f"{reader.trail.source_table} has no changes of this key in {reader.trail.audit_table}.")
            return
        entries = difference(old.image, new.image) if old.image is not None and new.image is not None else []
        if output.as_json:
            typer.echo(_json((first.text, old), (second.text, new), entries, typed=output.typed))
        else:
            console = Screen(reader.trail, output).console
            print_facts(
                console,
                [("A", standing.in_words(first.text, old, output)), ("B", standing.in_words(second.text, new, output))],
            )
            if entries or (old.image is None) != (new.image is None):
                console.print()
                print_comparison(console, old.image, new.image, entries, ("A", "B"))
        same = not entries and (old.image is None) == (new.image is None)
        finish(reader, 0 if same else 1, "Nothing differs." if old.image else "It existed at neither.")


def _json(a: "tuple[str, State]", b: "tuple[str, State]", entries: list[Entry], *, typed: bool) -> str:
    sides = [f'"{name}": {standing.in_json(*side, typed=typed)}' for name, side in (("a", a), ("b", b))]
    return "{" + ", ".join([*sides, f'"diff": {words.diff_json(entries, typed=typed)}']) + "}"

"""``trail diff KEY A B``: the net difference between two moments."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from audit_trail.cli import key as keys
from audit_trail.cli import words
from audit_trail.cli.compare import print_comparison, print_facts
from audit_trail.cli.context import UsageError, speaks_plainly
from audit_trail.cli.history import KeyArgument
from audit_trail.cli.options import OutputOptions, TrailOptions, grouped
from audit_trail.cli.screen import Screen, finish
from audit_trail.core import states
from audit_trail.core.diff import Entry
from audit_trail.core.diff import diff as difference
from audit_trail.core.history import is_timestamp

if TYPE_CHECKING:
    from audit_trail.aws.reader import TrailReader
    from audit_trail.core.states import State
    from audit_trail.core.values import Image

AArgument = Annotated[
    str,
    typer.Argument(
        metavar="A",
        help="A time such as 2026-11-24T12:00, 2026-11-24, 2h or yesterday, all of that second or day included; or a "
        "change's timestamp as --json shows it: just after that change.",
        show_default=False,
    ),
]
BArgument = Annotated[str, typer.Argument(metavar="B", help="Another one, written likewise.", show_default=False)]


@grouped
@speaks_plainly
def diff(key: KeyArgument, a: AArgument, b: BArgument, *, trail: TrailOptions, output: OutputOptions) -> None:
    """Show what differs in an item between two moments, from its records alone, and when it did not exist.

    Before the first record of an item, that record's old image tells how it stood; this is said where it's used.

    Exits with 0 when something differs, 1 when nothing does or nothing is recorded of the key, 2 when the command's
    words are off or a newer version wrote a record that is needed, and 3 when AWS refuses.

    For example:

    trail diff 123 yesterday now

    trail diff 123 2026-11-24T12:00 2026-11-24T13:00 --utc

    trail diff customer-7 order-9 7d now --json
    """
    output.check()
    with trail.open() as reader:
        item_key = keys.parse(key, reader.trail)
        old, new = (_state(reader, item_key, text, output) for text in (a, b))
        if old is None or new is None:
            finish(reader, 0, f"{reader.trail.source_table} has no changes of this key in {reader.trail.audit_table}.")
            return
        entries = difference(old.image, new.image) if old.image is not None and new.image is not None else []
        if output.as_json:
            typer.echo(_json((a, old), (b, new), entries, typed=output.typed))
        else:
            console = Screen(reader.trail, output).console
            print_facts(console, [("A", _words(a, old, output)), ("B", _words(b, new, output))])
            if entries or (old.image is None) != (new.image is None):
                console.print()
                print_comparison(console, old.image, new.image, entries, ("A", "B"))
        same = not entries and (old.image is None) == (new.image is None)
        finish(reader, 0 if same else 1, "Nothing differs." if old.image else "It existed at neither.")


def _state(reader: "TrailReader", item_key: "Image", text: str, output: OutputOptions) -> "State | None":
    if not is_timestamp(text):
        return reader.state(item_key, output.span(text).end)
    for change in reader.at(item_key, text, text):
        return states.after(change)
    raise UsageError(f"this key has no change with the timestamp {text}")


def _words(text: str, state: "State", output: OutputOptions) -> str:
    time = words.time_words(state.change.moment, output.zone)
    if state.inferred:
        there = "it did not exist" if state.image is None else "as the first record has it before its change"
        return f"{text}: {there}; nothing is recorded before the {state.change.event_name} of {time}"
    if state.image is None:
        return f"{text}: it did not exist, since the REMOVE of {time}"
    return f"{text}: as the {state.change.event_name} of {time} left it"


def _json(a: "tuple[str, State]", b: "tuple[str, State]", entries: list[Entry], *, typed: bool) -> str:
    sides = []
    for name, (text, state) in (("a", a), ("b", b)):
        fields = {"at": text, "exists": state.image is not None, "timestamp": state.change.timestamp}
        fields |= {"event_name": state.change.event_name, "inferred": state.inferred}
        image = "" if state.image is None else f', "image": {words.image_json(state.image, typed=typed)}'
        sides.append(f'"{name}": {json.dumps(fields)[:-1]}{image}}}')
    return "{" + ", ".join([*sides, f'"diff": {words.diff_json(entries, typed=typed)}']) + "}"

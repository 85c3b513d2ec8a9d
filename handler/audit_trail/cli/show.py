"""``trail show KEY TIMESTAMP``: one change whole."""

from typing import TYPE_CHECKING, Annotated

import typer

from audit_trail.cli import key as keys
from audit_trail.cli import words
from audit_trail.cli.compare import print_comparison, print_facts
from audit_trail.cli.context import UsageError, speaks_plainly
from audit_trail.cli.history import KeyBeforeArgument
from audit_trail.cli.options import OutputOptions, TrailOptions, grouped
from audit_trail.cli.screen import Screen, finish, who_words, why_words
from audit_trail.core.moments import bound
from audit_trail.core.validation import is_timestamp

if TYPE_CHECKING:
    from audit_trail.aws.reader import TrailReader
    from audit_trail.core.history import Change
    from audit_trail.core.values import Image

TimestampArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="TIMESTAMP",
        help="Which change: its timestamp as --json shows it, or its time where the item has no other change in that "
        "second.",
        show_default=False,
    ),
]


@grouped
@speaks_plainly
def show(
    key: KeyBeforeArgument = None,
    timestamp: TimestampArgument = None,
    *,
    trail: TrailOptions,
    output: OutputOptions,
) -> None:
    """Show one change whole: who, when, why, and every difference with its value before and after.

    --json adds the stream record, rebuilt, to what `history` prints.

    Exits with 0 when there is such a change, 1 when there is none, 2 when the command's words are off, several changes
    fit or a newer version wrote the record, 3 when AWS refuses, and 4 when the record is not what Table Trail
    writes.

    For example:

    trail show 123 2026-11-24T12:00:01Z

    trail show customer-7 order-9 2026-11-24T13:00:01+01:00 --json --typed
    """
    output.check()
    words_of_key = keys.before(key, {"TIMESTAMP": timestamp}, output)
    named = timestamp or ""
    with trail.open() as reader:
        changes = _named(reader, keys.parse(words_of_key, reader.trail), named, output)
        if len(changes) > 1:
            listed = ", ".join(change.timestamp for change in changes)
            raise UsageError(f"{len(changes)} changes of this key fit {named}; name one of {listed}")
        for change in reader.problems.shown(changes):
            if output.as_json:
                typer.echo(words.change_json(change, typed=output.typed, whole=True))
            else:
                _print(change, reader, output)
        finish(reader, len(changes), f"{reader.trail.source_table} has no such change of this key.")


def _named(reader: "TrailReader", item_key: "Image", timestamp: str, output: OutputOptions) -> "list[Change]":
    if is_timestamp(timestamp):
        return reader.at(item_key, timestamp, timestamp)
    span = output.span(timestamp)
    return reader.at(item_key, bound(span.start), bound(span.end))


def _print(change: "Change", reader: "TrailReader", output: OutputOptions) -> None:
    console = Screen(reader.trail, output).console
    item_keys = change.item.get("keys", {}).get("M", {})
    facts = [
        *((name, words.short(item_keys[name])) for name in reader.trail.key_types if name in item_keys),
        ("time", words.time_words(change.moment, output.zone)),
        ("change", change.event_name),
        ("who", who_words(change, reader.trail)),
        ("why", why_words(change)),
        ("timestamp", change.timestamp),
        ("stream", change.event_source_arn),
    ]
    print_facts(console, ((name, value) for name, value in facts if value))
    if change.unreadable or (change.old_image is None and change.new_image is None):
        console.print(words.in_words(change), markup=False)
        return
    console.print()
    print_comparison(console, change.old_image, change.new_image, change.diff, ("BEFORE", "AFTER"))

"""``trail history KEY``: every change of one item, newest first."""

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from audit_trail.aws import reading
from audit_trail.aws.image_bucket import fetcher
from audit_trail.cli import key as keys
from audit_trail.cli import words
from audit_trail.cli.context import (
    AuditTableOption,
    Connection,
    EndpointOption,
    Exit,
    JsonOption,
    ProfileOption,
    RegionOption,
    TypedOption,
    UsageError,
    speaks_plainly,
)
from audit_trail.core.actors import lifted
from audit_trail.core.history import Change, newest_first

_COLOURS = {"INSERT": "green", "MODIFY": "yellow", "REMOVE": "red"}


@speaks_plainly
def history(  # noqa: PLR0913  one parameter an option
    key: Annotated[list[str], typer.Argument(help="The item's key: 123, or two words for a composite key.")],
    audit_table: AuditTableOption,
    *,
    as_json: JsonOption = False,
    typed: TypedOption = False,
    profile: ProfileOption = None,
    region: RegionOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """Show every change of one item, newest first: when, what kind, who, and what from what to what.

    Exits with 0 when there are changes, 1 when there is none, 2 when the command's words are off, and 3 when AWS
    refuses.

    Example: trail history 123
    """
    if typed and not as_json:
        raise UsageError("--typed goes with --json")
    connection = Connection(profile, region, endpoint_url)
    client = connection.dynamodb()
    trail = reading.find_trail(client, audit_table)
    items = reading.history(client, trail, keys.parse(key, trail), fetcher(connection.s3))
    unreadable: list[str] = []
    changes = _noting(newest_first(map(Change.from_item, items)), unreadable)
    shown = _print_json(changes, typed=typed) if as_json else _print_lines(changes, trail)
    if not shown:
        Console(stderr=True).print(f"{trail.source_table} has no changes of this key in {audit_table}.", markup=False)
        raise typer.Exit(Exit.NOTHING_FOUND)
    if unreadable:
        Console(stderr=True).print(
            f"trail: the images of {len(unreadable)} change(s) can't be read: check that the reader policy is attached, "
            f"and that the objects are still in the bucket.",
            markup=False,
        )
        raise typer.Exit(Exit.AWS_REFUSED)


def _noting(changes: Iterator[Change], unreadable: list[str]) -> Iterator[Change]:
    for change in changes:
        if change.unreadable:
            unreadable.append(change.timestamp)
        yield change


def _print_json(changes: Iterator[Change], *, typed: bool) -> int:
    shown = 0
    for shown, change in enumerate(changes, start=1):  # noqa: B007  the last number is the result
        typer.echo(words.change_json(change, typed=typed))
    return shown


def _print_lines(changes: Iterator[Change], trail: reading.Trail) -> int:
    console = Console(highlight=False, soft_wrap=True)
    shown = 0
    for shown, change in enumerate(changes, start=1):
        if shown == 1:
            console.print(Text(f"{'TIME (UTC)':<24}  {'CHANGE':<6}  {'WHO':<24}  WHAT", style="bold"))
        line = Text.assemble(
            f"{change.time:<24}  ",
            (f"{change.event_name:<6}", _COLOURS.get(change.event_name, "")),
            f"  {words.printable(_who(change, trail)):<24}  {words.in_words(change)}",
        )
        if console.is_terminal:
            line.truncate(console.width, overflow="ellipsis")
        console.print(line)
    return shown


def _who(change: Change, trail: reading.Trail) -> str:
    if change.actor is not None:
        return f"{change.actor} (unchanged)" if change.actor_source == "unchanged" else change.actor
    last = lifted(change.old_image, trail.actor_attribute) if change.event_name == "REMOVE" else None
    return f"last written by {last['S']}" if last is not None else "-"

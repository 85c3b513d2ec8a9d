"""Changes in lines: for people on a terminal, who see as much as fits, and for programs, who get all of it."""

import os
import sys
from typing import TYPE_CHECKING

import typer

from audit_trail.cli import clock, words
from audit_trail.cli.context import Exit, note, tell
from audit_trail.core.actors import lifted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Console

    from audit_trail.aws.reader import TrailReader
    from audit_trail.aws.reading import Trail
    from audit_trail.cli.options import OutputOptions
    from audit_trail.core.history import Change

_COLOURS = {"INSERT": "green", "MODIFY": "yellow", "REMOVE": "red", "BASELINE": "cyan"}
_LENGTHS = (None, 60, 40, 24, 12)  # characters of a value in a line: as many as let the line fit
_WIDTH = 160  # columns of a table where there is no terminal to tell


class Screen:
    """Prints changes as the options say."""

    def __init__(self, trail: "Trail", output: "OutputOptions", *, with_keys: bool = False) -> None:
        output.check()
        self._trail = trail
        self._output = output
        self._with_keys = with_keys
        self._headed = False
        self._zone = output.zone
        self._console: Console | None = None

    @property
    def console(self) -> "Console":
        """Where text with colours goes."""
        if self._console is None:
            self._console = make_console(color=self._output.color)
        return self._console

    def print(self, changes: "Iterable[Change]") -> int:
        """Print changes as they come; return how many there were."""
        shown = 0
        for shown, change in enumerate(changes, start=1):  # noqa: B007  the last number is the result
            if self._output.as_json:
                typer.echo(words.change_json(change, typed=self._output.typed))
            else:
                self._print_line(change)
        return shown

    def _print_line(self, change: "Change") -> None:
        from rich.text import Text  # noqa: PLC0415  --help doesn't need it

        time = words.time_words(change.moment, self._zone)
        if not self._headed:
            here = f"TIME ({clock.now().astimezone(self._zone).tzname()})"
            key = f"{'KEY':<16}  " if self._with_keys else ""
            self.console.print(Text(f"{here:<{len(time)}}  {'CHANGE':<6}  {key}{'WHO':<24}  WHAT", style="bold"))
            self._headed = True
        key = f"{key_words(change, self._trail):<16}  " if self._with_keys else ""
        who = f"  {key}{words.printable(who_words(change, self._trail)):<24}  "
        name = (f"{change.event_name:<6}", _COLOURS.get(change.event_name, ""))
        lines = (
            Text.assemble(f"{time}  ", name, f"{who}{words.in_words(change, longest)}")
            for longest in (_LENGTHS if sys.stdout.isatty() else (None,))
        )
        for line in lines:
            if line.cell_len <= self.console.width:
                break
        if sys.stdout.isatty():
            line.truncate(self.console.width, overflow="ellipsis")
        self.console.print(line)


def make_console(*, color: bool | None) -> "Console":
    """Return a console that colours as the option says."""
    from rich.console import Console  # noqa: PLC0415  --help doesn't need it

    if color is None and os.environ.get("NO_COLOR"):
        color = False
    return Console(
        highlight=False,
        soft_wrap=True,
        force_terminal=color or None,
        no_color=False if color else None,
        color_system=None if color is False else "standard" if color else "auto",
        width=None if sys.stdout.isatty() else _WIDTH,
    )


def key_words(change: "Change", trail: "Trail") -> str:
    """Write the key of the item that changed, as it is typed."""
    keys = change.item.get("keys", {}).get("M", {})
    return " ".join(words.short(keys[name]) for name in trail.key_types if name in keys)


def who_words(change: "Change", trail: "Trail") -> str:
    """Say who made a change, as far as it's known."""
    if change.actor is not None:
        return f"{change.actor} (unchanged)" if change.actor_source == "unchanged" else change.actor
    last = lifted(change.old_image, trail.actor_attribute) if change.event_name == "REMOVE" else None
    return f"last written by {last['S']}" if last is not None else "-"


def why_words(change: "Change") -> str | None:
    """Say why a change was made, as far as it's known."""
    if change.reason is None:
        return None
    return change.reason if change.reason_source == "written" else f"{change.reason} (unchanged)"


def finish(reader: "TrailReader", shown: int, nothing: str) -> None:
    """End a command: say what could not be shown, or that there is nothing, and exit accordingly."""
    for sentence in reader.problems.sentences():
        tell(sentence)
    if reader.problems.foreign or reader.problems.broken:
        raise typer.Exit(Exit.UNTRUSTED)
    if reader.problems.unreadable:
        raise typer.Exit(Exit.AWS_REFUSED)
    if reader.problems.newer:
        raise typer.Exit(Exit.USAGE)
    if not shown:
        note(nothing)
        raise typer.Exit(Exit.NOTHING_FOUND)


def at_most(changes: "Iterable[Change]", limit: int | None) -> "Iterator[Change]":
    """Return so many changes, and read no further."""
    for count, change in enumerate(changes, start=1):
        yield change
        if count == limit:
            return

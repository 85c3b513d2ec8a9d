"""``trail tail``: changes of the whole table as they come."""

import contextlib
from dataclasses import replace
from time import sleep as pause
from typing import Annotated

import typer

from audit_trail.aws.tailing import follow
from audit_trail.cli import clock
from audit_trail.cli.context import note, speaks_plainly, tell
from audit_trail.cli.options import FilterOptions, OutputOptions, RangeOptions, TrailOptions, grouped
from audit_trail.cli.screen import Screen, at_most

BeginOption = Annotated[
    str,
    typer.Option("--since", metavar="TIME", help="Begin with the changes from this time on, written as for search."),
]
_PAUSE = 2.0  # seconds between two looks


@grouped
@speaks_plainly
def tail(*, trail: TrailOptions, which: FilterOptions, output: OutputOptions, since: BeginOption = "now") -> None:
    """Show changes of the whole table as they come, until Ctrl-C; with --limit, until there were so many.

    Looks every two seconds, by the index by_time, for records of the last minute, and now and then of the last
    15 minutes: a change whose record comes later than that is not shown here, but `search` finds it.

    Exits with 0 when it is stopped, 2 when the command's words are off or the index is missing, and 3 when AWS refuses.

    For example:

    trail tail

    trail tail --since 10m --operation REMOVE

    trail tail --attribute status --json
    """
    begin = output.span(since).start
    wanted = which.wanted(RangeOptions(), output)
    with trail.open() as reader:
        screen = Screen(reader.trail, output, with_keys=True)
        index = reader.index(replace(wanted, actors=frozenset()))
        note(f"Following {reader.trail.source_table} by the index {index.name}; Ctrl-C ends it.")
        left = which.limit
        said: list[str] = []
        with contextlib.suppress(KeyboardInterrupt):
            for changes in follow(reader, index, wanted, begin, clock.now):
                shown = screen.print(at_most(changes, left))
                left = left and left - shown
                for sentence in reader.problems.sentences():
                    if sentence not in said:
                        tell(sentence)
                        said.append(sentence)
                if left == 0:
                    return
                pause(_PAUSE)

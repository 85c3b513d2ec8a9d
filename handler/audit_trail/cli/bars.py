"""Progress bars on stderr, of work through whole tables."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Advance = Callable[[int], None]
"""Is told how many more are done, page by page."""
Bar = Callable[[str, int | None], Advance]
"""Begins a bar, of what, and of how many if that is known."""

_COLLECT_EVERY = 100  # pages


@contextmanager
def bars() -> Iterator[Bar]:
    """Give what begins a bar; there are none where stderr is no terminal.

    Garbage is collected every so many pages only: by itself, Python would look through every page's values again and
    again, which takes longer than reading them.
    """
    pages = 0
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=console, transient=True, redirect_stdout=False, disable=not console.is_terminal
    ) as progress:

        def bar(what: str, total: int | None) -> Advance:
            task = progress.add_task(what, total=total or None)

            def advance(count: int) -> None:
                nonlocal pages
                pages += 1
                if pages % _COLLECT_EVERY == 0:
                    gc.collect()
                progress.advance(task, count)

            return advance

        gc.disable()
        try:
            yield bar
        finally:
            gc.enable()

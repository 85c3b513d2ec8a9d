"""Two images side by side: what differs, before and after."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from audit_trail.cli.words import path_words, pretty, printable, short
from audit_trail.core.diff import Entry
from audit_trail.core.values import AttributeValue, Image, canonical_value

if TYPE_CHECKING:
    from rich.console import Console

_LOST = "\N{MINUS SIGN}"  # as wide as +


def print_facts(console: "Console", facts: Iterable[tuple[str, str]]) -> None:
    """Print names and what they are, in two columns."""
    from rich.table import Table  # noqa: PLC0415  --help doesn't need it
    from rich.text import Text  # noqa: PLC0415  the same

    table = Table.grid(padding=(0, 2))
    for name, value in facts:
        table.add_row(Text(name, style="dim"), Text(printable(value), overflow="fold"))
    console.print(table, soft_wrap=False)


def print_comparison(
    console: "Console", old: Image | None, new: Image | None, diff: list[Entry], headings: tuple[str, str]
) -> None:
    """Print what differs between two images, a line each, then the names of the rest; None is no item at all."""
    from rich.table import Table  # noqa: PLC0415  --help doesn't need it
    from rich.text import Text  # noqa: PLC0415  the same

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("", *headings):
        table.add_column(heading, overflow="fold")
    for path, before, after in _rows(old, new, diff):
        table.add_row(Text(path), Text(before, style="red"), Text(after, style="green"))
    console.print(table, soft_wrap=False)
    unchanged = [printable(name) for name, value in sorted((new or {}).items()) if old and old.get(name) == value]
    if unchanged:
        console.print(Text(f"unchanged: {', '.join(unchanged)}", style="dim"), soft_wrap=False)


def _rows(old: Image | None, new: Image | None, diff: list[Entry]) -> Iterator[tuple[str, str, str]]:
    if old is not None and new is not None:
        for entry in diff:
            before, after = (_members(_LOST), _members("+")) if entry.op == "members" else (pretty, pretty)
            path = path_words(entry.path, (old, new))
            yield path, before(entry.old) if entry.old else "", after(entry.new) if entry.new else ""
    for name, value in sorted((old or {}).items()) if new is None else ():
        yield printable(name), pretty(value), ""
    for name, value in sorted((new or {}).items()) if old is None else ():
        yield printable(name), "", pretty(value)


def _members(sign: str) -> Callable[[AttributeValue], str]:
    def write(value: AttributeValue) -> str:
        [(tag, members)] = canonical_value(value).items()
        return "\n".join(f"{sign} {short({tag[0]: one})}" for one in members)

    return write

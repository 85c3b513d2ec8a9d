"""What a part of the bench found: a table with the targets that it meets or misses, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Target:
    """One number that is aimed at, as text, and the number that was measured."""

    what: str
    aim: str
    measured: str
    met: bool
    must: bool = False
    """Whether missing it means that something is wrong, and not merely slow."""


@dataclass(frozen=True)
class Section:
    """A table: `columns` maps keys of its rows to headings, with units."""

    title: str
    columns: Mapping[str, str]
    rows: Sequence[Mapping[str, Any]]
    note: str = ""
    targets: Sequence[Target] = field(default_factory=list)

    def cells(self) -> list[list[str]]:
        """Return the rows as text."""
        return [[text(row.get(key)) for key in self.columns] for row in self.rows]

    def rich(self) -> Table:
        """Return the table for a terminal."""
        table = Table(title=self.title, caption=self.note or None, caption_justify="left")
        for key, heading in self.columns.items():
            table.add_column(heading, justify="right" if self._numeric(key) else "left")
        for cells in self.cells():
            table.add_row(*cells)
        return table

    def markdown(self) -> str:
        """Return the table as Markdown, below its title."""
        rule = ["---:" if self._numeric(key) else "---" for key in self.columns]
        lines = [list(self.columns.values()), rule, *self.cells()]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return "\n\n".join([f"## {self.title}", table, *([self.note] if self.note else [])])

    def _numeric(self, key: str) -> bool:
        values = [row.get(key) for row in self.rows]
        return any(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def text(value: Any) -> str:
    """Write a number as people read it: three digits that count, and thousands apart."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        decimals = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
        return f"{value:,.{decimals}f}"
    return str(value)

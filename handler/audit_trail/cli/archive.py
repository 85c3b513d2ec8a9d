"""``trail archive``: changes of the whole table that have left it."""

from audit_trail.cli.context import note, speaks_plainly
from audit_trail.cli.options import FilterOptions, OutputOptions, RangeOptions, TrailOptions, grouped
from audit_trail.cli.screen import Screen, at_most, finish


@grouped
@speaks_plainly
def archive(*, trail: TrailOptions, within: RangeOptions, which: FilterOptions, output: OutputOptions) -> None:
    """Show changes of the whole table that expired from the audit table and are archived, newest first.

    Opens the archive's objects of the days from --since to --until and no others, and says how many: without a range,
    all of them. They are read by DuckDB, on this machine: pip install 'table-trail[archive]'. Each item's changes are
    in the order of its history; between items, the time decides.

    Exits with 0 when there are such changes, 1 when there is none, 2 when the command's words are off, DuckDB is
    missing or a newer version wrote some records (the others are shown), 3 when AWS refuses, and 4 when a
    record or an object of the archive is not what Table Trail writes.

    For example:

    trail archive --since 2025-11-24 --until 2025-11-24

    trail archive --since 2025-11-01 --until 2025-11-30 --attribute price --actor mia

    trail archive --since 2025-11-24 --until 2025-11-24 --operation REMOVE --json
    """
    from audit_trail.cli import archived  # noqa: PLC0415  DuckDB is heavy, and optional

    wanted = which.wanted(within, output)
    with trail.open() as reader, archived.opened(trail.archive(reader.trail), wanted, note) as found:
        screen = Screen(reader.trail, output, with_keys=True)
        shown = screen.print(at_most(reader.archived(found, wanted), which.limit))
        finish(reader, shown, f"{reader.trail.source_table} has no such changes in the archive.")

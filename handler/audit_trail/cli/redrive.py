"""``trail redrive``: puts back what could not be stored, through the same code as the function."""

from typing import Annotated

import typer

from audit_trail.cli.bucket import OnlyOption
from audit_trail.cli.context import JsonOption, speaks_plainly
from audit_trail.cli.options import TrailOptions, grouped

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Write nothing: only say what would become of each.")]


@grouped
@speaks_plainly
def redrive(
    *, trail: TrailOptions, only: OnlyOption = "", dry_run: DryRunOption = False, as_json: JsonOption = False
) -> None:
    """Put back what could not be stored, object by object, through the same code as the function.

    An object whose records are all in the audit table then moves under redriven/. One with a record that can't be
    stored stays where it is, and its other records are stored. Interrupt it and run it again, or run it several times
    at once: no record is stored twice.

    Exits with 0 when nothing is left waiting, 1 when something stays, 2 when the command's words are off, 3 when AWS
    refuses, and 4 when an object holds records that are not this trail's: none of it is taken, and it stays.

    For example:

    trail redrive --dry-run

    trail redrive --only quarantine/
    """
    from audit_trail.cli import redriving  # noqa: PLC0415  takes longer to import than all of `trail --help`

    redriving.run(trail.connection, trail.audit_table, only, dry_run=dry_run, as_json=as_json)

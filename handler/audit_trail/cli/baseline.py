"""``trail baseline``: a BASELINE record for every item that has no history yet."""

from typing import Annotated

import typer

from audit_trail.cli.context import JsonOption, UsageError, speaks_plainly
from audit_trail.cli.options import TrailOptions, grouped
from audit_trail.cli.verify import StateOption

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Write nothing: only count the items without history.")]
RateOption = Annotated[
    float | None,
    typer.Option(
        "--max-read-units",
        metavar="N",
        min=1,
        help="No more read units a second than this, of both tables together; each item is looked up, so it writes no "
        "faster than that either.",
    ),
]


@grouped
@speaks_plainly
def baseline(
    *,
    trail: TrailOptions,
    max_read_units: RateOption = None,
    state: StateOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Record how each item stands that has no history yet: one BASELINE record for each, the only ones not from the stream.

    For a table that was in use before its trail was attached, and after its stream was switched off and on again, which
    makes another stream: then an item whose records are all of the old one gets a BASELINE too. Items may be written
    meanwhile. Interrupt it and run it again, or run it several times at once: an item with history is left alone.

    Exits with 0 when every item has history, 1 when some could not be recorded (with --dry-run: when some have none),
    2 when the command's words are off, and 3 when AWS refuses. Needs the verifier policy and the operator policy.

    For example:

    trail baseline --dry-run

    trail baseline --max-read-units 500 --state baseline.state
    """
    if dry_run and state is not None:
        raise UsageError("--state is of no use with --dry-run: that begins anew each time")
    from audit_trail.cli import baselining  # noqa: PLC0415  takes longer to import than all of `trail --help`

    baselining.run(trail, max_read_units, state, dry_run=dry_run, as_json=as_json)

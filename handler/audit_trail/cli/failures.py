"""``trail failures``: what could not be stored, and why."""

from audit_trail.cli.bucket import OnlyOption
from audit_trail.cli.context import JsonOption, speaks_plainly
from audit_trail.cli.options import TrailOptions, grouped


@grouped
@speaks_plainly
def failures(*, trail: TrailOptions, only: OnlyOption = "", as_json: JsonOption = False) -> None:
    """List what could not be stored: since when, how many records, and why.

    aws/lambda/ has batches that Lambda gave up on, quarantine/ single records that can never be stored as they are.
    `trail redrive` puts them back.

    Exits with 0 when something waits, 1 when nothing does, 2 when the command's words are off, 3 when AWS refuses, and
    4 when an object holds records that are not this trail's.

    For example:

    trail failures

    trail failures --only quarantine/ --json
    """
    from audit_trail.cli import waiting  # noqa: PLC0415  takes longer to import than all of `trail --help`

    waiting.run(trail.connection, trail.audit_table, only, as_json=as_json)

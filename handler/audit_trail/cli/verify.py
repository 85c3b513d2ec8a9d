"""``trail verify [KEY]``: what the history proves, and what is missing."""

from pathlib import Path
from typing import Annotated

import typer

from audit_trail.cli.context import ArchiveOption, JsonOption, UsageError, speaks_plainly
from audit_trail.cli.options import TrailOptions, grouped

KeyArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[KEY...]",
        help="The item's key: 123, or two words for a composite key. None: the whole table.",
        show_default=False,
    ),
]
RateOption = Annotated[
    float | None,
    typer.Option(
        "--max-read-units", metavar="N", min=1, help="No more read units a second than this, of both tables together."
    ),
]
StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="FILE",
        help="Remember in this file how far it got; run again with the same file, it goes on there. Removed at the end.",
    ),
]
SettleOption = Annotated[
    float,
    typer.Option(
        "--settle",
        metavar="SECONDS",
        min=0,
        help="What is missing may still be on its way: look again after so long, before it's called missing.",
    ),
]
StrictOption = Annotated[bool, typer.Option("--strict", help="Exit with 1 for what can't be told too.")]


@grouped
@speaks_plainly
def verify(  # noqa: PLR0913  one parameter an option
    key: KeyArgument = None,
    *,
    trail: TrailOptions,
    settle: SettleOption = 30,
    max_read_units: RateOption = None,
    state: StateOption = None,
    strict: StrictOption = False,
    archive: ArchiveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify an item's history, or everybody's: nothing missing between its records, nothing changed, and the item as it is.

    For each item: its records begin with its creation or a BASELINE; each record's old digest is the new one of the
    record before; images match their digests; diffs are exact; a BASELINE shows what the records around it do; the
    item is as one of its newest records left it. Names each gap with the records on both sides, and says what can't be
    told, such as what was before an item's oldest record. Running writers and expiring records cause no alarm. Where
    the trail has an archive, records that expired are verified as well, and that copies of one record are the same: it
    reads every object of the archive, once, for which --state or a temporary file takes the room of all archived
    records. What leaves the table while it runs is found in the archive after --settle seconds: give more than the
    archive's batching_window_seconds, such as 120. With --no-archive, what has expired is unknown.

    Exits with 0 when nothing is broken, 1 when something is (with --strict: or can't be told) or nothing is recorded, 2
    when the command's words are off or a newer version wrote some records, and 3 when AWS refuses, or images or objects
    of the archive can't be read.

    For example:

    trail verify 123

    trail verify --max-read-units 500 --state verify.state

    trail verify --settle 120

    trail verify --strict --json
    """
    if key and (state is not None or max_read_units is not None):
        raise UsageError("--state and --max-read-units are for the whole table: leave out the key")
    from audit_trail.cli import verifying  # noqa: PLC0415  takes longer to import than all of `trail --help`

    how = verifying.How(settle, max_read_units, state, strict=strict, as_json=as_json, archive=archive)
    verifying.run(trail, key or [], how)

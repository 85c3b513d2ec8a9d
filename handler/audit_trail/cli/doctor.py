"""``trail doctor``: says whether the trail is working."""

from typing import Annotated

import typer

from audit_trail.cli.context import JsonOption, speaks_plainly
from audit_trail.cli.options import TrailOptions, grouped

StrictOption = Annotated[bool, typer.Option("--strict", help="Exit with 1 for warnings and unknowns too.")]


@grouped
@speaks_plainly
def doctor(*, trail: TrailOptions, strict: StrictOption = False, as_json: JsonOption = False) -> None:
    """Say whether the trail is working: one line a check, with what to do where something is wrong.

    A check is ok, a warning, a problem (changes aren't stored, or soon won't be, or wait to be put back), or unknown,
    where these credentials lack a permission, which is named. Nothing is changed, and no item is read.

    Exits with 0 when there is no problem, 1 when there is one (with --strict: when anything isn't ok), 2 when the
    command's words are off, and 3 when AWS refuses to show even the audit table.

    For example:

    trail doctor

    trail doctor --strict --json
    """
    from audit_trail.cli import diagnosis  # noqa: PLC0415  takes longer to import than all of `trail --help`

    diagnosis.run(trail.connection, trail.audit_table, strict=strict, as_json=as_json)

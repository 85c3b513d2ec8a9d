"""``trail doctor``: says whether the trail is working."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from audit_trail.aws.reading import NotATrailError, SourceGoneError
from audit_trail.cli import words
from audit_trail.cli.context import (
    AuditTableOption,
    Connection,
    EndpointOption,
    Exit,
    JsonOption,
    ProfileOption,
    RegionOption,
    speaks_plainly,
)
from audit_trail.cli.examination import examined
from audit_trail.core.doctor import examine
from audit_trail.core.doctor.findings import Finding, Verdict, problem

StrictOption = Annotated[bool, typer.Option("--strict", help="Exit with 1 for warnings and unknowns too.")]

_RUNBOOK = "docs/runbook.md"
_COLOURS = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.PROBLEM: "bold red", Verdict.UNKNOWN: "cyan"}


@speaks_plainly
def doctor(  # noqa: PLR0913  one parameter an option
    audit_table: AuditTableOption,
    *,
    strict: StrictOption = False,
    as_json: JsonOption = False,
    profile: ProfileOption = None,
    region: RegionOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """Say whether the trail is working: one line a check, with what to do where something is wrong.

    A check is ok, a warning, a problem (changes aren't stored, or soon won't be, or wait to be put back), or unknown,
    where these credentials lack a permission, which is named. Nothing is changed, and no item is read.

    Exits with 0 when there is no problem, 1 when there is one (with --strict: when anything isn't ok), 2 when the
    command's words are off, and 3 when AWS refuses to show even the audit table.

    Example: trail doctor --json
    """
    findings = _findings(Connection(profile, region, endpoint_url), audit_table)
    count = (_print_json if as_json else _print_lines)(findings)
    summary = ", ".join(f"{count[verdict]} {verdict}" for verdict in Verdict if count[verdict])
    Console(stderr=True, highlight=False).print(summary, markup=False)
    if count[Verdict.PROBLEM] or (strict and count.total() > count[Verdict.OK]):
        raise typer.Exit(Exit.PROBLEM)


def _findings(connection: Connection, audit_table: str) -> Iterator[tuple[str, Finding]]:
    try:
        facts = examined(connection, audit_table)
    except (NotATrailError, SourceGoneError) as error:
        # Without the audit table and its tags, nothing else can be found.
        yield "audit-table", problem(str(error))
        return
    yield from examine(facts)


def _print_json(findings: Iterable[tuple[str, Finding]]) -> Counter[Verdict]:
    count: Counter[Verdict] = Counter()
    for name, finding in findings:
        count[finding.verdict] += 1
        line = {"check": name, "verdict": finding.verdict, "sentence": finding.sentence}
        typer.echo(json.dumps(line | ({"runbook": _link(finding)} if finding.section else {})))
    return count


def _print_lines(findings: Iterable[tuple[str, Finding]]) -> Counter[Verdict]:
    console = Console(highlight=False, soft_wrap=True)
    count: Counter[Verdict] = Counter()
    for name, finding in findings:
        count[finding.verdict] += 1
        more = f" ({_link(finding)})" if finding.section else ""
        console.print(
            Text.assemble(
                (f"{finding.verdict:<7}", _COLOURS[finding.verdict]),
                f"  {name:<19}  {words.printable(finding.sentence)}{more}",
            )
        )
    return count


def _link(finding: Finding) -> str:
    return f"{_RUNBOOK}#{finding.section}"

"""What ``trail doctor`` does; by itself, since `trail --help` needs nothing of what it takes to import this."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator

import typer
from rich.console import Console
from rich.text import Text

from audit_trail.aws.reading import NotATrailError, SourceGoneError
from audit_trail.cli import words
from audit_trail.cli.context import Connection, Exit
from audit_trail.cli.examination import examined
from audit_trail.core.doctor import examine
from audit_trail.core.doctor.findings import Finding, Verdict, problem

_RUNBOOK = "docs/runbook.md"
_COLOURS = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.PROBLEM: "bold red", Verdict.UNKNOWN: "cyan"}


def run(connection: Connection, audit_table: str, *, strict: bool, as_json: bool) -> None:
    """Say what is wrong; `audit_trail.cli.doctor` has the promise."""
    findings = _findings(connection, audit_table)
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

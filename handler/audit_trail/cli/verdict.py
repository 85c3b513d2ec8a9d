"""What ``trail verify`` prints."""

import json
from collections.abc import Iterator
from typing import Any

import typer

from audit_trail.cli import words
from audit_trail.cli.closely import Examined
from audit_trail.cli.context import Exit, note, tell
from audit_trail.cli.tally import Tally
from audit_trail.core.checks import Outcome

_UNPROVEN = (
    "What records can't prove, and docs/guarantees.md says what does: that no run of changes is missing which led back "
    "to the same image, that the end of a deleted item's history is there, nor that nobody rewrote all of it consistently."
)


def described(examined: Examined) -> Iterator[dict[str, Any]]:
    """Yield what doesn't hold, as JSON has it."""
    for found in examined.bad:
        told: dict[str, Any] = {"check": found.check, "outcome": found.outcome, "why": found.why}
        if examined.keys is not None:
            told["keys"] = {name: json.loads(words.plain_json(value)) for name, value in examined.keys.items()}
        if found.timestamp:
            told["timestamp"] = found.timestamp
        if found.before:
            told["before"] = found.before
        yield told


def finish(tally: Tally, found: Iterator[dict[str, Any]], *, nothing: str, strict: bool, as_json: bool) -> None:
    """Print what was found and the counts, and exit as they say; ``nothing`` is said where there was no record at all."""
    for one in found:
        if as_json:
            typer.echo(json.dumps(one))
        elif one["outcome"] == Outcome.BROKEN:
            typer.echo(_line(one))
    broken, unknown = tally.count(Outcome.BROKEN), tally.count(Outcome.UNKNOWN)
    if as_json:
        typer.echo(json.dumps({"broken": broken, "unknown": unknown, **tally.as_json()}))
    else:
        _summarise(tally)
        note(_UNPROVEN if tally.records else nothing)
    if tally.unreadable:
        tell(f"the images of {tally.unreadable} record(s) can't be read: check that the verifier policy is attached")
    if broken or (strict and unknown):
        raise typer.Exit(Exit.PROBLEM)
    if not tally.records:
        raise typer.Exit(Exit.NOTHING_FOUND)
    if tally.unreadable:
        raise typer.Exit(Exit.AWS_REFUSED)


def _line(one: dict[str, Any]) -> str:
    key = " ".join(words.printable(str(value)) for value in one.get("keys", {}).values())
    between = f" (the record before: {one['before']})" if "before" in one else ""
    timestamp = words.printable(one.get("timestamp", "-"))  # of what is no audit record, it may be anything
    return f"BROKEN  {one['check']:<9}  {key}  {timestamp}: {one['why']}{between}"


def _summarise(tally: Tally) -> None:
    typer.echo(f"{tally.items:,} item(s), {tally.records:,} record(s) verified")
    for (check, outcome, why), count in sorted(tally.found.items()):
        typer.echo(f"{count:>12,}  {check:<9}  {outcome:<7}  {why}".rstrip())

"""docs/trail.md: the manual of `trail`, written from the command line itself.

`python -m scripts.trail_docs` writes it; a test fails when it isn't as this would write it.
"""

from __future__ import annotations

import inspect
import sys
from typing import Any

import typer

from audit_trail.cli.context import Exit
from audit_trail.cli.main import app
from scripts.project import ROOT

PAGE = ROOT / "docs" / "trail.md"
_MEANINGS = {
    Exit.FOUND: "found, or done",
    Exit.NOTHING_FOUND: "nothing found, nothing differs, or not all could be done",
    Exit.USAGE: "the command's words are off, an index is missing, or a newer version of Table Trail wrote some records",
    Exit.AWS_REFUSED: "AWS refused, could not be reached, or has lost what a record needs",
    Exit.UNTRUSTED: "a record or an object is not what Table Trail writes, or not of this trail: somebody put it there",
}
_HEAD = """# trail

Reads the history of a DynamoDB table from its audit table, and puts back items, and what could not be stored. This page is written from the command line itself, by `python -m scripts.trail_docs`.

## Synopsis
"""
_FOOT = """
## Times
`2026-11-24T12:00:01+01:00`, with a zone or without, with seconds or without; `2026-11-24`; `30s`, `30m`, `2h`, `7d`, `2w` (so long ago); `yesterday`, `today`, `now`. What names no zone is meant in this machine's, or in UTC with `--utc`. A date is its whole day, any other time its whole second, with a fraction or without (stream records have no finer times): `--since` begins with it, `--until` ends after it, so that `--since yesterday --until yesterday` is all of yesterday.

## Attributes
`--attribute` takes a name, a JSON Pointer (`/lines/0/qty`), or what is shown (`lines[0].qty`). Names with dots or brackets in them are shown alike: then whatever it may mean is found.

## Order
An item's changes are in the order of their sequence numbers, even where clocks step back within a minute. Between items, `search` and `tail` go by time.

## Who
`--actor X` finds changes whose record names X as its actor, and nothing else. `(unchanged)` marks an actor who stood there before the change: perhaps someone else wrote. A deletion names nobody but DynamoDB's time to live; "last written by" is who wrote before it. The same mark at a reason (`why` of `show`, `reason_source` in JSON) says that it stood there before: perhaps it is an earlier change's.

## What can't be shown
Changes whose images lie in the history bucket and can't be read are shown without them. Changes whose images aren't what was stored with them (the digest differs, the object isn't in the trail's own buckets, more moved than may) are shown without them, too. Records of a newer schema version, and items that are no audit records or that Table Trail can't have written, are left out. Either way the others are shown, a sentence on stderr says so, and the exit code tells.

A filter never leaves out a change that it can't judge, such as `--attribute` one whose images can't be read.

## Restoring
A restore writes as an application does, so it is recorded as one. What it writes, it writes in one request on condition that each attribute that it changes is still as it was shown. Who wrote the item then, and why, is never put back. The attribute that the trail has for actors gets `--actor`, or else the ARN that AWS STS says is yours (as CloudTrail names you), and stays as it stands where STS doesn't say or the item has no place for it; the one for reasons gets `--reason`, or stays as it stands. An item that is put back whole gets nothing there but what is written now. A difference in these attributes alone is nothing to restore.

Some things are more than one request:
- A stream record shows that an attribute was written only where that changed it. Where the same actor or reason stands there already, of the restore before this one for instance, it's first written with ` (about to restore)` after it, in a change of its own, so that the restore itself is `written`, not `unchanged`.
- A deletion can't carry an actor or a reason: the item is given them in a change of its own just before. Where that name stands there already, this too is preceded by the change above.
- What was written ahead is taken back where the restore then fails. If it is killed in between, it stays.
- A deletion that took an attribute along that had been added in the instant before: the item is put back at once. DynamoDB has no condition “and no other attribute”, so that instant can't be closed. Where another item is there by then, what was deleted is printed; the history has it in any case.

One condition holds 149 attributes. Where more differ, it refuses, and `--only` does it in parts.

## JSON
`--json` prints one line a change, as [change.schema.json](schemas/change.schema.json) says; `trail diff --json` one line as [difference.schema.json](schemas/difference.schema.json) says, `trail as-of --json` one as [state.schema.json](schemas/state.schema.json) says, `trail restore --json` one line an item as [restored.schema.json](schemas/restored.schema.json) says, and `trail verify --json` one a finding and one with the counts, as [verification.schema.json](schemas/verification.schema.json) says. Equal changes are equal lines. `--typed` keeps DynamoDB's types.

## Permissions
Terraform's output `reader_policy_json` is enough for history, show, diff, as-of, report, search (but for `--scan`) and tail, and with an archive for archive and for history, as-of and restore with `--include-archive`; `doctor_policy_json` for doctor, `operator_policy_json` for failures, redrive and doctor, `verifier_policy_json` for verify. restore needs the reader's and the operator's, baseline the verifier's and the operator's.

## Exit codes
| code | |
|---|---|
"""
_PIPES = """
When nobody reads on, as behind `| head -1`, a command ends by SIGPIPE (141 in a shell), without a word.
"""
_SHELLS = """
## Completion
`trail --install-completion` teaches the shell that runs it (bash, zsh, fish or PowerShell) the commands and options; `--show-completion` prints what it would add.

## Environment
`TRAIL_AUDIT_TABLE` stands for `--audit-table`. AWS's own variables and files work as for the AWS CLI: the region is `--region`, or else `AWS_REGION`, `AWS_DEFAULT_REGION` or the profile's. `NO_COLOR` turns colours off, `TZ` sets the zone.
"""


def page() -> str:
    """Return the manual."""
    group: Any = typer.main.get_command(app)
    commands: dict[str, Any] = group.commands
    parts = [_HEAD]
    parts += [f"- [`trail {_usage(name, command)}`](#{name})\n" for name, command in commands.items()]
    parts += [_section(name, command) for name, command in commands.items()]
    codes = "".join(f"| {int(code)} | {meaning} |\n" for code, meaning in _MEANINGS.items())
    return "".join([*parts, _FOOT, codes, _PIPES, _SHELLS])


def _usage(name: str, command: Any) -> str:
    arguments = [parameter.metavar for parameter in _parameters(command, "argument")]
    return " ".join([name, *arguments, "[OPTIONS]"])


def _section(name: str, command: Any) -> str:
    text, _, examples = inspect.cleandoc(command.help).partition("For example:")
    listed = "\n".join(line for line in examples.splitlines() if line)
    paragraphs = "\n\n".join(" ".join(one.split("\n")) for one in text.strip().split("\n\n"))
    rows = [(parameter.metavar, parameter.help or "") for parameter in _parameters(command, "argument")]
    rows += [(_spelling(option), _help(option)) for option in _parameters(command, "option")]
    table = "".join(f"| `{left}` | {right} |\n" for left, right in rows)
    return f"\n## {name}\n`trail {_usage(name, command)}`\n\n{paragraphs}\n\n```sh\n{listed}\n```\n\n| | |\n|---|---|\n{table}"


def _parameters(command: Any, kind: str) -> list[Any]:
    return [one for one in command.params if one.param_type_name == kind and "--help" not in one.opts]


def _spelling(option: Any) -> str:
    names = "/".join([*option.opts, *option.secondary_opts])
    # A table's cells end at |, even in code.
    return names if option.is_flag else f"{names} {option.metavar}".replace("|", "\\|")


def _help(option: Any) -> str:
    more = [f"Or `{option.envvar}`."] if option.envvar else []
    more += ["Required."] if option.required else []
    return " ".join([option.help or "", *more])


def main() -> int:
    """Write the manual."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What ``trail restore --from`` does: many items one after the other, each by its own plan."""

import contextlib
import json
import shlex
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from audit_trail.aws.archive import THREADS, Archive
from audit_trail.aws.reading import RefusedError, Trail
from audit_trail.batch.restoring import Became
from audit_trail.cli import key as keys
from audit_trail.cli import private_file, words
from audit_trail.cli.context import Exit, UsageError
from audit_trail.cli.expired import Following
from audit_trail.cli.ledger import Ledger, identity
from audit_trail.cli.restoring import Looked, Undone, Wanted, line
from audit_trail.core.errors import MalformedArchiveError, TableTrailError
from audit_trail.core.moments import bound
from audit_trail.core.states import StateUnreadableError
from audit_trail.core.values import Image, canonical_text

_DONE = frozenset({Became.RESTORED, Undone.UNCHANGED, Undone.WOULD_RESTORE})
_STDIN = Path("-")


def run(wanted: Wanted, source: Path, report: Path | None, archive: Archive | None) -> None:
    """Restore many items; `audit_trail.cli.restore` has the promise."""
    wanted.check(asks=False)
    if wanted.how.dry_run and report is not None:
        raise UsageError("--report keeps what was done, and --dry-run does nothing: leave one out")
    listed = _keys(source, wanted.reader.trail)
    until = bound(wanted.moment.end) if wanted.moment.end is not None else wanted.moment.text
    with contextlib.ExitStack() as stack:
        done: set[str] = set()
        kept: IO[str] | None = None
        if report is not None:
            done, kept = _report(report, until, stack)
        count: Counter[str] = Counter()
        left = [one for one in listed if canonical_text(one) not in done]
        if archive is not None:
            wanted.reader.timeline.archive = _following(archive, left, wanted.reader.trail, stack)
            wanted.reader.problems.objects = archive.unreadable
        try:
            for looked in _each(wanted, left):
                count[looked.became] += 1
                if kept is not None:
                    kept.write(f'{{"until": "{until}", {line(looked, wanted, typed=True)[1:]}\n')
                    kept.flush()
        finally:
            _summarise(count, len(listed), len(left), until)
    if set(count) - _DONE:
        raise typer.Exit(Exit.NOT_ALL_DONE)


def _following(archive: Archive, left: list[Image], trail: Trail, stack: contextlib.ExitStack) -> Following:
    """Return the archived records of some items, so that the archive isn't read for each of them."""
    pool = stack.enter_context(ThreadPoolExecutor(THREADS, "archive"))
    ledger = stack.enter_context(Ledger(None, "restore"))
    only = frozenset(identity(trail.key_schema.audit_partition_value(one)) for one in left)
    return Following(archive, ledger, pool, only=only)


def _each(wanted: Wanted, listed: list[Image]) -> Iterator[Looked]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # On one terminal, what is printed has to go above the bar; a pipe gets it as it is.
    beside_the_bar = console.is_terminal and sys.stdout.isatty()
    with Progress(
        *columns, console=console, transient=True, redirect_stdout=False, disable=not console.is_terminal
    ) as progress:
        for item_key in progress.track(listed, description="dry run" if wanted.how.dry_run else "restoring"):
            looked = _one(wanted, item_key)
            text = line(looked, wanted, typed=wanted.output.typed) if wanted.output.as_json else _words(looked)
            if beside_the_bar:
                console.print(Text(text), soft_wrap=True)
            else:
                typer.echo(text)
            yield looked


def _one(wanted: Wanted, item_key: Image) -> Looked:
    try:
        return wanted.write(wanted.look(item_key))
    except (RefusedError, StateUnreadableError, MalformedArchiveError):
        raise  # the next item would fare no better
    except TableTrailError as error:
        return replace(Looked(item_key, None, None, None), became=Undone.REFUSED, reason=str(error))


def _words(looked: Looked) -> str:
    reason = f": {looked.reason}" if looked.reason else ""
    lost = "" if looked.lost is None else f"; deleted was {words.image_json(looked.lost, typed=True)}"
    return f"{looked.became}: {' '.join(words.short(value) for value in looked.keys.values())}{reason}{lost}"


def _summarise(count: Counter[str], total: int, left: int, until: str) -> None:
    parts = [f"{number} {became}" for became, number in sorted(count.items())]
    if total > left:
        parts.append(f"{total - left} done before")
    if left > count.total():
        parts.append(f"{left - count.total()} not tried")
    text = f"{total} item(s) as they stood just before {until}: {', '.join(parts) or 'nothing to do'}."
    Console(stderr=True, highlight=False, soft_wrap=True).print(text, markup=False)


def _keys(source: Path, trail: Trail) -> list[Image]:
    """Read each key once, all of them before anything is written."""
    try:
        text = sys.stdin.read() if source == _STDIN else source.read_text("utf-8")
    except OSError as error:
        raise UsageError(f"{source} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{source} is not UTF-8") from None
    found: dict[str, Image] = {}
    for number, one in enumerate(text.splitlines(), start=1):
        if one.strip():
            try:
                item_key = keys.parse(_typed(one, trail), trail)
            except (UsageError, ValueError) as error:
                raise UsageError(f"line {number} is no key: {error}") from None
            found[canonical_text(item_key)] = item_key
    return list(found.values())


def _typed(one: str, trail: Trail) -> list[str]:
    """Return a key's words: as they are typed, or as `trail search --json` prints them."""
    if not one.lstrip().startswith("{"):
        return shlex.split(one)
    fields = json.loads(one, parse_int=str, parse_float=str)
    item_keys = fields.get("keys")
    if not isinstance(item_keys, dict) or item_keys.keys() != trail.key_types.keys():
        raise UsageError(f'it has no "keys" with {" and ".join(trail.key_types)}')
    return [_text(item_keys[name], tag) for name, tag in trail.key_types.items()]


def _text(value: Any, tag: str) -> str:
    if isinstance(value, dict):
        value = value.get(tag)
    if not isinstance(value, str):
        raise UsageError("a key attribute is not of the table's type")
    return value


def _report(report: Path, until: str, stack: contextlib.ExitStack) -> tuple[set[str], IO[str]]:
    """Open a report to add to, and return what it says is done."""
    done: set[str] = set()
    try:
        kept = stack.enter_context(open(report, "a+", encoding="utf-8", opener=private_file.opener))  # noqa: SIM115  the stack closes it
    except OSError as error:
        raise UsageError(f"{report} can't be written: {error.strerror}") from None
    kept.seek(0)
    whole = True
    for one in kept:
        whole = one.endswith("\n")
        try:
            fields = json.loads(one)
            stood, item_keys, became = fields["until"], fields["keys"], fields["became"]
        except (ValueError, KeyError, TypeError):
            if whole:
                raise UsageError(f"{report} is no report of a restore: name another file") from None
            continue  # what was being written when it stopped
        if stood != until:
            raise UsageError(f"{report} is of a restore to just before {stood}: give that time, or another file")
        if became in _DONE:
            done.add(canonical_text(item_keys))
    if not whole:
        kept.write("\n")
    return done, kept

"""What ``trail verify`` does; by itself, since `trail --help` needs nothing of what it takes to import this."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from botocore.config import Config

from audit_trail.aws import reading
from audit_trail.aws.reader import THREADS
from audit_trail.aws.scanning import Meter, Scans, give_bodies
from audit_trail.aws.verifying import Items, Source, look, mapped
from audit_trail.cli import key as key_words
from audit_trail.cli import words
from audit_trail.cli.bars import Advance, bars
from audit_trail.cli.closely import Examined, Examiner
from audit_trail.cli.context import Exit, note, tell
from audit_trail.cli.ledger import Ledger
from audit_trail.cli.tally import Tally
from audit_trail.cli.whole_table import WholeTable
from audit_trail.core.chain import Circumstances, Live
from audit_trail.core.checks import Outcome
from audit_trail.core.values import AttributeValue, Image

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

    from audit_trail.cli.options import TrailOptions

_FIRST_PAUSE = 1.0  # seconds
_UNPROVEN = (
    "What records can't prove, and docs/guarantees.md says what does: that no run of changes is missing which led back "
    "to the same image, that the end of a deleted item's history is there, nor that nobody rewrote all of it consistently."
)


@dataclass(frozen=True, slots=True)
class How:
    """How to verify."""

    settle: float
    """Seconds after which what is missing isn't on its way any more."""
    max_read_units: float | None
    state: Path | None
    strict: bool
    as_json: bool
    include_archive: bool


def run(options: "TrailOptions", key: list[str], how: How) -> None:
    """Verify, and print what was found; `audit_trail.cli.verify` has the promise."""
    client = options.connection.dynamodb(Config(max_pool_connections=THREADS, retries={"mode": "standard"}))
    trail = reading.find_trail(client, options.audit_table)
    fetch = options.connection.images()
    source = look(client, trail.source_table)
    circumstances = Circumstances(source.read_at, trail.retention, source.stream, trail.key_schema)
    meter = Meter(how.max_read_units)
    archive = options.archive(trail) if how.include_archive else None
    examiner = Examiner(Items(client, trail, meter, archive), trail, fetch, circumstances)
    with ThreadPoolExecutor(THREADS, "trail") as pool:
        if key:
            keys = key_words.parse(key, trail)
            examined = _one(examiner, trail.key_schema.audit_partition_value(keys), keys, how.settle)
            _finish(examined.tally, iter(_described(examined)), how)
            return
        give_bodies(client)
        with Ledger(how.state, f"verify of {trail.audit_table}") as ledger:
            tally = _Whole(client, trail, ledger, pool, how).run(meter, fetch, examiner, source, circumstances)
            try:
                _finish(tally, ledger.findings(), how)
            finally:
                ledger.done()


def _one(examiner: Examiner, partition: AttributeValue, keys: Image, settle: float) -> Examined:
    """Look at an item, and again while what is missing may be on its way."""
    end = time.monotonic() + settle
    pause = _FIRST_PAUSE
    examined = examiner.examine(partition, keys)
    while examined.broken and (left := end - time.monotonic()) > 0:
        time.sleep(min(pause, left))
        pause *= 2
        examined = examiner.examine(partition, keys, examined.live)
    return examined


class _Whole:
    """Verifies a whole table."""

    def __init__(
        self, client: "DynamoDBClient", trail: reading.Trail, ledger: Ledger, pool: ThreadPoolExecutor, how: How
    ) -> None:
        self._client = client
        self._trail = trail
        self._ledger = ledger
        self._pool = pool
        self._how = how
        self._tally = Tally.from_json(ledger.fact("tally"))

    def run(self, meter: Meter, fetch: Any, examiner: Examiner, source: Source, circumstances: Circumstances) -> Tally:
        """Read both tables, then look closely at what is under suspicion; return the counts."""
        begun = self._ledger.fact("begun") or source.read_at.isoformat()
        self._ledger.save(begun=begun)
        read_at = Live(None, datetime.fromisoformat(begun))
        table = WholeTable(
            Scans(self._client, self._pool, meter), self._trail, fetch, self._ledger, circumstances, self._tally
        )
        with bars() as bar:
            table.read_source(bar("items", source.approximate_items))
            table.read_audit(read_at, bar("records", self._trail.approximate_records))
            if not self._ledger.fact("unseen"):
                table.suspect_unseen()
                self._ledger.save(unseen=True)
            self._look_closely(examiner, bar("looking closely", None))
        return self._tally

    def _look_closely(self, examiner: Examiner, advance: Advance) -> None:
        """Look at each suspect, and a second time, later, at those of which something is still missing."""
        latest = 0.0
        for again in (False, True):
            if again and latest:
                time.sleep(max(0.0, latest + self._how.settle - time.monotonic()))
            after = b""
            while some := self._ledger.suspects(after):
                after = some[-1][0]
                for (item, suspect), examined in mapped(self._pool, lambda one: _look(examiner, one[1]), some, THREADS):
                    if examined.broken and not again:
                        latest = time.monotonic()
                        live = examined.live
                        seen = None if live is None else [live.digest, live.read_at.isoformat()]
                        self._ledger.suspect(item, suspect | {"live": seen})
                    else:
                        self._tally.add(examined.tally)
                        self._ledger.cleared(item, _described(examined))
                self._ledger.save(tally=self._tally.as_json())
                advance(len(some))


def _look(examiner: Examiner, suspect: dict[str, Any]) -> Examined:
    seen = suspect.get("live")
    live = None if seen is None else Live(seen[0], datetime.fromisoformat(seen[1]))
    return examiner.examine(suspect["partition"], suspect["keys"], live)


def _described(examined: Examined) -> Iterator[dict[str, Any]]:
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


def _finish(tally: Tally, found: Iterator[dict[str, Any]], how: How) -> None:
    for one in found:
        if how.as_json:
            typer.echo(json.dumps(one))
        elif one["outcome"] == Outcome.BROKEN:
            typer.echo(_line(one))
    broken, unknown = tally.count(Outcome.BROKEN), tally.count(Outcome.UNKNOWN)
    if how.as_json:
        typer.echo(json.dumps({"broken": broken, "unknown": unknown, **tally.as_json()}))
    else:
        _summarise(tally)
        note(_UNPROVEN)
    if tally.unreadable:
        tell(f"the images of {tally.unreadable} record(s) can't be read: check that the verifier policy is attached")
    if broken or (how.strict and unknown):
        raise typer.Exit(Exit.PROBLEM)
    if tally.unreadable:
        raise typer.Exit(Exit.AWS_REFUSED)


def _line(one: dict[str, Any]) -> str:
    key = " ".join(words.printable(str(value)) for value in one.get("keys", {}).values())
    between = f" (the record before: {one['before']})" if "before" in one else ""
    return f"BROKEN  {one['check']:<9}  {key}  {one.get('timestamp', '-')}: {one['why']}{between}"


def _summarise(tally: Tally) -> None:
    typer.echo(f"{tally.items:,} item(s), {tally.records:,} record(s) verified")
    for (check, outcome, why), count in sorted(tally.found.items()):
        typer.echo(f"{count:>12,}  {check:<9}  {outcome:<7}  {why}".rstrip())

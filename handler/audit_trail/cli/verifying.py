"""What ``trail verify`` does; by itself, since `trail --help` needs nothing of what it takes to import this."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from audit_trail.aws import reading
from audit_trail.aws.archive import ArchivedRecords
from audit_trail.aws.reader import THREADS
from audit_trail.aws.scanning import Meter, Scans, give_bodies
from audit_trail.aws.verifying import Items, Source, look, mapped
from audit_trail.cli import key as key_words
from audit_trail.cli.bars import Advance, bars
from audit_trail.cli.closely import Examined, Examiner
from audit_trail.cli.expired import Expired
from audit_trail.cli.ledger import Ledger
from audit_trail.cli.tally import Tally
from audit_trail.cli.verdict import described, finish
from audit_trail.cli.whole_table import WholeTable
from audit_trail.core.chain import Circumstances, Live
from audit_trail.core.values import AttributeValue, Image

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

    from audit_trail.cli.options import TrailOptions

_FIRST_PAUSE = 1.0  # seconds


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
    archive = options.archive(trail) if how.include_archive else None
    view = _View(client, trail, options.connection.images(trail.buckets), Meter(how.max_read_units))
    with ThreadPoolExecutor(THREADS, "trail") as pool:
        if key:
            keys = key_words.parse(key, trail)
            examiner = view.examiner(view.circumstances(look(client, trail.source_table)), archive)
            examined = _one(examiner, trail.key_schema.audit_partition_value(keys), keys, how.settle)
            if not examined.tally.records and (examined.live is None or examined.live.digest is None):
                examined.tally.items = 0
            nothing = f"{trail.source_table} has no changes of this key in {trail.audit_table}: nothing is verified."
            finish(examined.tally, described(examined), nothing=nothing, strict=how.strict, as_json=how.as_json)
            return
        give_bodies(client)
        about = f"verify of {trail.audit_table}"
        with Ledger(how.state, about if archive is None else f"{about} and its archive") as ledger:
            expired = None if archive is None else Expired(archive, ledger, pool)
            tally = _Whole(view, ledger, pool, expired, how.settle).run()
            try:
                nothing = f"{trail.audit_table} has no records: nothing is verified."
                finish(tally, ledger.findings(), nothing=nothing, strict=how.strict, as_json=how.as_json)
            finally:
                ledger.done()


@dataclass(frozen=True, slots=True)
class _View:
    """What a trail is looked at through."""

    client: "DynamoDBClient"
    trail: reading.Trail
    fetch: Callable[[str], bytes]
    meter: Meter

    def circumstances(self, source: Source) -> Circumstances:
        # The archive changes none of them: what expired before it was turned on is in neither place.
        return Circumstances(source.read_at, self.trail.retention, source.stream, self.trail.key_schema)

    def examiner(self, circumstances: Circumstances, archive: ArchivedRecords | None) -> Examiner:
        items = Items(self.client, self.trail, self.meter, archive)
        return Examiner(items, self.trail, self.fetch, circumstances)


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
        self, view: _View, ledger: Ledger, pool: ThreadPoolExecutor, expired: Expired | None, settle: float
    ) -> None:
        self._view = view
        self._ledger = ledger
        self._pool = pool
        self._expired = expired
        self._settle = settle
        self._tally = Tally.from_json(ledger.fact("tally"))

    def run(self) -> Tally:
        """Read both tables, then look closely at what is under suspicion; return the counts.

        The archive is read first. A record that leaves the table before that is read comes into the archive within
        the settling time: then what is new there is read, and the items are looked at again of which it is.
        """
        view, trail = self._view, self._view.trail
        with bars() as bar:
            load = bar("archived records", None) if self._expired else _nothing
            self._load(load)
            source = look(view.client, trail.source_table)
            circumstances = view.circumstances(source)
            scans = Scans(view.client, self._pool, view.meter)
            archives = self._expired is not None
            table = WholeTable(scans, trail, view.fetch, self._ledger, circumstances, self._tally, archives=archives)
            begun = self._ledger.fact("begun") or source.read_at.isoformat()
            self._ledger.save(begun=begun)
            read_at = Live(None, datetime.fromisoformat(begun))
            table.read_source(bar("items", source.approximate_items))
            table.read_audit(read_at, bar("records", trail.approximate_records))
            read = time.monotonic()
            if not self._ledger.fact("unseen"):
                table.read_archived(read_at, load)
                table.suspect_unseen()
                self._ledger.save(unseen=True)
            examiner = view.examiner(circumstances, self._expired)
            self._look_closely(table, examiner, read if archives else 0.0, bar("looking closely", None))
        return self._tally

    def _load(self, advance: Advance) -> None:
        if self._expired is not None:
            self._expired.load(advance, self._tally, suspicious=bool(self._ledger.fact("unseen")))

    def _look_closely(self, table: WholeTable, examiner: Examiner, latest: float, advance: Advance) -> None:
        """Look at each suspect, and a second time, later, at those of which something is still missing.

        ``latest`` is when the last record was read that may be on its way to the archive by then.
        """
        for again in (False, True):
            if again and latest:
                time.sleep(max(0.0, latest + self._settle - time.monotonic()))
                self._load(_nothing)
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
                        table.count(item, examined.tally)
                        self._ledger.cleared(item, described(examined))
                self._ledger.save(tally=self._tally.as_json())
                advance(len(some))


def _nothing(_count: int) -> None:
    """Show no progress."""


def _look(examiner: Examiner, suspect: dict[str, Any]) -> Examined:
    seen = suspect.get("live")
    live = None if seen is None else Live(seen[0], datetime.fromisoformat(seen[1]))
    return examiner.examine(suspect["partition"], suspect["keys"], live)

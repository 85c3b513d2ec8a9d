"""What ``trail baseline`` does; by itself, since `trail --help` needs nothing of what it takes to import this."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from botocore.config import Config

from audit_trail import batch
from audit_trail.aws import reading
from audit_trail.aws.audit_table import CLIENT_CONFIG, PartiqlAuditTable
from audit_trail.aws.image_bucket import S3ImageStore
from audit_trail.aws.objects import CLIENT_CONFIG as S3_CLIENT_CONFIG
from audit_trail.aws.reader import THREADS
from audit_trail.aws.scanning import SEGMENTS, Meter, Scans, give_bodies
from audit_trail.aws.verifying import Items, keys_of, look, mapped
from audit_trail.cli import bucket as buckets
from audit_trail.cli.bars import bars
from audit_trail.cli.context import Exit, tell
from audit_trail.cli.ledger import Ledger
from audit_trail.cli.redriving import patience
from audit_trail.core.baselines import baseline_record, baseline_settings
from audit_trail.core.records import StreamRecord
from audit_trail.core.values import Image
from audit_trail.ports import BatchResult

if TYPE_CHECKING:
    from audit_trail.cli.options import TrailOptions

_WORK = "baseline"
_TOGETHER = 25  # items in memory, the largest 400 KB each
_PATIENCE = 30.0  # seconds for which so many are tried
Store = Callable[[list[StreamRecord]], BatchResult]


def run(
    options: "TrailOptions", max_read_units: float | None, state: Path | None, *, dry_run: bool, as_json: bool
) -> None:
    """Record the items without history, and print how many; `audit_trail.cli.baseline` has the promise."""
    connection = options.connection
    settings = buckets.function_settings(connection, options.audit_table)
    client = connection.dynamodb(Config(max_pool_connections=THREADS, retries={"mode": "standard"}))
    trail = reading.find_trail(client, options.audit_table)
    source = look(client, trail.source_table)
    if source.stream is None:
        raise reading.NotATrailError(
            f"{trail.source_table} has no stream: turn it on first, or changes after the BASELINE would be missing"
        )
    table = PartiqlAuditTable(connection.dynamodb(CLIENT_CONFIG), options.audit_table)
    images = S3ImageStore(lambda: connection.s3(S3_CLIENT_CONFIG), settings.trail_bucket)
    records_settings = baseline_settings(settings.records)

    def store(records: list[StreamRecord]) -> BatchResult:
        return batch.store(records, table=table, images=images, settings=records_settings, time=patience(_PATIENCE))

    give_bodies(client)
    meter = Meter(max_read_units)
    with ThreadPoolExecutor(THREADS, "trail") as pool, Ledger(state, f"baseline of {options.audit_table}") as ledger:
        baseline = _Baseline(Items(client, trail, meter), trail, source.stream, None if dry_run else store)
        with bars() as bar:
            advance = bar("items", source.approximate_items)
            pages = Scans(client, pool, meter).pages(ledger.starts(_WORK, SEGMENTS), TableName=trail.source_table)
            for page in pages:
                baseline.take(pool, (keys_of(image, trail) for image in page.items))
                if not baseline.count["failed"]:
                    # Where something failed, the next run has to come here again.
                    ledger.reached(_WORK, page.segment, page.start)
                    ledger.save()
                advance(len(page.items))
        _finish(baseline, dry_run=dry_run, as_json=as_json)
        ledger.done()  # not where anything failed: then it goes on there


class _Baseline:
    """Records items that have no history of the table's stream; without ``store``, only counts them."""

    def __init__(self, items: Items, trail: reading.Trail, stream: str, store: Store | None) -> None:
        self._items = items
        self._trail = trail
        self._stream = stream
        self._store = store
        self.count: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()

    def take(self, pool: ThreadPoolExecutor, items: Iterator[Image]) -> None:
        """Record those of some items, given by their keys, that need it."""
        records: list[StreamRecord] = []
        for _, record in mapped(pool, self._record, items, THREADS):
            self.count["items"] += 1
            if record is not None:
                records.append(record)
            if len(records) == _TOGETHER:
                self._put(records)
                records = []
        self._put(records)

    def _record(self, keys: Image) -> StreamRecord | None:
        """Return an item's BASELINE; None where it has history, or is gone.

        Whatever is written between these reads and the insert has a stream record, and that bears the BASELINE out.
        """
        newest = self._items.newest(self._trail.key_schema.audit_partition_value(keys))
        if newest is not None and newest.get("event_source_arn") == {"S": self._stream}:
            return None
        image, read_at = self._items.live(keys)
        return None if image is None else baseline_record(image, keys, int(read_at.timestamp()), self._stream)

    def _put(self, records: list[StreamRecord]) -> None:
        self.count["without_history"] += len(records)
        if self._store is not None and records:
            result = self._store(records)
            self.count["recorded"] += result.stored.total() + result.duplicates
            self.count["failed"] += len(result.failures)
            self.reasons.update(result.failures.values())


def _finish(baseline: _Baseline, *, dry_run: bool, as_json: bool) -> None:
    count = baseline.count
    if as_json:
        told = {name: count[name] for name in ("items", "without_history", "recorded", "failed")}
        typer.echo(json.dumps({"dry_run": dry_run, **told}))
    else:
        typer.echo(f"{count['items']:,} item(s), {count['without_history']:,} without history")
        typer.echo("nothing was written" if dry_run else f"{count['recorded']:,} BASELINE record(s) written")
    for reason, times in baseline.reasons.most_common():
        tell(f"{times} item(s) could not be recorded: {reason}")
    if count["failed"] or (dry_run and count["without_history"]):
        raise typer.Exit(Exit.NOT_ALL_DONE)

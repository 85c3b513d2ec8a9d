"""`trail verify` of a whole table: the source table is read, then the audit table, each once and in parallel segments.

What a Scan gives may be a moment old and torn, so it only raises suspicion; each item under suspicion is looked at
closely by itself, with consistent reads.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from audit_trail.aws.reading import Trail
from audit_trail.aws.scanning import SEGMENTS, Scans
from audit_trail.aws.verifying import keys_of, opened
from audit_trail.cli.ledger import Ledger, identity
from audit_trail.cli.passing import Passing
from audit_trail.cli.tally import Tally
from audit_trail.core.chain import Chain, Circumstances, Live
from audit_trail.core.checks import known_image
from audit_trail.core.copies import Found
from audit_trail.core.history import Change
from audit_trail.core.values import AttributeValue, Image, canonical_text

Progress = Callable[[int], None]
"""Is told how many more were gone through."""

_SOURCE, _AUDIT = "source", "audit"


class WholeTable:
    """Goes through both tables, and notes in the ledger which items to look at closely.

    With ``archives``, an item's records are those that the ledger has of the archive, too.
    """

    def __init__(  # noqa: PLR0913, PLR0917  all that it needs of the world
        self,
        scans: Scans,
        trail: Trail,
        fetch: Callable[[str], bytes],
        ledger: Ledger,
        circumstances: Circumstances,
        tally: Tally,
        *,
        archives: bool,
    ) -> None:
        self._scans = scans
        self._trail = trail
        self._fetch = fetch
        self._ledger = ledger
        self._circumstances = circumstances
        self._tally = tally
        self._archives = archives

    def read_source(self, progress: Progress) -> None:
        """Note how each item of the source table is."""
        schema = self._trail.key_schema
        for page in self._scans.pages(self._ledger.starts(_SOURCE, SEGMENTS), TableName=self._trail.source_table):
            rows = []
            for image in page.items:
                keys = keys_of(image, self._trail)
                known = known_image(image)
                digest = "" if known is None else known.digest
                rows.append((identity(schema.audit_partition_value(keys)), digest, canonical_text(keys)))
            self._ledger.add_live(rows)
            self._ledger.reached(_SOURCE, page.segment, page.start)
            self._ledger.save()
            progress(len(page.items))

    def read_audit(self, read_at: Live, progress: Progress) -> None:
        """Check the records of each item; ``read_at`` has the moment before which the items were read."""
        starts = self._ledger.starts(_AUDIT, SEGMENTS)
        segments = {number: _Segment(self, read_at, start) for number, start in starts.items()}
        for page in self._scans.pages(starts, TableName=self._trail.audit_table):
            segment = segments[page.segment]
            for item in page.items:
                segment.take(item)
            if page.start is None:
                segment.finish()
            # An item that isn't through yet is read again from its first record.
            resume = None if page.start is None else segment.resume
            if page.start is None or resume is not None:
                self._ledger.reached(_AUDIT, page.segment, resume)
            self._ledger.save(tally=self._tally.as_json())
            progress(len(page.items))

    def read_archived(self, read_at: Live, progress: Progress) -> None:
        """Check the items of which all records have expired, once the audit table was read."""
        after = b""
        while some := self._ledger.archived_alone(after):
            after = some[-1]
            for item in some:
                Passing(self, self._ledger.partition(item, self.partition_key), read_at).end()
            self._ledger.save(tally=self._tally.as_json())
            progress(len(some))

    def suspect_unseen(self) -> None:
        """Note the items that have no records at all."""
        for item, keys in self._ledger.unseen():
            partition = self._trail.key_schema.audit_partition_value(keys)
            self._ledger.suspect(item, {"partition": partition, "keys": keys})
        self._ledger.save()

    @property
    def partition_key(self) -> str:
        """Name of the audit table's partition key."""
        return self._trail.key_schema.audit_partition_key

    def chain(self, item: bytes, read_at: Live) -> Chain:
        """Return the chain of an item."""
        return Chain(self._circumstances, replace(read_at, digest=self._ledger.live(item)))

    @property
    def audit_table(self) -> str:
        """Name of the audit table."""
        return self._trail.audit_table

    def archived(self, item: bytes) -> Iterator[Found]:
        """Yield an item's archived records, the oldest time first, each once."""
        return self._ledger.archived(item, oldest_first=True) if self._archives else iter(())

    def opened(self, change: Change) -> tuple[Change, str]:
        """Return a record with its images."""
        item, spoiled = opened(change.item, self._fetch)
        return (change if item is change.item else replace(change, item=item)), spoiled

    def through(self, item: bytes, partition: AttributeValue, keys: Image | None, tally: Tally, *, well: bool) -> None:
        """Note that all records of an item were seen."""
        self._ledger.forget_live(item)
        if well:
            self.count(item, tally)
        else:
            self._ledger.suspect(item, {"partition": partition, "keys": keys})

    def count(self, item: bytes, tally: Tally) -> None:
        """Count what came out of an item; so that it can be taken back, where more of its records may be archived."""
        self._tally.add(tally)
        if self._archives:
            self._ledger.count(item, tally.as_json())


class _Segment:
    """One segment of the audit table: an item's records come together, the oldest time first."""

    def __init__(self, table: WholeTable, read_at: Live, resume: Image | None) -> None:
        self._table = table
        self._read_at = read_at
        self._partition: AttributeValue | None = None
        self._last: Image = {}
        self.resume = resume
        """Key of the last record of the last item that is through."""

    def take(self, item: Image) -> None:
        """Take the next record."""
        partition = item[self._table.partition_key]
        if partition != self._partition:
            self.finish()
            self._partition = partition
            self._item = Passing(self._table, partition, self._read_at)
        self._last = item
        self._item.take(item)

    def finish(self) -> None:
        """End the item that is under way."""
        if self._partition is None:
            return
        self._item.end()
        self.resume = {name: self._last[name] for name in (self._table.partition_key, "timestamp")}
        self._partition = None

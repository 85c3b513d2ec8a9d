"""`trail verify` of a whole table: the source table is read, then the audit table, each once and in parallel segments.

What a Scan gives may be a moment old and torn, so it only raises suspicion; each item under suspicion is looked at
closely by itself, with consistent reads.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace

from audit_trail.aws.reading import Trail
from audit_trail.aws.scanning import SEGMENTS, Scans
from audit_trail.aws.verifying import keys_of, opened
from audit_trail.cli.ledger import Ledger
from audit_trail.cli.tally import Tally
from audit_trail.core.chain import Chain, Circumstances, Live
from audit_trail.core.checks import Finding, Outcome, known_image
from audit_trail.core.errors import MalformedItemError, NewerRecordError
from audit_trail.core.history import Change, Order
from audit_trail.core.values import AttributeValue, Image, canonical_text, canonical_value, utf8

Progress = Callable[[int], None]
"""Is told how many more were gone through."""

_SOURCE, _AUDIT = "source", "audit"


class WholeTable:
    """Goes through both tables, and notes in the ledger which items to look at closely."""

    def __init__(  # noqa: PLR0913, PLR0917  all that it needs of the world
        self,
        scans: Scans,
        trail: Trail,
        fetch: Callable[[str], bytes],
        ledger: Ledger,
        circumstances: Circumstances,
        tally: Tally,
    ) -> None:
        self._scans = scans
        self._trail = trail
        self._fetch = fetch
        self._ledger = ledger
        self._circumstances = circumstances
        self._tally = tally

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

    def opened(self, change: Change) -> tuple[Change, str]:
        """Return a record with its images."""
        item, spoiled = opened(change.item, self._fetch)
        return (change if item is change.item else replace(change, item=item)), spoiled

    def through(self, item: bytes, partition: AttributeValue, keys: Image | None, tally: Tally, *, well: bool) -> None:
        """Note that all records of an item were seen."""
        self._ledger.forget_live(item)
        if well:
            self._tally.add(tally)
        else:
            self._ledger.suspect(item, {"partition": partition, "keys": keys})


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
            self._begin(partition)
        self._last = item
        try:
            change = Change.from_item(item)
        except NewerRecordError:
            raise  # what it proves isn't known here
        except MalformedItemError:
            self._well = False
            return
        for one in self._order.push(change):
            self._check(one)

    def _begin(self, partition: AttributeValue) -> None:
        self._partition = partition
        self._identity = identity(partition)
        self._order: Order[Change] = Order()
        self._chain = self._table.chain(self._identity, self._read_at)
        self._tally = Tally(items=1)
        self._keys: Image | None = None
        self._well = True

    def _check(self, change: Change) -> None:
        whole, spoiled = self._table.opened(change)
        self._keys = self._keys or whole.item.get("keys", {}).get("M")
        self._tally.records += 1
        self._note(self._chain.add(whole, spoiled))

    def _note(self, findings: Iterator[Finding]) -> None:
        for found in self._tally.note(findings):
            if found.outcome is Outcome.BROKEN:
                self._well = False

    def finish(self) -> None:
        """End the item that is under way."""
        if self._partition is None:
            return
        for one in self._order.rest():
            self._check(one)
        self._note(self._chain.end())
        self._table.through(self._identity, self._partition, self._keys, self._tally, well=self._well)
        self.resume = {name: self._last[name] for name in (self._table.partition_key, "timestamp")}
        self._partition = None


def identity(partition: AttributeValue) -> bytes:
    """Return what stands for a partition key."""
    return hashlib.blake2b(utf8(canonical_text(canonical_value(partition))), digest_size=16).digest()

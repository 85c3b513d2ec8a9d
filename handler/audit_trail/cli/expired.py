"""The archive's records in a ledger: each object is read once, however many items are asked for."""

import time
from collections.abc import Container, Iterator
from concurrent.futures import Executor

from audit_trail.aws.archive import THREADS, Archive, Archived, Between
from audit_trail.aws.verifying import mapped
from audit_trail.cli.bars import Advance
from audit_trail.cli.ledger import Ledger, identity
from audit_trail.cli.tally import Tally
from audit_trail.core.copies import Found
from audit_trail.core.values import AttributeValue

_FRESH = 60.0  # seconds: until then, little more comes into the archive than was on its way


class Expired:
    """Archived records, as they were the last time that they were loaded; all items', or some by their identities."""

    def __init__(
        self, archive: Archive, ledger: Ledger, pool: Executor, *, only: Container[bytes] | None = None
    ) -> None:
        self._archive = archive
        self._ledger = ledger
        self._pool = pool
        self._only = only
        self.unreadable = archive.unreadable

    def load(self, advance: Advance, tally: Tally | None = None, *, suspicious: bool = False) -> None:
        """Read the objects that came since the last time, an object at a time.

        An item that was counted without what is in them becomes a suspect, and what was counted is taken out of
        ``tally``; with ``suspicious``, so does any other.

        Objects that aren't the archive's are left out, and read again the next time.
        """
        tally = tally or Tally()
        for day in self._archive.days():
            new = [key for key in self._archive.keys(day) if not self._ledger.has_object(key)]
            for key, body in mapped(self._pool, self._archive.body, new, THREADS):
                found = self._archive.readable(key, body)
                if found is None:
                    continue
                records = [(identity(one.partition), one) for one in found]
                if self._only is not None:
                    records = [(item, one) for item, one in records if item in self._only]
                self._ledger.add_object(key, self._archive.url(key), records)
                self._doubt(dict(records), tally, suspicious=suspicious)
                self._ledger.save(tally=tally.as_json())
                advance(len(records))

    def records(
        self, partition: AttributeValue, between: Between | None = None, *, oldest_first: bool = False
    ) -> Iterator[Found]:
        """Yield one item's archived records in the order of their timestamps; from any thread."""
        return self._ledger.archived(identity(partition), between, oldest_first=oldest_first)

    def reaches(self, timestamp: str) -> bool:
        """Tell whether anything, of any item, is archived of that day or before."""
        return self._archive.reaches(timestamp)

    def _doubt(self, items: dict[bytes, Archived], tally: Tally, *, suspicious: bool) -> None:
        for item, one in items.items():
            counted = self._ledger.forget_count(item)
            if counted is not None:
                tally.take_back(Tally.from_json(counted))
            if counted is not None or suspicious:
                self._ledger.suspect_too(item, {"partition": one.partition, "keys": one.item.get("keys", {}).get("M")})


class Following(Expired):
    """The same for whoever asks for a long time: it loads by itself, and again what came meanwhile."""

    _loaded = float("-inf")

    def records(
        self, partition: AttributeValue, between: Between | None = None, *, oldest_first: bool = False
    ) -> Iterator[Found]:
        """Yield one item's archived records in the order of their timestamps; from one thread."""
        if time.monotonic() - self._loaded > _FRESH:
            self._loaded = time.monotonic()
            self.load(lambda _count: None)
        yield from super().records(partition, between, oldest_first=oldest_first)

"""Reads one trail: an item's changes, one change, how an item stood, and changes of the whole table."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Self

from audit_trail.aws import indexes, reading
from audit_trail.aws.archive import ArchivedRecords
from audit_trail.aws.records import getter, whole
from audit_trail.aws.unread import Unread
from audit_trail.core import states
from audit_trail.core.archive import joined
from audit_trail.core.errors import ForeignItemError, MalformedItemError, TableTrailError
from audit_trail.core.filters import Filter
from audit_trail.core.history import REORDER_WITHIN, Change, Order, named, newest_first, with_reason_source
from audit_trail.core.listing import Listed, in_order
from audit_trail.core.moments import FIRST, LAST, bound
from audit_trail.core.problems import Problems
from audit_trail.core.validation import is_timestamp
from audit_trail.core.values import Image, canonical_text, canonical_value

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

THREADS = 16
_CROWDED = 4  # records a second


class NoIndexError(TableTrailError):
    """The index that is needed isn't there, or not ready."""


def _crowded(items: Sequence[Image]) -> bool:
    """Tell whether it's cheaper to read a record of each second that may matter than all that lie in them."""
    ends = [str(item.get("timestamp", {}).get("S")) for item in (items[0], items[-1])] if items else []
    if not ends or not all(map(is_timestamp, ends)):
        return False
    newest, oldest = (datetime.fromisoformat(one.partition("#")[0]) for one in ends)
    return len(items) > _CROWDED * max(1.0, (newest - oldest).total_seconds())


class TrailReader:
    """Reads one trail; what it can't show it counts in ``problems``. Ends its threads when it's left.

    With ``archive``, what it tells of one item goes back beyond what is left in the audit table.

    Every method raises botocore's errors where AWS refuses.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        trail: reading.Trail,
        fetch: Callable[[str], bytes],
        archive: ArchivedRecords | None = None,
    ) -> None:
        self.trail = trail
        self.archive = archive
        self.problems = Problems()
        self._client = client
        self._fetch = fetch
        self._pool = ThreadPoolExecutor(THREADS, "trail")
        self._lists = indexes.Lists(client, self._pool, trail)
        self._get = getter(client, trail.audit_table)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def history(self, keys: Image, wanted: Filter = Filter()) -> Iterator[Change]:  # noqa: B008  it is immutable
        """Yield one item's changes, the newest first, page by page."""
        if wanted.empty:
            return iter(())
        margin = None
        if wanted.since is not None or wanted.until is not None:
            # What lies just outside decides the order of what lies inside.
            lowest = max(wanted.since or FIRST, FIRST + REORDER_WITHIN) - REORDER_WITHIN
            highest = min(wanted.until or LAST, LAST - REORDER_WITHIN) + REORDER_WITHIN
            margin = bound(lowest), bound(highest)
        ordered = self._newest_first(keys, margin)
        near = (self._restored(one) for one in ordered if not wanted.excludes(one.item, one.moment))
        return self.problems.shown(one for one in near if wanted.matches(one))

    def at(self, keys: Image, lowest: str, highest: str) -> list[Change]:
        """Return one item's changes from one timestamp up to another, the oldest first."""
        items = self._stored(keys, (lowest, highest), oldest_first=True)
        return [self._restored(change) for change in self.problems.changes(items)]

    def state(self, keys: Image, end: datetime) -> states.State | None:
        """Return how an item stood before a moment; None where nothing is recorded of it at all.

        :raises StateUnknownError: the record that tells it has no image of it.
        :raises MalformedItemError: a record that may tell it can't be understood.
        """
        past = self._stored(keys, (bound(FIRST), bound(end)))
        latest = next(newest_first(map(Change.from_item, past)), None)
        if latest is not None:
            return states.after(self._restored(latest))
        future = self._stored(keys, (bound(end), bound(LAST)), oldest_first=True)
        return states.before(map(self._restored, map(Change.from_item, future)))

    def index(self, wanted: Filter) -> reading.Index:
        """Return the index to search by: by_actor where that is on and it's about an actor, or else by_time.

        :raises NoIndexError: it isn't there, or not ready.
        """
        index = (self.trail.by_actor if wanted.actors else None) or self.trail.by_time
        if index is None:
            raise NoIndexError(
                f"{self.trail.audit_table} has no index by_time: turn it on with module audit_trail's input "
                "time_index = {} (it knows the changes that are recorded from then on)"
            )
        if not index.ready:
            raise NoIndexError(f"the index {index.name} of {self.trail.audit_table} is still being made: wait for it")
        return index

    def search(self, wanted: Filter, index: reading.Index, now: datetime) -> Iterator[Change]:
        """Yield changes of the whole table, the newest first; ``now`` is where a search without an end begins."""
        if wanted.empty:
            return iter(())
        within = wanted.since or FIRST, wanted.until or LAST
        listed = (
            self._lists.by_actor(index, within, sorted(wanted.actors))
            if index.name == "by_actor"
            else self._lists.by_time(index, within, now)
        )
        return self.whole(in_order(self.listed(listed)), wanted)

    def scan(self, wanted: Filter, scanned: Callable[[int], None]) -> Iterator[Change]:
        """Yield the same without an index, from all of the audit table; keeps a line in memory for each.

        ``scanned`` is told how many more records have been gone through.
        """
        if wanted.empty:
            return iter(())
        within = wanted.since or FIRST, wanted.until or LAST
        listed = self.listed(self._lists.scan(within, scanned))
        near = [one for one in listed if not wanted.excludes(one.item, one.moment)]
        near.sort(key=lambda one: one.timestamp, reverse=True)
        return self.whole(in_order(near), wanted)

    def archived(self, items: Iterable[Image], wanted: Filter) -> Iterator[Change]:
        """Yield changes from archived records of the whole table, which come the newest first."""
        name = self.trail.key_schema.audit_partition_key
        ordered = newest_first(
            self.problems.changes(self._keyed(items)), lambda change: canonical_text(canonical_value(change.item[name]))
        )
        near = (self._restored(one) for one in ordered if not wanted.excludes(one.item, one.moment))
        return self.problems.shown(one for one in near if wanted.matches(one))

    def recent(self, index: reading.Index, since: datetime, until: datetime) -> Iterator[Listed]:
        """Yield what the index by_time holds of a range, the newest first."""
        return in_order(self.listed(self._lists.by_time(index, (since, until), until)))

    def listed(self, items: Iterable[Image]) -> Iterator[Listed]:
        """Read what an index holds."""
        for item in items:
            try:
                yield Listed.from_item(item, self.trail.key_schema.audit_partition_key)
            except ForeignItemError as error:
                self.problems.note_foreign(error)

    def whole(self, listed: Iterable[Listed], wanted: Filter) -> Iterator[Change]:
        """Yield the changes that are listed and wanted, in their order."""
        near = (None if wanted.excludes(one.item, one.moment) else one for one in listed)
        # Images are put back one record after the other: from many records at once, they would fill the memory.
        changes = map(self._restored, self.problems.changes(whole(self._pool, self._get, near)))
        return self.problems.shown(change for change in changes if wanted.matches(change))

    def _newest_first(self, keys: Image, between: reading.Range | None) -> Iterator[Change]:
        """Yield one item's changes in order, each as soon as nothing unread can come before it."""
        if self.archive is not None:
            yield from newest_first(self.problems.changes(self._stored(keys, between)))
            return
        order: Order[Change] = Order(newest=True)
        newest = partial(reading.newest_timestamp, self._client, self.trail, keys)
        unread = Unread(newest, self._pool)
        for page in reading.pages(self._client, self.trail, keys, between):
            for change in self.problems.changes(page.items):
                yield from order.push(change)
            if page.last is not None and _crowded(page.items):
                yield from order.ahead(partial(unread.highest, page.last))
        yield from order.rest()

    def _stored(self, keys: Image, between: tuple[str, str] | None, *, oldest_first: bool = False) -> Iterator[Image]:
        items = reading.stored(self._client, self.trail, keys, between, oldest_first=oldest_first)
        if self.archive is None:
            return items
        partition = self.trail.key_schema.audit_partition_value(keys)
        return joined(
            items, self.archive.records(partition, between, oldest_first=oldest_first), oldest_first=oldest_first
        )

    def _keyed(self, items: Iterable[Image]) -> Iterator[Image]:
        """Pass on those that say whose they are."""
        for item in items:
            if self.trail.key_schema.audit_partition_key in item:
                yield item
            else:
                self.problems.note_foreign(ForeignItemError(named(item), "it lacks its item's key"))

    def _restored(self, change: Change) -> Change:
        try:
            item = reading.restored(change.item, self._fetch)
        except MalformedItemError as error:
            return replace(change, broken=str(error))  # what lies inline is shown all the same
        restored = change if item is change.item else replace(change, item=item)
        return with_reason_source(restored, self.trail.reason_attribute)

"""One item's records from the audit table, and from the archive where some may have expired."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from audit_trail.aws import reading
from audit_trail.aws.archive import ArchivedRecords, Between
from audit_trail.core import states
from audit_trail.core.archive import timestamp_of
from audit_trail.core.copies import Copy, Found, agreeing, joined
from audit_trail.core.history import REORDER_WITHIN, Change, newest_first
from audit_trail.core.moments import FIRST, LAST, bound
from audit_trail.core.retention import border
from audit_trail.core.states import ExpiredError, State
from audit_trail.core.values import Image

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

TTL_WITHIN = timedelta(days=3)
"""How long after its time DynamoDB may delete a record: "within a few days", says
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html."""


class Page(NamedTuple):
    """Some records of one item."""

    found: list[Found]
    last: str | None
    """The timestamp of the last one, where the audit table may have more behind it and has all of those near."""


class Timeline:
    """Reads one item's records; the archive where records that are asked for may have expired.

    ``archive`` is None where there is none or it is left out; ``always`` reads it whatever may have expired. ``now`` is
    this machine's time. ``say`` is told once that the archive is read.
    """

    def __init__(  # noqa: PLR0913  all that it needs of the world
        self,
        client: "DynamoDBClient",
        trail: reading.Trail,
        archive: ArchivedRecords | None = None,
        *,
        always: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        say: Callable[[str], None] = lambda _sentence: None,
    ) -> None:
        self._client = client
        self._trail = trail
        self._always = always
        self._now = now
        self._say = say
        self.archive = archive
        self.behind = False
        """Whether records were asked for that may have expired."""

    def pages(self, keys: Image, between: Between | None = None) -> Iterator[Page]:
        """Yield the records between two timestamps, the newest first, by the page; of the archive, once newer ones are used up.

        Without an archive, what is left in the table.
        """
        lowest, highest = between or (bound(FIRST), bound(LAST))
        edge = highest if self._always else ""
        pages = reading.pages(self._client, self._trail, keys, between)
        left: Iterator[Image] = iter(())
        for page in pages:
            edge = max(edge, self._edge(*page.items))
            newer = [item for item in page.items if timestamp_of(item) > edge]
            if len(newer) < len(page.items) and self._archive_behind() is not None:
                yield Page([*map(self._copy, newer)], None)
                left = chain(page.items[len(newer) :], chain.from_iterable(one.items for one in pages))
                break
            yield Page([*map(self._copy, page.items)], page.last)
        archive = self._archive_behind() if lowest < max(edge, self._edge()) else None
        if archive is not None:
            archived = archive.records(self._partition(keys), (lowest, min(max(edge, self._edge()), highest)))
            for one in joined(map(self._copy, left), archived):
                yield Page([one], None)

    def between(self, keys: Image, lowest: str, highest: str) -> Iterator[Image]:
        """Yield the records from one timestamp up to another, the oldest first; the same two for one record alone.

        :raises ExpiredError: there is none, it may have expired, and there is no archive to tell.
        :raises CopiesDifferError: copies of one differ.
        """
        items = list(self._stored(keys, (lowest, highest), oldest_first=True))
        answered = (lowest == highest and items) or lowest >= self._edge(*items)
        archive = None if answered and not self._always else self._archive_behind()
        if archive is not None:
            return agreeing(self._joined(keys, (lowest, highest), archive, oldest_first=True))
        if not items and not answered:
            raise ExpiredError(f"records of that time may have expired, and {self._why()}")
        return iter(items)

    def state(self, keys: Image, end: datetime, restored: Callable[[Change], Change]) -> State | None:
        """Return how an item stood before a moment; None where nothing is recorded of it at all.

        The table alone answers where no record can have expired between the one that tells and that moment. Else the
        archive is asked, and what came before an item's oldest record is believed only if the archive goes back
        further than that, by the days that DynamoDB takes to delete. ``restored`` returns a change with its images.

        :raises ExpiredError: records that would tell may have expired, and no archive tells.
        :raises CopiesDifferError: copies of a record that may tell differ.
        :raises StateUnknownError: the record that tells it has no image of it.
        :raises MalformedItemError: a record that may tell it can't be understood.
        """
        stop = bound(end)
        latest = _latest(self._stored(keys, (bound(FIRST), stop)))
        if latest is not None and latest.timestamp >= self._edge(latest.item) and not self._always:
            return states.after(restored(latest))
        future = stop, bound(LAST)
        if latest is None and self._edge() <= stop and not self._always:
            first = _first(self._stored(keys, future, oldest_first=True), restored)
            if not self._edge() or (first is not None and self._edge(first.change.item) <= stop):
                return first
        archive = self._archive_behind()
        if archive is None:
            if latest is None and next(self._stored(keys, future, oldest_first=True), None) is None:
                return None
            raise ExpiredError(
                f"records of that time may have expired, and {self._why()}: how the item stood then is not known"
            )
        lowest = bound(FIRST if latest is None else max(latest.moment, FIRST + REORDER_WITHIN) - REORDER_WITHIN)
        latest = _latest(agreeing(self._joined(keys, (lowest, stop), archive)))
        if latest is not None:
            return states.after(restored(latest))
        first = _first(agreeing(self._joined(keys, future, archive, oldest_first=True)), restored)
        if first is not None and self._edge(first.change.item) > stop:
            reached = bound(max(end, FIRST + TTL_WITHIN) - TTL_WITHIN)
            if not archive.reaches(reached):
                raise ExpiredError(
                    "records of that time may have expired before there was an archive, which does not go back to "
                    f"{reached[:10]}: how the item stood then is not known"
                )
        return first

    def incomplete(self) -> str:
        """Say what may be missing of what was read; nothing where all of it is there."""
        if not self.behind or self.archive is not None:
            return ""
        kept = self._trail.retention
        expire = "may have expired" if kept is None else f"expire after {kept.days} days"
        return f"Records {expire}, and {self._why()}: what is older may not be all here."

    def _edge(self, *items: Image) -> str:
        """Return what divides the sort keys of records that may have expired from those that can't have."""
        found = border(self._now(), self._trail.retention, *items)
        return "" if found is None else bound(found)

    def _archive_behind(self) -> ArchivedRecords | None:
        if self.archive is not None and not self.behind:
            self._say("Some records may have expired: the archive is read, too (--no-archive leaves it out).")
        self.behind = True
        return self.archive

    def _why(self) -> str:
        return "the archive is left out" if self._trail.archived else "this trail has no archive"

    def _joined(
        self, keys: Image, between: Between, archive: ArchivedRecords, *, oldest_first: bool = False
    ) -> Iterator[Found]:
        stored = map(self._copy, self._stored(keys, between, oldest_first=oldest_first))
        archived = archive.records(self._partition(keys), between, oldest_first=oldest_first)
        return joined(stored, archived, oldest_first=oldest_first)

    def _stored(self, keys: Image, between: Between | None, *, oldest_first: bool = False) -> Iterator[Image]:
        return reading.stored(self._client, self._trail, keys, between, oldest_first=oldest_first)

    def _partition(self, keys: Image) -> dict[str, str]:
        return self._trail.key_schema.audit_partition_value(keys)

    def _copy(self, item: Image) -> Copy:
        return Copy(item, self._trail.audit_table)


def _latest(newest_to_oldest: Iterator[Image]) -> Change | None:
    return next(newest_first(map(Change.from_item, newest_to_oldest)), None)


def _first(oldest_to_newest: Iterator[Image], restored: Callable[[Change], Change]) -> State | None:
    return states.before(map(restored, map(Change.from_item, oldest_to_newest)))

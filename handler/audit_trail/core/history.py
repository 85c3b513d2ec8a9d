"""Changes as people read them: an audit table's items, understood and put in order."""

import heapq
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Generic, Protocol, TypeVar

from audit_trail.core.actors import attributed
from audit_trail.core.diff import Entry
from audit_trail.core.errors import ForeignItemError, MalformedItemError, NewerRecordError
from audit_trail.core.records import SCHEMA_VERSION, entries
from audit_trail.core.validation import check_timestamp, check_types, is_timestamp
from audit_trail.core.values import Image

REORDER_WITHIN = timedelta(seconds=60)
"""Records this close to each other may carry times that contradict their sequence numbers."""


class Stamped(Protocol):
    """What has a place in time."""

    @property
    def moment(self) -> datetime:
        """When."""

    @property
    def sequence_number(self) -> int:
        """Which of a stream's records."""


_S = TypeVar("_S", bound=Stamped)


@dataclass(frozen=True, slots=True)
class Change:
    """One stored audit record."""

    timestamp: str
    """The sort key: time and sequence number."""
    event_name: str
    event_source_arn: str
    sequence_number: int
    item: Image
    """The whole record, as it is stored."""
    reason_source: str | None = None
    """How the reason is known: written or unchanged; None where there is none, or `with_reason_source` is to tell."""
    broken: str = ""
    """Why its images aren't what was stored with it, where a reader came to know."""

    @classmethod
    def from_item(cls, item: Image) -> "Change":
        """Read an item of the audit table.

        :raises NewerRecordError: a newer version of Table Trail wrote it.
        :raises ForeignItemError: it isn't an audit record, or Table Trail can't have written it so.
        """
        try:
            timestamp = item["timestamp"]["S"]
            version = int(item["schema_version"]["N"])
            _check_version(version)
            check_timestamp(timestamp)
            check_types(item)
            return cls(
                timestamp=timestamp,
                event_name=item["event_name"]["S"],
                event_source_arn=item.get("event_source_arn", {"S": ""})["S"],
                sequence_number=int(timestamp.partition("#")[2]),
                item=item,
                reason_source=item["reason_source"]["S"] if "reason_source" in item else None,
            )
        except NewerRecordError:
            raise
        except (MalformedItemError, KeyError, ValueError, TypeError) as error:
            raise ForeignItemError(named(item), _why(error)) from None

    @property
    def time(self) -> str:
        """When the item changed, UTC: ``2026-11-24T02:51:41.000Z``."""
        return self.timestamp.partition("#")[0]

    @property
    def moment(self) -> datetime:
        """The same as a datetime."""
        return datetime.fromisoformat(self.time)

    @property
    def actor(self) -> str | None:
        """Who changed it, where that is known."""
        return self._text("actor")

    @property
    def actor_source(self) -> str | None:
        """How the actor is known: written, unchanged or ttl."""
        return self._text("actor_source")

    @property
    def reason(self) -> str | None:
        """Why, where the deployer named an attribute for it."""
        return self._text("reason")

    @property
    def old_image(self) -> Image | None:
        """The item before the change, where the stream record has it."""
        return self._image("old_image")

    @property
    def new_image(self) -> Image | None:
        """The item after the change, where the stream record has it."""
        return self._image("new_image")

    @property
    def old_digest(self) -> str | None:
        """The digest that was stored with the old image, in base64; None where there is none."""
        return self._digest("old_image_sha256")

    @property
    def new_digest(self) -> str | None:
        """The digest that was stored with the new image."""
        return self._digest("new_image_sha256")

    @property
    def unreadable(self) -> bool:
        """Whether an image that the record has can't be read, or not be rebuilt."""
        lost = any(f"{name}_sha256" in self.item and name not in self.item for name in ("old_image", "new_image"))
        return "images" in self.item or lost

    @property
    def diff(self) -> list[Entry]:
        """What changed; nothing unless it's a MODIFY with both images."""
        return entries(self.item)

    def _text(self, name: str) -> str | None:
        value: str | None = self.item[name].get("S") if name in self.item else None
        return value

    def _digest(self, name: str) -> str | None:
        value = self.item.get(name)
        if value is None:
            return None
        digest = value.get("B") if isinstance(value, dict) else None
        return digest if isinstance(digest, str) else ""  # there, and no image's

    def _image(self, name: str) -> Image | None:
        image: Image | None = self.item[name].get("M") if name in self.item else None
        return image


def with_reason_source(change: Change, attribute: str | None) -> Change:
    """Return a change that says whether it wrote its reason, told from its images where its record doesn't say.

    ``attribute`` is the one that holds reasons. ``unchanged`` where the images can't tell: nobody is given a reason
    that may be somebody else's.
    """
    if change.reason is None or change.reason_source is not None:
        return change
    told = attributed(change.event_name, change.old_image, change.new_image, attribute)
    written = told == ({"S": change.reason}, "written")
    return replace(change, reason_source="written" if written else "unchanged")


def _check_version(version: int) -> None:
    if version > SCHEMA_VERSION:
        raise NewerRecordError(
            f"a record has schema version {version}, and this trail reads up to {SCHEMA_VERSION}: upgrade trail",
            version,
        )


def named(item: Image) -> str:
    """Return an item's timestamp, or say that it has none: whatever else stands there may be anything."""
    timestamp = item.get("timestamp", {}).get("S")
    return timestamp if isinstance(timestamp, str) and is_timestamp(timestamp) else "one without a valid timestamp"


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, MalformedItemError) else "it lacks what every record has"


def newest_first(
    changes: Iterable[_S], line: Callable[[_S], Hashable] = attrgetter("event_source_arn")
) -> Iterator[_S]:
    """Put changes in order, newest first, as they arrive from the newest time to the oldest.

    Within one ``line``, which is their stream unless something else is given, the sequence number decides between
    changes that lie within 60 seconds of each other; between lines, the time does. Holds back no more changes than
    those 60 seconds have.
    """
    order = Order(line, newest=True)
    for change in changes:
        yield from order.push(change)
    yield from order.rest()


class Order(Generic[_S]):
    """The same for whoever is given one change after another, by the newest time first or by the oldest."""

    def __init__(
        self, line: Callable[[_S], Hashable] = attrgetter("event_source_arn"), *, newest: bool = False
    ) -> None:
        self._line = line
        self._sign = -1 if newest else 1
        self._arrivals = 0
        self._window: deque[tuple[int, datetime, _S]] = deque()  # by time; may still hold what was taken already
        self._taken: set[int] = set()
        self._by_sequence: dict[Hashable, list[tuple[int, int, _S]]] = {}

    def push(self, change: _S) -> Iterator[_S]:
        """Take a change, and yield those whose turn it is; use it up before the next one is given."""
        moment = change.moment
        while self._window and abs(self._window[0][1] - moment) > REORDER_WITHIN:
            yield self._take()
        self._arrivals += 1
        self._window.append((self._arrivals, moment, change))
        place = self._sign * change.sequence_number, self._arrivals, change
        heapq.heappush(self._by_sequence.setdefault(self._line(change), []), place)

    def ahead(self, highest: Callable[[datetime], int | None]) -> Iterator[_S]:
        """Yield those whose turn it is whatever is still given, where that is known; the newest come first.

        ``highest`` tells, of what is still to be given and isn't older than a moment, the highest sequence number, or
        a higher one; None where that isn't known.
        """
        while self._window:
            line = self._by_sequence[self._line(self._window[0][2])]
            coming = highest(self._window[0][1] - REORDER_WITHIN)
            if coming is None or coming > line[0][2].sequence_number:
                return
            yield self._take()

    def rest(self) -> Iterator[_S]:
        """Yield what is left."""
        while self._window:
            yield self._take()

    def _take(self) -> _S:
        line = self._line(self._window[0][2])
        _, arrival, change = heapq.heappop(self._by_sequence[line])
        if not self._by_sequence[line]:
            del self._by_sequence[line]
        self._taken.add(arrival)
        while self._window and self._window[0][0] in self._taken:
            self._taken.remove(self._window.popleft()[0])
        return change

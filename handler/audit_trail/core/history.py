"""Changes as people read them: an audit table's items, understood and put in order."""

import heapq
import re
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Protocol, TypeVar

from audit_trail.core.diff import Entry
from audit_trail.core.errors import MalformedItemError, NewerRecordError
from audit_trail.core.records import SCHEMA_VERSION, entries
from audit_trail.core.values import Image

REORDER_WITHIN = timedelta(seconds=60)
"""Records this close to each other may carry times that contradict their sequence numbers."""

is_timestamp = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z#[0-9]{40,}").fullmatch
"""Matches a whole sort key: time and sequence number."""


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

    @classmethod
    def from_item(cls, item: Image) -> "Change":
        """Read an item of the audit table.

        :raises NewerRecordError: a newer version of Table Trail wrote it.
        :raises MalformedItemError: it isn't an audit record.
        """
        try:
            version = int(item["schema_version"]["N"])
            timestamp = item["timestamp"]["S"]
            if version > SCHEMA_VERSION:
                raise NewerRecordError(
                    f"a record has schema version {version}, and this trail reads up to {SCHEMA_VERSION}: upgrade trail",
                    version,
                )
            change = cls(
                timestamp=timestamp,
                event_name=item["event_name"]["S"],
                event_source_arn=item.get("event_source_arn", {"S": ""})["S"],
                sequence_number=int(timestamp.partition("#")[2]),
                item=item,
            )
            well_formed = is_timestamp(timestamp) is not None and datetime.fromisoformat(change.time).tzinfo is not None
        except (KeyError, ValueError, TypeError):
            well_formed = False
        if not well_formed:
            raise MalformedItemError("the audit table holds an item that is not an audit record")
        return change

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

    def _image(self, name: str) -> Image | None:
        image: Image | None = self.item[name].get("M") if name in self.item else None
        return image


def newest_first(
    changes: Iterable[_S], line: Callable[[_S], Hashable] = attrgetter("event_source_arn")
) -> Iterator[_S]:
    """Put changes in order, newest first, as they arrive from the newest time to the oldest.

    Within one ``line``, which is their stream unless something else is given, the sequence number decides between
    changes that lie within 60 seconds of each other; between lines, the time does. Holds back no more changes than
    those 60 seconds have.
    """
    return _in_order(changes, line, -1)


def oldest_first(changes: Iterable[Change]) -> Iterator[Change]:
    """Put changes in the opposite order, as they arrive from the oldest time to the newest."""
    return _in_order(changes, attrgetter("event_source_arn"), 1)


def _in_order(changes: Iterable[_S], line: Callable[[_S], Hashable], sign: int) -> Iterator[_S]:
    window: deque[tuple[int, datetime, _S]] = deque()  # by time; may still hold what was taken already
    taken: set[int] = set()
    by_sequence: dict[Hashable, list[tuple[int, int, _S]]] = {}

    def take() -> _S:
        first = line(window[0][2])
        _, arrival, change = heapq.heappop(by_sequence[first])
        if not by_sequence[first]:
            del by_sequence[first]
        taken.add(arrival)
        while window and window[0][0] in taken:
            taken.remove(window.popleft()[0])
        return change

    for arrival, change in enumerate(changes):
        moment = change.moment
        while window and abs(window[0][1] - moment) > REORDER_WITHIN:
            yield take()
        window.append((arrival, moment, change))
        heapq.heappush(by_sequence.setdefault(line(change), []), (sign * change.sequence_number, arrival, change))
    while window:
        yield take()

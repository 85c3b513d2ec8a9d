"""Changes as people read them: an audit table's items, understood and put in order."""

import heapq
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit_trail.core.diff import Entry
from audit_trail.core.errors import MalformedItemError
from audit_trail.core.records import SCHEMA_VERSION, entries
from audit_trail.core.values import Image

REORDER_WITHIN = timedelta(seconds=60)
"""Records this close to each other may carry times that contradict their sequence numbers."""

_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z#[0-9]{40,}").fullmatch


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

        :raises MalformedItemError: it isn't an audit record, or a newer version of Table Trail wrote it.
        """
        try:
            version = int(item["schema_version"]["N"])
            timestamp = item["timestamp"]["S"]
            if version > SCHEMA_VERSION:
                raise MalformedItemError(
                    f"a record has schema version {version}, and this trail reads up to {SCHEMA_VERSION}: upgrade trail",
                )
            change = cls(
                timestamp=timestamp,
                event_name=item["event_name"]["S"],
                event_source_arn=item.get("event_source_arn", {"S": ""})["S"],
                sequence_number=int(timestamp.partition("#")[2]),
                item=item,
            )
            well_formed = _TIMESTAMP(timestamp) is not None and datetime.fromisoformat(change.time).tzinfo is not None
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


def newest_first(changes: Iterable[Change]) -> Iterator[Change]:
    """Put one item's changes in order, newest first, as they arrive from the newest timestamp to the oldest.

    Within one stream the sequence number decides between changes that lie within 60 seconds of each other; between
    streams, the time does. Holds back no more changes than those 60 seconds have.
    """
    window: deque[Change] = deque()  # by timestamp; may still hold what was taken already
    taken: set[str] = set()
    by_sequence: dict[str, list[tuple[int, int, Change]]] = {}

    def take() -> Change:
        newest = window[0]
        _, _, change = heapq.heappop(by_sequence[newest.event_source_arn])
        taken.add(change.timestamp)
        while window and window[0].timestamp in taken:
            taken.remove(window.popleft().timestamp)
        return change

    for arrival, change in enumerate(changes):
        while window and window[0].moment - change.moment > REORDER_WITHIN:
            yield take()
        window.append(change)
        heap = by_sequence.setdefault(change.event_source_arn, [])
        heapq.heappush(heap, (-change.sequence_number, arrival, change))
    while window:
        yield take()

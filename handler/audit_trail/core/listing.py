"""Changes as an index of the audit table lists them: where the record lies, and enough to tell what it can't be."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit_trail.core.errors import ForeignItemError, MalformedItemError
from audit_trail.core.history import named, newest_first
from audit_trail.core.validation import check_timestamp, check_types
from audit_trail.core.values import Image, canonical_text, canonical_value

PROJECTED = ("event_name", "changed_attributes", "actor", "reason")
"""What the indexes hold beside keys (modules/audit_trail/audit_table.tf).

They have no reason_source, so a reason in them may be an earlier change's: it's read from the whole record. An index's
projection can't be changed without making the index anew.
"""

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Listed:
    """One record, as an index lists it."""

    key: Image
    """The record's key in the audit table."""
    timestamp: str
    history: str
    """Which item's history it belongs to."""
    item: Image
    """What the index holds of it."""

    @classmethod
    def from_item(cls, item: Image, partition_key: str) -> "Listed":
        """Read what an index holds of a record.

        :raises ForeignItemError: it isn't an audit record.
        """
        try:
            timestamp = item["timestamp"]["S"]
            check_timestamp(timestamp)
            check_types(item)
            partition = canonical_value(item[partition_key])
        except MalformedItemError as error:
            raise ForeignItemError(named(item), str(error)) from None
        except (KeyError, TypeError):
            raise ForeignItemError(named(item), "it lacks what every record has") from None
        key = {partition_key: item[partition_key], "timestamp": item["timestamp"]}
        return cls(key, timestamp, canonical_text(partition), item)

    @property
    def moment(self) -> datetime:
        """When the item changed."""
        return datetime.fromisoformat(self.timestamp.partition("#")[0])

    @property
    def sequence_number(self) -> int:
        """Which of its stream's records it is."""
        return int(self.timestamp.partition("#")[2])


def in_order(listed: Iterable[Listed]) -> Iterator[Listed]:
    """Put records in order, newest first, as they arrive from the newest time to the oldest.

    Each item's changes are in the order of its history; between items, the time decides.
    """
    return newest_first(listed, lambda one: one.history)


def days(since: datetime, until: datetime) -> Iterator[str]:
    """Return the UTC days of a range, the newest first, as the index by_time names them.

    ``until`` is the first moment after the range.
    """
    for back in range((until - _INSTANT).toordinal() - since.toordinal() + 1):
        yield (until - _INSTANT - timedelta(days=back)).date().isoformat()


def partitions(prefix: str, shards: int) -> list[str]:
    """Return an index's partition keys for a day or an actor."""
    return [f"{prefix}#{number:02d}" for number in range(shards)]

"""Copies of one record: archived more than once, or archived and still in the audit table. They must agree.

The function that archives may write a record twice, and TTL deletes late, so a record may be found in several places.
Records are never rewritten, so each copy has the same content. Where two differ, somebody put one there, and nothing
tells which: whoever reads takes neither.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias

from audit_trail.core.errors import CopiesDifferError, TableTrailError
from audit_trail.core.values import Image, canonical_image


@dataclass(frozen=True, slots=True)
class Copy:
    """A record as it was found in one place."""

    item: Image
    place: str
    """The URL of an object in the archive, or the name of the audit table."""

    @property
    def timestamp(self) -> str:
        """The record's sort key."""
        text: str = self.item["timestamp"]["S"]
        return text


@dataclass(frozen=True, slots=True)
class Differing:
    """A record whose copies differ."""

    timestamp: str
    places: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What is wrong, without any of the item's data."""
        return f"copies of the record {self.timestamp} differ, and none is taken: {', '.join(self.places)}"


Found: TypeAlias = Copy | Differing
"""What is known of one record."""


def same(one: Image, other: Image) -> bool:
    """Tell whether two copies have the same content, however numbers are spelled and sets are ordered."""
    try:
        return one == other or canonical_image(one) == canonical_image(other)
    except (TableTrailError, RecursionError):
        return False  # one of them is no item, and the other is


def agreed(copies: Sequence[Found]) -> Found:
    """Return what all copies of one record are, or that they differ."""
    if len(copies) == 1:
        return copies[0]
    items = [one.item for one in copies if isinstance(one, Copy)]
    if len(items) == len(copies) and all(same(items[0], item) for item in items):
        return copies[0]
    places = dict.fromkeys(place for one in copies for place in ((one.place,) if isinstance(one, Copy) else one.places))
    return Differing(copies[0].timestamp, tuple(sorted(places)))


def joined(*sources: Iterable[Found], oldest_first: bool = False) -> Iterator[Found]:
    """Join what several places have of one item into one history, each record once.

    Each source comes in the order of the timestamps: the newest first, or the oldest.
    """
    merged = heapq.merge(*sources, key=_timestamp, reverse=not oldest_first)
    for _, copies in groupby(merged, _timestamp):
        yield agreed(list(copies))


def agreeing(found: Iterable[Found]) -> Iterator[Image]:
    """Yield records of which no copies differ.

    :raises CopiesDifferError: at one whose copies do.
    """
    for one in found:
        if isinstance(one, Differing):
            raise CopiesDifferError(one.sentence)
        yield one.item


def _timestamp(one: Found) -> str:
    return one.timestamp

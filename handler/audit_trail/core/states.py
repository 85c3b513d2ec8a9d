"""How an item stood at a moment, from its records alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile

from audit_trail.core.errors import MalformedItemError, TableTrailError
from audit_trail.core.history import REORDER_WITHIN, Change, newest_first
from audit_trail.core.values import Image


class StateUnknownError(TableTrailError):
    """The record that tells how an item stood has no image of it."""


class StateUnreadableError(StateUnknownError):
    """The record has the image, but it can't be read."""


@dataclass(frozen=True, slots=True)
class State:
    """How an item stood."""

    image: Image | None
    """The item; None when it did not exist."""
    change: Change
    """The change whose record tells it."""
    inferred: bool = False
    """Nothing is recorded until then: this is what the oldest record says was there before it."""


def after(change: Change) -> State:
    """Return how a change left the item.

    :raises StateUnknownError: its record doesn't have that image.
    :raises MalformedItemError: its record isn't as it was stored.
    """
    return State(None if change.event_name == "REMOVE" else _needed(change, change.new_image), change)


def before(changes: Iterable[Change]) -> State | None:
    """Return how an item stood before its oldest change, given its changes from the oldest time to the newest.

    None where there are no changes. Reads no more of them than it must.

    :raises StateUnknownError: the record doesn't have that image.
    """
    arriving = iter(changes)
    first = next(arriving, None)
    if first is None:
        return None
    close = [first, *takewhile(lambda one: one.moment - first.moment <= REORDER_WITHIN, arriving)]
    *_, oldest = newest_first(reversed(close))
    if oldest.event_name == "INSERT":
        return State(None, oldest, inferred=True)
    image = oldest.new_image if oldest.event_name == "BASELINE" else oldest.old_image
    return State(_needed(oldest, image), oldest, inferred=True)


def _needed(change: Change, image: Image | None) -> Image:
    if image is not None:
        return image
    if change.broken:
        raise MalformedItemError(f"the record {change.timestamp} is not as stored, see trail verify: {change.broken}")
    if change.unreadable:
        raise StateUnreadableError(
            f"the images of the change of {change.time} can't be read: check that the reader policy is attached, "
            "and that the objects are still in the bucket"
        )
    raise StateUnknownError(f"the record of the change of {change.time} has no image that tells: its stream has none")

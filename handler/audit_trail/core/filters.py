"""Which changes are asked for: by time, operation, attribute and actor."""

from dataclasses import dataclass
from datetime import datetime

from audit_trail.core.diff import Entry
from audit_trail.core.history import Change
from audit_trail.core.pointers import lookup, tokens
from audit_trail.core.values import AttributeValue, Image


@dataclass(frozen=True, slots=True)
class Filter:
    """What a change must be; of several values of one kind, any will do.

    Where a record can't tell (its images can't be read, or the stream carries none), it is not left out.
    """

    since: datetime | None = None
    until: datetime | None = None
    """The first moment that is too late."""
    operations: frozenset[str] = frozenset()
    """Event names."""
    attributes: frozenset[str] = frozenset()
    """JSON Pointers: something at one of them, or below it, changed."""
    actors: frozenset[str] = frozenset()
    """Who is recorded as the actor, be it only because nobody else was written (``unchanged``)."""

    @property
    def empty(self) -> bool:
        """Whether its time ends before it begins, which DynamoDB refuses to be asked."""
        return self.since is not None and self.until is not None and self.since >= self.until

    def matches(self, change: Change) -> bool:
        """Tell whether a change is asked for."""
        return not self.excludes(change.item, change.moment) and (
            not self.attributes or any(_touches(change, pointer) for pointer in self.attributes)
        )

    def excludes(self, item: Image, moment: datetime) -> bool:
        """Tell whether a record can't be asked for, by no more of it than what the indexes hold."""
        event_name = _text(item, "event_name")
        return (
            (self.since is not None and moment < self.since)
            or (self.until is not None and moment >= self.until)
            or (bool(self.operations) and event_name not in self.operations)
            or (bool(self.actors) and _text(item, "actor") not in self.actors)
            or (bool(self.attributes) and event_name == "MODIFY" and self._elsewhere(item))
        )

    def _elsewhere(self, item: Image) -> bool:
        changed = item.get("changed_attributes", {}).get("SS")
        # Without the names, nothing changed, or they moved out of the record with its images.
        return changed is not None and not any(tokens(pointer)[0] in changed for pointer in self.attributes)


def _text(item: Image, name: str) -> str | None:
    text: str | None = item.get(name, {}).get("S")
    return text


def _touches(change: Change, pointer: str) -> bool:
    if change.unreadable:
        return True
    if change.event_name == "MODIFY":
        images_missing = change.old_image is None or change.new_image is None
        return images_missing or any(_meets(entry, pointer) for entry in change.diff)
    image = change.old_image if change.event_name == "REMOVE" else change.new_image
    return image is None or lookup(image, pointer) is not None


def _meets(entry: Entry, pointer: str) -> bool:
    if entry.path == pointer or entry.path.startswith(f"{pointer}/"):
        return True
    if not pointer.startswith(f"{entry.path}/"):
        return False
    inside = pointer.removeprefix(entry.path)
    return _inside(entry.old, inside) != _inside(entry.new, inside)


def _inside(value: AttributeValue | None, pointer: str) -> AttributeValue | None:
    return lookup({"": value}, f"/{pointer}") if value is not None else None

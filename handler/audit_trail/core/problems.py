"""What a reading comes across and can't show whole; none of it hides the changes beside it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from audit_trail.core.errors import ForeignItemError, NewerRecordError
from audit_trail.core.history import Change
from audit_trail.core.records import SCHEMA_VERSION
from audit_trail.core.values import Image


@dataclass(slots=True)
class Problems:
    """Counts of what a reading could not show."""

    unreadable: int = 0
    """Changes that were shown without their images, which can't be read."""
    newer: int = 0
    """Records that a newer version of Table Trail wrote."""
    newest_version: int = 0
    """The highest of their schema versions."""
    foreign: int = 0
    """Items that are no audit records."""
    broken: int = 0
    """Changes that were shown without their images, which aren't what was stored with them."""
    first_foreign: str = ""
    """Which was the first: its timestamp, and why."""
    first_broken: str = ""

    def changes(self, items: Iterable[Image]) -> Iterator[Change]:
        """Read items of the audit table; what can't be read as a change is left out and counted."""
        for item in items:
            try:
                yield Change.from_item(item)
            except NewerRecordError as error:
                self.newer += 1
                self.newest_version = max(self.newest_version, error.version)
            except ForeignItemError as error:
                self.note_foreign(error)

    def note_foreign(self, error: ForeignItemError) -> None:
        """Count an item that is no audit record."""
        self.foreign += 1
        self.first_foreign = self.first_foreign or error.which

    def shown(self, changes: Iterable[Change]) -> Iterator[Change]:
        """Pass on the changes that are shown, and count those without their images."""
        for change in changes:
            if change.broken:
                self.broken += 1
                self.first_broken = self.first_broken or f"{change.timestamp} ({change.broken})"
            else:
                self.unreadable += change.unreadable
            yield change

    def sentences(self) -> list[str]:
        """Say what could not be shown, and what to do about it."""
        said = []
        if self.unreadable:
            said.append(
                f"the images of {self.unreadable} change(s) can't be read: check that the reader policy is attached, "
                "and that the objects are still in the bucket"
            )
        if self.newer:
            records = "a record has" if self.newer == 1 else f"{self.newer} records have"
            said.append(
                f"{records} schema version {self.newest_version}, and this trail reads up to {SCHEMA_VERSION}: "
                "upgrade trail"
            )
        if self.foreign == 1:
            said.append(f"the audit table holds an item that is not an audit record: {self.first_foreign}")
        elif self.foreign:
            said.append(
                f"the audit table holds {self.foreign} items that are not audit records; the first is "
                f"{self.first_foreign}"
            )
        if self.broken:
            records = "a record is" if self.broken == 1 else f"{self.broken} records are"
            said.append(f"{records} not as stored, see trail verify: {self.first_broken}")
        return said

"""What the capture of changes needs of the world: adapters in `audit_trail.aws` provide it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Protocol

from audit_trail.core.records import StreamRecord, sequence_number
from audit_trail.core.values import Image

if TYPE_CHECKING:
    from audit_trail.core.restore import Write  # the function has no use for it


class Verdict(Enum):
    """What became of one insert."""

    STORED = auto()
    DUPLICATE = auto()
    """A record with this key is there already: an earlier delivery stored it."""
    RETRY = auto()
    """Not stored, and not the record's fault: throttling, an outage, missing permissions."""
    REFUSED = auto()
    """Not stored, and trying again won't help."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict and the code that the service gave for it; never a message, which may quote data."""

    verdict: Verdict
    code: str = ""


class RequestFailedError(Exception):
    """A whole request failed for no fault of any record in it: trying again may help."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class RequestRefusedError(RequestFailedError):
    """A whole request was refused, perhaps for one record in it.

    ``for_good`` tells whether the code means that what was sent is invalid, rather than something unknown.
    """

    def __init__(self, code: str, *, for_good: bool) -> None:
        super().__init__(code)
        self.for_good = for_good


class AuditTable(Protocol):
    """Adds records to the audit table; it can do nothing else to it."""

    def encode(self, item: Image) -> bytes:
        """Return the insert of one item as it goes into a request, so that its size is known beforehand."""

    def insert(self, inserts: Sequence[bytes]) -> Sequence[Outcome]:
        """Send one request of encoded inserts and return what became of each, in their order.

        :raises RequestRefusedError: nothing was stored; it may be the fault of one of them.
        :raises RequestFailedError: it is not known what was stored; nothing here is to blame.
        """


class ObjectStore(Protocol):
    """Keeps objects; what it holds is never replaced."""

    def put(self, key: str, body: bytes) -> None:
        """Store an object, or find it stored already.

        :raises RequestFailedError: it is not known to be stored; trying again may help.
        """


class ImageStore(ObjectStore, Protocol):
    """Keeps what doesn't fit an item."""

    @property
    def bucket(self) -> str:
        """Name of the bucket."""


class FailureStore(ObjectStore, Protocol):
    """Keeps records that can never be stored."""


@dataclass(frozen=True, slots=True)
class WaitingFailure:
    """An object that waits to be put back."""

    key: str
    size: int
    """Bytes."""
    since: datetime


class WaitingFailures(Protocol):
    """What could not be stored and waits to be put back."""

    def waiting(self, prefix: str) -> Iterator[WaitingFailure]:
        """List the objects under a prefix, every page of them."""

    def read(self, key: str) -> bytes | None:
        """Return what an object holds, or None where it is not there any more.

        :raises RequestFailedError: it can't be read; trying again may help.
        """

    def move(self, key: str, body: bytes) -> None:
        """Move an object under ``redriven/``: copy it, check that the copy is ``body``, then delete it.

        An object that is not there any more was moved by somebody else, which is success.

        :raises RequestFailedError: it is not known to be moved; it is never gone from both places.
        """


class ChangedMeanwhileError(Exception):
    """An item isn't as a write expects it: nothing was written."""


class SourceItems(Protocol):
    """The source table's items, one at a time."""

    def get(self, keys: Image) -> Image | None:
        """Return an item as it stands, every finished write included, in canonical form; None where there is none."""

    def write(self, write: "Write") -> Image | None:
        """Make a write, and return the item that it left, or that it deleted.

        :raises ChangedMeanwhileError: the item isn't as the write expects it.
        """


@dataclass(slots=True)
class BatchResult:
    """What became of a batch; ``failures`` and ``quarantined`` map positions in it to reasons, which hold no data."""

    stored: Counter[str] = field(default_factory=Counter)
    """Records stored by this batch, by event_name."""
    bytes_stored: int = 0
    """Size of the statements, or objects, that stored them."""
    duplicates: int = 0
    spilled: int = 0
    """Records whose images went into S3."""
    retries: int = 0
    """Statements, or objects, sent again."""
    ignored: int = 0
    """Records that this function is not for."""
    late: int = 0
    """Failures that are not the record's own: throttling, outages, missing permissions, no time left."""
    failures: dict[int, str] = field(default_factory=dict)
    """Records to deliver again."""
    quarantined: dict[int, str] = field(default_factory=dict)
    """Records that can never be stored, and lie in quarantine."""

    def fail(self, positions: Iterable[int], reason: str) -> None:
        """Count a record, wherever it stands in the batch, among the failures."""
        self.failures.update(dict.fromkeys(positions, reason))

    def response(self, records: Sequence[StreamRecord]) -> dict[str, Any]:
        """Return the partial batch response: nothing failed, or the first sequence number that isn't stored."""
        if not self.failures:
            return {"batchItemFailures": []}
        # A record without a sequence number can't be named: the nearest one before it can, and is delivered again
        # without harm. An empty identifier makes Lambda retry the whole batch.
        at_or_before = (sequence_number(records[position]) for position in range(min(self.failures), -1, -1))
        return {"batchItemFailures": [{"itemIdentifier": next(filter(None, at_or_before), "")}]}

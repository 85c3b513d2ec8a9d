"""What the capture of changes needs of the world: adapters in `audit_trail.aws` provide it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Protocol

from audit_trail.core.records import StreamRecord, sequence_number
from audit_trail.core.values import Image


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


class ImageStore(Protocol):
    """Keeps what doesn't fit an item; what it holds is never replaced."""

    @property
    def bucket(self) -> str:
        """Name of the bucket."""

    def put(self, key: str, body: bytes) -> None:
        """Store an object, or find it stored already.

        :raises RequestFailedError: it is not known to be stored; trying again may help.
        """


@dataclass(slots=True)
class BatchResult:
    """What became of a batch; ``failures`` maps positions in it to reasons, which hold no data."""

    stored: Counter[str] = field(default_factory=Counter)
    """Records stored by this batch, by event_name."""
    duplicates: int = 0
    spilled: int = 0
    """Records whose images went into S3."""
    retries: int = 0
    """Statements sent again."""
    failures: dict[int, str] = field(default_factory=dict)

    def response(self, records: Sequence[StreamRecord]) -> dict[str, Any]:
        """Return the partial batch response: nothing failed, or the first sequence number that isn't stored."""
        if not self.failures:
            return {"batchItemFailures": []}
        # A record without a sequence number can't be named: the nearest one before it can, and is delivered again
        # without harm. An empty identifier makes Lambda retry the whole batch.
        at_or_before = (sequence_number(records[position]) for position in range(min(self.failures), -1, -1))
        return {"batchItemFailures": [{"itemIdentifier": next(filter(None, at_or_before), "")}]}

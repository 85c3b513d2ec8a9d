"""Records that can never be stored: kept in the failures bucket, so that they hold up nothing behind them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from audit_trail.batch.pace import Pace
from audit_trail.core.errors import kind_of
from audit_trail.core.failures import quarantined
from audit_trail.core.records import StreamRecord
from audit_trail.ports import BatchResult, FailureStore, RequestFailedError

MANY = 10
"""From so many records on, all of them refused means that a setting is wrong, not the records."""


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Where records go that can never be stored."""

    store: FailureStore
    function_version: str


@dataclass(slots=True)
class _Refusal:
    reason: str
    body: bytes = field(repr=False)
    positions: list[int]


class Refusals:
    """A batch's records that can never be stored, until each is quarantined or reported; without quarantine, reported."""

    def __init__(
        self, records: Sequence[StreamRecord], quarantine: Quarantine | None, pace: Pace, result: BatchResult
    ) -> None:
        self._records = records
        self._quarantine = quarantine
        self._pace = pace
        self._result = result
        self._waiting: dict[str, _Refusal] = {}
        self._seen = 0
        self._down = ""

    def __len__(self) -> int:
        """Return how many different records were refused so far."""
        return self._seen

    def add(self, positions: Sequence[int], reason: str) -> None:
        """Take a record, wherever it stands in the batch; ``reason`` holds no data."""
        if self._quarantine is None:
            self._result.fail(positions, reason)
            return
        try:
            key, body = quarantined(self._records[positions[0]], reason, self._quarantine.function_version)
        except Exception:  # noqa: BLE001  what can't be written down is delivered again, never dropped
            self._result.fail(positions, reason)
            return
        if key in self._waiting:
            self._waiting[key].positions += positions
        else:
            self._waiting[key] = _Refusal(reason, body, [*positions])
            self._seen += 1

    def add_unforeseen(self, positions: Sequence[int], error: Exception) -> None:
        """Take a record on which our own code failed, which must not cost its neighbours."""
        reason = f"failed unexpectedly: {kind_of(error)}"
        if isinstance(error, MemoryError):
            # The process's trouble, not the record's: a smaller batch may do.
            self._result.fail(positions, reason)
        else:
            self.add(positions, reason)

    def quarantine(self) -> None:
        """Quarantine what waits, while there is time; after one failure, nothing more is tried for this batch."""
        if self._quarantine is None:
            return
        for key, refusal in list(self._waiting.items()):
            if self._down or not self._pace.time_for_another():
                return
            try:
                self._pace.timed(partial(self._quarantine.store.put, key, refusal.body))
            except RequestFailedError as error:
                self._down = error.code
            else:
                self._result.quarantined.update(dict.fromkeys(refusal.positions, refusal.reason))
                del self._waiting[key]

    def report(self, why: str = "") -> None:
        """Report what still waits, so that it is delivered again."""
        why = why or f"not quarantined: {self._down or 'OutOfTime'}"
        for refusal in self._waiting.values():
            self._result.fail(refusal.positions, f"{refusal.reason} ({why})")
        self._waiting.clear()

"""Puts back what could not be stored, object by object, through the same code as the function."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from audit_trail.batch import store
from audit_trail.batch.archiving import archive as archived
from audit_trail.batch.pace import Time
from audit_trail.core.errors import ForeignFailureError, MalformedFailureError
from audit_trail.core.failures import understand
from audit_trail.core.provenance import Tables, origin
from audit_trail.core.records import RecordSettings, StreamRecord
from audit_trail.ports import AuditTable, BatchResult, ImageStore, ObjectStore, RequestFailedError, WaitingFailures

PATIENCE = 30.0
"""Seconds for which the records of one object are tried, the reserve included."""


class Became(StrEnum):
    """What became of an object."""

    MOVED = "moved"
    """All of its records are in the audit table, or the archive, and it lies under ``redriven/``."""
    STAYS = "stays"
    """It waits where it was: at least one of its records is not stored, or it could not be moved."""
    GONE = "gone"
    """Somebody else moved it in the meantime."""


@dataclass(frozen=True, slots=True)
class Redriven:
    """One object, and what became of it."""

    key: str
    became: Became
    records: int = 0
    stored: int = 0
    """Records that this run added to the audit table or the archive; the others were there already, or failed."""
    reason: str = ""
    """Why it stays; may quote what the object holds."""
    foreign: bool = False
    """Whether it holds what isn't this trail's: then nothing of it is taken."""
    stuck: bool = False
    """Whether the audit table or the bucket took nothing at all, so that it is no use to try the next object now."""


def redrive(  # noqa: PLR0913  what to put back, and all that it needs of the world
    keys: Iterable[str],
    *,
    failures: WaitingFailures,
    table: AuditTable,
    images: ImageStore,
    archive: ObjectStore,
    tables: Tables,
    settings: RecordSettings,
    time: Callable[[float], Time],
    now: Callable[[], float],
) -> Iterator[Redriven]:
    """Put objects back one by one, and stop after one of which nothing could be stored for reasons that lie elsewhere.

    An object is moved when every record in it is in the audit table, stored now or before; else it stays whole, and
    its good records are stored nevertheless. So it may be run again, or twice at once, as often as one likes.

    Taken are the records of ``tables`` alone: an object that has any other stays whole. What comes from the stream of
    the audit table itself are records that expired: they go into the archive, if their time had come. Stored as
    changes, they would become a history of the history. ``time`` gives the time of an object that may take so many
    seconds; ``now`` is in epoch seconds.
    """

    def put_back(records: list[StreamRecord]) -> BatchResult:
        # Without quarantine: what can't be stored lies safely where it is.
        if origin(records, tables, now()) == tables.audit:
            return archived(records, store=archive, time=time(PATIENCE))
        return store(records, table=table, images=images, settings=settings, time=time(PATIENCE))

    for key in keys:
        done = _redrive(key, failures, put_back)
        yield done
        if done.stuck:
            return


def _redrive(  # noqa: PLR0911  one return for each way that it may end
    key: str, failures: WaitingFailures, put_back: Callable[[list[StreamRecord]], BatchResult]
) -> Redriven:
    try:
        body = failures.read(key)
        if body is None:
            return Redriven(key, Became.GONE)
        records = understand(key, body).records
        result = put_back(records)
    except ForeignFailureError as error:
        return Redriven(key, Became.STAYS, error.records, reason=str(error), foreign=True)
    except (RequestFailedError, MalformedFailureError) as error:
        return Redriven(key, Became.STAYS, reason=f"can't be read: {error}")
    stored = result.stored.total()
    if result.failures:
        stuck = bool(result.late) and not stored and not result.duplicates
        return Redriven(key, Became.STAYS, len(records), stored, _why(result, len(records)), stuck=stuck)
    if result.ignored:
        why = f"{result.ignored} of {len(records)} record(s) of the audit table's stream are no deletions by TTL"
        return Redriven(key, Became.STAYS, len(records), stored, why)
    try:
        failures.move(key, body)
    except RequestFailedError as error:
        return Redriven(
            key, Became.STAYS, len(records), stored, f"all of it is stored, but it could not be moved: {error}"
        )
    return Redriven(key, Became.MOVED, len(records), stored)


def _why(result: BatchResult, records: int) -> str:
    reasons = Counter(result.failures.values())
    if records == 1:
        return next(iter(reasons))
    return "; ".join(f"{count} of {records} records: {reason}" for reason, count in reasons.most_common())

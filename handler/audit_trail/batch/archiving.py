"""Deletions by TTL in, partial batch response out: every record that expires is in the archive, or is delivered again.

A batch that is delivered again may be cut otherwise, and then writes some records once more: readers take each once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from audit_trail.batch.pace import Pace, Time
from audit_trail.batch.quarantine import MANY, Quarantine, Refusals
from audit_trail.core.archive import Line, expired, line, object_of
from audit_trail.core.errors import MalformedRecordError
from audit_trail.core.records import StreamRecord
from audit_trail.ports import BatchResult, ObjectStore, RequestFailedError


@dataclass(slots=True)
class _Day:
    positions: list[int] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list, repr=False)


def archive(
    records: Sequence[StreamRecord], *, store: ObjectStore, time: Time, quarantine: Quarantine | None = None
) -> BatchResult:
    """Archive the deletions by TTL among a batch's stream records, an object a day of change.

    Each one is archived, quarantined or among the failures; without ``quarantine``, those that can never be archived
    are among the failures too. Whatever else is in the batch belongs nowhere: it is counted as ignored.
    """
    result = BatchResult()
    pace = Pace(time)
    refusals = Refusals(records, quarantine, pace, result)
    days = _days_of(records, refusals, result)
    all_refused = not days and len(refusals) >= MANY
    code, attempt = "OutOfTime", 0
    while days and pace.time_for_another():
        day = next(iter(days))
        key, body = object_of(days[day].lines)
        try:
            pace.timed(partial(store.put, key, body))
        except RequestFailedError as error:
            code = error.code
            pause = time.pause_before_retry(attempt)
            if not pace.time_for_another(pause):
                break
            time.sleep(pause)
            result.retries += 1
            attempt += 1
        else:
            result.stored["REMOVE"] += len(days.pop(day).positions)
            result.bytes_stored += len(body)
    for waiting in days.values():
        result.fail(waiting.positions, f"not archived in time: {code}")
        result.late += len(waiting.positions)
    if all_refused:
        refusals.report("as is every other record of the batch: check what the mapping reads")
    refusals.quarantine()
    refusals.report()
    return result


def _days_of(records: Sequence[StreamRecord], refusals: Refusals, result: BatchResult) -> dict[str, _Day]:
    days: dict[str, _Day] = {}
    for position, record in enumerate(records):
        if not expired(record):
            result.ignored += 1
            continue
        try:
            made = line(record)
        except MalformedRecordError as error:
            refusals.add([position], str(error))
        except Exception as error:  # noqa: BLE001  one record that nobody foresaw must not cost its neighbours
            refusals.add_unforeseen([position], error)
        else:
            day = days.setdefault(made.day, _Day())
            day.positions.append(position)
            day.lines.append(made)
    return days

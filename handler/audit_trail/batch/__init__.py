"""Stream records in, partial batch response out: no change is lost, none is stored twice.

The response names the first stream record that was not stored, and Lambda delivers again from there
(https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html). What lies behind it and was
stored already is refused as a duplicate the next time, which is success. What can never be stored goes into quarantine
and counts as done, so that nothing waits behind it.
"""

from collections.abc import Sequence

from audit_trail.batch.inserts import MOST_BYTES, MOST_STATEMENTS, inserts_of
from audit_trail.batch.pace import RESERVE, Pace, Time
from audit_trail.batch.quarantine import MANY, Quarantine, Refusals
from audit_trail.batch.sending import Sender
from audit_trail.core.records import RecordSettings, StreamRecord
from audit_trail.ports import AuditTable, BatchResult, ImageStore

__all__ = ["MANY", "MOST_BYTES", "MOST_STATEMENTS", "RESERVE", "Quarantine", "Time", "store"]


def store(  # noqa: PLR0913  what a batch is, and all that it needs of the world
    records: Sequence[StreamRecord],
    *,
    table: AuditTable,
    images: ImageStore,
    settings: RecordSettings,
    time: Time,
    quarantine: Quarantine | None = None,
) -> BatchResult:
    """Store a batch of stream records; whatever happens, each one is stored, quarantined or among the failures.

    Without ``quarantine``, records that can never be stored are among the failures too.
    """
    result = BatchResult()
    pace = Pace(time)
    refusals = Refusals(records, quarantine, pace, result)
    waiting = inserts_of(
        records, table, settings, images.bucket, refusals=refusals, result=result, time_left=pace.time_to_make_another
    )
    different = len(waiting) + len(refusals)
    sender = Sender(table, images, pace, refusals, result)
    attempt = 0
    while waiting := sender.send(waiting):
        if sender.accepted or different < MANY:
            refusals.quarantine()
        pause = time.pause_before_retry(attempt)
        if not pace.time_for_another(pause):
            break
        time.sleep(pause)
        result.retries += len(waiting)
        attempt += 1
    for insert in waiting:
        result.fail(insert.positions, f"not stored in time: {insert.code}")
        result.late += len(insert.positions)
    if len(refusals) == different >= MANY:
        refusals.report("as is every other record of the batch: check the function's settings")
    refusals.quarantine()
    refusals.report()
    return result

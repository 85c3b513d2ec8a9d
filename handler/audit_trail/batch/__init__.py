"""Stream records in, partial batch response out: no change is lost, none is stored twice.

The response names the first stream record that was not stored, and Lambda delivers again from there
(https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html). What lies behind it and was
stored already is refused as a duplicate the next time, which is success.
"""

from collections.abc import Sequence

from audit_trail.batch.inserts import MOST_BYTES, MOST_STATEMENTS, inserts_of
from audit_trail.batch.sending import RESERVE, Sender, Time
from audit_trail.core.records import RecordSettings, StreamRecord
from audit_trail.ports import AuditTable, BatchResult, ImageStore

__all__ = ["MOST_BYTES", "MOST_STATEMENTS", "RESERVE", "Time", "store"]

_FIRST_PAUSE = 0.05  # seconds
_LONGEST_PAUSE = 2.0  # seconds


def store(
    records: Sequence[StreamRecord], *, table: AuditTable, images: ImageStore, settings: RecordSettings, time: Time
) -> BatchResult:
    """Store a batch of stream records; whatever happens, each one is stored or among the failures."""
    result = BatchResult()
    sender = Sender(table, images, time, result)
    waiting = inserts_of(records, table, settings, images.bucket, result=result, time_left=sender.time_for_another)
    attempt = 0
    while waiting := sender.send(waiting):
        pause = time.jitter.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt))
        if not sender.time_for_another(pause):
            break
        time.sleep(pause)
        result.retries += len(waiting)
        attempt += 1
    for insert in waiting:
        sender.fail(insert, f"not stored in time: {insert.code}")
    return result

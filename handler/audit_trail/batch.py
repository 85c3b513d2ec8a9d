"""Stream records in, partial batch response out: no change is lost, none is stored twice.

The response names the first stream record that was not stored, and Lambda delivers again from there
(https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html). What lies behind it and was
stored already is refused as a duplicate the next time, which is success.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from audit_trail.core.errors import MalformedRecordError
from audit_trail.core.records import RecordSettings, StreamRecord, audit_item
from audit_trail.core.values import canonical_text, canonical_value
from audit_trail.ports import AuditTable, BatchResult, Outcome, RequestFailedError, RequestRefusedError, Verdict

MOST_STATEMENTS = 25
"""Statements a BatchExecuteStatement request may hold (docs.aws.amazon.com, Service quotas of DynamoDB)."""
MOST_BYTES = 4_000_000
RESERVE = 2.0
"""Seconds before the function's deadline at which nothing more is begun, so that the answer always gets out."""
_FIRST_PAUSE = 0.05  # seconds
_LONGEST_PAUSE = 2.0  # seconds


@dataclass(frozen=True, slots=True)
class Time:
    """The invocation's time: ``remaining`` tells the seconds until its deadline."""

    remaining: Callable[[], float]
    sleep: Callable[[float], None]
    jitter: random.Random


@dataclass(slots=True)
class _Insert:
    positions: list[int]
    event_name: str
    encoded: bytes
    code: str = "OutOfTime"


def store(records: Sequence[StreamRecord], *, table: AuditTable, settings: RecordSettings, time: Time) -> BatchResult:
    """Store a batch of stream records; whatever happens, each one is stored or among the failures."""
    result = BatchResult()
    waiting = _encode(records, table, settings, result)
    sender = _Sender(table, time, result)
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


def _encode(
    records: Sequence[StreamRecord], table: AuditTable, settings: RecordSettings, result: BatchResult
) -> list[_Insert]:
    inserts: dict[tuple[str, str], _Insert] = {}
    for position, record in enumerate(records):
        try:
            item = audit_item(record, settings)
        except MalformedRecordError as error:
            result.failures[position] = str(error)
            continue
        partition = canonical_value(item[settings.key_schema.audit_partition_key])
        key = (canonical_text(partition), item["timestamp"]["S"])
        if key in inserts:
            # One request may not name a key twice, and the same key is the same stream record.
            inserts[key].positions.append(position)
            result.duplicates += 1
        else:
            inserts[key] = _Insert([position], record["eventName"], table.encode(item))
    return list(inserts.values())


def _requests(inserts: Sequence[_Insert]) -> Iterator[list[_Insert]]:
    request: list[_Insert] = []
    size = 0
    for insert in inserts:
        if request and (len(request) == MOST_STATEMENTS or size + len(insert.encoded) > MOST_BYTES):
            yield request
            request, size = [], 0
        request.append(insert)
        size += len(insert.encoded)
    if request:
        yield request


class _Sender:
    def __init__(self, table: AuditTable, time: Time, result: BatchResult) -> None:
        self._table = table
        self._time = time
        self._result = result
        self._slowest = 0.0

    def time_for_another(self, pause: float = 0.0) -> bool:
        """Tell whether a request as slow as the slowest so far would still end before the reserve."""
        return self._time.remaining() - pause - self._slowest > RESERVE

    def fail(self, insert: _Insert, reason: str) -> None:
        self._result.failures.update(dict.fromkeys(insert.positions, reason))

    def send(self, inserts: Sequence[_Insert]) -> list[_Insert]:
        """Send each insert once and return those to try again; an outage ends the round early."""
        again: list[_Insert] = []
        queue = list(_requests(inserts))[::-1]
        while queue:
            request = queue.pop()
            if not self.time_for_another():
                again += request
                continue
            try:
                outcomes = self._timed(request)
            except RequestRefusedError as error:
                if len(request) > 1:
                    middle = len(request) // 2
                    queue += [request[middle:], request[:middle]]
                else:
                    verdict = Verdict.REFUSED if error.for_good else Verdict.RETRY
                    again += self._sort(request, [Outcome(verdict, error.code)])
            except RequestFailedError as error:
                for insert in request:
                    insert.code = error.code
                return [*again, *request, *(insert for rest in reversed(queue) for insert in rest)]
            else:
                again += self._sort(request, outcomes)
        return again

    def _timed(self, request: Sequence[_Insert]) -> Sequence[Outcome]:
        before = self._time.remaining()
        try:
            return self._table.insert([insert.encoded for insert in request])
        finally:
            self._slowest = max(self._slowest, before - self._time.remaining())

    def _sort(self, request: Sequence[_Insert], outcomes: Sequence[Outcome]) -> list[_Insert]:
        again: list[_Insert] = []
        for insert, outcome in zip(request, outcomes, strict=True):
            if outcome.verdict is Verdict.STORED:
                self._result.stored[insert.event_name] += 1
            elif outcome.verdict is Verdict.DUPLICATE:
                self._result.duplicates += 1
            elif outcome.verdict is Verdict.RETRY:
                insert.code = outcome.code
                again.append(insert)
            else:
                self.fail(insert, f"refused by DynamoDB: {outcome.code}")
        return again

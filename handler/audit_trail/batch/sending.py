"""Sends inserts, sorts what became of them, and never goes past the invocation's deadline."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from audit_trail.batch.inserts import Insert, requests_of
from audit_trail.core.spill import Form
from audit_trail.ports import (
    AuditTable,
    BatchResult,
    ImageStore,
    Outcome,
    RequestFailedError,
    RequestRefusedError,
    Verdict,
)

RESERVE = 2.0
"""Seconds before the function's deadline at which nothing more is begun, so that the answer always gets out."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Time:
    """The invocation's time: ``remaining`` tells the seconds until its deadline."""

    remaining: Callable[[], float]
    sleep: Callable[[float], None]
    jitter: random.Random


class Sender:
    """Sends the inserts of one batch, and knows how much time is left for it."""

    def __init__(self, table: AuditTable, images: ImageStore, time: Time, result: BatchResult) -> None:
        self._table = table
        self._images = images
        self._time = time
        self._result = result
        self._slowest = 0.0  # seconds
        self._bucket_down = ""

    def time_for_another(self, pause: float = 0.0) -> bool:
        """Tell whether a request as slow as the slowest so far would still end before the reserve."""
        return self._time.remaining() - pause - self._slowest > RESERVE

    def fail(self, insert: Insert, reason: str) -> None:
        """Count a record, wherever it stands in the batch, among the failures."""
        self._result.failures.update(dict.fromkeys(insert.positions, reason))

    def send(self, inserts: Sequence[Insert]) -> list[Insert]:
        """Send each insert once and return those to try again; an outage ends the round early."""
        again: list[Insert] = []
        # Those that need S3 come last, so that a bucket that is down costs the others nothing.
        queue = list(requests_of(sorted(inserts, key=lambda insert: bool(insert.object_body))))[::-1]
        self._bucket_down = ""
        while queue:
            request, left_out = self._with_images_stored(queue.pop())
            again += left_out
            if not request or not self.time_for_another():
                again += request
                continue
            try:
                outcomes = self._timed(partial(self._table.insert, [insert.encoded for insert in request]))
            except RequestRefusedError as error:
                if len(request) > 1:
                    middle = len(request) // 2
                    queue += [request[middle:], request[:middle]]
                else:
                    verdict = Verdict.REFUSED if error.for_good else Verdict.RETRY
                    again += self._sort(request, [Outcome(verdict, error.code)], queue)
            except RequestFailedError as error:
                for insert in request:
                    insert.code = error.code
                # Last in the next round, so that a request that keeps failing doesn't hold up the others.
                return [*again, *(insert for rest in reversed(queue) for insert in rest), *request]
            else:
                again += self._sort(request, outcomes, queue)
        return again

    def _with_images_stored(self, request: Sequence[Insert]) -> tuple[list[Insert], list[Insert]]:
        """Put what the request's records need into S3, and part off the records for which that failed."""
        ready: list[Insert] = []
        left_out: list[Insert] = []
        for insert in request:
            (ready if not insert.object_body or self._put(insert) else left_out).append(insert)
        return ready, left_out

    def _put(self, insert: Insert) -> bool:
        """Put a record's object into S3; after one failure, no other is tried in the same round."""
        if self._bucket_down or not self.time_for_another():
            insert.code = self._bucket_down or insert.code
            return False
        try:
            self._timed(partial(self._images.put, insert.object_key, insert.object_body))
        except RequestFailedError as error:
            insert.code = self._bucket_down = error.code
            return False
        insert.object_body = b""
        self._result.spilled += 1
        return True

    def _timed(self, request: Callable[[], _T]) -> _T:
        before = self._time.remaining()
        try:
            return request()
        finally:
            self._slowest = max(self._slowest, before - self._time.remaining())

    def _sort(self, request: Sequence[Insert], outcomes: Sequence[Outcome], queue: list[list[Insert]]) -> list[Insert]:
        """Count what is done and return what to try again later; what may go in another form is queued at once."""
        again: list[Insert] = []
        for insert, outcome in zip(request, outcomes, strict=True):
            insert.code = outcome.code
            if outcome.verdict is Verdict.STORED:
                self._result.stored[insert.event_name] += 1
            elif outcome.verdict is Verdict.DUPLICATE:
                self._result.duplicates += 1
            elif outcome.verdict is Verdict.RETRY:
                again.append(insert)
            elif insert.can_move_more():
                # Perhaps DynamoDB counts otherwise than we do, and takes it with less of it inline.
                insert.take_form(self._table, self._images.bucket, Form(insert.form + 1))
                queue.append([insert])
            else:
                self.fail(insert, f"refused by DynamoDB: {outcome.code}")
        return again

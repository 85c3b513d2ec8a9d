"""Sends inserts, sorts what became of them, and never goes past the invocation's deadline."""

from collections.abc import Sequence
from functools import partial

from audit_trail.batch.inserts import Insert, requests_of
from audit_trail.batch.pace import Pace
from audit_trail.batch.quarantine import Refusals
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


class Sender:
    """Sends the inserts of one batch; ``accepted`` tells whether the table took any of them, now or before."""

    def __init__(
        self, table: AuditTable, images: ImageStore, pace: Pace, refusals: Refusals, result: BatchResult
    ) -> None:
        self._table = table
        self._images = images
        self._pace = pace
        self._refusals = refusals
        self._result = result
        self._bucket_down = ""
        self.accepted = False

    def send(self, inserts: Sequence[Insert]) -> list[Insert]:
        """Send each insert once and return those to try again; an outage ends the round early."""
        again: list[Insert] = []
        # Those that need S3 come last, so that a bucket that is down costs the others nothing.
        queue = list(requests_of(sorted(inserts, key=lambda insert: bool(insert.object_body))))[::-1]
        self._bucket_down = ""
        while queue:
            request, left_out = self._with_images_stored(queue.pop())
            again += left_out
            if not request or not self._pace.time_for_another():
                again += request
                continue
            try:
                outcomes = self._pace.timed(partial(self._table.insert, [insert.encoded for insert in request]))
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
        if self._bucket_down or not self._pace.time_for_another():
            insert.code = self._bucket_down or insert.code
            return False
        try:
            self._pace.timed(partial(self._images.put, insert.object_key, insert.object_body))
        except RequestFailedError as error:
            insert.code = self._bucket_down = error.code
            return False
        insert.object_body = b""
        self._result.spilled += 1
        return True

    def _sort(self, request: Sequence[Insert], outcomes: Sequence[Outcome], queue: list[list[Insert]]) -> list[Insert]:
        """Count what is done and return what to try again later; what may go in another form is queued at once."""
        again: list[Insert] = []
        for insert, outcome in zip(request, outcomes, strict=True):
            insert.code = outcome.code
            if outcome.verdict is Verdict.STORED:
                self._result.stored[insert.event_name] += 1
                self._result.bytes_stored += len(insert.encoded)
                self.accepted = True
            elif outcome.verdict is Verdict.DUPLICATE:
                self._result.duplicates += 1
                self.accepted = True
            elif outcome.verdict is Verdict.RETRY:
                again.append(insert)
            elif self._moved_on(insert):
                queue.append([insert])
        return again

    def _moved_on(self, insert: Insert) -> bool:
        """Give a refused record its next form: perhaps DynamoDB counts otherwise than we do, and takes less inline."""
        if not insert.can_move_more():
            self._refusals.add(insert.positions, f"refused by DynamoDB: {insert.code}")
            return False
        try:
            insert.take_form(self._table, self._images.bucket, Form(insert.form + 1))
        except Exception as error:  # noqa: BLE001  one record that nobody foresaw must not cost its neighbours
            self._refusals.add_unforeseen(insert.positions, error)
            return False
        return True

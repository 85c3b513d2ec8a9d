"""The event source mapping itself: polls shards, forms batches, invokes, and deals with what goes wrong."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.event_source_mapping.answers import records_done
from tests.event_source_mapping.config import FOREVER, MappingConfig
from tests.event_source_mapping.discarding import Discarded, Discarder, random_uuid
from tests.event_source_mapping.function import InvocationRefused
from tests.event_source_mapping.log import Invocation, Outcome
from tests.event_source_mapping.polling import Batch, Lane, Poller
from tests.event_source_mapping.records import payload_of
from tests.event_source_mapping.sources import RETENTION_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.event_source_mapping.clock import Clock
    from tests.event_source_mapping.destination import OnFailureDestination
    from tests.event_source_mapping.function import Function, InvokeResult
    from tests.event_source_mapping.records import BufferedRecord
    from tests.event_source_mapping.sources import StreamSource

FIRST_BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS = 1.0, 60.0


@dataclass
class EventSourceMapping:
    """AWS Lambda's event source mapping for a DynamoDB stream, modelled from its documentation.

    Invocations happen one at a time; concurrent lanes and shards show as an interleaving that `rng` picks. Where AWS
    leaves a choice, the model takes the less friendly one: records older than the stream's 24 hours are lost even while
    they're retried, and a failed delivery to the destination is not tried again.

    `duplicate_rate` is how likely a batch that succeeded is delivered once more (events are processed at least once).
    `metrics` counts by CloudWatch's names, and as "expired" the records that the stream's retention took.

    AWS: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
    """

    function: Function
    source: StreamSource
    clock: Clock
    config: MappingConfig = field(default_factory=MappingConfig)
    on_failure: OnFailureDestination | None = None
    rng: random.Random = field(default_factory=lambda: random.Random(0))
    duplicate_rate: float = 0.0
    mapping_uuid: str = ""
    metrics: Counter[str] = field(default_factory=Counter)
    invocations: list[Invocation] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start with nothing read."""
        self.mapping_uuid = self.mapping_uuid or random_uuid(self.rng)
        self._poller = Poller(self.source, self.config, self.metrics)
        self._discarder = Discarder(
            on_failure=self.on_failure,
            metrics=self.metrics,
            clock=self.clock,
            rng=self.rng,
            mapping_uuid=self.mapping_uuid,
            function_arn=self.function.arn,
            stream_arn=self.source.arn,
        )

    def run_until_idle(self, *, max_invocations: int = 1_000_000) -> None:
        """Invoke until every record that the stream has was delivered or given up.

        Raises:
            RuntimeError: it isn't done after that many invocations.

        """
        for _ in range(max_invocations):
            if self.step() is None:
                return
        raise RuntimeError(f"The mapping isn't idle after {max_invocations} invocations.")

    def step(self) -> Invocation | None:
        """Make the next invocation, waiting on the clock until one is due; None when nothing is left to deliver."""
        while True:
            self._poller.poll()
            lanes = [lane for lane in self._poller.lanes() if not lane.empty]
            if not lanes:
                if self._poller.quiet:
                    return None
                continue
            now = self.clock.time()
            due = [lane for lane in lanes if lane.due_at(now) <= now]
            if not due:
                self.clock.sleep(min(lane.due_at(now) for lane in lanes) - now)
                continue
            lane = due[0] if len(due) == 1 else self.rng.choice(due)
            batch = lane.take()
            self._give_up_aged(lane, batch)
            if batch.records:
                return self._deliver(lane, batch)

    def _give_up_aged(self, lane: Lane, batch: Batch) -> None:
        """Take the records that are too old off the front of a batch; the younger ones are still delivered.

        AWS: https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html (Lambda retries until the records
        expire or exceed the maximum age)
        """
        now = self.clock.time()
        self.metrics["expired"] += len(batch.older_than(now - RETENTION_SECONDS))
        if self.config.maximum_record_age_in_seconds != FOREVER:
            aged = batch.older_than(now - self.config.maximum_record_age_in_seconds)
            if aged:
                self._discarder.discard(Discarded(aged, "RecordAgeExceeded", lane.shard_id, batch.invocations))

    def _deliver(self, lane: Lane, batch: Batch) -> Invocation:
        records = batch.records
        self.metrics["InvokedEventCount"] += len(records)
        batch.invocations += 1
        started = self.clock.time()
        outcome: Outcome
        error: BaseException | None
        done = 0
        try:
            result = self.function.invoke(payload_of(records))
        except InvocationRefused as refusal:
            outcome, error = "refused", refusal
            self.metrics["FailedInvokeEventCount"] += len(records)
            self._postpone(batch)
            lane.give_back(batch)
        else:
            error = result.error
            done = self._records_done(result, records)
            outcome = "succeeded" if done == len(records) else "partly" if done else "failed"
            self._settle(lane, batch, done, result)
        entry = Invocation(
            time=started,
            shard_id=lane.shard_id,
            start_sequence_number=records[0].sequence_number,
            end_sequence_number=records[-1].sequence_number,
            size=len(records),
            done=done,
            outcome=outcome,
            iterator_age_milliseconds=(started - records[-1].created) * 1000,
            error=error,
        )
        self.invocations.append(entry)
        return entry

    def _records_done(self, result: InvokeResult, records: Sequence[BufferedRecord]) -> int:
        if result.function_error is not None:
            return 0
        if not self.config.report_batch_item_failures:
            return len(records)
        return records_done(result.payload, [record.sequence_number for record in records])

    def _settle(self, lane: Lane, batch: Batch, done: int, result: InvokeResult) -> None:
        """Move the checkpoint, or retry, split or give up what is left.

        Progress starts a new batch with retries of its own: on AWS a record that failed at the end of a batch of three
        was delivered once with it and, with three retries, four times more alone (LocalStack's aws-validated snapshot
        `test_dynamodb_report_batch_item_failures`).

        AWS: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
        """
        records = batch.records
        if done == len(records):
            if not batch.duplicate and self.duplicate_rate and self.rng.random() < self.duplicate_rate:
                lane.give_back(Batch(records, duplicate=True))
            return
        self.metrics["FailedInvokeEventCount"] += len(records) - done
        if done:
            rest = Batch(records[done:], duplicate=batch.duplicate)
            self._postpone(rest)
            lane.give_back(rest)
        elif self.config.bisect_batch_on_function_error and len(records) > 1:
            self._bisect(lane, batch)
        else:
            self._retry(lane, batch, result)

    def _bisect(self, lane: Lane, batch: Batch) -> None:
        """Split a failed batch into two smaller ones, the first of which goes first; that costs no retry.

        AWS: https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html ("Splitting batches doesn't
        consume the retry quota"). The documentation doesn't say what happens when a partial batch response names the very
        first record; the model splits in halves then too.
        """
        middle = (len(batch.records) + 1) // 2
        self._postpone(batch)
        for half in (batch.records[middle:], batch.records[:middle]):
            lane.give_back(
                Batch(
                    half,
                    retries=batch.retries,
                    invocations=batch.invocations,
                    not_before=batch.not_before,
                    duplicate=batch.duplicate,
                )
            )

    def _retry(self, lane: Lane, batch: Batch, result: InvokeResult) -> None:
        """Deliver the same batch again, or give it up when its retries are used up.

        AWS: https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
        """
        limit = self.config.maximum_retry_attempts
        if limit != FOREVER and batch.retries >= limit:
            discarded = Discarded(batch.records, "RetryAttemptsExhausted", lane.shard_id, batch.invocations, result)
            self._discarder.discard(discarded)
            return
        batch.retries += 1
        self._postpone(batch)
        lane.give_back(batch)

    def _postpone(self, batch: Batch) -> None:
        """Wait before the next attempt, twice as long each time and up to a minute; AWS names no numbers."""
        longest = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2.0 ** min(batch.delays, 10))
        batch.delays += 1
        batch.not_before = self.clock.time() + longest * self.rng.uniform(0.5, 1.0)

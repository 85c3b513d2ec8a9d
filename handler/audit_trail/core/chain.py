"""What one item's records prove together: the chain from each to the next, its beginning, and the item as it is.

Within one stream, each record's old digest is the new one of the record before it: for each item, stream records come
in the order of its changes, each exactly once
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html). A mismatch proves a gap or an edit. A
match can't exclude that a whole run of changes is missing which led back to the same image, that a deleted item's newest
records are missing back to an earlier deletion, or that everything was rewritten consistently.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from audit_trail.core.checks import BASELINE, BOTH_IMAGES, Check, Finding, Known, Outcome, check_record
from audit_trail.core.history import REORDER_WITHIN, Change
from audit_trail.core.keys import KeySchema

BASELINE_WITHIN = timedelta(minutes=15)
"""How far from a BASELINE the record may be that left the item as it shows it."""

_SHORTEST_RETENTION = timedelta(days=1)
_NEAR_AT_MOST = 100_000  # records in those minutes: beyond it, the oldest are forgotten


@dataclass(frozen=True, slots=True)
class Live:
    """How the item stood when it was read, before its records were."""

    digest: str | None
    """Of its image, in base64; None where it wasn't there."""
    read_at: datetime
    """A moment at which, or before which, it was read."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the records don't show, and what explains why some are missing."""

    now: datetime | None = None
    """Records whose time had come by then may have expired. None: no record expires."""
    retention: timedelta | None = None
    """How long new records are kept; None is for ever. Each record tells its own."""
    stream: str | None = None
    """ARN of the stream that the source table has now; None where that isn't known."""
    schema: KeySchema | None = None
    """The source table's key; None leaves open whether the records lie under their item's."""


UNKNOWN = Circumstances()


@dataclass(slots=True)
class _Stream:
    """What is remembered of one stream."""

    last: Change | None = None
    known: Known | None = None
    """The last record's new image, if its digest is right."""
    near: deque[tuple[datetime, str]] = field(default_factory=lambda: deque(maxlen=_NEAR_AT_MOST))
    """When the item was how, by digest: as far back as a BASELINE may ask."""
    open: list[Change] = field(default_factory=list)
    """Each BASELINE that no record has borne out yet."""


def check(changes: Iterable[Change], circumstances: Circumstances = UNKNOWN) -> Iterator[Finding]:
    """Check one item's changes, which come in their order, the oldest first."""
    chain = Chain(circumstances)
    for change in changes:
        yield from chain.add(change, change.broken)
    yield from chain.end()


class Chain:
    """Checks one item's records as they come in their order, the oldest first; holds on to one record a stream.

    A BASELINE is an observation and no link of the chain.
    """

    def __init__(self, circumstances: Circumstances, live: Live | None = None) -> None:
        self._circumstances = circumstances
        self._live = live
        self._streams: dict[str, _Stream] = {}
        self._newest: Change | None = None
        self._fits = False

    def add(self, change: Change, spoiled: str = "") -> Iterator[Finding]:
        """Check the next record; ``spoiled`` says why what moved out of it isn't what was put there."""
        stream = self._streams.get(change.event_source_arn)
        if stream is None:
            stream = self._streams[change.event_source_arn] = _Stream()
            yield self._beginning(change)
        elif stream.last is None and change.event_name != BASELINE:
            yield Finding(Check.BEGINNING, Outcome.HOLDS, change.timestamp)
        if stream.last is not None and change.event_name != BASELINE:
            yield self._link(stream.last, change)
        findings, known = check_record(change, stream.known, self._circumstances.schema, spoiled)
        yield from findings
        if change.event_name == BASELINE:
            yield from self._observed(change, stream)
        else:
            yield from self._bear_out(change, stream)
            stream.last, stream.known = change, known
        self._note_state(change)
        self._newest = change

    def end(self) -> Iterator[Finding]:
        """Check what only the end of the records tells."""
        for stream in self._streams.values():
            for baseline in stream.open:
                if stream.last is None:
                    yield Finding(Check.BASELINE, Outcome.HOLDS, baseline.timestamp)
                else:
                    yield self._not_borne_out(baseline)
        if self._live is not None and (self._newest is not None or self._live.digest is not None):
            yield self._compared(self._live)

    def _beginning(self, change: Change) -> Finding:
        if self._newest is not None:
            why = "another stream begins: what happened between the two is not known"
        elif change.event_name in ("INSERT", BASELINE):
            return Finding(Check.BEGINNING, Outcome.HOLDS, change.timestamp)
        elif self._retention(change) is not None:
            why = "the item is older than its oldest record, and records expire: those before it may have"
        else:
            why = "the item is older than its oldest record: what happened before is not known"
        return Finding(Check.BEGINNING, Outcome.UNKNOWN, change.timestamp, why)

    def _link(self, before: Change, change: Change) -> Finding:
        outcome, why = Outcome.HOLDS, ""
        if any(one.item.get("stream_view_type") != BOTH_IMAGES for one in (before, change)):
            outcome, why = Outcome.UNKNOWN, "the stream doesn't carry both images"
        elif before.new_digest != change.old_digest:
            if self._may_have_expired(before, change):
                outcome, why = Outcome.UNKNOWN, "records between it and the one before may have expired"
            else:
                outcome = Outcome.BROKEN
                why = "its old digest is not the new one of the record before: something between them is missing or was changed"
        return Finding(Check.CHAIN, outcome, change.timestamp, why, before.timestamp)

    def _observed(self, baseline: Change, stream: _Stream) -> Iterator[Finding]:
        seen = baseline.new_digest
        last = stream.last is not None and stream.last.new_digest == seen
        if last or any(digest == seen and _close(baseline, at) for at, digest in stream.near):
            yield Finding(Check.BASELINE, Outcome.HOLDS, baseline.timestamp)
        else:
            stream.open.append(baseline)

    def _bear_out(self, change: Change, stream: _Stream) -> Iterator[Finding]:
        """Hold a record against the baselines that wait for one, and note it for those that come."""
        moment, digests = change.moment, (change.old_digest, change.new_digest)
        if stream.open:
            waiting = []
            for baseline in stream.open:
                first = stream.last is None or stream.last.moment < baseline.moment
                if baseline.new_digest in (digests if _close(baseline, moment) else digests[: int(first)]):
                    yield Finding(Check.BASELINE, Outcome.HOLDS, baseline.timestamp)
                elif _close(baseline, moment):
                    waiting.append(baseline)
                else:
                    yield self._not_borne_out(baseline)
            stream.open = waiting
        stream.near.extend((moment, digest) for digest in digests if digest is not None)
        while stream.near and moment - stream.near[0][0] > BASELINE_WITHIN + REORDER_WITHIN:
            stream.near.popleft()

    def _not_borne_out(self, baseline: Change) -> Finding:
        now = self._circumstances.now
        if self._may_have_expired(baseline):
            outcome, why = Outcome.UNKNOWN, "the records that would bear it out may have expired"
        elif now is not None and now - baseline.moment <= BASELINE_WITHIN:
            outcome, why = Outcome.UNKNOWN, "it is so new that the record that would bear it out may still come"
        else:
            outcome, why = Outcome.BROKEN, "it shows the item as no record around it does: something is missing"
        return Finding(Check.BASELINE, outcome, baseline.timestamp, why)

    def _note_state(self, change: Change) -> None:
        """Note whether the item was read as this record left it, or one of those since that moment, or the one before."""
        if self._live is not None:
            left = None if change.event_name == "REMOVE" else change.new_digest or ""
            settled = change.moment < self._live.read_at - REORDER_WITHIN
            if self._newest is None:
                self._fits = change.old_digest == self._live.digest
            self._fits = left == self._live.digest or (self._fits and not settled)

    def _compared(self, live: Live) -> Finding:
        newest = self._newest
        outcome, timestamp = Outcome.UNKNOWN, "" if newest is None else newest.timestamp
        current = self._circumstances.stream
        if newest is None:
            why = "there is no record of it: it is older than the trail (then run trail baseline), or they are gone"
        elif self._fits:
            outcome, why = Outcome.HOLDS, ""
        elif newest.event_name != "REMOVE" and newest.new_digest is None and newest.new_image is None:
            why = "its newest record has no image to compare it with"
        elif current is not None and newest.event_source_arn != current:
            why = "it changed after its newest record, and the table has another stream since: run trail baseline"
        elif self._may_have_expired(newest):
            why = "it changed after its newest record, and the records of that may have expired"
        else:
            outcome = Outcome.BROKEN
            gone = "the item is there, though by its newest record it was deleted"
            there = "the item is gone, or not as its newest record left it" if live.digest is None else ""
            why = there or (gone if newest.event_name == "REMOVE" else "the item is not as its newest record left it")
            why += ": later records are missing, or that one was changed"
        return Finding(Check.LIVE, outcome, timestamp, why)

    def _may_have_expired(self, *since: Change) -> bool:
        """Tell whether a record made after the first of these may be gone because its time had come."""
        retention, now = self._retention(*since), self._circumstances.now
        if retention is None or now is None:
            return False
        return retention <= now - since[0].moment + REORDER_WITHIN  # it may carry a time that is as much earlier

    def _retention(self, *changes: Change) -> timedelta | None:
        """Return the shortest time for which records were kept; None is for ever."""
        kept = [self._circumstances.retention, *map(_retention, changes)]
        return min((one for one in kept if one is not None), default=None)


def _close(baseline: Change, moment: datetime) -> bool:
    return abs(baseline.moment - moment) <= BASELINE_WITHIN


def _retention(change: Change) -> timedelta | None:
    try:
        kept = timedelta(seconds=int(change.item["expires_at"]["N"]) - change.moment.timestamp())
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return kept if kept >= _SHORTEST_RETENTION else None  # what no trail has excuses nothing

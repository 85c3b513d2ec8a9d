"""Fakes at the handler's edges: stream records, a clock that nobody waits for, an audit table in memory."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from audit_trail.batch import Quarantine, Time, store
from audit_trail.core.keys import KeySchema
from audit_trail.core.records import RecordSettings
from audit_trail.ports import Outcome, RequestFailedError, RequestRefusedError, Verdict
from tests import builders
from tests.builders import NOON
from tests.event_source_mapping import SimulatedClock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from audit_trail.core.values import Image
    from audit_trail.ports import AuditTable, FailureStore, ImageStore
    from tests.event_source_mapping import LambdaContext

SETTINGS = RecordSettings(KeySchema("order_id"), actor_attribute="updated_by")
REFUSED = Outcome(Verdict.REFUSED, "ValidationError")
THROTTLED = Outcome(Verdict.RETRY, "ThrottlingError")


def order(order_id: int = 123, **attributes: Any) -> Image:
    """Return an order's image; what is not given as an attribute value becomes an S."""
    values = {name: value if isinstance(value, dict) else {"S": value} for name, value in attributes.items()}
    return {"order_id": {"N": str(order_id)}, **values}


def numbered_record(
    number: int,
    *,
    old: Image | None = None,
    new: Image | None = None,
    keys: Image | None = None,
    at: float = NOON,
    **fields: Any,
) -> dict[str, Any]:
    """Return the stream record with that sequence number; its event name follows from the images that it has."""
    if old is None and new is None:
        new = order(number)
    image = new or old or {}
    return builders.stream_record(
        "REMOVE" if new is None else "INSERT" if old is None else "MODIFY",
        old=old,
        new=new,
        keys=keys or {"order_id": image.get("order_id", {"N": str(number)})},
        dynamodb={"ApproximateCreationDateTime": at, "SequenceNumber": f"{number:021d}"},
        **{"eventID": f"event-{number}", **fields},
    )


def handler_of(
    table: AuditTable,
    settings: RecordSettings,
    images: ImageStore | None = None,
    failures: FailureStore | None = None,
) -> Callable[[dict[str, Any], LambdaContext], Any]:
    """Return a handler that does what the function does, with a table of one's own and on the context's clock."""
    jitter = random.Random(1)
    images = images or InMemoryImageStore()
    failures = failures or InMemoryImageStore()

    def handler(event: dict[str, Any], context: LambdaContext) -> Any:
        records = event["Records"]
        time = Time(
            remaining=lambda: context.get_remaining_time_in_millis() / 1000, sleep=context.clock.sleep, jitter=jitter
        )
        quarantine = Quarantine(failures, context.function_version)
        return store(records, table=table, images=images, settings=settings, time=time, quarantine=quarantine).response(
            records
        )

    return handler


def named(response: Mapping[str, Any]) -> int | str | None:
    """Return the sequence number that a partial batch response names ("" if it is empty), or None where none is."""
    failures = response["batchItemFailures"]
    if not failures:
        return None
    [failure] = failures
    identifier: str = failure["itemIdentifier"]
    return int(identifier) if identifier else ""


@dataclass
class FakeClock(SimulatedClock):
    """An invocation's time, in seconds: it moves only when somebody sleeps or a request takes a while."""

    now: float = 0.0
    deadline: float = 60.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Let time pass, and remember it."""
        self.slept.append(seconds)
        super().sleep(seconds)

    def invocation(self, jitter: random.Random | None = None) -> Time:
        """Return the time of an invocation that ends at the deadline."""
        return Time(remaining=lambda: self.deadline - self.now, sleep=self.sleep, jitter=jitter or random.Random(1))


class LongestPauses(random.Random):
    """A jitter that always picks the longest pause allowed."""

    def uniform(self, a: float, b: float) -> float:
        """Return the upper bound."""
        return max(a, b)


@dataclass(frozen=True)
class Fault:
    """What happens to a whole request; `committed` says whether the table had stored it before."""

    error: RequestFailedError
    committed: bool = False


@dataclass
class InMemoryImageStore:
    """A bucket that keeps objects in memory; `down` says with which code it refuses, while it does."""

    bucket: str = "trail-bucket"
    down: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    puts: list[str] = field(default_factory=list)
    """The keys of what was put so far, refused or not."""
    before: Callable[[str], None] = lambda _: None
    """Called with each key, before anything is done; may raise."""

    def put(self, key: str, body: bytes) -> None:
        """Store an object once."""
        self.puts.append(key)
        self.before(key)
        if self.down:
            raise RequestFailedError(self.down)
        self.objects.setdefault(key, body)


@dataclass
class InMemoryAuditTable:
    """An audit table that answers as told, by sequence number, and otherwise stores what has a new key."""

    clock: FakeClock = field(default_factory=FakeClock)
    seconds: float = 0.01
    """How long a request takes."""
    answers: dict[int, list[Outcome]] = field(default_factory=dict)
    """What a record is answered the next times, before it is stored; the last one for ever if `for_ever`."""
    for_ever: bool = False
    faults: list[Fault | None] = field(default_factory=list)
    """What happens to the next requests."""
    outage: RequestFailedError | None = None
    """What happens to every request."""
    poison: dict[int, RequestFailedError] = field(default_factory=dict)
    """Records whose presence makes the table refuse the whole request."""
    before: Callable[[list[int]], None] = lambda _: None
    """Called with each request, before anything is done; may raise."""
    stored: dict[tuple[str, str], Image] = field(default_factory=dict)
    requests: list[list[int]] = field(default_factory=list)
    """The sequence numbers of each request so far."""
    sizes: list[int] = field(default_factory=list)
    """The bytes of each request so far."""

    def encode(self, item: Image) -> bytes:
        """Return the item as JSON."""
        return json.dumps(item).encode("ascii")

    def insert(self, inserts: Sequence[bytes]) -> Sequence[Outcome]:
        """Answer as told."""
        items: list[Image] = [json.loads(insert) for insert in inserts]
        numbers = [_number(item) for item in items]
        self.before(numbers)
        self.requests.append(numbers)
        self.sizes.append(sum(map(len, inserts)))
        self.clock.now += self.seconds
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None and fault.committed:
            for item in items:
                self._put(item)
        if fault is not None:
            raise fault.error
        if self.outage is not None:
            raise self.outage
        for number in numbers:
            if number in self.poison:
                raise self.poison[number]
        keys = [_key(item) for item in items]
        if len(set(keys)) < len(keys):
            raise RequestRefusedError("ValidationException", for_good=True)
        return [self._answer(number, item) for number, item in zip(numbers, items, strict=True)]

    @property
    def stored_numbers(self) -> list[int]:
        """The sequence numbers of what is stored, in order."""
        return sorted(map(_number, self.stored.values()))

    def _answer(self, number: int, item: Image) -> Outcome:
        told = self.answers.get(number, [])
        if told:
            return told[0] if self.for_ever and len(told) == 1 else told.pop(0)
        return self._put(item)

    def _put(self, item: Image) -> Outcome:
        if _key(item) in self.stored:
            return Outcome(Verdict.DUPLICATE, "DuplicateItem")
        self.stored[_key(item)] = item
        return Outcome(Verdict.STORED)


@dataclass
class SlowlyMade(InMemoryAuditTable):
    """A table for whose statements each record takes so many seconds to make."""

    making: float = 3.4

    def encode(self, item: Image) -> bytes:
        """Let that time pass."""
        self.clock.now += self.making
        return super().encode(item)


def _number(item: Image) -> int:
    return int(item["sequence_number"]["S"])


def _key(item: Image) -> tuple[str, str]:
    return json.dumps(next(iter(item.values())), sort_keys=True), item["timestamp"]["S"]

"""A whole trail in memory, in which anything may go wrong: what the fuzzing of the delivery runs on.

Writers change items, the stream's shards split, our model of Lambda's event source mapping delivers to the handler's own
code, and the audit table, the bucket and the function fail as the faults tell. `settle` ends all faults, lets everything
be delivered, fixes what made the poison poisonous, and redrives; then every change must be there.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from audit_trail.batch import Quarantine, Time, store
from audit_trail.batch.redriving import redrive
from audit_trail.core.failures import understand
from audit_trail.core.history import Change, newest_first
from audit_trail.core.keys import KeySchema
from audit_trail.core.records import RecordSettings, audit_item, sequence_number
from audit_trail.core.spill import unpack
from audit_trail.ports import Outcome, RequestFailedError, RequestRefusedError, Verdict
from tests import builders
from tests.event_source_mapping import (
    EventSourceMapping,
    Faults,
    FunctionCrashed,
    InMemoryStream,
    InProcessFunction,
    MappingConfig,
    SimulatedClock,
)
from tests.unit.failed import TABLES, InMemoryFailureBucket
from tests.unit.fakes import numbered_record, order

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from audit_trail.core.records import StreamRecord
    from audit_trail.core.values import Image
    from audit_trail.ports import BatchResult
    from tests.event_source_mapping import LambdaContext

SETTINGS = RecordSettings(KeySchema("order_id"), actor_attribute="updated_by")
ITEMS = 12
HOUR = 3_600.0
MALFORMED = "malformed"
REFUSED, REFUSED_WITH_ITS_REQUEST, DEADLY = "refused", "refused with its request", "deadly"
"""What a record is for ever, or what becomes of it until its poison is fixed."""
POISONS = (MALFORMED, MALFORMED, REFUSED, REFUSED_WITH_ITS_REQUEST, DEADLY)


@dataclass
class Trouble:
    """How likely each fault is, from 0 to 1, in a request or for a statement."""

    throttled_statement: float = 0.0
    throttled_request: float = 0.0
    internal_error: float = 0.0
    dropped_after_commit: float = 0.0
    timed_out: float = 0.0
    crashed_before_request: float = 0.0
    crashed_after_request: float = 0.0
    bucket_error: float = 0.0
    table_gone: bool = False
    bucket_down: bool = False
    function: Faults = field(default_factory=Faults)


def heavy(rng: random.Random) -> Trouble:
    """Return a trouble in which each thing may happen, often or seldom."""

    def some() -> float:
        return rng.choice((0, 0, 0.02, 0.1, 0.4))

    return Trouble(
        throttled_statement=some(),
        throttled_request=some(),
        internal_error=some(),
        dropped_after_commit=some(),
        timed_out=some(),
        crashed_before_request=some(),
        crashed_after_request=some(),
        bucket_error=some(),
        function=Faults(throttled=some(), crashed_before=some(), crashed_after=some(), timed_out=some() / 4),
    )


class Bucket(InMemoryFailureBucket):
    """The trail's bucket: images and quarantine from the function, payloads from Lambda, all of it for redrive."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def put(self, key: str, body: bytes) -> None:
        """Store an object once."""
        trouble = self._world.trouble
        self.down = "SlowDown" if trouble.bucket_down or self._world.strikes(trouble.bucket_error) else ""
        super().put(key, body)
        if key.startswith("quarantine/"):
            self._world.arrived(understand(key, body).records)

    def deliver(self, key: str, body: str) -> None:
        """Take a payload from Lambda, which drops it where that fails."""
        if self._world.trouble.bucket_down:
            raise ConnectionError("the bucket is down")
        self.objects[key] = body.encode()
        self._world.arrived(understand(key, self.objects[key]).records)


class Table:
    """The audit table."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.stored: dict[tuple[str, str], Image] = {}

    def encode(self, item: Image) -> bytes:
        """Return the item as JSON."""
        return json.dumps(item).encode("ascii")

    def insert(self, inserts: Sequence[bytes]) -> Sequence[Outcome]:
        """Answer one request, or fail."""
        world, trouble = self._world, self._world.trouble
        world.clock.sleep(0.01)
        items: list[Image] = [json.loads(insert) for insert in inserts]
        numbers = [int(item["sequence_number"]["S"]) for item in items]
        poison = [world.poison.get(number) for number in numbers]
        if DEADLY in poison or world.strikes(trouble.crashed_before_request):
            raise FunctionCrashed("before the request")
        if trouble.table_gone:
            raise RequestFailedError("ResourceNotFoundException")
        if world.strikes(trouble.throttled_request):
            raise RequestFailedError("ThrottlingException")
        if world.strikes(trouble.internal_error):
            raise RequestFailedError("InternalServerError")
        if REFUSED_WITH_ITS_REQUEST in poison:
            raise RequestRefusedError("ValidationException", for_good=True)
        outcomes = [self._put(item, bad) for item, bad in zip(items, poison, strict=True)]
        if world.strikes(trouble.crashed_after_request):
            raise FunctionCrashed("after the request")
        if world.strikes(trouble.dropped_after_commit):
            raise RequestFailedError("ConnectionClosedError")
        if world.strikes(trouble.timed_out):
            world.clock.sleep(3)
            raise RequestFailedError("ReadTimeoutError")
        return outcomes

    def _put(self, item: Image, poison: str | None) -> Outcome:
        if self._world.strikes(self._world.trouble.throttled_statement):
            return Outcome(Verdict.RETRY, "ThrottlingError")
        if poison == REFUSED:
            return Outcome(Verdict.REFUSED, "ValidationError")
        key = item["order_id"]["N"], item["timestamp"]["S"]
        if key in self.stored:
            return Outcome(Verdict.DUPLICATE, "DuplicateItem")
        self.stored[key] = item
        self._world.pending.pop(int(item["sequence_number"]["S"]), None)
        return Outcome(Verdict.STORED)


class World:
    """Writers, a stream, the mapping, the handler's code, an audit table and a bucket."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.clock = SimulatedClock(builders.NOON)
        self.trouble = Trouble()
        self.table, self.bucket = Table(self), Bucket(self)
        self.written: dict[int, dict[str, Any]] = {}
        self.pending: dict[int, float] = {}
        """When those changes were made that are nowhere yet."""
        self.poison: dict[int, str] = {}
        self.malformed: dict[int, int] = {}
        """The malformed changes, and whose they are."""
        self._items: dict[int, Image] = {}
        self._stream = InMemoryStream(builders.ARN, forget_read=True)
        self._shards = ["shard-0"]
        self._stream.add_shard("shard-0")
        self._function = InProcessFunction(self._handle, self.clock, timeout=60, rng=rng)
        self.mapping = EventSourceMapping(
            self._function,
            self._stream,
            self.clock,
            MappingConfig(
                batch_size=rng.choice((1, 7, 100, 1_000)),
                parallelization_factor=rng.choice((1, 1, 3, 10)),
                maximum_record_age_in_seconds=21_600,
                report_batch_item_failures=True,
                bisect_batch_on_function_error=True,
            ),
            on_failure=self.bucket,
            rng=rng,
            duplicate_rate=0.05,
        )

    def strikes(self, probability: float) -> bool:
        """Tell whether something that likely happens now."""
        return probability > 0 and self.rng.random() < probability

    # What happens.

    def write(self, count: int, *, poisonous: float = 0.0) -> None:
        """Make that many changes, some of which can't be stored for now, or ever."""
        for _ in range(count):
            self.clock.sleep(self.rng.choice((0, 0.01, 1)))
            self._change(poisonous)

    def split_a_shard(self) -> None:
        """Split an open shard: its children share its items between them."""
        parent = self._shards.pop(self.rng.randrange(len(self._shards)))
        self._stream.close_shard(parent)
        for child in (f"{parent}0", f"{parent}1"):
            self._stream.add_shard(child, parent)
            self._shards.append(child)
        self._shards.sort()

    def deliver(self, invocations: int) -> None:
        """Let the mapping invoke the function so often, or until it's idle."""
        self._function.faults = self.trouble.function
        for _ in range(invocations):
            if self.trouble.bucket_down and self._oldest() < self.clock.time() - 5 * HOUR:
                self.trouble.bucket_down = False  # an outage that outlasts the record age loses what Lambda gives up
            if self.mapping.step() is None:
                return

    def wait(self, hours: float) -> None:
        """Let time pass, but not so much that the stream forgets what was never tried."""
        if self._oldest() > self.clock.time() - 12 * HOUR and not self.trouble.bucket_down:
            self.clock.sleep(hours * HOUR)

    # What must be true in the end.

    def settle(self) -> None:
        """End all trouble and check: nothing lost, nothing twice, all of it in order, and only poison in quarantine."""
        self.trouble = Trouble()
        self._function.faults = Faults()
        self.mapping.run_until_idle()
        self._everything_is_somewhere()
        self.poison = {}
        self._redrive()
        self._everything_is_stored()
        before = dict(self.table.stored), dict(self.bucket.objects)
        self._redrive()
        assert (self.table.stored, self.bucket.objects) == before

    def _everything_is_somewhere(self) -> None:
        assert not self.mapping.metrics["expired"]
        stored, quarantined, given_up = self._stored(), self._waiting("quarantine/"), self._waiting("aws/lambda/")
        assert stored | quarantined | given_up == set(self.written)
        assert quarantined <= self._poisonous()
        assert not stored & self._poisonous()

    def _poisonous(self) -> set[int]:
        return {*self.malformed, *self.poison}

    def _everything_is_stored(self) -> None:
        good = {number: record for number, record in self.written.items() if number not in self.malformed}
        expected = [audit_item(record, SETTINGS) for record in good.values()]
        stored = [unpack(item, self._fetch) for item in self.table.stored.values()]
        assert sorted(map(_text, stored)) == sorted(map(_text, expected))
        assert self._waiting("quarantine/") <= set(self.malformed)
        # A payload of which one record stays malformed waits as a whole.
        assert all(
            self._numbers(key) & set(self.malformed) for key in self.bucket.objects if key.startswith("aws/lambda/")
        )
        for key in range(ITEMS):
            self._history_is_whole(key)

    def _history_is_whole(self, key: int) -> None:
        items = [item for (number, _), item in self.table.stored.items() if number == str(key)]
        items.sort(key=lambda item: item["timestamp"]["S"], reverse=True)
        history = list(newest_first(map(Change.from_item, items)))[::-1]
        numbers = [change.sequence_number for change in history]
        assert numbers == sorted(numbers)
        lost = {number for number, item in self.malformed.items() if item == key}
        for before, after in itertools.pairwise(history):
            if not any(before.sequence_number < number < after.sequence_number for number in lost):
                assert before.item.get("new_image_sha256") == after.item.get("old_image_sha256")

    def arrived(self, records: list[Any]) -> None:
        """Note that these records are in the bucket."""
        for record in records:
            self.pending.pop(int(sequence_number(record) or -1), None)

    def _oldest(self) -> float:
        return next(iter(self.pending.values()), self.clock.time())

    def _change(self, poisonous: float) -> None:
        number = len(self.written) + 1
        key = self.rng.randrange(ITEMS)
        old = self._items.get(key)
        new = None if old is not None and self.rng.random() < 0.15 else self._image(key)
        if new is None:
            del self._items[key]
        else:
            self._items[key] = new
        at = int(self.clock.time())
        record = numbered_record(number, old=old, new=new, keys={"order_id": {"N": str(key)}}, at=at)
        if self.strikes(poisonous):
            kind = self.rng.choice(POISONS)
            if kind == MALFORMED:
                self.malformed[number] = key
                record = self._spoiled(record)
            else:
                self.poison[number] = kind
        self.written[number] = record
        self.pending[number] = at
        self._stream.append(self._shards[key % len(self._shards)], record)

    def _image(self, key: int) -> Image:
        rng = self.rng
        image = order(key, status=rng.choice("abc"), updated_by=rng.choice(("mia", "noah")), n={"N": str(rng.random())})
        return image | ({"blob": {"S": "x" * 300_000}} if rng.random() < 0.002 else {})

    def _spoiled(self, record: dict[str, Any]) -> dict[str, Any]:
        change = record["dynamodb"]
        return self.rng.choice(
            (
                record | {"eventName": "TRUNCATE"},
                record | {"dynamodb": {name: value for name, value in change.items() if name != "Keys"}},
                record | {"dynamodb": change | {"NewImage": {"x": {"T": "no such type"}}}},
            )
        )

    def _handle(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        records = event["Records"]
        return self._store(records, lambda: context.get_remaining_time_in_millis() / 1000).response(records)

    def _store(self, records: Sequence[StreamRecord], remaining: Callable[[], float]) -> BatchResult:
        return store(
            records,
            table=self.table,
            images=self.bucket,
            settings=SETTINGS,
            time=Time(remaining=remaining, sleep=self.clock.sleep, jitter=self.rng),
            quarantine=Quarantine(self.bucket, "1"),
        )

    def _fetch(self, uri: str) -> bytes:
        return self.bucket.objects[uri.removeprefix(f"s3://{self.bucket.bucket}/")]

    def _stored(self) -> set[int]:
        return {int(item["sequence_number"]["S"]) for item in self.table.stored.values()}

    def _redrive(self) -> None:
        keys = self.bucket.keys("quarantine/") + self.bucket.keys("aws/lambda/")
        for _ in redrive(
            keys,
            failures=self.bucket,
            table=self.table,
            images=self.bucket,
            archive=self.bucket,
            tables=TABLES,
            settings=SETTINGS,
            time=self._time,
            now=self.clock.time,
        ):
            pass

    def _time(self, seconds: float) -> Time:
        end = self.clock.time() + seconds
        return Time(remaining=lambda: end - self.clock.time(), sleep=self.clock.sleep, jitter=self.rng)

    def _waiting(self, prefix: str) -> set[int]:
        return set().union(*(self._numbers(key) for key in self.bucket.keys(prefix)))

    def _numbers(self, key: str) -> set[int]:
        return {int(sequence_number(record) or -1) for record in understand(key, self.bucket.objects[key]).records}


def _text(item: Image) -> str:
    return json.dumps(item, sort_keys=True)

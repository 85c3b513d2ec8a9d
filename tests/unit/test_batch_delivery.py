"""No change is lost (promise 1): the handler's batches under Lambda's event source mapping, with everything going wrong."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.core.keys import KeySchema
from audit_trail.core.records import RecordSettings
from audit_trail.ports import Outcome, RequestFailedError, Verdict
from tests.builders import ARN, NOON
from tests.event_source_mapping import (
    EventSourceMapping,
    Faults,
    FunctionCrashed,
    InMemoryDestination,
    InMemoryStream,
    InProcessFunction,
    MappingConfig,
)
from tests.unit.failed import InMemoryFailureBucket, put_back, records_in
from tests.unit.fakes import SETTINGS, FakeClock, Fault, InMemoryAuditTable, handler_of, numbered_record, order

if TYPE_CHECKING:
    from collections.abc import Iterable

SHARD = "shardId-00000001"
HOUR = 3_600
AS_DEPLOYED = {
    "report_batch_item_failures": True,
    "bisect_batch_on_function_error": True,
    "maximum_record_age_in_seconds": 6 * HOUR,
}
OUTAGE = RequestFailedError("InternalServerError")


@dataclass
class Scene:
    """A stream of one shard, the handler's code, and an audit table, all in memory."""

    settings: RecordSettings = SETTINGS
    clock: FakeClock = field(default_factory=lambda: FakeClock(now=NOON))
    destination: InMemoryDestination = field(default_factory=InMemoryDestination)
    failures: InMemoryFailureBucket = field(default_factory=InMemoryFailureBucket)

    def __post_init__(self) -> None:
        """Open the shard."""
        self.table = InMemoryAuditTable(clock=self.clock)
        self.stream = InMemoryStream(ARN)
        self.stream.add_shard(SHARD)

    def write(self, *records: dict[str, Any]) -> None:
        """Write records to the stream, now."""
        for record in records:
            record["dynamodb"]["ApproximateCreationDateTime"] = int(self.clock.now)
            self.stream.append(SHARD, record)

    def mapping(
        self, *, faults: Faults | None = None, seed: int = 0, duplicates: float = 0, **config: Any
    ) -> EventSourceMapping:
        """Return a mapping to the handler, set as Terraform sets it."""
        rng = random.Random(seed)
        handler = handler_of(self.table, self.settings, failures=self.failures)
        return EventSourceMapping(
            InProcessFunction(handler, self.clock, faults=faults or Faults(), rng=rng),
            self.stream,
            self.clock,
            MappingConfig(**{**AS_DEPLOYED, **config}),
            on_failure=self.destination,
            rng=rng,
            duplicate_rate=duplicates,
        )

    def given_up(self) -> list[int]:
        """Return the sequence numbers of what lies in the destination, payload and all."""
        payloads = [json.loads(json.loads(body)["payload"]) for body in self.destination.objects.values()]
        return sorted(
            int(record["dynamodb"]["SequenceNumber"]) for payload in payloads for record in payload["Records"]
        )


def changes(numbers: Iterable[int]) -> list[dict[str, Any]]:
    """Return changes of a few orders."""
    return [numbered_record(number, old=order(number % 7), new=order(number % 7, at=str(number))) for number in numbers]


@pytest.mark.parametrize("seed", range(20))
def test_each_change_is_stored_once_whatever_goes_wrong(seed: int) -> None:
    """Throttling, lost answers, crashes before, amid and after the work, time-outs and duplicates lose and double nothing."""
    rng = random.Random(seed)
    scene = Scene()
    scene.write(*changes(range(200)))
    happens: list[Fault | None] = [None, None, None, Fault(OUTAGE), Fault(OUTAGE, committed=True)]

    def chaos(numbers: list[int]) -> None:
        scene.table.faults = [rng.choice(happens)]
        throttled = [number for number in numbers if rng.random() < 0.2]
        scene.table.answers = {number: [Outcome(Verdict.RETRY, "ThrottlingError")] for number in throttled}
        if rng.random() < 0.1:
            raise FunctionCrashed("amid the work")

    scene.table.before = chaos
    mapping = scene.mapping(
        seed=seed,
        faults=Faults(throttled=0.1, crashed_before=0.1, crashed_after=0.1, timed_out=0.1),
        duplicates=0.2,
        batch_size=rng.choice([10, 50, 200]),
        parallelization_factor=rng.choice([1, 3, 10]),
    )

    mapping.run_until_idle()

    assert scene.table.stored_numbers == list(range(200))
    assert scene.given_up() == []


def test_an_outage_of_hours_loses_nothing() -> None:
    """While DynamoDB is down for five hours, the mapping retries; afterwards everything is stored."""
    scene = Scene()
    scene.write(*changes(range(150)))

    def ends(_: list[int]) -> None:
        scene.table.outage = OUTAGE if scene.clock.now < NOON + 5 * HOUR else None

    scene.table.before = ends
    scene.mapping().run_until_idle()

    assert scene.table.stored_numbers == list(range(150))
    assert scene.given_up() == []


def test_an_outage_beyond_the_record_age_leaves_everything_in_the_destination() -> None:
    """What could not be stored within the record age lies whole in the destination: nothing is dropped."""
    scene = Scene()
    scene.table.outage = OUTAGE
    scene.write(*changes(range(150)))

    scene.mapping().run_until_idle()

    assert scene.table.stored_numbers == []
    assert scene.given_up() == list(range(150))


def malformed(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record with a value that no one can store."""
    record["dynamodb"]["NewImage"]["status"] = {"UUID": "1"}
    return record


@pytest.mark.parametrize("place", [0, 13, 99])
@pytest.mark.parametrize("batch_size", [1, 9, 40, 100])
def test_a_poison_record_blocks_nothing(place: int, batch_size: int) -> None:
    """A record that can never be stored is quarantined at its first delivery, and everything else is stored at its first."""
    scene = Scene()
    records = changes(range(100))
    records[place] = malformed(records[place])
    scene.write(*records)
    mapping = scene.mapping(batch_size=batch_size)

    mapping.run_until_idle()

    assert scene.table.stored_numbers == [number for number in range(100) if number != place]
    assert records_in(scene.failures, "quarantine/") == [records[place]]
    assert scene.given_up() == []
    assert {entry.outcome for entry in mapping.invocations} == {"succeeded"}


def test_a_poison_record_waits_while_the_bucket_is_down() -> None:
    """While a poison record can't be quarantined it is delivered again, never dropped, and its neighbours are stored."""
    scene = Scene()
    scene.write(*changes(range(20)), malformed(changes([20])[0]), *changes(range(21, 40)))

    def ends(_: str) -> None:
        scene.failures.down = "AccessDenied" if scene.clock.now < NOON + 2 * HOUR else ""

    scene.failures.before = ends
    mapping = scene.mapping()
    mapping.run_until_idle()

    assert scene.table.stored_numbers == [number for number in range(40) if number != 20]
    assert len(scene.failures.keys("quarantine/")) == 1
    assert scene.given_up() == []
    assert scene.clock.now > NOON + 2 * HOUR
    assert mapping.invocations[0].done == 20


def test_a_record_that_kills_the_function_blocks_its_shard_no_longer_than_the_record_age() -> None:
    """A record that crashes every invocation is given up at its age; what was written later is stored, nothing is lost."""
    scene = Scene()

    def kill(numbers: list[int]) -> None:
        if 50 in numbers:
            raise FunctionCrashed("out of memory")

    scene.table.before = kill
    scene.write(*changes(range(100)))
    scene.clock.sleep(600)
    scene.write(*changes(range(100, 200)))

    scene.mapping().run_until_idle()

    assert 50 in scene.given_up()
    assert set(scene.table.stored_numbers) | set(scene.given_up()) == set(range(200))
    assert set(scene.table.stored_numbers) >= set(range(50)) | set(range(100, 200))


def test_a_wrong_setting_loses_nothing() -> None:
    """With another table's key in the settings nothing is stored or lost, and a redrive with the right one stores all."""
    scene = Scene(settings=RecordSettings(KeySchema("customer_id")))
    scene.write(*changes(range(60)))
    mapping = scene.mapping()

    assert mapping.step() is not None
    assert scene.failures.keys() == []
    mapping.run_until_idle()

    assert scene.table.requests == []
    quarantined = {int(record["dynamodb"]["SequenceNumber"]) for record in records_in(scene.failures, "quarantine/")}
    assert quarantined | set(scene.given_up()) == set(range(60))
    scene.failures.objects |= {key: body.encode() for key, body in scene.destination.objects.items()}
    put_back(scene.failures, scene.table)
    assert scene.table.stored_numbers == list(range(60))


@pytest.mark.parametrize("what", ["record", "name of the identifier"])
def test_the_model_would_notice_a_loss(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model takes a success for a success: an answer that hides a failure loses the record, so these tests can fail."""
    scene = Scene()
    scene.failures.down = "AccessDenied"
    records = changes(range(10))
    records[5] = malformed(records[5])
    scene.write(*records)
    mapping = scene.mapping()
    answers = {"record": {"batchItemFailures": []}, "name of the identifier": {"batchItemFailure": [{"id": "5"}]}}
    honest = handler_of(scene.table, scene.settings, failures=scene.failures)

    def hiding(event: dict[str, Any], context: Any) -> Any:
        honest(event, context)
        return answers[what]

    monkeypatch.setattr(mapping.function, "handler", hiding)
    mapping.run_until_idle()

    assert scene.table.stored_numbers == [0, 1, 2, 3, 4, 6, 7, 8, 9]
    assert scene.given_up() == []

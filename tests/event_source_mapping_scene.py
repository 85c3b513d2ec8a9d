"""A stream in memory, a function that remembers what it was given, and the mapping between them: for the model's tests."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.event_source_mapping import (
    EventRecord,
    EventSourceMapping,
    Faults,
    InMemoryDestination,
    InMemoryStream,
    InProcessFunction,
    MappingConfig,
    SimulatedClock,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

START = 1_800_000_000.0
SHARD = "shardId-00000001"
STREAM_ARN = "arn:aws:dynamodb:eu-central-1:111122223333:table/orders/stream/2027-01-15T08:00:00.000"
HOUR = 3600.0


def change(number: int, *, item: str = "1", at: float = START, note: str = "", name: str = "MODIFY") -> EventRecord:
    """Return a record of an item's change, as Lambda would pass it on."""
    return {
        "eventID": f"event-{number}",
        "eventName": name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-central-1",
        "dynamodb": {
            "ApproximateCreationDateTime": at,
            "Keys": {"order_id": {"N": item}},
            "NewImage": {"order_id": {"N": item}, "note": {"S": note}},
            "SequenceNumber": str(number),
            "SizeBytes": 30 + len(note),
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": STREAM_ARN,
    }


def succeed(_: list[int]) -> None:
    """Answer nothing, which is success."""


def poison(*bad: int) -> Callable[[list[int]], None]:
    """Return a function that raises as long as one of these is in its batch."""

    def answer(numbers: list[int]) -> None:
        if set(bad) & set(numbers):
            raise RuntimeError

    return answer


def failures(*numbers: int) -> dict[str, Any]:
    """Return a partial batch response."""
    return {"batchItemFailures": [{"itemIdentifier": str(number)} for number in numbers]}


@dataclass
class Scene:
    """One shard to begin with. `delivered` holds the sequence numbers of each invocation, in order."""

    clock: SimulatedClock = field(default_factory=lambda: SimulatedClock(START))
    stream: InMemoryStream = field(default_factory=lambda: InMemoryStream(STREAM_ARN))
    destination: InMemoryDestination = field(default_factory=InMemoryDestination)
    delivered: list[list[int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Open the shard."""
        self.stream.add_shard(SHARD)

    def write(self, numbers: Iterable[int], *, item: str = "1", shard: str = SHARD, note: str = "") -> None:
        """Write changes of one item, now."""
        for number in numbers:
            self.stream.append(shard, change(number, item=item, at=self.clock.time(), note=note))

    def mapping(
        self, answer: Callable[[list[int]], Any] = succeed, *, faults: Faults | None = None, **config: Any
    ) -> EventSourceMapping:
        """Return a mapping to a function that answers by the sequence numbers it got."""

        def handler(event: dict[str, Any], _: object) -> Any:
            numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in event["Records"]]
            self.delivered.append(numbers)
            return answer(numbers)

        function = InProcessFunction(handler, self.clock, faults=faults or Faults())
        return EventSourceMapping(
            function, self.stream, self.clock, MappingConfig(**config), on_failure=self.destination
        )

    def discarded(self) -> list[dict[str, Any]]:
        """Return what lies in the destination."""
        return [json.loads(body) for body in self.destination.objects.values()]

    def discarded_numbers(self) -> list[list[int]]:
        """Return the sequence numbers of what lies in the destination, an object each."""
        payloads = [json.loads(record["payload"]) for record in self.discarded()]
        return [[int(record["dynamodb"]["SequenceNumber"]) for record in payload["Records"]] for payload in payloads]

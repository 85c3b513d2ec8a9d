"""The two ends of the end-to-end run, each in a process of its own: a client that writes, a stream that is delivered."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from tests.bench.corpus import changed, item
from tests.bench.handlers import HANDLERS
from tests.event_source_mapping import DynamoDBStream, EventSourceMapping, InProcessFunction, MappingConfig, SystemClock

if TYPE_CHECKING:
    from tests.bench.handlers import Handler

ITEMS = 100
_A_REQUEST = 25
_DELETED = 0.03  # of the changes
_GIVE_UP = 180.0  # seconds
_AS_DEPLOYED = {"batch_size": 100, "report_batch_item_failures": True, "bisect_batch_on_function_error": True}


def write(endpoint: str, table: str, changes: int) -> dict[str, Any]:
    """Make so many changes to ITEMS small items, 25 a request, as fast as they are taken.

    Returns every item's images in the order in which they were written, None for a deletion, and the time.
    """
    client = boto3.client("dynamodb", endpoint_url=endpoint, config=Config(parameter_validation=False))
    rng = random.Random("table-trail end to end")
    written: list[list[dict[str, Any] | None]] = [[] for _ in range(ITEMS)]
    started = time.time()
    for first in range(0, changes, _A_REQUEST):
        requests: list[Any] = []
        for number in rng.sample(range(ITEMS), min(_A_REQUEST, changes - first)):
            image = _next(rng, number, written[number][-1] if written[number] else None)
            written[number].append(image)
            requests.append(
                {"PutRequest": {"Item": image}}
                if image
                else {"DeleteRequest": {"Key": {"order_id": {"N": str(number)}}}}
            )
        while requests:
            requests = [*client.batch_write_item(RequestItems={table: requests})["UnprocessedItems"].get(table, [])]
    return {"written": written, "started": started, "ended": time.time()}


def _next(rng: random.Random, number: int, image: dict[str, Any] | None) -> dict[str, Any] | None:
    if image is None:
        return item(rng, "small", number)
    return None if rng.random() < _DELETED else changed(rng, image)


@dataclass
class _Stopwatch:
    """A handler, and the time and CPU that it took in all."""

    handle: Handler
    seconds: float = 0.0
    cpu: float = 0.0

    def __call__(self, event: dict[str, Any], context: Any) -> Any:
        started, cpu = time.perf_counter(), time.process_time()
        try:
            return self.handle(event, context)
        finally:
            self.seconds += time.perf_counter() - started
            self.cpu += time.process_time() - cpu


def deliver(which: str, endpoint: str, stream_arn: str, changes: int) -> dict[str, Any]:
    """Deliver the first so many stream records to a handler by our event source mapping, waiting for those to come.

    Returns how many the mapping has done with, and what the handler's invocations took.
    """
    clock = SystemClock()
    watch = _Stopwatch(HANDLERS[which]())
    stream = DynamoDBStream(boto3.client("dynamodbstreams", endpoint_url=endpoint), stream_arn)
    mapping = EventSourceMapping(InProcessFunction(watch, clock), stream, clock, MappingConfig(**_AS_DEPLOYED))  # type: ignore[arg-type]
    done = 0
    deadline = time.monotonic() + _GIVE_UP
    while done < changes and time.monotonic() < deadline:
        invocation = mapping.step()
        if invocation is None:
            time.sleep(0.01)
            continue
        if invocation.error is not None:
            raise invocation.error
        done += invocation.done
    return {
        "done": done,
        "ended": time.time(),
        "seconds": watch.seconds,
        "cpu": watch.cpu,
        "invocations": len(mapping.invocations),
    }

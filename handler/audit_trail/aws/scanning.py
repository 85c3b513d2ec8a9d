"""Reads whole tables in parallel segments, at a rate that is paid for: Scan.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html#Scan.ParallelScan
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import TYPE_CHECKING, Any, NamedTuple

from audit_trail.aws.reading import to_client
from audit_trail.core.values import Image

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

SEGMENTS = 4
_OK = 200
_BODY = "Body"


class Meter:
    """Keeps to so many read units a second, on average, whoever reads; None is as fast as it goes."""

    def __init__(
        self,
        units_a_second: float | None,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = units_a_second
        self._now = now
        self._sleep = sleep
        self._lock = threading.Lock()
        self._paid_until = now()

    def wait(self) -> None:
        """Wait until what was spent is paid for."""
        with self._lock:
            seconds = self._paid_until - self._now()
        if seconds > 0:
            self._sleep(seconds)

    def spend(self, answer: Mapping[str, Any]) -> None:
        """Note what a request took, as its answer tells."""
        if self._rate is not None:
            units = answer.get("ConsumedCapacity", {}).get("CapacityUnits", 0.0)
            with self._lock:
                self._paid_until = max(self._paid_until, self._now()) + units / self._rate

    def call(self, method: Callable[..., Any], **request: Any) -> Any:
        """Make a request that reads, in its turn."""
        self.wait()
        answer = method(**request, ReturnConsumedCapacity="TOTAL")
        self.spend(answer)
        return answer


class Page(NamedTuple):
    """One page of a segment."""

    segment: int
    items: list[Image]
    start: Image | None
    """Where the next one begins; None after the last."""


def give_bodies(client: "DynamoDBClient") -> None:
    """Have a client's Scan answer with its body as it came: DynamoDB JSON, which botocore would take very long to read."""

    def keep(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
        if response_dict["status_code"] == _OK:
            customized_response_dict[_BODY] = response_dict["body"]
            response_dict["body"] = b"{}"

    client.meta.events.register("before-parse.dynamodb.Scan", keep)


class Scans:
    """Scans tables through a client that gives bodies."""

    def __init__(self, client: "DynamoDBClient", pool: Executor, meter: Meter) -> None:
        self._client = client
        self._pool = pool
        self._meter = meter

    def pages(self, starts: Mapping[int, Image | None], **request: Any) -> Iterator[Page]:
        """Yield the pages of segments, each from where it is to start, as they come; one of each is read ahead."""
        running = {self._begin(segment, start, request): segment for segment, start in starts.items()}
        while running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                segment = running.pop(future)
                page = future.result()
                start = page.get("LastEvaluatedKey")
                if start is not None:
                    running[self._begin(segment, start, request)] = segment
                yield Page(segment, page["Items"], start)

    def _begin(self, segment: int, start: Image | None, request: dict[str, Any]) -> "Future[dict[str, Any]]":
        if start is not None:
            request = request | {"ExclusiveStartKey": {name: to_client(value) for name, value in start.items()}}
        return self._pool.submit(self._scan, Segment=segment, TotalSegments=SEGMENTS, **request)

    def _scan(self, **request: Any) -> dict[str, Any]:
        self._meter.wait()
        answer: Any = self._client.scan(**request, ReturnConsumedCapacity="TOTAL")
        page: dict[str, Any] = json.loads(answer[_BODY])
        self._meter.spend(page)
        return page

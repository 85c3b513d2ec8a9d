"""How long `trail` takes, and what it asks for, where a trail has many changes: 100,000 of 1,000 orders in 30 days.

That many in a nightly run, a tenth of it in any other.

A command's seconds are the CPU time of this process plus the time that it waits for answers: what it takes on a machine
that does nothing else. Other processes take turns on the CPU, and the wall clock would count those. They can still make
the engine slow to answer, so the best of up to ten runs counts; code that is too slow has no run that is fast enough.
"""

from __future__ import annotations

import io
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config

from audit_trail.aws import reading
from audit_trail.cli import clock
from audit_trail.cli.context import Connection
from audit_trail.cli.main import app
from audit_trail.core.keys import KeySchema
from audit_trail.core.records import RecordSettings, audit_item
from tests import engines
from tests.tables import INDEXES, create_table, put_all
from tests.unit.fakes import numbered_record, order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from types_boto3_dynamodb import DynamoDBClient

    from audit_trail.core.values import Image

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
CHANGES = 100_000 if NIGHTLY else 10_000
ORDERS, DAYS, SHARDS = 1_000, 30, 4
OFTEN = 1
"""The order that changes most: a thousand times."""
OFTEN_CHANGES = 1_000
NOW = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
SETTINGS = RecordSettings(
    KeySchema("order_id"), actor_attribute="updated_by", time_index_shards=SHARDS, actor_index_shards=SHARDS
)
RUNS = 10


def records() -> Iterator[Image]:
    """Yield the audit records, the oldest first; the newest is of the last second before NOW."""
    versions = [0] * (ORDERS + 1)
    for number in range(1, CHANGES + 1):
        of_often = number % (CHANGES // OFTEN_CHANGES) == 0
        one = OFTEN if of_often else 2 + number % (ORDERS - 1)
        versions[one] += 1
        old, new = (version(one, versions[one] - back) for back in (1, 0))
        yield audit_item(numbered_record(number, old=old, new=new, at=time_of(number)), SETTINGS)


def time_of(number: int) -> int:
    """Return when a change was made, in epoch seconds."""
    return int(NOW.timestamp()) - (CHANGES - number) * DAYS * 86_400 // CHANGES - 1


def changes_since(moment: datetime) -> list[int]:
    """Return the sequence numbers of the changes from a moment until NOW, the newest first."""
    return [number for number in range(CHANGES, 0, -1) if time_of(number) >= moment.timestamp()]


def version(one: int, number: int) -> Image | None:
    """Return how an order stood after so many changes."""
    if number == 0:
        return None
    lines = [
        {"M": {"sku": {"S": f"sku-{line}"}, "quantity": {"N": str(number + line)}, "price": {"N": "24.90"}}}
        for line in range(2)
    ]
    status = ("created", "paid", "packed", "shipped")[number % 4]
    return order(one, status=status, lines={"L": lines}, updated_by=f"clerk-{(one + number) % 20}")


@dataclass
class Asked:
    """What DynamoDB was asked for, and how many records it read for that."""

    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    read: int = 0
    connected: float = 0.0
    """When the client was made, by `seconds`."""
    waited: float = 0.0
    """Seconds for which answers were waited for."""

    def seconds(self) -> float:
        """Tell the time."""
        return time.process_time() + self.waited

    def watch(self, client: DynamoDBClient) -> DynamoDBClient:
        """Note what a client asks for from now on."""
        client.meta.events.register("provide-client-params.dynamodb.*", self._note_request)
        client.meta.events.register("after-call.dynamodb.Query", self._note_answer)
        session = client._endpoint.http_session  # type: ignore[attr-defined]  # botocore's own
        send = session.send

        def timed(request: Any) -> Any:
            start = time.perf_counter()
            try:
                return send(request)
            finally:
                self.waited += time.perf_counter() - start

        session.send = timed
        self.connected = self.seconds()
        return client

    def _note_request(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.requests.append((model.name, params))

    def _note_answer(self, parsed: dict[str, Any], **_: Any) -> None:
        self.read += parsed["ScannedCount"]

    def buckets(self) -> list[str]:
        """Return which partitions of an index were queried, once for each request."""
        return sorted(
            parameters["ExpressionAttributeValues"][":bucket"]["S"]
            for name, parameters in self.requests
            if name == "Query"
        )

    def of(self, name: str) -> list[dict[str, Any]]:
        """Return the requests of one operation."""
        return [parameters for one, parameters in self.requests if one == name]


@pytest.fixture(scope="module")
def asked(dynamodb_endpoint: str, dynamodb: DynamoDBClient) -> Iterator[Asked]:
    """Let the audit table have its many changes, and `trail` find it; give what it asks for, since it was last cleared.

    DynamoDB Local has no tags: those that the audit table would have are put in place of the call that reads them.
    """
    source, audit = f"speed-{os.getpid()}-source", f"speed-{os.getpid()}-audit"
    create_table(dynamodb, source, {"order_id": "N"})
    create_table(dynamodb, audit, {"order_id": "N", "timestamp": "S"}, INDEXES)
    made = list(records())
    loader = engines.session(dynamodb_endpoint).client("dynamodb", config=Config(parameter_validation=False))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda first: put_all(loader, audit, made[first : first + 250]), range(0, CHANGES, 250)))
    loader.close()
    tags = {"source-table": source, "actor-attribute": "updated_by"}
    tags |= {"time-index-shards": str(SHARDS), "actor-index-shards": str(SHARDS)}
    seen = Asked()
    connect = Connection.dynamodb

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_tags", lambda _client, _arn: tags)
        patch.setattr(Connection, "dynamodb", lambda *arguments: seen.watch(connect(*arguments)))
        patch.setattr(clock, "now", lambda: NOW)
        for name, value in {
            "TRAIL_AUDIT_TABLE": audit,
            "AWS_ENDPOINT_URL": dynamodb_endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }.items():
            patch.setenv(name, value)
        yield seen
    for name in (source, audit):
        dynamodb.delete_table(TableName=name)


class Output(io.StringIO):
    """Remembers when each line came."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self._now = now
        self.times: list[float] = []

    def write(self, text: str) -> int:
        """Take text."""
        self.times += [self._now()] * text.count("\n")
        return super().write(text)


@dataclass
class Run:
    """What a command printed, and after how many seconds each line came."""

    lines: list[str]
    since_start: list[float]
    """Since the command began: it makes its client anew, and finds the trail."""
    since_connected: list[float]
    """Since it had its client: start-up is over, and the trail is still to be found."""


def run(asked: Asked, *words: str) -> Run:
    """Run a command, and count anew what it asks for."""
    asked.requests.clear()
    asked.read = 0
    output = Output(asked.seconds)
    start = asked.seconds()
    with redirect_stdout(output), redirect_stderr(io.StringIO()):
        app(list(words), standalone_mode=False)
    return Run(
        output.getvalue().splitlines(),
        [at - start for at in output.times],
        [at - asked.connected for at in output.times],
    )


def best(asked: Asked, seconds: Callable[[Run], float], enough: float, *words: str) -> float:
    """Return the least of what up to ten runs of a command take; no more are made when one is fast enough."""
    least = float("inf")
    for _ in range(RUNS):
        made = run(asked, *words)
        assert len(made.lines) >= OFTEN_CHANGES
        least = min(least, seconds(made))
        if least < enough:
            break
    return least


@pytest.mark.parametrize("words", [["--utc"], ["--json"]], ids=["lines", "json"])
def test_a_long_history_begins_at_once(asked: Asked, words: list[str]) -> None:
    """The first of an item's 1,000 changes is shown within 300 ms after start-up, finding the trail included."""
    assert best(asked, lambda made: made.since_connected[1], 0.3, "history", str(OFTEN), *words) < 0.3


@pytest.mark.parametrize("words", [["--utc"], ["--json"]], ids=["lines", "json"])
def test_a_long_history_is_shown_in_two_seconds(asked: Asked, words: list[str]) -> None:
    """All of an item's 1,000 changes are shown within 2 seconds from the command's beginning."""
    assert best(asked, lambda made: made.since_start[-1], 2, "history", str(OFTEN), *words) < 2


@pytest.mark.parametrize(
    ("now", "words", "buckets"),
    [
        (NOW, [], ["2026-11-24"]),
        (NOW.replace(hour=0, minute=30), [], ["2026-11-23", "2026-11-24"]),
        (NOW, ["--actor", "clerk-1"], ["clerk-1"]),
    ],
    ids=["one day", "over midnight", "one actor"],
)
def test_a_search_of_an_hour_reads_no_more_than_that_hour(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, now: datetime, words: list[str], buckets: list[str]
) -> None:
    """A search of the last hour sends one Query to each bucket that it must, and each reads that hour and no more."""
    monkeypatch.setattr(clock, "now", lambda: now)
    hour = [number for number in changes_since(now - timedelta(hours=1)) if time_of(number) < now.timestamp()]

    made = run(asked, "search", "--since", "1h", "--until", "now", "--json", *words)

    found = [int(json.loads(line)["timestamp"].partition("#")[2]) for line in made.lines]
    assert asked.buckets() == [f"{bucket}#{shard:02d}" for bucket in buckets for shard in range(SHARDS)]
    assert asked.read == len(found)
    assert (found == hour) if not words else (0 < len(found) < len(hour))
    assert {name for name, _ in asked.requests} == {"DescribeTable", "Query", "BatchGetItem"}
    # Whole records come 25 at a time, fewer while nothing else is on its way.
    assert len(asked.of("BatchGetItem")) <= len(found) // 25 + 4

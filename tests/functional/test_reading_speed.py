"""How long `trail` takes, and what it asks for, where a trail has many changes: 100,000 of 1,000 orders in 30 days.

That many in a nightly run, a tenth of it in any other.

Times are of the wall clock, and the best of up to ten runs counts, so that a test ends with the first run that is fast
enough. Whatever else the machine does makes a run slower and never faster: a slow machine has to spoil ten runs in a
row to make a test fail that should pass, and code that is too slow has no run that is fast enough.
"""

from __future__ import annotations

import io
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.aws import reading
from audit_trail.cli import clock
from audit_trail.cli.context import Connection
from audit_trail.cli.main import app
from audit_trail.core.keys import KeySchema
from audit_trail.core.records import RecordSettings, audit_item
from tests.tables import INDEXES, create_table, put_all
from tests.unit.fakes import numbered_record, order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from types_boto3_dynamodb import DynamoDBClient

    from audit_trail.core.values import Image

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
CHANGES = 100_000 if NIGHTLY else 10_000
ORDERS, DAYS, SHARDS = 1_000, 30, 4
OFTEN = 1
"""The order that changes most: a thousand times."""
OFTEN_CHANGES = 1_000
NOW = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
SPACING = DAYS * 86_400 / CHANGES
"""Seconds between two changes."""
HOUR_CHANGES = int(3_600 / SPACING)
SETTINGS = RecordSettings(
    KeySchema("order_id"), actor_attribute="updated_by", time_index_shards=SHARDS, actor_index_shards=SHARDS
)
RUNS = 10


def records() -> Iterator[Image]:
    """Yield the audit records, the oldest first; the newest is of the last second before NOW."""
    versions = [0] * (ORDERS + 1)
    start = NOW.timestamp() - DAYS * 86_400
    for number in range(1, CHANGES + 1):
        of_often = number % (CHANGES // OFTEN_CHANGES) == 0
        one = OFTEN if of_often else 2 + number % (ORDERS - 1)
        versions[one] += 1
        old, new = (version(one, versions[one] - back) for back in (1, 0))
        at = int(start + number * SPACING) - 1
        yield audit_item(numbered_record(number, old=old, new=new, at=at), SETTINGS)


def version(one: int, number: int) -> Image | None:
    """Return how an order stood after so many changes."""
    if number == 0:
        return None
    lines = [
        {"M": {"sku": {"S": f"sku-{line}"}, "quantity": {"N": str(number + line)}, "price": {"N": "24.90"}}}
        for line in range(2)
    ]
    status = ("created", "paid", "packed", "shipped")[number % 4]
    return order(one, status=status, lines={"L": lines}, updated_by=f"clerk-{number % 20}")


@dataclass
class Asked:
    """What DynamoDB was asked for, and how many records it read for that."""

    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    read: int = 0

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
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda first: put_all(dynamodb, audit, made[first : first + 250]), range(0, CHANGES, 250)))
    tags = {"source-table": source, "actor-attribute": "updated_by"}
    tags |= {"time-index-shards": str(SHARDS), "actor-index-shards": str(SHARDS)}
    seen = Asked()
    connect = Connection.dynamodb

    def watched(connection: Connection, *arguments: Any) -> DynamoDBClient:
        client = connect(connection, *arguments)
        client.meta.events.register("provide-client-params.dynamodb.*", note_request)
        client.meta.events.register("after-call.dynamodb.Query", note_answer)
        return client

    def note_request(params: dict[str, Any], model: Any, **_: Any) -> None:
        seen.requests.append((model.name, params))

    def note_answer(parsed: dict[str, Any], **_: Any) -> None:
        seen.read += parsed["ScannedCount"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_tags", lambda _client, _arn: tags)
        patch.setattr(Connection, "dynamodb", watched)
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

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def write(self, text: str) -> int:
        """Take text."""
        self.times += [time.perf_counter()] * text.count("\n")
        return super().write(text)


def run(*words: str) -> tuple[list[str], list[float]]:
    """Run a command; return the lines that it prints, and after how many seconds each came.

    The clock starts with the command, before it makes its clients and looks for the trail.
    """
    output = Output()
    with redirect_stdout(output), redirect_stderr(io.StringIO()):
        start = time.perf_counter()
        app(list(words), standalone_mode=False)
    return output.getvalue().splitlines(), [at - start for at in output.times]

def test_x(asked):
    for _ in range(6):
        lines, times = run("history", "1")
        print(len(lines), times[1], times[-1])
    for _ in range(3):
        lines, times = run("history", "1", "--json")
        print(len(lines), times[0], times[-1])
    asked.requests.clear(); asked.read=0
    lines, times = run("search", "--since", "1h")
    print(len(lines), HOUR_CHANGES, times[1], times[-1], asked.read, asked.buckets(), [n for n,_ in asked.requests])

"""The metrics that the functions really write: run as Lambda runs them, with the environment that Terraform gives them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from scripts.project import ROOT
from tests.expiry import audit_record, by_hand, deletion
from tests.unit.fake_endpoint import PutRefusal, all_stored, fake_endpoint, refusal
from tests.unit.fakes import numbered_record, order

if TYPE_CHECKING:
    from tests.unit.fake_endpoint import Answer, Request

_STORING = """
import json, sys
from audit_trail import lambda_function
from tests.event_source_mapping import LambdaContext, SimulatedClock
clock = SimulatedClock(0.0)
lambda_function.time.sleep = clock.sleep
for records in json.load(sys.stdin):
    lambda_function.handler({"Records": records}, LambdaContext("request", "arn:function:f", clock.now + 30, clock))
"""
_CHECKING = """
from audit_trail import stream_check
from audit_trail.core.stream_health import Mapping, Stream
from tests.event_source_mapping import LambdaContext, SimulatedClock
stream_check.find_mapping = lambda *_: Mapping("arn:stream", "Enabled")
tables = {"orders": "arn:stream", "orders-audit": "arn:stream"}
stream_check.stream_of = lambda _, table: Stream(tables[table], enabled=True, view_type="NEW_AND_OLD_IMAGES")
for differing in ({}, {"orders": "arn:another"}, {"orders": "arn:stream", "orders-audit": "arn:another"}):
    tables.update(differing)
    stream_check.handler({}, LambdaContext("request", "arn:function:f", 30, SimulatedClock(0.0)))
"""
_ARCHIVING = """
import json, sys
from audit_trail import lambda_function
from tests.event_source_mapping import LambdaContext, SimulatedClock
clock = SimulatedClock(0.0)
lambda_function.time.sleep = clock.sleep
for records in json.load(sys.stdin):
    lambda_function.archive({"Records": records}, LambdaContext("request", "arn:function:f", clock.now + 30, clock))
"""
_TAMPERING = """
import json, sys
from audit_trail import tampering
from tests.event_source_mapping import LambdaContext, SimulatedClock
for records in json.load(sys.stdin):
    tampering.handler({"Records": records}, LambdaContext("request", "arn:function:f", 30, SimulatedClock(0.0)))
"""
_ACCESS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


@dataclass(frozen=True)
class Emitted:
    """The lines in CloudWatch's embedded metric format that a function printed, one an invocation for each metric.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """

    lines: list[dict[str, Any]]

    @cached_property
    def units(self) -> dict[tuple[str, str, tuple[tuple[str, str], ...]], str]:
        """Every metric by namespace, name and dimensions with their values, and its unit."""
        return {
            (definition["Namespace"], metric["Name"], tuple((name, line[name]) for name in dimensions)): metric["Unit"]
            for line in self.lines
            for definition in line["_aws"]["CloudWatchMetrics"]
            for metric in definition["Metrics"]
            for dimensions in definition["Dimensions"]
        }

    def value(self, invocation: int, name: str) -> float:
        """Return what an invocation counted."""
        [value] = [line[name] for line in self.lines if name in line][invocation]
        return float(value)


GOOD, THROTTLED, POISON = range(3)
"""Batches: one whose changes are stored, one whose aren't, and one with a record that never can be."""
READ, ANOTHER, ANOTHER_OF_AUDIT_TABLE = range(3)
"""What the check of the stream finds: all is well, another stream of the source table, or of the audit table."""
ARCHIVED, REFUSED = range(2)
"""Batches: one that is archived, and one that S3 doesn't take."""


def from_storing(environment: dict[str, str]) -> Emitted:
    """Return what the function emits, for each of the batches."""
    old, new = order(1, status="paid"), order(1, status="shipped")
    poison = numbered_record(5)
    del poison["dynamodb"]["Keys"]
    batches = [
        [numbered_record(1, new=old), numbered_record(2, old=old, new=new), numbered_record(3, old=new)],
        [numbered_record(4, new=order(4, status="throttled"))],
        [poison],
    ]
    with fake_endpoint() as endpoint:
        endpoint.respond = _respond
        return _printed(_STORING, environment | {"AWS_ENDPOINT_URL": endpoint.url}, batches)


def from_checking(environment: dict[str, str]) -> Emitted:
    """Return what the check of the stream emits, for each finding."""
    return _printed(_CHECKING, environment)


def from_archiving(environment: dict[str, str]) -> Emitted:
    """Return what the archive emits, for each of its batches."""
    items = [audit_record(numbered_record(number)) for number in range(2)]
    batches = [[deletion(item, 100 + number) for number, item in enumerate(items)] for _ in range(2)]
    with fake_endpoint() as endpoint:
        endpoint.respond_to_put = lambda _: None if len(endpoint.puts) == 1 else PutRefusal(503, "SlowDown")
        return _printed(_ARCHIVING, environment | {"AWS_ENDPOINT_URL": endpoint.url}, batches)


def from_tampering(environment: dict[str, str]) -> Emitted:
    """Return what is emitted about a record that was deleted by hand, and about one that TTL deleted before its time."""
    item = audit_record(numbered_record(1))
    early = deletion({name: value for name, value in item.items() if name != "expires_at"}, 101)
    return _printed(_TAMPERING, environment, [[by_hand("REMOVE", item, 100)], [early]])


def _respond(request: Request) -> Answer:
    return refusal("ThrottlingException") if b'"throttled"' in request.body else all_stored(request)


def _printed(program: str, environment: dict[str, str], events: list[Any] | None = None) -> Emitted:
    settings = os.environ | _ACCESS | environment | {"PYTHONPATH": f"{ROOT / 'handler'}:{ROOT}"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(events),
        env=settings,
        capture_output=True,
        text=True,
        check=True,
    )
    return Emitted([line for line in map(json.loads, done.stdout.splitlines()) if "_aws" in line])

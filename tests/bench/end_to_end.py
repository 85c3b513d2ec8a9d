"""End to end on one emulator: a source table on DynamoDB Local, its stream, the handler, the audit table beside it."""

from __future__ import annotations

import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from scripts.project import ProblemError
from tests import engines
from tests.bench import fresh
from tests.bench.chains import faults
from tests.bench.delivery import ITEMS
from tests.bench.section import Section, Target
from tests.tables import create_table

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

CHANGES = 10_000
_NAIVE_CHANGES = 1_000  # its rate doesn't change, and it takes long
_AIM = 4
_SOURCE = "bench-source"


def available() -> str:
    """Return why DynamoDB Local can't run here, or nothing."""
    for program in ("java", "npm"):
        if shutil.which(program) is None:
            return f"DynamoDB Local needs {program}, which is not on PATH"
    try:
        engines.dynamodb_local_jar()
    except ProblemError as problem:
        return str(problem)
    return ""


def section() -> Section:
    """Measure the whole way; the engine must be available."""
    with tempfile.TemporaryDirectory() as folder, engines.dynamodb_local(Path(folder)) as endpoint:
        session = boto3.Session("test", "test", region_name=fresh.FUNCTION["AWS_DEFAULT_REGION"])
        client: DynamoDBClient = session.client("dynamodb", endpoint_url=endpoint)
        try:
            return _measured(client, endpoint)
        finally:
            client.close()


def _measured(client: DynamoDBClient, endpoint: str) -> Section:
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    arn = create_table(client, _SOURCE, {"order_id": "N"}, StreamSpecification=stream)["LatestStreamArn"]
    for name in ("bench-live", "bench-ours", "bench-naive"):
        create_table(client, name, {"order_id": "N", "timestamp": "S"})

    with ThreadPoolExecutor() as pool:
        delivering = pool.submit(_deliver, "ours", "bench-live", endpoint, arn, CHANGES)
        writing = pool.submit(fresh.run, "tests.bench.delivery:write", endpoint, _SOURCE, CHANGES)
        written, live = writing.result(), delivering.result()
    found = faults(client, _SOURCE, "bench-live", written["written"])
    ours = _deliver("ours", "bench-ours", endpoint, arn, CHANGES)
    naive = _deliver("naive", "bench-naive", endpoint, arn, _NAIVE_CHANGES)
    rows = [
        _row("ours, while they are written", live),
        _row("ours, from a full stream", ours),
        _row("naive, from a full stream", naive),
    ]
    wrote = CHANGES / (written["ended"] - written["started"])
    ratio = rows[1]["rate"] / rows[2]["rate"]
    return Section(
        "End to end on DynamoDB Local",
        {
            "what": "what",
            "changes": "changes",
            "rate": "changes a second of the handler's time",
            "cpu_us": "CPU of the handler, µs a change",
        },
        rows,
        note=(
            f"{CHANGES:,} changes to {ITEMS} small items, written by one client in requests of 25 at {wrote:,.0f} a second; "
            f"the last was in the audit table {max(0.0, live['ended'] - written['ended']):.1f} s after it was written. "
            "Batches of 100, one at a time. The engine, the client and our event source mapping share the machine; what "
            "counts is the time inside the handler, its writes included. Checked: "
            f"{_verdict(found)}."
        ),
        targets=[
            Target("end to end, changes a second", f"≥ {_AIM} x", f"{ratio:.1f} x", ratio >= _AIM),
            Target("end to end: lost, twice, broken chains", "0", str(len(found)), not found, must=True),
        ],
    )


def _deliver(which: str, table: str, endpoint: str, arn: str, changes: int) -> Any:
    environment = {"AUDIT_TABLE": table, "AWS_ENDPOINT_URL": endpoint}
    return fresh.run("tests.bench.delivery:deliver", which, endpoint, arn, changes, environment=environment)


def _row(what: str, found: dict[str, Any]) -> dict[str, Any]:
    return {
        "what": what,
        "changes": found["done"],
        "rate": found["done"] / found["seconds"],
        "cpu_us": found["cpu"] / found["done"] * 1e6,
    }


def _verdict(found: list[str]) -> str:
    if not found:
        return "every item's history is what was written to it, change by change, and its chain of digests is whole"
    return f"{len(found)} faults, the first: {found[0]}"

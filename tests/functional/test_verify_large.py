"""`trail verify` of many changes: flat memory, and how much of a processor each change takes."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from typing import TYPE_CHECKING

from audit_trail.core.records import audit_item
from scripts.project import ROOT
from tests.bench import corpus
from tests.tables import put_all
from tests.unit.fakes import numbered_record

if TYPE_CHECKING:
    from audit_trail.core.values import Image
    from tests.functional.live_trail import LiveTrail, TrailOf

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
CHANGES = 200_000 if NIGHTLY else 2_000
CHANGES_AN_ITEM = 10
MOST_MEMORY = 300  # MB
MOST_CPU = 240  # µs a change: a million take under four minutes
"""Of small items, 0.4 KB."""

_PROGRAM = """
import json, resource, sys
from audit_trail.aws import reading
from audit_trail.cli.main import app
from tests.bench.handlers import peak
tags = json.loads(sys.argv[1])
reading._tags = lambda _client, _arn: tags
before = resource.getrusage(resource.RUSAGE_SELF)
try:
    app(["verify", "--settle", "0", "--json"], standalone_mode=False)
finally:
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"cpu": cpu, "memory": peak() / 1e6}))
"""


def fill(trail: LiveTrail, changes: int) -> None:
    """Put the audit records of so many changes, as the handler makes them, and the items as these left them."""
    rng = random.Random("verify")
    records: list[Image] = []
    live: list[Image] = []
    number = 0
    while number < changes:
        image: Image | None = None
        for _ in range(CHANGES_AN_ITEM):
            number += 1
            old, image = image, corpus.item(rng, "small", number) if image is None else corpus.changed(rng, image)
            record = numbered_record(number, old=old, new=image, at=1_790_000_000 + number)
            records.append(dict(audit_item(record, trail.settings)))
        assert image is not None
        live.append(image)
        if len(records) >= 1_000:
            put_all(trail.dynamodb, trail.audit, records)
            records = []
    put_all(trail.dynamodb, trail.audit, records)
    put_all(trail.dynamodb, trail.source, live)


def test_many_changes_take_little_memory_and_little_time(trail_of: TrailOf, dynamodb_endpoint: str) -> None:
    """However many changes there are, verify stays under 300 MB and under 240 µs of CPU a change, all of it found whole."""
    trail = trail_of()
    fill(trail, CHANGES)
    tags = json.dumps({"source-table": trail.source})
    environment = os.environ | {"AWS_ENDPOINT_URL": dynamodb_endpoint, "TRAIL_AUDIT_TABLE": trail.audit}
    environment |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, tags],
        env=environment | {"PYTHONPATH": f"{ROOT / 'handler'}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=True,
    )
    *_, summary, used = map(json.loads, done.stdout.splitlines())

    assert (summary["records"], summary["broken"], summary["unknown"]) == (CHANGES, 0, 0)
    assert used["memory"] < MOST_MEMORY
    if NIGHTLY:
        assert used["cpu"] / CHANGES * 1e6 < MOST_CPU

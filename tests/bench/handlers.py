"""The handlers, and what is measured of them from inside the process that runs them (`tests.bench.fresh`).

It imports as little as it can, so that a process holds what a function's would.
"""

from __future__ import annotations

import cProfile
import json
import os
import pstats
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench.corpus import make
from tests.event_source_mapping.clock import SystemClock
from tests.event_source_mapping.function import LambdaContext

if TYPE_CHECKING:
    from collections.abc import Callable

    Handler = Callable[[dict[str, Any], Any], Any]

ALL_STORED: dict[str, list[Any]] = {"batchItemFailures": []}


def ours() -> Handler:
    """Start the function as Lambda does."""
    from audit_trail.lambda_function import handler  # noqa: PLC0415  it reads the environment as it is imported

    started: Handler = handler
    return started


def naive() -> Handler:
    """Start the naive handler."""
    import boto3  # noqa: PLC0415

    from tests.bench.naive import naive_handler  # noqa: PLC0415  ours must not find deepdiff imported

    return naive_handler(boto3.resource("dynamodb").Table(os.environ["AUDIT_TABLE"]))


HANDLERS = {"ours": ours, "naive": naive}


def context() -> LambdaContext:
    """Return what Lambda hands over beside the event, with a minute left."""
    clock = SystemClock()
    arn = "arn:aws:lambda:us-east-1:123456789012:function:audit"
    return LambdaContext("request", arn, clock.time() + 60, clock)


def microseconds(which: str, corpus: str, records: int, rounds: int) -> dict[str, list[float]]:
    """Measure a handler and the parsing of its event: µs of CPU a record, a number a round after one to warm up."""
    handle = HANDLERS[which]()
    event = make(corpus, records).event
    taken: dict[str, list[float]] = {"parse": [], "handle": []}
    for _ in range(rounds + 1):
        started = time.process_time()
        parsed = json.loads(event)
        between = time.process_time()
        answer = handle(parsed, context())
        ended = time.process_time()
        assert answer in (None, ALL_STORED), "not everything was stored"
        taken["parse"].append((between - started) / records * 1e6)
        taken["handle"].append((ended - between) / records * 1e6)
    return {name: times[1:] for name, times in taken.items()}


def imported(corpus: str, records: int) -> list[str]:
    """Let our handler store a batch and return the modules that are there afterwards."""
    assert ours()({"Records": make(corpus, records).records}, context()) == ALL_STORED
    return sorted(sys.modules)


def own_times(corpus: str, records: int) -> list[tuple[str, int, float]]:
    """Profile our handler on batches: function, calls, and seconds of its own, longest first."""
    handle = ours()
    event = make(corpus, records).event
    handle(json.loads(event), context())
    profile = cProfile.Profile(time.process_time)
    for _ in range(3):
        parsed = json.loads(event)
        profile.runcall(handle, parsed, context())
    # pstats has no public way to its numbers but printing them.
    stats: dict[tuple[str, int, str], tuple[int, int, float, float, Any]] = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    found = [(_label(*where), calls, own) for where, (_, calls, own, _, _) in stats.items()]
    return sorted(found, key=lambda one: -one[2])


def _label(file: str, _: int, function: str) -> str:
    """Name a function by its module's last two parts."""
    if not file.endswith(".py"):
        return function.strip("<>")
    path = Path(file)
    return f"{path.parent.name}.{path.stem}.{function}"


def peak() -> int:
    """Return this process's memory at its peak, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # unlike ru_maxrss, it doesn't count what the process was before its exec
        [line] = [one for one in status.read_text("ascii").splitlines() if one.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def peaks(path: str) -> dict[str, Any]:
    """Handle the event in that file as Lambda's runtime hands it over; return the memory's peaks on the way."""
    handle = ours()
    started = peak()
    body = Path(path).read_bytes()
    parsed = json.loads(body.decode("utf-8"))
    holding = peak()
    answer = handle(parsed, context())
    return {"records": len(parsed["Records"]), "started": started, "parsed": holding, "peak": peak(), "answer": answer}

"""The whole handler with its writes: CPU and requests, against a naive one; and what follows for a stream."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tests.bench import fresh
from tests.bench.endpoint import endpoint
from tests.bench.measure import Timing
from tests.bench.section import Section, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.endpoint import Endpoint

AIMS = {"small": 30, "medium": 90}
STATEMENTS = 25
_BATCH = {"small": 100, "medium": 100, "large": 10}
_TIMES = 2  # each handler is started, in turn, so that a machine that others use too is as slow for both
_ROUNDS = {"naive": 1, "ours": 5}
_NAIVE_BATCH = {"small": 50, "medium": 20, "large": 10}  # its cost a record doesn't depend on it, and it takes long


def section() -> Section:
    """Measure all corpora."""
    with endpoint() as running:
        rows = [_row(name, running) for name in _BATCH]
    targets = [
        Target(
            f"whole handler, {row['corpus']}",
            f"≥ {AIMS[row['corpus']]} x",
            f"{row['ratio']:.1f} x",
            row["ratio"] >= AIMS[row["corpus"]],
        )
        for row in rows
        if row["corpus"] in AIMS
    ]
    targets += [
        Target(
            f"requests for {row['records']} records, {row['corpus']}",
            f"{row['fewest_requests']}",
            f"{row['requests']}",
            row["requests"] == row["fewest_requests"],
        )
        for row in rows
    ]
    return Section(
        "The whole handler with its writes, CPU",
        {
            "corpus": "corpus",
            "naive_us": "naive, µs a record",
            "naive_spread": "±, %",
            "ours_us": "ours, µs a record",
            "ours_spread": "±, %",
            "ratio": "ratio",
            "parse_us": "parsing the event, µs a record",
            "records": "records a batch",
            "requests": "requests a batch",
        },
        rows,
        note=(
            "Real clients against an endpoint in another process that answers at once; naive: boto3's resource, one "
            "PutItem a record. The runtime parses the event before either starts, so that is apart."
        ),
        targets=targets,
    )


def _row(corpus: str, running: Endpoint) -> dict[str, Any]:
    naive: list[float] = []
    ours: list[float] = []
    parse: list[float] = []
    requests = 0
    for _ in range(_TIMES):
        naive += _measured("naive", corpus, _NAIVE_BATCH[corpus], "PutItem", running)[0]["handle"]
        taken, requests = _measured("ours", corpus, _BATCH[corpus], "BatchExecuteStatement", running)
        ours += taken["handle"]
        parse += taken["parse"]
    plain, whole = Timing(tuple(naive)), Timing(tuple(ours))
    return {
        "corpus": corpus,
        "naive_us": plain.median,
        "naive_spread": plain.spread,
        "ours_us": whole.median,
        "ours_spread": whole.spread,
        "ratio": plain.median / whole.median,
        "parse_us": Timing(tuple(parse)).median,
        "records": _BATCH[corpus],
        "requests": requests,
        "fewest_requests": math.ceil(_BATCH[corpus] / STATEMENTS),
    }


def _measured(
    which: str, corpus: str, records: int, operation: str, running: Endpoint
) -> tuple[dict[str, list[float]], int]:
    """Measure one handler in a process of its own; return also how many requests it made a batch."""
    rounds = _ROUNDS[which]
    environment = {"AWS_ENDPOINT_URL": running.url}
    taken = fresh.run("tests.bench.handlers:microseconds", which, corpus, records, rounds, environment=environment)
    counts = running.take_counts()
    assert counts["statements"] == records * (rounds + 1), "some record was not written, or twice"
    return taken, counts[operation] // (rounds + 1)


def ceiling(handled: Section) -> Section:
    """Say what the measured CPU allows: records a second of one vCPU, and what a shard brings at most."""
    return Section(
        "The handler's ceiling",
        {
            "corpus": "corpus",
            "per_vcpu": "records a second, one vCPU",
            "write_units": "write units a change of the source table",
            "per_shard": "changes a second a shard brings at most",
            "share": "vCPU that a shard keeps busy",
            **{f"at_{factor}": f"a shard at factor {factor}, a second" for factor in (1, 2, 5, 10)},
        },
        list(_ceilings(handled)),
        note=(
            "Parsing the event included, waiting for DynamoDB not. A partition takes 1,000 write units a second, and has "
            "one shard open at a time. What a shard can be worked off at is the handler's rate times the parallelization "
            "factor, of a table times its shards: what comes to more than they bring is spare, for catching up."
        ),
    )


def _ceilings(handled: Section) -> Iterator[dict[str, Any]]:
    for row in handled.rows:
        corpus = str(row["corpus"])
        rate = 1e6 / (row["ours_us"] + row["parse_us"])
        units = math.ceil(SIZES[corpus] / 1024)
        brings = 1_000 // units
        yield {
            "corpus": corpus,
            "per_vcpu": round(rate),
            "write_units": units,
            "per_shard": brings,
            "share": brings / rate,
            **{f"at_{factor}": round(rate * factor) for factor in (1, 2, 5, 10)},
        }


SIZES = {"small": 400, "medium": 3_400, "large": 100_000}
"""Bytes an item, by DynamoDB's count."""

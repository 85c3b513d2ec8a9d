"""`make bench`: what a record costs in CPU and in write units, against the baselines, in one run."""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from audit_trail.core.records import audit_item
from audit_trail.core.sizes import item_size
from tests.bench.corpus import SETTINGS, Corpus, corpora
from tests.bench.naive import blog_item, naive_item

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 5
WRITE_UNIT = 1_024  # bytes
IMPORTS = {
    "a bare DynamoDB client": "import boto3; boto3.client('dynamodb', region_name='us-east-1')",
    "the function": "import audit_trail.lambda_function",
}


@dataclass(frozen=True)
class Result:
    """What one corpus showed: medians of the rounds, with the spread between the fastest and the slowest."""

    corpus: str
    bytes_an_item: int
    naive_microseconds: float
    microseconds: float
    spread_percent: float
    ratio: float
    blog_write_units: float
    write_units: float


def cpu(make: Callable[[dict[str, Any]], object], records: list[dict[str, Any]]) -> list[float]:
    """Return the CPU time of a record in microseconds, one number a round, after a round to warm up."""
    rounds = []
    for _ in range(ROUNDS + 1):
        started = time.process_time()
        for record in records:
            make(record)
        rounds.append((time.process_time() - started) / len(records) * 1e6)
    return rounds[1:]


def write_units(make: Callable[[dict[str, Any]], dict[str, Any]], records: list[dict[str, Any]]) -> float:
    """Return the mean of the write units that a record takes."""
    return statistics.mean(math.ceil(item_size(make(record)) / WRITE_UNIT) for record in records)


def measure(corpus: Corpus) -> Result:
    """Measure one corpus."""
    ours = cpu(lambda record: audit_item(record, SETTINGS), corpus.records)
    naive = cpu(naive_item, corpus.records[:40])
    middle = statistics.median(ours)
    return Result(
        corpus.name,
        corpus.bytes_an_item,
        round(statistics.median(naive), 1),
        round(middle, 1),
        round((max(ours) - min(ours)) / middle * 100, 1),
        round(statistics.median(naive) / middle, 1),
        round(write_units(blog_item, corpus.records), 2),
        round(write_units(lambda record: audit_item(record, SETTINGS), corpus.records), 2),
    )


def cold_starts() -> dict[str, float]:
    """Return the seconds of CPU that a new interpreter takes for each of IMPORTS; the medians of the rounds."""
    script = "import time; {}; print(time.process_time())"
    settings = {
        "AUDIT_TABLE": "audit",
        "PARTITION_KEY": "id",
        "TRAIL_BUCKET": "trail",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    taken = {}
    for name, line in IMPORTS.items():
        command = [sys.executable, "-c", script.format(line)]
        environment = {**settings, "PYTHONPATH": "handler"}
        runs = [subprocess.run(command, env=environment, capture_output=True, check=True) for _ in range(ROUNDS)]
        taken[name] = round(statistics.median(float(run.stdout) for run in runs), 3)
    return taken


def main() -> None:
    """Print a table for people, or with --json one JSON object for programs."""
    progress = Console(stderr=True)
    results = [measure(corpus) for corpus in track(corpora(), description="measuring", console=progress)]
    starts = cold_starts()
    if "--json" in sys.argv:
        print(json.dumps({"corpora": [asdict(result) for result in results], "cold_start_seconds": starts}))  # noqa: T201
        return
    table = Table(title="Stream record → audit item, CPU, and what it stores (60 % MODIFY, 30 % INSERT, 10 % REMOVE)")
    for heading in ("corpus", "bytes", "naive µs", "ours µs", "spread", "ratio", "blog post's units", "our units"):
        table.add_column(heading, justify="right")
    for one in results:
        cells = (
            one.bytes_an_item,
            one.naive_microseconds,
            one.microseconds,
            f"{one.spread_percent} %",
            f"{one.ratio} x",
        )
        table.add_row(one.corpus, *map(str, cells), str(one.blog_write_units), str(one.write_units))
    console = Console()
    console.print(table)
    for name, seconds in starts.items():
        console.print(f"cold start of {name}: {seconds * 1000:.0f} ms of CPU")


if __name__ == "__main__":
    main()

"""How a trail is sized: iterator age and cost of a few deployments, simulated from the rates that `make bench` measured.

`python -m tests.bench.iterator_age` prints the tables of docs/sizing.md; with `--measured FILE`, what `make bench` wrote
into FILE by `--json` stands for MEASURED.
"""

from __future__ import annotations

import argparse
import json
from functools import cache
from pathlib import Path
from typing import Any

from tests.bench.plans import BURST, MEASURED, PLANS, PRICES, Item, Plan
from tests.bench.section import Section, text
from tests.bench.simulation import Load, caught_up, iterator_age, simulate, stored_after

MINUTE, HOUR, MONTH = 60.0, 3_600.0, 30 * 86_400.0


@cache
def outcome(plan: Plan, item: Item) -> dict[str, Any]:
    """Simulate a plan's lanes, which are all alike, steady, through a burst, and through an outage."""
    lane = plan.lane(item)
    lanes = plan.shards * plan.factor
    rate = plan.rate / lanes
    steady = Load(((30 * MINUTE, rate),))
    calm = simulate(steady, lane)
    burst = Load(((5 * MINUTE, rate), (10 * MINUTE, BURST * rate), (2 * HOUR, rate)))
    busy = simulate(burst, lane)
    long = Load(((8 * HOUR, rate),))
    begin, end = 5 * MINUTE, 5 * MINUTE + HOUR
    back = simulate(long, lane, (begin, end))
    a_second = len(calm) * lanes / (30 * MINUTE)
    used = sum(one.end - one.start for one in calm) * lanes / (30 * MINUTE)
    return {
        "item": plan.item,
        "rate": plan.rate,
        "memory": plan.memory,
        "batch": plan.batch_size,
        "window": plan.window,
        "factor": plan.factor,
        "shards": plan.shards,
        "concurrency": lanes,
        "concurrency_used": used,
        "spare": lane.rate / rate,
        "steady": max(stored_after(steady, one) for one in calm),
        "burst_age": max(iterator_age(burst, one) for one in busy),
        "burst_drained": _minutes(caught_up(burst, lane, busy, 15 * MINUTE)),
        "outage_drained": _minutes(caught_up(long, lane, back, end)),
        "audit_units": plan.rate * item.stored_units,
        "lambda_cost": MONTH
        * (a_second * PRICES["million requests"] / 1e6 + used * plan.memory / 1_024 * PRICES["GB second"]),
        "write_cost": MONTH * plan.rate * item.stored_units * PRICES["million write units"] / 1e6,
    }


def _minutes(seconds: float) -> str:
    return "0" if seconds < 1 else f"{seconds:.0f} s" if seconds < MINUTE else f"{seconds / MINUTE:.0f} min"


def sections(measured: dict[str, Item]) -> list[Section]:
    """Simulate all plans: one table for time, one for what they need and cost."""
    rows = [outcome(plan, measured[plan.item]) for plan in PLANS]
    plan = {
        "rate": "changes a second",
        "item": "items",
        "memory": "memory, MB",
        "batch": "batch size",
        "window": "window, s",
        "factor": "factor",
    }
    return [
        Section(
            "How late",
            plan
            | {
                "spare": "can do, times the load",
                "steady": "steady: stored after, s",
                "burst_age": "burst: iterator age, s",
                "burst_drained": "after the burst, caught up in",
                "outage_drained": "after the outage, caught up in",
            },
            rows,
        ),
        Section(
            "What it needs and costs",
            plan
            | {
                "shards": "shards",
                "concurrency": "concurrency at most",
                "concurrency_used": "on average",
                "audit_units": "audit table, write units a second",
                "lambda_cost": "Lambda, US$ a month",
                "write_cost": "audit table's writes, US$ a month",
            },
            rows,
        ),
    ]


def from_bench(path: Path) -> dict[str, Item]:
    """Read the rates that `make bench --json` wrote."""
    parts = json.loads(path.read_text(encoding="utf-8"))["parts"]
    handled = {row["corpus"]: row for row in parts["handler"][0]["rows"]}
    stored = {row["corpus"]: row for row in parts["size"][0]["rows"]}
    return {
        name: Item(
            known.write_units,
            known.stream_bytes,
            known.event_bytes,
            (handled[name]["ours_us"] + handled[name]["parse_us"]) / 1e6,
            stored[name]["ours"],
        )
        for name, known in MEASURED.items()
    }


def tables(measured: dict[str, Item]) -> str:
    """Return the tables as Markdown, with the rates that they rest on."""
    rates = ", ".join(
        f"{name} items {text(item.cpu * 1e6)} µs and {text(item.stored_units)} write units"
        for name, item in measured.items()
    )
    return "\n\n".join([f"Rates: {rates} a change.", *(one.markdown() for one in sections(measured))])


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.iterator_age", description=__doc__)
    parser.add_argument("--measured", type=Path, metavar="FILE", help="what `make bench` wrote into FILE by --json")
    options = parser.parse_args()
    print(tables(from_bench(options.measured) if options.measured else MEASURED))  # noqa: T201


if __name__ == "__main__":
    main()

"""Where a batch's microseconds go: the profile of the whole handler, own time by function."""

from __future__ import annotations

from tests.bench import fresh
from tests.bench.endpoint import endpoint
from tests.bench.section import Section

_BATCH = {"small": 100, "medium": 100, "large": 10}
_TOP = 10
_PROFILED = 3  # batches


def sections() -> list[Section]:
    """Profile a batch of each corpus."""
    with endpoint() as running:
        return [_section(corpus, records, running.url) for corpus, records in _BATCH.items()]


def _section(corpus: str, records: int, url: str) -> Section:
    found = fresh.run("tests.bench.handlers:own_times", corpus, records, environment={"AWS_ENDPOINT_URL": url})
    total = sum(own for _, _, own in found)
    rows = [
        {"function": function, "calls": calls / records / _PROFILED, "share": own / total * 100}
        for function, calls, own in found[:_TOP]
    ]
    return Section(
        f"Profile of a batch: {corpus}",
        {"function": "function", "calls": "calls a record", "share": "own time, %"},
        rows,
        note=(
            f"By cProfile, which makes calls look dearer than they are; these {_TOP} are "
            f"{sum(row['share'] for row in rows):.0f} % of all."
        ),
    )

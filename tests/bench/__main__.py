"""`make bench`: all that is promised of speed and cost, measured in one run, against the baselines that it carries."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import track

from scripts.project import ProblemError, exit_code, say
from tests.bench import cold_start, end_to_end, handler_cost, memory, own_time, record_cost, stored_size
from tests.bench.section import Section

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def _handler() -> list[Section]:
    handled = handler_cost.section()
    return [handled, handler_cost.ceiling(handled)]


PARTS: Mapping[str, Callable[[], list[Section]]] = {
    "record": lambda: [record_cost.section()],
    "handler": _handler,
    "cold-start": cold_start.sections,
    "size": lambda: [stored_size.section()],
    "memory": lambda: [memory.section()],
    "profile": own_time.sections,
    "end-to-end": lambda: [end_to_end.section()],
}


def main() -> int:
    """Measure, and print tables for a terminal or as Markdown, and all of it as JSON into a file where one is named."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything to FILE as well, as JSON")
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown, for docs/benchmarks.md")
    parser.add_argument(
        "--end-to-end",
        action=argparse.BooleanOptionalAction,
        help="run (or leave out) what needs DynamoDB Local; as a rule it runs where Java and npm are",
    )
    parser.add_argument("--only", choices=PARTS, action="append", help="measure this part alone; may come again")
    options = parser.parse_args()
    names = list(options.only or PARTS)
    if "end-to-end" in names and not _runs(options.end_to_end):
        names.remove("end-to-end")

    progress = Console(stderr=True)
    found: dict[str, list[Section]] = {}
    for name in track(names, description="measuring", console=progress, transient=True):
        progress.print(f"measuring: {name}")
        found[name] = PARTS[name]()
    machine = surroundings()
    if options.json:
        options.json.write_text(json.dumps(as_json(machine, found), indent=2) + "\n", encoding="utf-8")
    sections = [targets(found), *(section for part in found.values() for section in part)]
    if options.markdown:
        print(f"Measured {', '.join(machine.values())}.", *(one.markdown() for one in sections), sep="\n\n")  # noqa: T201
    else:
        console = Console()
        for section in sections:
            console.print(section.rich())
        console.print(", ".join(machine.values()))
    wrong = [one.what for section in sections for one in section.targets if one.must and not one.met]
    if wrong:
        raise ProblemError(f"wrong, and not merely slow: {'; '.join(wrong)}.")
    return 0


def _runs(wanted: bool | None) -> bool:  # noqa: FBT001  None, True and False are three answers of the command line
    """Tell whether the engine's part runs: where it is asked for it must, else where it can."""
    if wanted is False:
        return False
    reason = end_to_end.available()
    if reason and wanted:
        raise ProblemError(reason)
    if reason:
        say(f"end to end is left out: {reason}")
    return not reason


def surroundings() -> dict[str, str]:
    """Return what the numbers depend on, each as words."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} cores, {_processor()}, {platform.system()} {platform.machine()}",
        "python": f"Python {platform.python_version()}",
        **{name: f"{name} {version(name)}" for name in ("deepdiff", "boto3")},
    }


def _processor() -> str:
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text("utf-8").splitlines() if listed.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "unknown processor"


def targets(found: Mapping[str, list[Section]]) -> Section:
    """Gather what was aimed at."""
    rows = [
        {"what": one.what, "aim": one.aim, "measured": one.measured, "met": one.met}
        for part in found.values()
        for section in part
        for one in section.targets
    ]
    return Section("Targets", {"what": "what", "aim": "target", "measured": "measured", "met": "met"}, rows)


def as_json(machine: Mapping[str, str], found: Mapping[str, list[Section]]) -> dict[str, Any]:
    """Return everything as JSON has it: a list of tables a part, with their rows, and all targets."""
    return {
        "surroundings": dict(machine),
        "targets": list(targets(found).rows),
        "parts": {
            name: [{"title": one.title, "rows": list(one.rows), "note": one.note} for one in part]
            for name, part in found.items()
        },
    }


if __name__ == "__main__":
    sys.exit(exit_code(main))

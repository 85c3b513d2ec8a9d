"""What a cold start costs: the function from its zip against nothing but a DynamoDB client, with the .pyc of both."""

from __future__ import annotations

import os
import shutil
import site
import statistics
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts import build_zip
from tests.bench.fresh import FUNCTION
from tests.bench.measure import Timing
from tests.bench.section import Section, Target

ROUNDS = 15
SLOWER_AT_MOST = 1.15
_LARGEST_ZIP = 2_000_000
_RUNTIME = ("boto3", "botocore", "s3transfer", "urllib3", "dateutil", "jmespath")
"""What Lambda's runtime has of its own: boto3 and what it needs."""
_STARTS = {
    "bare": "import boto3; boto3.client('dynamodb')",
    "ours": "import audit_trail.lambda_function",
}
_REPORT = "; import sys, time; print(time.process_time(), len(sys.modules), 'deepdiff' in sys.modules)"


@dataclass(frozen=True)
class Installed:
    """The zip unpacked and boto3 beside it, both with the .pyc of this interpreter."""

    interpreter: Path
    path: str
    zip_bytes: int

    def start(self, line: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Run a line in a new interpreter that sees nothing else."""
        environment = FUNCTION | {"PYTHONPATH": self.path, "PYTHONDONTWRITEBYTECODE": "1"}
        command = [str(self.interpreter), "-S", *options, "-c", line]
        return subprocess.run(command, env=environment, cwd=os.sep, capture_output=True, text=True, check=True)


def install(folder: Path) -> Installed:
    """Lay out a function as Lambda does: the interpreter is the zip's own, or this one where that isn't here."""
    interpreter = build_zip.find_interpreter(build_zip.RUNTIME)
    runtime = build_zip.RUNTIME if interpreter else f"python{sys.version_info[0]}.{sys.version_info[1]}"
    interpreter = interpreter or Path(sys.executable)
    archive = build_zip.build(folder / "handler.zip", runtime)
    task, provided = folder / "task", folder / "runtime"
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(task)
    provided.mkdir()
    [packages] = [Path(one) for one in site.getsitepackages() if Path(one, "botocore").is_dir()]
    shutil.copy(packages / "six.py", provided)
    for name in _RUNTIME:
        shutil.copytree(packages / name, provided / name, ignore=shutil.ignore_patterns("data", "__pycache__"))
        if (packages / name / "data").is_dir():
            (provided / name / "data").symlink_to(packages / name / "data")
    command = [str(interpreter), "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(provided)]
    subprocess.run(command, check=True, capture_output=True)
    return Installed(interpreter, f"{task}{os.pathsep}{provided}", archive.stat().st_size)


def sections() -> list[Section]:
    """Measure both starts, and show where their time goes."""
    with tempfile.TemporaryDirectory() as folder:
        installed = install(Path(folder))
        return [_starts(installed), *_imports(installed)]


def _starts(installed: Installed) -> Section:
    seconds: dict[str, list[float]] = {name: [] for name in _STARTS}
    modules: dict[str, int] = {}
    deepdiff = ""
    for _ in range(ROUNDS + 1):
        for name, line in _STARTS.items():
            taken, count, deepdiff = installed.start(line + _REPORT).stdout.split()
            seconds[name].append(float(taken) * 1000)
            modules[name] = int(count)
    timings = {name: Timing(tuple(rounds[1:])) for name, rounds in seconds.items()}
    # Of each pair, which ran one after the other: on a machine that others use too, minutes differ more than these do.
    ratio = statistics.median(
        ours / bare for ours, bare in zip(timings["ours"].rounds, timings["bare"].rounds, strict=True)
    )
    version = installed.start("import sys; print(*sys.version_info[:3], sep='.')").stdout.strip()
    return Section(
        "Cold start: import and client, CPU",
        {"what": "what", "ms": "ms", "spread": "±, %", "modules": "modules", "ratio": "ratio"},
        [
            _start_row("boto3.client('dynamodb') alone", timings["bare"], modules["bare"], 1.0),
            _start_row("the function, from its zip", timings["ours"], modules["ours"], ratio),
        ],
        note=f"Python {version}; the zip has {installed.zip_bytes:,} bytes, .pyc included.",
        targets=[
            Target("cold start", f"≤ {SLOWER_AT_MOST} x", f"{ratio:.2f} x", ratio <= SLOWER_AT_MOST),
            Target(
                "deepdiff imported at cold start", "no", "no" if deepdiff == "False" else "yes", deepdiff == "False"
            ),
            Target(
                "zip, bytes", f"≤ {_LARGEST_ZIP:,}", f"{installed.zip_bytes:,}", installed.zip_bytes <= _LARGEST_ZIP
            ),
        ],
    )


def _start_row(what: str, timing: Timing, modules: int, ratio: float) -> dict[str, Any]:
    return {"what": what, "ms": timing.median, "spread": timing.spread, "modules": modules, "ratio": ratio}


def _imports(installed: Installed) -> list[Section]:
    """Rank modules by the time of their import with all that it imported, ours against bare."""
    bare, ours = (_import_times(installed, line) for line in _STARTS.values())
    longest = sorted(ours, key=lambda module: -ours[module])
    return [
        _import_section(title, modules[:10], bare, ours)
        for title, modules in (
            ("Cold start: the ten longest imports of the function, cumulative", longest),
            ("Cold start: the ten longest that a bare client hasn't", [one for one in longest if one not in bare]),
        )
    ]


def _import_section(title: str, modules: list[str], bare: dict[str, float], ours: dict[str, float]) -> Section:
    return Section(
        title,
        {"module": "module", "ours_ms": "ours, ms", "bare_ms": "bare client, ms"},
        [{"module": module, "ours_ms": ours[module], "bare_ms": bare.get(module)} for module in modules],
        note="By -X importtime, which takes time itself; what a module imports first counts as its own.",
    )


def _import_times(installed: Installed, line: str) -> dict[str, float]:
    """Return the milliseconds that each module's import took: the quickest of three times."""
    runs = [import_times(installed.start(line, "-X", "importtime").stderr) for _ in range(3)]
    return {module: min(run[module] for run in runs if module in run) for module in runs[0]}


def import_times(report: str) -> dict[str, float]:
    """Read Python's report: milliseconds a module, with all that it imported first."""
    found = {}
    for entry in report.splitlines():
        times, _, name = entry.removeprefix("import time:").rpartition("|")
        if times and "[us]" not in times:
            found[name.strip()] = int(times.split("|")[1]) / 1000
    return found

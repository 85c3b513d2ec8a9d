"""make test: one stage after the other, each with its time, until one fails; then a summary."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from scripts.project import say


def run(stages: list[str], make: str) -> int:
    """Run `make STAGE` for each stage; return 0, or the code of the first that failed (those after it don't run)."""
    summary, code = [], 0
    for stage in stages:
        say(f"── {stage} ──")
        started = time.monotonic()
        code = subprocess.run([make, "--no-print-directory", stage], check=False).returncode
        verdict = "passed" if code == 0 else f"FAILED with code {code}"
        summary.append(f"{stage:<16} {time.monotonic() - started:6.1f} s  {verdict}")
        say(f"── {summary[-1]}")
        if code != 0:
            break
    say("\n".join(["", "summary:", *summary, *(f"{stage:<16}           not run" for stage in stages[len(summary) :])]))
    return code


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], os.environ.get("MAKE", "make")))

"""Runs a part of the bench in a process of its own, as a function starts: nothing is imported, warm or left over."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from scripts.project import ROOT, ProblemError

FUNCTION = {
    "AUDIT_TABLE": "audit",
    "PARTITION_KEY": "order_id",
    "TRAIL_BUCKET": "trail",
    "ACTOR_ATTRIBUTE": "updated_by",
    "REASON_ATTRIBUTE": "reason",
    "POWERTOOLS_SERVICE_NAME": "audit",
    "POWERTOOLS_METRICS_NAMESPACE": "TableTrail",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
"""The function's environment, in which no way leads to a real account."""


def run(function: str, *arguments: Any, environment: dict[str, str] | None = None) -> Any:
    """Call `module:function` with arguments that JSON has, in a new interpreter, and return what it returns.

    What it prints (the handler's logs and metrics) is thrown away.

    Raises:
        ProblemError: it failed; its last words are in the message.

    """
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "answer.json")
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.fresh", function, json.dumps(arguments), str(answer)],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT / 'handler'}:{ROOT}"}
            | FUNCTION
            | (environment or {}),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ProblemError(f"{function} failed: {' '.join(done.stderr.strip().splitlines()[-1:])}")
        return json.loads(answer.read_text(encoding="utf-8"))


def main() -> None:
    """Do what `run` asks for."""
    name, arguments, answer = sys.argv[1:]
    module, _, function = name.partition(":")
    result = getattr(import_module(module), function)(*json.loads(arguments))
    Path(answer).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()

"""The function as Lambda runs it: a process of its own, which can be killed at any moment.

`python -m tests.functional.lambda_process` imports the function once and forks for each event that it reads from
standard input, one a line: it answers with the fork's process id at once, and with its answer, or null, when it ended.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.event_source_mapping import InvokeResult, LambdaContext, SystemClock

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

TIMEOUT = 30.0
"""Seconds until the function's deadline."""
ROOT = Path(__file__).parents[2]


class KilledError(Exception):
    """The process ended without an answer."""


@dataclass
class KilledFunction:
    """The function with these settings; each invocation is killed with a probability, at a moment that `rng` picks."""

    settings: Mapping[str, str]
    rng: random.Random
    probability: float
    killed: int = 0
    arn: str = "arn:aws:lambda:eu-central-1:111122223333:function:audit"
    _lasted: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start the process."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.functional.lambda_process"],
            cwd=ROOT,
            env={**self.settings, "PYTHONPATH": "handler:.", "PATH": os.environ["PATH"]},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def invoke(self, payload: str) -> InvokeResult:
        """Run the function once, perhaps not to its end."""
        started = time.monotonic()
        pid = self._ask(payload)
        killer = None
        if self._lasted and self.rng.random() < self.probability:
            killer = threading.Timer(self.rng.uniform(0, max(self._lasted)), os.kill, (pid, signal.SIGKILL))
            killer.start()
        answer = self._read()
        if killer is not None:
            killer.cancel()
            killer.join()
        self._release()
        request_id = str(uuid.UUID(int=self.rng.getrandbits(128), version=4))
        if answer is None:
            self.killed += 1
            return InvokeResult(request_id, "null", "Unhandled", error=KilledError())
        self._lasted = [*self._lasted[-9:], time.monotonic() - started]
        return InvokeResult(request_id, json.dumps(answer))

    def _ask(self, payload: str) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(json.loads(payload)) + "\n")
        self._process.stdin.flush()
        return int(self._read())

    def _release(self) -> None:
        """Let the fork be reaped: until then, no other process has its id."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


def main() -> None:
    """Serve events until standard input ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    sys.stdout = sys.stderr  # the function's logs

    from audit_trail.lambda_function import handler  # noqa: PLC0415  only this process has its settings

    clock = SystemClock()
    while line := sys.stdin.readline():
        receiving, sending = os.pipe()
        pid = os.fork()
        if pid == 0:
            context = LambdaContext(str(uuid.uuid4()), "arn:aws:lambda:x:1:function:f", clock.time() + TIMEOUT, clock)
            os.write(sending, json.dumps(handler(json.loads(line), context)).encode())  # type: ignore[arg-type]
            os._exit(0)
        os.close(sending)
        answers.write(f"{pid}\n")
        answers.flush()
        with os.fdopen(receiving) as result:
            answers.write((result.read() or "null") + "\n")
        answers.flush()
        sys.stdin.readline()
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()

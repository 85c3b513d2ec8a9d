"""Start a server on loopback, wait until it answers, and end it: only ever the process that was started."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.project import ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True)
class Process:
    """A process and what tells it from a later one that got the same id."""

    pid: int
    identity: str


def identity(pid: int) -> str | None:
    """Return when this process was started, and in which boot; None when none runs by that id, or only a zombie."""
    kernel = Path("/proc/sys/kernel/random/boot_id")
    if kernel.exists():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] == "Z" else f"{kernel.read_text(encoding='ascii').strip()} {fields[19]}"
    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    state, _, started = (
        subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip().partition(" ")
    )
    return started.strip() if state and not state.startswith("Z") else None


def free_port() -> int:
    """Return a TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(command: Sequence[str], environment: dict[str, str], log: Path, cwd: Path | None = None) -> Process:
    """Start `command` in the background, out of reach of the terminal's Ctrl-C, with its output in `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        started = subprocess.Popen(
            command,
            env=environment,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    # The server outlives this command, so nobody is to wait for it; end() reaps it when it is still a child.
    started.returncode = 0
    return Process(started.pid, identity(started.pid) or "")


def wait_until(answers: Callable[[], bool], process: Process | None, what: str, log: Path, seconds: float = 60) -> None:
    """Wait until `answers()`; else end the process and raise a ProblemError that names the log."""
    deadline = time.monotonic() + seconds
    while not answers():
        ended = process is not None and identity(process.pid) is None
        if ended or time.monotonic() > deadline:
            how = "stopped at once" if ended else f"did not answer within {seconds:.0f} s"
            if process is not None:
                end(process)
            raise ProblemError(f"{what} {how}: its log is {log}.")
        time.sleep(0.1)


def http_answers(url: str) -> bool:
    """Say whether something answers HTTP at `url`, whatever its status."""
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310  # always a loopback http URL
            return True
    except urllib.error.HTTPError as refused:
        refused.close()
        return True
    except (OSError, http.client.HTTPException):
        return False


def end(process: Process, seconds: float = 10) -> bool:
    """End `process` with SIGTERM, then SIGKILL; return False, touching nothing, when its id is another's by now."""
    if identity(process.pid) != process.identity:
        return False
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if identity(process.pid) != process.identity:
                # It may be a child of this very process: then it's a zombie until it is waited for.
                with suppress(ChildProcessError):
                    os.waitpid(process.pid, 0)
                return True
            time.sleep(0.05)
    raise ProblemError(f"process {process.pid} does not end: look at it with ps.")

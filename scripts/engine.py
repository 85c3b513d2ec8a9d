"""The engine that stands in for AWS on this machine: start it, stop it, say what runs.

ENDPOINT=http://127.0.0.1:… takes one that runs already; ENGINE=localstack or ENGINE=ministack says which to start.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from scripts import localstack, ministack, processes
from scripts.project import LOCAL, ProblemError, exit_code, say

if TYPE_CHECKING:
    from pathlib import Path

REGION = "us-east-1"
STATE = LOCAL / "engine.json"
Kind = Literal["ministack", "localstack", "external"]


@dataclass(frozen=True)
class Engine:
    """One emulator and how to end it; of one that somebody else started, only its endpoint is known."""

    kind: Kind
    endpoint: str
    pid: int = 0
    identity: str = ""
    container: str = ""

    def answers(self) -> bool:
        """Say whether it still answers."""
        return processes.http_answers(self.endpoint + ministack.HEALTH)

    def stop(self) -> None:
        """End it, if it was started here and is still what was started."""
        if self.kind == "ministack" and not processes.end(processes.Process(self.pid, self.identity)):
            say(f"MiniStack (process {self.pid}) has ended already.")
        if self.kind == "localstack":
            localstack.remove(self.container)


def chosen(*, prefer_docker: bool = False) -> Kind:
    """Return the kind that ENGINE and ENDPOINT ask for; without them MiniStack, or LocalStack if Docker is preferred.

    Raises ProblemError for an ENGINE that nobody knows.
    """
    if os.environ.get("ENDPOINT"):
        return "external"
    engine = os.environ.get("ENGINE") or (
        "localstack" if prefer_docker and localstack.docker_answers() else "ministack"
    )
    if engine == "localstack":
        return "localstack"
    if engine == "ministack":
        return "ministack"
    raise ProblemError(f"ENGINE={engine} is not known: use ENGINE=ministack, ENGINE=localstack or ENDPOINT=http://….")


def start(kind: Kind, directory: Path, settings: dict[str, str] | None = None) -> Engine:
    """Start an engine of `kind` with fresh state, its files in `directory`; "external" is only checked."""
    if kind == "external":
        engine = Engine("external", os.environ["ENDPOINT"].rstrip("/"))
        if not processes.http_answers(engine.endpoint):
            raise ProblemError(f"nothing answers at ENDPOINT={engine.endpoint}: start the engine first.")
        return engine
    if kind == "localstack":
        container, endpoint = localstack.launch(directory)
        return Engine("localstack", endpoint, container=container)
    process, endpoint = ministack.launch(directory, REGION, settings=settings)
    return Engine("ministack", endpoint, process.pid, process.identity)


def running() -> Engine | None:
    """Return the engine that was noted in .local/, if it still answers."""
    if not STATE.exists():
        return None
    engine = Engine(**json.loads(STATE.read_text(encoding="utf-8")))
    return engine if engine.answers() else None


def note(engine: Engine) -> None:
    """Write down in .local/ what was started, for later commands."""
    STATE.parent.mkdir(exist_ok=True)
    STATE.write_text(json.dumps(dataclasses.asdict(engine)), encoding="utf-8")


def stop_noted() -> None:
    """End the engine that was noted in .local/ and forget it."""
    if STATE.exists():
        Engine(**json.loads(STATE.read_text(encoding="utf-8"))).stop()
        STATE.unlink()


def main() -> int:
    """Start, stop or show the engine in .local/."""
    parser = argparse.ArgumentParser(description="The local stand-in for AWS.")
    parser.add_argument("command", choices=["start", "stop", "status"])
    command = parser.parse_args().command
    if command == "stop":
        stop_noted()
        return 0
    engine = running()
    if command == "start" and engine is None:
        stop_noted()
        engine = start(chosen(), LOCAL / "engine")
        note(engine)
    print(f"{engine.kind} at {engine.endpoint}" if engine else "no engine is running")
    return 0 if engine else 1


if __name__ == "__main__":
    sys.exit(exit_code(main))

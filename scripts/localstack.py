"""LocalStack in a container: the same end-to-end tests on another engine, where Docker runs."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from scripts.processes import free_port, http_answers, wait_until
from scripts.project import ProblemError

if TYPE_CHECKING:
    from pathlib import Path

# The last image that starts without a token; a newer one is chosen by LOCALSTACK_IMAGE, with LOCALSTACK_AUTH_TOKEN.
IMAGE = "localstack/localstack:4.14.0"
HEALTH = "/_localstack/health"


def docker_answers() -> bool:
    """Say whether there is a Docker client here whose daemon answers."""
    try:
        done = subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def launch(directory: Path) -> tuple[str, str]:
    """Start LocalStack on loopback; return its container's id and endpoint when it answers.

    Raises ProblemError when Docker doesn't answer or refuses.
    """
    if not docker_answers():
        raise ProblemError("LocalStack needs Docker, which does not answer: start it, or leave ENGINE unset.")
    port = free_port()
    # LocalStack runs each function in a container of its own, through the daemon's socket.
    options = ["--detach", "--rm", "--publish", f"127.0.0.1:{port}:4566"]
    options += ["--volume", "/var/run/docker.sock:/var/run/docker.sock"]
    if os.environ.get("LOCALSTACK_AUTH_TOKEN"):
        options += ["--env", "LOCALSTACK_AUTH_TOKEN"]
    image = os.environ.get("LOCALSTACK_IMAGE", IMAGE)
    done = subprocess.run(["docker", "run", *options, image], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ProblemError(f"Docker could not run {image}: {done.stderr.strip().splitlines()[-1]}")
    container, endpoint = done.stdout.strip(), f"http://127.0.0.1:{port}"
    log = directory / "localstack.log"
    try:
        wait_until(lambda: http_answers(endpoint + HEALTH), None, "LocalStack", log, seconds=180)
    except ProblemError:
        logs = subprocess.run(["docker", "logs", container], capture_output=True, check=False)
        directory.mkdir(parents=True, exist_ok=True)
        log.write_bytes(logs.stdout + logs.stderr)
        remove(container)
        raise
    return container, endpoint


def remove(container: str) -> None:
    """Remove the container that launch() started; one that is gone already is fine."""
    subprocess.run(["docker", "rm", "--force", container], capture_output=True, check=False)

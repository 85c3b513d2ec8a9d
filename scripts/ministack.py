"""MiniStack: the AWS emulator that needs neither Docker nor an account, in a virtual environment of its own."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from scripts.processes import Process, free_port, http_answers, start, wait_until
from scripts.tool_environment import interpreter

if TYPE_CHECKING:
    from pathlib import Path

# It runs functions on its own Python, which must have what Lambda's has: boto3, of the botocore that MiniStack pins.
PINS = ("ministack==1.5.33", "boto3==1.43.106")
HEALTH = "/_localstack/health"


def python() -> Path:
    """Return the interpreter of MiniStack's virtual environment; the first call makes it (about 5 seconds)."""
    return interpreter("MiniStack", *PINS)


def launch(directory: Path, region: str, port: int = 0, settings: dict[str, str] | None = None) -> tuple[Process, str]:
    """Start a MiniStack with fresh state on loopback; return its process and endpoint when it answers.

    It keeps its files in `directory`. `settings` are more environment variables for it, AUTH=true for instance.
    Its environment is otherwise clean, because its functions see all of it.
    """
    port = port or free_port()
    scratch = directory / "tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": region,
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        **(settings or {}),
    }
    log = directory / "ministack.log"
    process = start([str(python()), "-m", "ministack"], environment, log)
    endpoint = f"http://127.0.0.1:{port}"
    wait_until(lambda: http_answers(endpoint + HEALTH), process, "MiniStack", log)
    return process, endpoint

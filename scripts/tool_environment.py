"""Virtual environments of their own for tools that pin what this project uses too, made once in the cache."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from scripts.project import ProblemError, cache_dir, locked

if TYPE_CHECKING:
    from pathlib import Path


def interpreter(tool: str, *pins: str) -> Path:
    """Return the Python of an environment that has exactly `pins` and what they need; the first call makes it.

    Raises ProblemError, which names `tool`.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = cache_dir() / f"{'-'.join(pins).replace('==', '-')}-py{version}"
    python, stamp = folder / "bin" / "python", folder / ".complete"
    with locked(folder):
        # exists() follows the link: false when the Python that it was made with has gone.
        if not (stamp.exists() and python.exists()):
            shutil.rmtree(folder, ignore_errors=True)
            _run(tool, sys.executable, "-m", "venv", str(folder))
            _run(tool, str(python), "-m", "pip", "install", "--quiet", *pins)
            stamp.touch()
    return python


def _run(tool: str, *command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise ProblemError(f"{tool} could not be installed ({''.join(reason)}): check the network.")

"""Where things lie, and how a script tells its user that it can't go on."""

from __future__ import annotations

import fcntl
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
LOCAL = ROOT / ".local"
HANDLER_ZIP = ROOT / "build" / "handler.zip"


class ProblemError(Exception):
    """What stands in the way, in one sentence that says what to do."""


def cache_dir() -> Path:
    """Return the folder for what is fetched once and used by every checkout: table-trail below XDG_CACHE_HOME."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    path = Path(base).expanduser() / "table-trail"
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold `path`.lock, so that two commands at once don't fill the same cache entry."""
    with Path(f"{path}.lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def say(message: str) -> None:
    """Tell the user on stderr; stdout is for answers."""
    print(message, file=sys.stderr, flush=True)


def exit_code(main: Callable[[], int]) -> int:
    """Run `main` and return its exit code; a ProblemError is printed as one sentence and gives 1."""
    try:
        return main()
    except ProblemError as problem:
        say(f"error: {problem}")
        return 1
    except KeyboardInterrupt:
        say("error: interrupted")
        return 130

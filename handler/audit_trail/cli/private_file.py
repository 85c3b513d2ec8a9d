"""Files that hold items' data: their owner alone reads them, whatever the umask is."""

import os
from pathlib import Path

_OWNER_ALONE = 0o600


def opener(path: str | Path, flags: int) -> int:
    """Open a file for ``open(…, opener=opener)``; one that isn't there is made readable and writable by its owner alone.

    A file that is there keeps its mode: whoever made it decided on it.
    """
    return os.open(path, flags, _OWNER_ALONE)


def make(path: Path) -> None:
    """Make an empty file of that kind, unless there is one."""
    os.close(opener(path, os.O_RDWR | os.O_CREAT))

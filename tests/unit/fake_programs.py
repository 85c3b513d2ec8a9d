"""Programs on PATH that note how they were called and answer what a test wants."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


class FakeProgram:
    """A program of some name, first on PATH."""

    def __init__(self, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._calls = folder / f"{name}.calls"
        self._answers = folder / f"{name}.answers"
        self._answers.mkdir()
        program = folder / name
        # An answer is a shell snippet for the calls that contain a word; the first one that fits is run.
        program.write_text(
            f"""#!/bin/sh
printf '%s\\n' "$*" >> {shlex.quote(str(self._calls))}
for answer in {shlex.quote(str(self._answers))}/*; do
  case "$*" in *"$(basename "$answer")"*) . "$answer"; exit $? ;; esac
done
""",
            encoding="utf-8",
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def answer(self, word: str, snippet: str) -> None:
        """Run the shell `snippet` for calls whose arguments contain `word`."""
        (self._answers / word).write_text(snippet, encoding="utf-8")

    @property
    def calls(self) -> list[str]:
        """The arguments of each call, joined by spaces."""
        return self._calls.read_text(encoding="utf-8").splitlines() if self._calls.exists() else []

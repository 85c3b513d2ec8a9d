"""The README can't drift: what it tells people to run exists."""

from __future__ import annotations

import re
import shlex

import pytest
from typer.testing import CliRunner

from audit_trail.cli.main import app
from scripts.project import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):.*##", MAKEFILE, re.MULTILINE))
TRAIL_LINES = [
    line.partition("#")[0].partition("|")[0].strip()
    for line in README.splitlines()
    if line.startswith(("trail ", ".venv/bin/trail "))
]


def test_every_target_that_the_readme_names_exists() -> None:
    """Each `make …` of the README is a target of the Makefile."""
    named = set(re.findall(r"\bmake ([a-z-]+)", README))
    assert {"demo", "test"} <= named
    assert named <= TARGETS


def test_the_readme_names_every_target() -> None:
    """Each target of the Makefile is in the README."""
    assert {target for target in TARGETS if f"make {target}" not in README} == set()


@pytest.mark.parametrize("line", TRAIL_LINES)
def test_every_trail_command_is_understood(line: str) -> None:
    """Each `trail …` line of the README has the words and options that the command line knows."""
    words = shlex.split(line)[1:]
    # Without an audit table nothing is asked of AWS: the words are read first, and that is what stops it.
    done = CliRunner().invoke(app, words, env={"TRAIL_AUDIT_TABLE": ""})
    assert done.exit_code == 2
    assert "--audit-table" in done.output


def test_every_link_leads_somewhere() -> None:
    """Each relative link of the README is a file or folder of the repository."""
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", README)
    assert len(links) > 3
    assert [link for link in links if not (ROOT / link).exists()] == []

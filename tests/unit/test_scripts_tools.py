"""The tools' own virtual environments, and the states that are kept of each version."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING

import pytest

from scripts import tool_environment
from scripts.keep_state import OF_THIS_MACHINE, STATES, kept
from scripts.project import ProblemError

if TYPE_CHECKING:
    from pathlib import Path

# A Python that makes virtual environments whose own Python does the same, and says what it was asked.
FAKE = """#!/bin/sh
echo "$*" >> {log}
case "$*" in
  *"-m venv"*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  *) {pip} ;;
esac
"""


@pytest.fixture
def python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give a Python whose pip succeeds, and an empty cache; what it's asked is in the file `log` beside it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    program = tmp_path / "python"
    program.write_text(FAKE.format(log=tmp_path / "log", pip="true"), "utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    return program


def test_a_tool_is_installed_once_and_exactly(python: Path) -> None:
    """The first call installs the pinned versions into an environment of their own, the second nothing."""
    first = tool_environment.interpreter("tool", "a==1", "b==2")
    asked = python.with_name("log").read_text("utf-8")
    assert asked.splitlines()[-1] == "-m pip install --quiet a==1 b==2"
    assert tool_environment.interpreter("tool", "a==1", "b==2") == first
    assert python.with_name("log").read_text("utf-8") == asked
    assert tool_environment.interpreter("tool", "a==2", "b==2") != first


def test_what_was_not_installed_whole_is_not_used(python: Path) -> None:
    """When pip fails, the tool and pip's reason are named, and the next call begins again."""
    good = python.read_text("utf-8")
    python.write_text(good.replace(") true ;;", ') echo "no such version" >&2; exit 1 ;;'), "utf-8")
    with pytest.raises(ProblemError, match=r"tool could not be installed \(no such version\)"):
        tool_environment.interpreter("tool", "a==1")
    python.write_text(good, "utf-8")
    assert tool_environment.interpreter("tool", "a==1").exists()


def test_a_kept_state_says_nothing_of_the_machine() -> None:
    """What a state says of the machine that made it is taken out, and the rest of it stays."""
    attributes = {"filename": "/somewhere/handler.zip", "source_code_hash": "abc", "function_name": "f"}
    state = {"version": 4, "serial": 9, "lineage": "x", "resources": [{"instances": [{"attributes": attributes}]}]}
    [resource] = kept(state)["resources"]
    [instance] = resource["instances"]
    assert instance["attributes"] == {
        "filename": "handler.zip",
        "source_code_hash": "handler.zip",
        "function_name": "f",
    }


@pytest.mark.parametrize("path", sorted(STATES.glob("*.json")), ids=lambda path: path.stem)
def test_the_states_in_the_repository_are_clean(path: Path) -> None:
    """Each kept state is as it was kept: an emulator's, of account 000000000000, without a path of a machine."""
    text = path.read_text("utf-8")
    assert kept(json.loads(text)) == json.loads(text)
    assert OF_THIS_MACHINE[0] in text
    assert re.findall(r"127\.0\.0\.1|localhost|/(?:home|root|tmp|Users)/", text) == []

"""The Makefile and what it calls first: stages, setup."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from scripts import setup, stages
from scripts.project import ROOT
from tests.unit.fake_programs import FakeProgram

if TYPE_CHECKING:
    from pathlib import Path

TARGETS = [
    "bench",
    "help",
    "setup",
    "demo",
    "test",
    "test-unit",
    "test-property",
    "test-functional",
    "test-terraform",
    "test-local",
    "test-nightly",
    "lint",
    "format",
    "docs",
    "package",
    "plan",
    "deploy",
    "destroy",
    "invoke",
    "local-up",
    "local-down",
    "pr",
    "pr-python",
]


def _make(*arguments: str) -> str:
    # As a person would run it, though a make may be running these tests.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(["make", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def test_help_is_the_default_and_complete() -> None:
    """`make` alone lists every target that there is, each with a line about it."""
    listed = re.findall(r"^  ([a-z-]+) +\S", _make(), re.MULTILINE)

    assert sorted(listed) == sorted(TARGETS)
    assert _make() == _make("help")


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_knows_what_to_do(target: str) -> None:
    """Each target's rules are whole: make finds a recipe for all that it needs."""
    assert _make("--dry-run", target)


def test_test_runs_every_kind_of_test() -> None:
    """`make test`, and `make pr` with it, runs lint and every folder of tests but the benchmarks."""
    run = _make("--dry-run", "test")

    assert run.split()[-6:] == ["lint", "test-unit", "test-property", "test-terraform", "test-functional", "test-local"]
    assert _make("--dry-run", "pr").splitlines()[-1] == run.splitlines()[-1]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeProgram:
    """Give a make whose targets all succeed."""
    return FakeProgram("fake-make", tmp_path, monkeypatch)


def test_all_stages_pass(make: FakeProgram, capsys: pytest.CaptureFixture[str]) -> None:
    """Every stage runs, in order, and the summary gives each one's time."""
    assert stages.run(["lint", "test-unit"], "fake-make") == 0

    assert make.calls == ["--no-print-directory lint", "--no-print-directory test-unit"]
    summary = capsys.readouterr().err.partition("summary:")[2]
    assert re.search(r"lint +\d+\.\d s  passed\ntest-unit +\d+\.\d s  passed\n$", summary)


def test_the_first_failure_ends_it(make: FakeProgram, capsys: pytest.CaptureFixture[str]) -> None:
    """A failing stage gives its own code; those after it don't run, and the summary says so."""
    make.answer("test-unit", "exit 3")

    assert stages.run(["lint", "test-unit", "test-local"], "fake-make") == 3

    assert make.calls == ["--no-print-directory lint", "--no-print-directory test-unit"]
    summary = capsys.readouterr().err.partition("summary:")[2]
    assert "FAILED with code 3" in summary
    assert re.search(r"test-local +not run", summary)


def test_setup_names_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without git and make, setup names both and how to get them."""
    monkeypatch.setenv("PATH", str(tmp_path))

    found = setup.problems()

    assert [problem.split()[0] for problem in found] == ["git", "make"]


def test_setup_wants_a_new_enough_python(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """On a Python that is too old, setup makes nothing and says how to name another one."""
    monkeypatch.setattr(setup, "OLDEST", (99, 0))
    monkeypatch.setattr(sys, "argv", ["setup", str(tmp_path / "venv")])

    assert setup.main() == 1

    assert re.search(r"Python 3\.\d+ is too old: .* make setup PYTHON=python3\.13", capsys.readouterr().err)
    assert not (tmp_path / "venv").exists()


def test_setup_stops_at_pip_s_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """When a step fails, setup fails with its code, so that make doesn't take the environment for whole."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    (tmp_path / "python").write_text("#!/bin/sh\nexit 4\n", encoding="ascii")
    (tmp_path / "python").chmod(0o755)

    assert setup.create(str(tmp_path / "venv")) == 4


def test_setup_runs_on_any_python() -> None:
    """setup.py has no syntax or import that an old Python can't read: it's what tells its user that it's too old."""
    source = (ROOT / "scripts" / "setup.py").read_text(encoding="utf-8")

    ast.parse(source, feature_version=(3, 7))
    assert set(re.findall(r"^(?:from|import) (\S+)", source, re.MULTILINE)) == {
        "__future__",
        "shutil",
        "subprocess",
        "sys",
    }

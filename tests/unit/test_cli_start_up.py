"""How the command line starts: quickly, and with the shell completing its words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from audit_trail.cli.main import app
from scripts.project import ROOT

if TYPE_CHECKING:
    from pathlib import Path

HELP = "import sys; from audit_trail.cli.main import app; app(['--help'], standalone_mode=False)"
MODULES = f"{HELP}; import json; print(json.dumps([*sys.modules]), file=sys.stderr)"
ENVIRONMENT = {"PATH": os.defpath, "HOME": os.devnull, "PYTHONPATH": str(ROOT / "handler"), "PYTHONSAFEPATH": "1"}
COMMANDS = [command.callback.__name__.replace("_", "-") for command in app.registered_commands if command.callback]
BASH = """
eval "$(trail --show-completion)"
complete -p trail
COMP_WORDS=(trail "$@")
COMP_CWORD=$#
_trail_completion trail
printf '%s\\n' "${COMPREPLY[@]}"
"""
"""Does what bash does at a Tab after the words that it is given."""


def cpu_seconds() -> float:
    """Return the CPU time that a new interpreter takes for `trail --help`, its own start included."""
    process = subprocess.Popen([sys.executable, "-c", HELP], env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime


def test_help_takes_less_than_400_milliseconds() -> None:
    """`trail --help` is there in less than 400 ms of CPU time, the interpreter's start and every import included."""
    # Not flaky: other processes don't count towards a process's CPU time, it waits for nobody, and what cold caches and a
    # slow clock add they don't add ten times in a row, of which the best counts.
    assert any(cpu_seconds() < 0.4 for _ in range(10))


def test_help_imports_no_library_that_takes_long() -> None:
    """`trail --help` imports neither boto3 nor Rich nor Jinja, and of botocore no more than its exceptions."""
    done = subprocess.run([sys.executable, "-c", MODULES], env=ENVIRONMENT, capture_output=True, text=True, check=True)
    imported = set(json.loads(done.stderr))
    assert "audit_trail.cli.search" in imported
    assert not imported & {"boto3", "botocore.session", "botocore.client", "rich", "jinja2", "deepdiff"}
    assert not imported & {"aws_lambda_powertools", "concurrent.futures.process", "asyncio"}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Give an environment in which `trail` is this one."""
    script = tmp_path / "trail"
    start = f"#!{sys.executable}\nimport sys\nsys.argv[0] = 'trail'\nfrom audit_trail.cli.main import main\nmain()\n"
    script.write_text(start, encoding="utf-8")
    script.chmod(0o700)
    return ENVIRONMENT | {"PATH": f"{tmp_path}{os.pathsep}{os.defpath}"}


def printed(environment: dict[str, str], *command: str, **more: str) -> list[str]:
    """Return the lines that a command prints."""
    done = subprocess.run(command, env=environment | more, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ([""], COMMANDS),
        (["hi"], ["history"]),
        (["history", "123", "--act"], ["--actor"]),
        (["search", "--since", "2h", "--operation", "IN"], ["INSERT"]),
        (["report", "123", "--fo"], ["--force"]),
    ],
)
def test_bash_completes_words(environment: dict[str, str], words: list[str], completed: list[str]) -> None:
    """What `trail --show-completion` prints teaches bash the commands, their options and what these take."""
    registered, *found = printed(environment, "bash", "-c", BASH, "bash", *words)
    assert registered.endswith("_trail_completion trail")
    assert found == completed


@pytest.mark.parametrize(
    ("shell", "words"),
    [
        ("zsh", {"_TYPER_COMPLETE_ARGS": "trail hi"}),
        ("fish", {"_TYPER_COMPLETE_ARGS": "trail hi", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}),
        ("powershell", {"_TYPER_COMPLETE_ARGS": "trail hi", "_TYPER_COMPLETE_WORD_TO_COMPLETE": "hi"}),
    ],
)
def test_other_shells_complete_words(environment: dict[str, str], shell: str, words: dict[str, str]) -> None:
    """zsh, fish and PowerShell get a script that asks `trail`, which answers in their ways."""
    script = "\n".join(printed(environment, "trail", _TRAIL_COMPLETE=f"source_{shell}"))
    assert f"complete_{shell}" in script
    assert all(name in script for name in words)
    [answer] = printed(environment, "trail", _TRAIL_COMPLETE=f"complete_{shell}", **words)
    assert "history" in answer
    assert "search" not in answer

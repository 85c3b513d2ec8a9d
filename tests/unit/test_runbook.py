"""The runbook can't drift: what it tells people to type is understood."""

from __future__ import annotations

import re
import shlex

import pytest
from typer.testing import CliRunner

from audit_trail.cli.main import app
from audit_trail.core.doctor import ARCHIVE_CHECKS, CHECKS
from scripts.project import ROOT
from tests.unit.test_readme import TARGETS

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
COMMANDS = sorted({line.strip() for line in re.findall(r"(?:^|`)(trail [a-z][^`#\n]*)", RUNBOOK, re.MULTILINE)})


@pytest.mark.parametrize("command", COMMANDS)
def test_every_trail_command_is_understood(command: str) -> None:
    """Each `trail …` of the runbook has the words and options that the command line knows."""
    # Without an audit table nothing is asked of AWS: the words are read first, and that is what stops it.
    done = CliRunner().invoke(app, shlex.split(command)[1:], env={"TRAIL_AUDIT_TABLE": ""})
    assert done.exit_code == 2
    assert "--audit-table" in done.output


def test_the_commands_were_found() -> None:
    """The commands that every incident begins with are among those that are tested."""
    assert {"trail doctor", "trail failures", "trail redrive --dry-run", "trail redrive"} <= set(COMMANDS)


def test_every_make_target_exists() -> None:
    """Each `make …` of the runbook is a target of the Makefile."""
    assert set(re.findall(r"`make ([a-z-]+)", RUNBOOK)) <= TARGETS


def test_every_check_of_the_doctor_is_explained() -> None:
    """The doctor's section has each check once, and no others."""
    section = RUNBOOK.partition("## Trail doctor\n")[2]
    firsts = re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE)
    assert sorted(name for first in firsts for name in re.findall(r"`([a-z-]+)`", first)) == sorted(
        CHECKS | ARCHIVE_CHECKS
    )

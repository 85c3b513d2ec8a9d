"""The runbook can't drift: what it tells people to type is understood."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from typing import Any

import pytest
from typer.testing import CliRunner

from audit_trail.cli.main import app
from audit_trail.core.doctor import ARCHIVE_CHECKS, CHECKS
from scripts.project import ROOT
from tests.engines import unavailable
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


def test_crashes_are_found_by_either_name_of_the_level() -> None:
    """Each search for errors asks for `level`, as the function writes it, and `log_level`, as Lambda's runtime does."""
    filters = re.findall(r"--filter-pattern '([^']*ERROR[^']*)'", RUNBOOK)
    assert filters
    assert set(filters) == {'{ $.level = "ERROR" || $.log_level = "ERROR" }'}


def test_who_wrote_items_is_asked_where_it_is_known() -> None:
    """CloudTrail's event history has management events alone, so the runbook never asks it for writes of items."""
    section = RUNBOOK.partition("## Records tampered\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"lookup-events (.*)", RUNBOOK)) == {
        "--lookup-attributes AttributeKey=EventName,AttributeValue=UpdateTimeToLive"
    }
    [question] = re.findall(r"jq -r '(.*?)'", section, re.DOTALL)
    arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/audit"
    record: dict[str, Any] = {
        "eventSource": "dynamodb.amazonaws.com",
        "eventTime": "2026-11-24T10:00:00Z",
        "eventName": "DeleteItem",
        "readOnly": False,
        "userIdentity": {"arn": "arn:aws:iam::123456789012:user/mia"},
        "sourceIPAddress": "192.0.2.1",
        "resources": [{"accountId": "123456789012", "type": "AWS::DynamoDB::Table", "ARN": arn}],
    }
    others = [
        {**record, "readOnly": True},
        {**record, "resources": [{"ARN": f"{arn}-2"}]},
        {"eventSource": "s3.amazonaws.com"},
    ]
    if not (jq := shutil.which("jq")):
        unavailable("jq is not installed")
    environment = {"TRAIL_AUDIT_TABLE": "audit"}
    logs = json.dumps({"Records": [record, *others]})
    done = subprocess.run(
        [str(jq), "-r", question], input=logs, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [
        "2026-11-24T10:00:00Z",
        "DeleteItem",
        "arn:aws:iam::123456789012:user/mia",
        "192.0.2.1",
    ]


def test_every_check_of_the_doctor_is_explained() -> None:
    """The doctor's section has each check once, and no others."""
    section = RUNBOOK.partition("## Trail doctor\n")[2]
    firsts = re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE)
    assert sorted(name for first in firsts for name in re.findall(r"`([a-z-]+)`", first)) == sorted(
        CHECKS | ARCHIVE_CHECKS
    )

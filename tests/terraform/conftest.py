"""Terraform's own tests, run once for all of the Python tests that look at what came out."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from scripts.project import ROOT
from scripts.terraform import Terraform, throwaway_environment
from tests.cloudwatch import Alarm
from tests.terraform import emitted

if TYPE_CHECKING:
    from pathlib import Path

    from tests.terraform.emitted import Emitted

EVERYTHING = "alarms.tftest.hcl/everything"
INDEXED = "indexes.tftest.hcl/on"
"""The run that has every alarm and the dashboard."""


@dataclass(frozen=True)
class Checkout:
    """A copy of terraform/ and tests/terraform/ with a tiny zip, so that nothing is written among the sources."""

    directory: Path

    def terraform(self, folder: str) -> Terraform:
        """Return Terraform in one folder of the copy, without credentials and without anyone's settings."""
        misleading = ("AWS_", "TF_VAR_", "TF_CLI_ARGS", "TF_DATA_DIR", "TF_WORKSPACE")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(misleading)}
        data = {"TF_DATA_DIR": str(self.directory / "data" / folder.replace("/", "-")), "TF_IN_AUTOMATION": "1"}
        return Terraform(self.directory / folder, {**kept, **throwaway_environment(), **data})


@dataclass(frozen=True)
class Outcome:
    """What `terraform test -json -verbose` said, line by line, without the provider's schemas."""

    messages: list[dict[str, Any]] = field(repr=False)

    @cached_property
    def diagnostics(self) -> list[dict[str, Any]]:
        """Every error and warning."""
        return [message["diagnostic"] for message in self.messages if message["type"] == "diagnostic"]

    @cached_property
    def plans(self) -> dict[str, list[dict[str, Any]]]:
        """The resources that each run would make, `file/run` → their planned attributes, address and type."""
        return {
            run: [
                {"address": change["address"], "type": change["type"], **change["change"]["after"]}
                for change in plan.get("resource_changes", [])
                if change["mode"] == "managed"
            ]
            for run, plan in self._test_plans()
        }

    @cached_property
    def outputs(self) -> dict[str, dict[str, Any]]:
        """The outputs that each run would have, `file/run` → name → value."""
        return {
            run: {name: change.get("after") for name, change in plan.get("output_changes", {}).items()}
            for run, plan in self._test_plans()
        }

    def planned(self, run: str, kind: str) -> list[dict[str, Any]]:
        """Return one kind of the resources that a run would make."""
        return [resource for resource in self.plans[run] if resource["type"] == kind]

    def _test_plans(self) -> list[tuple[str, dict[str, Any]]]:
        return [
            (f"{message['@testfile']}/{message['@testrun']}", message["test_plan"])
            for message in self.messages
            if message["type"] == "test_plan"
        ]


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory, needs_terraform: None) -> Checkout:
    directory = tmp_path_factory.mktemp("terraform")
    unwanted = shutil.ignore_patterns(".terraform*", "*.tfstate*", "*.py", "__pycache__", "backend_override.tf")
    for folder in ("terraform", "tests/terraform"):
        shutil.copytree(ROOT / folder, directory / folder, ignore=unwanted)
    (directory / "build").mkdir()
    with zipfile.ZipFile(directory / "build" / "handler.zip", "w") as archive:
        archive.writestr("audit_trail/lambda_function.py", "def handler(event, context): ...\n")
    return Checkout(directory)


@pytest.fixture(scope="session")
def outcome(checkout: Checkout) -> Outcome:
    """Give what all of the runs in *.tftest.hcl came to."""
    terraform = checkout.terraform("tests/terraform")
    terraform.run("init", "-backend=false", "-no-color", quiet=True)
    command = [terraform.executable, f"-chdir={terraform.directory}", "test", "-json", "-verbose"]
    with subprocess.Popen(command, env=terraform.environment, stdout=subprocess.PIPE, text=True) as running:
        return Outcome([message_in(line) for line in running.stdout or ()])


@pytest.fixture(scope="session")
def alarms(outcome: Outcome) -> dict[str, Alarm]:
    """Give every alarm that there can be, by its anchor in the runbook."""
    found = [Alarm.planned(resource) for resource in outcome.planned(EVERYTHING, "aws_cloudwatch_metric_alarm")]
    return {alarm.description.rpartition("#")[2]: alarm for alarm in found}


@pytest.fixture(scope="session")
def of_indexes(outcome: Outcome) -> list[Alarm]:
    """Give the alarms of both indexes, which stand in the runbook's section of the audit table's."""
    found = [Alarm.planned(one) for one in outcome.planned(INDEXED, "aws_cloudwatch_metric_alarm")]
    indexed = [alarm for alarm in found if "GlobalSecondaryIndexName" in alarm.metric.dimensions]
    assert len(indexed) == 2
    return indexed


@pytest.fixture(scope="session")
def storing(outcome: Outcome) -> Emitted:
    """Give what the function emits, with the environment that it has where every alarm is on."""
    return emitted.from_storing(environment_of(outcome, "aws_lambda_function.trail"))


@pytest.fixture(scope="session")
def checking(outcome: Outcome) -> Emitted:
    """Give what the check of the stream emits, likewise."""
    return emitted.from_checking(environment_of(outcome, "aws_lambda_function.stream_check[0]"))


@pytest.fixture(scope="session")
def archiving(outcome: Outcome) -> Emitted:
    """Give what the archive emits, likewise."""
    return emitted.from_archiving(environment_of(outcome, "aws_lambda_function.archive[0]"))


@pytest.fixture(scope="session")
def tampering(outcome: Outcome) -> Emitted:
    """Give what is emitted about changes by hand, likewise."""
    return emitted.from_tampering(environment_of(outcome, "aws_lambda_function.tampering[0]"))


@pytest.fixture(scope="session")
def printed(storing: Emitted, checking: Emitted, archiving: Emitted, tampering: Emitted) -> Emitted:
    """Give all that the functions emit."""
    return emitted.Emitted([*storing.lines, *checking.lines, *archiving.lines, *tampering.lines])


def environment_of(outcome: Outcome, address: str) -> dict[str, str]:
    """Return a function's environment as planned."""
    [function] = [one for one in outcome.plans[EVERYTHING] if one["address"] == address]
    variables: dict[str, str] = function["environment"][0]["variables"]
    return variables


def message_in(line: str) -> dict[str, Any]:
    """Read one line; a plan's ends with the schemas of the whole provider, 13 MB, which are left out unread."""
    before, schemas, _ = line.partition(',"provider_schemas":')
    message: dict[str, Any] = json.loads(f'{before}}},"type":"test_plan"}}' if schemas else line)
    return message

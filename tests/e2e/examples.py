"""The examples of terraform/examples, each deployed from a copy of its own, and what Terraform would still change."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scripts.local_deployment import NOT_COPIED, clean_environment
from scripts.project import ROOT
from scripts.terraform import Terraform, throwaway_environment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

UNTOLD = {
    "aws_cloudwatch_metric_alarm": {
        *("actions_enabled", "alarm_actions", "alarm_description", "dimensions", "metric_query", "ok_actions"),
        *("period", "statistic", "treat_missing_data"),
    },
    "aws_lambda_event_source_mapping": {"metrics_config"},
    "aws_vpc_endpoint": {"private_dns_enabled", "security_group_ids"},
}
"""What MiniStack leaves out where it describes these to Terraform, which then wants to set it again."""


@dataclass(frozen=True)
class Example:
    """One example's folder in a copy of terraform/, with its state beside it."""

    terraform: Terraform

    @classmethod
    def copied(cls, name: str, directory: Path, endpoint: str, variables: Mapping[str, Any]) -> Example:
        """Copy terraform/ below `directory` and initialise the example `name` there, with these variables."""
        shutil.copytree(ROOT / "terraform", directory / "terraform", ignore=NOT_COPIED)
        folder = directory / "terraform" / "examples" / name
        (folder / "test.auto.tfvars.json").write_text(json.dumps(variables), encoding="utf-8")
        settings = {"TF_DATA_DIR": str(directory / "data"), "TF_IN_AUTOMATION": "1", "TF_INPUT": "0"}
        environment = {**clean_environment(endpoint), **throwaway_environment(), **settings}
        example = cls(Terraform(folder, environment))
        example.terraform.run("init", "-no-color", quiet=True)
        return example

    def apply(self) -> str:
        """Apply, and return what Terraform printed."""
        return self.terraform.run("apply", "-auto-approve", "-no-color", quiet=True)

    def plan(self) -> dict[str, list[str]]:
        """Return what a plan would do, address → actions, without what MiniStack doesn't tell."""
        saved = self.terraform.directory / "again.tfplan"
        self.terraform.run("plan", "-no-color", f"-out={saved}", quiet=True)
        shown = json.loads(self.terraform.run("show", "-json", str(saved), quiet=True))
        return {
            change["address"]: change["change"]["actions"]
            for change in shown["resource_changes"]
            if change["change"]["actions"] != ["no-op"] and not _untold(change)
        }


def _untold(change: Mapping[str, Any]) -> bool:
    """Tell whether nothing differs but what MiniStack doesn't tell."""
    before, after = change["change"]["before"], change["change"]["after"]
    if change["change"]["actions"] != ["update"]:
        return False
    changed = {name for name, value in after.items() if value != before.get(name)}
    changed |= {name for name, unknown in change["change"]["after_unknown"].items() if "true" in json.dumps(unknown)}
    return changed <= UNTOLD.get(change["type"], set())

"""The whole example, deployed with throwaway state on an engine of this machine."""

from __future__ import annotations

import os
import shlex
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scripts.engine import REGION
from scripts.project import ROOT
from scripts.terraform import Terraform, throwaway_environment

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

BACKEND = 'terraform {\n  backend "local" {}\n}\n'
NOT_COPIED = shutil.ignore_patterns(".terraform", "*.tfstate*", "*.tfplan", "*.tfvars", "*.tfvars.json")
# What would send a call elsewhere than to AWS_ENDPOINT_URL, or sign it with real credentials.
MISLEADING = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")


def client_settings(endpoint: str) -> dict[str, str]:
    """Return the environment variables that point any AWS client at `endpoint`, with the emulators' credentials."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


def clean_environment(endpoint: str) -> dict[str, str]:
    """Return this process's environment, freed of every setting that could reach real AWS, pointed at `endpoint`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in MISLEADING and not name.startswith(("AWS_ENDPOINT_URL", "TF_VAR_", "TF_CLI_ARGS"))
    }
    no_files = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return {**kept, **no_files, **client_settings(endpoint)}


@dataclass(frozen=True)
class LocalDeployment:
    """The Terraform root in a copy of its own under `directory`, so that no state or setting of a real one is met."""

    directory: Path
    endpoint: str

    @property
    def terraform(self) -> Terraform:
        """Terraform in that copy, pointed at the engine alone."""
        data = {"TF_DATA_DIR": str(self.directory / "data"), "TF_IN_AUTOMATION": "1", "TF_INPUT": "0"}
        environment = {**clean_environment(self.endpoint), **throwaway_environment(), **data}
        return Terraform(self.directory / "terraform", environment)

    def up(
        self, handler_zip: Path, variables: dict[str, str] | None = None, beside: Iterable[Path] = ()
    ) -> dict[str, Any]:
        """Deploy `handler_zip` and the tables, unprotected, and return Terraform's outputs.

        `beside` are more .tf files to put beside the root's. Raises ProblemError with what Terraform printed.
        """
        terraform = self.prepared(handler_zip, variables, beside)
        terraform.run("apply", "-auto-approve", "-no-color", quiet=True)
        return terraform.outputs()

    def prepared(
        self, handler_zip: Path, variables: dict[str, str] | None = None, beside: Iterable[Path] = ()
    ) -> Terraform:
        """Return Terraform, initialised for `up`, with nothing deployed yet. Raises ProblemError."""
        shutil.rmtree(self.directory, ignore_errors=True)
        shutil.copytree(ROOT / "terraform", self.directory / "terraform", ignore=NOT_COPIED)
        for path in beside:
            shutil.copy(path, self.directory / "terraform")
        (self.directory / "terraform" / "backend_override.tf").write_text(BACKEND, encoding="ascii")
        # No emulator here makes metrics for alarms to watch, and MiniStack describes them only in part: their plan would
        # never be empty.
        settings = {"deletion_protection": "false", "force_destroy": "true", "alarms": "null"}
        # The provider waits a minute for a bucket's lifecycle there, and nothing expires.
        settings["failures"] = "{ redriven_days = 0 }"
        settings["handler_zip"] = str(handler_zip.resolve())
        settings |= variables or {}
        lines = "".join(f"{name} = {_literal(value)}\n" for name, value in settings.items())
        (self.directory / "terraform" / "local.auto.tfvars").write_text(lines, encoding="utf-8")
        terraform = self.terraform
        terraform.run("init", "-no-color", quiet=True)
        return terraform

    def down(self) -> None:
        """Destroy all of it. Raises ProblemError."""
        self.terraform.run("destroy", "-auto-approve", "-no-color", quiet=True)


def _literal(value: str) -> str:
    if value in {"true", "false", "null"} or value.isdecimal() or value.startswith(("{", "[")):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("${", "$${").replace("%{", "%%{")
    return f'"{escaped}"'


def exports(endpoint: str, outputs: dict[str, Any]) -> str:
    """Return shell lines that point AWS clients and `trail` at the deployment."""
    trail = {
        "TRAIL_AUDIT_TABLE": outputs["audit_table_name"],
        "TRAIL_SOURCE_TABLE": outputs["source_table_name"],
        "TRAIL_BUCKET": outputs["bucket_name"],
        "TRAIL_FAILURES_BUCKET": outputs["failures_bucket_name"],
    }
    settings = {**client_settings(endpoint), **trail}
    lines = [f"export {name}={shlex.quote(value)}" for name, value in settings.items()]
    return "\n".join([f"unset {' '.join(MISLEADING)}", *lines, ""])

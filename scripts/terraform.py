"""Run Terraform (or OpenTofu) as a person would, in one folder and one environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scripts import install_terraform
from scripts.project import ROOT, ProblemError, cache_dir, exit_code, say

if TYPE_CHECKING:
    from pathlib import Path


def throwaway_environment() -> dict[str, str]:
    """Return settings for runs whose lock file is thrown away too: providers come from the plug-in cache.

    Terraform ignores its cache for a provider that no lock file names, unless told that this may be.
    https://developer.hashicorp.com/terraform/cli/config/config-file#provider-plugin-cache
    """
    return {**plugin_cache(), "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "1"}


def plugin_cache() -> dict[str, str]:
    """Return TF_PLUGIN_CACHE_DIR: the user's own if set, else a folder in the cache."""
    folder = os.environ.get("TF_PLUGIN_CACHE_DIR") or str(cache_dir() / "terraform-plugins")
    os.makedirs(folder, exist_ok=True)  # noqa: PTH103  # the user's value, as it is
    return {"TF_PLUGIN_CACHE_DIR": folder}


@dataclass(frozen=True)
class Terraform:
    """Terraform in `directory`, with `environment` and nothing else; each call waits for the one before."""

    directory: Path
    environment: dict[str, str]
    executable: str = field(default_factory=install_terraform.executable)

    def run(self, *arguments: str, quiet: bool = False) -> str:
        """Run one command and return its stdout ("" when it goes to the terminal).

        Raises ProblemError when it fails; with `quiet`, what it printed is in the sentence.
        """
        done = self.call(*arguments, quiet=quiet)
        if done.returncode != 0:
            said = f":\n{done.stdout}{done.stderr}" if quiet else ", see above."
            raise ProblemError(f"`{self.executable} {' '.join(arguments)}` failed in {self.directory}{said}")
        return done.stdout or ""

    def call(self, *arguments: str, quiet: bool = False) -> subprocess.CompletedProcess[str]:
        """Run one command and return how it ended, whatever its exit code (`plan -detailed-exitcode` has three)."""
        command = [self.executable, f"-chdir={self.directory}", *arguments]
        return subprocess.run(command, env=self.environment, capture_output=quiet, text=True, check=False)

    def outputs(self) -> dict[str, Any]:
        """Return the outputs of what is deployed, name → value."""
        answer = json.loads(self.run("output", "-json", quiet=True))
        return {name: output["value"] for name, output in answer.items()}


def missing() -> str | None:
    """Return why there's no Terraform here, where ALLOW_NO_TERRAFORM=1 says that this may be; else None."""
    if os.environ.get("ALLOW_NO_TERRAFORM") != "1":
        return None
    try:
        install_terraform.executable()
    except ProblemError as problem:
        return str(problem)
    return None


def main() -> int:
    """Run Terraform in terraform/ with this command's arguments."""
    if reason := missing():
        say(f"skipped: terraform {' '.join(sys.argv[1:])} ({reason})")
        return 0
    return Terraform(ROOT / "terraform", dict(os.environ)).call(*sys.argv[1:]).returncode


if __name__ == "__main__":
    sys.exit(exit_code(main))

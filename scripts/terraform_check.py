"""What `make lint` asks of terraform/: that each configuration is valid on its own, and that checkov finds nothing.

A finding that stays is skipped beside its resource, with the reason: `# checkov:skip=ID: reason`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scripts import tool_environment
from scripts.local_deployment import NOT_COPIED
from scripts.project import ROOT, ProblemError, exit_code, say
from scripts.terraform import Terraform, missing, throwaway_environment

CHECKOV = "checkov==3.3.30"
NEWEST = (3, 13)
"""The newest Python that checkov was seen to run on; it names none newer than 3.12 itself."""
SOURCES = ROOT / "terraform"


def configurations(directory: Path) -> list[Path]:
    """Return every folder with Terraform's files in or below `directory`."""
    return sorted({path.parent for path in directory.rglob("*.tf") if ".terraform" not in path.parts})


def validate(sources: Path) -> list[str]:
    """Return what `terraform validate` says of each configuration below `sources`, warnings too: nothing, if all is well.

    It works on a copy, so that no folder of Terraform's is left among the sources.
    """
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "terraform"
        shutil.copytree(sources, copy, ignore=NOT_COPIED)
        environment = {**_without_settings(), **throwaway_environment()}
        there = [Terraform(folder, environment) for folder in configurations(copy)]
        for terraform in there:  # one after the other: they fill one plug-in cache
            terraform.run("init", "-backend=false", "-no-color", quiet=True)
        with ThreadPoolExecutor(max_workers=2) as pool:
            answers = list(pool.map(lambda terraform: terraform.call("validate", "-json", quiet=True).stdout, there))
        return [
            f"{terraform.directory.relative_to(scratch)}: {one['summary']}. {one.get('detail', '')}"
            for terraform, answer in zip(there, answers, strict=True)
            for one in json.loads(answer)["diagnostics"]
        ]


def no_checkov() -> str | None:
    """Return why checkov can't run here, where this Python is too new for it; CI has it run on others."""
    if sys.version_info[:2] <= NEWEST:
        return None
    return f"{CHECKOV} is not known to run on Python newer than {'.'.join(map(str, NEWEST))}"


def checkov(sources: Path) -> subprocess.CompletedProcess[str]:
    """Run checkov on everything in `sources`, and let it ask nobody anything."""
    python = tool_environment.interpreter("checkov", CHECKOV)
    environment = {**_without_settings(), "CKV_SKIP_PACKAGE_UPDATE_CHECK": "true"}
    options = ["--framework", "terraform", "--skip-download", "--quiet", "--compact", "--directory", str(sources)]
    command = [str(python), "-m", "checkov.main", *options]
    # Elsewhere than here: it would read a .checkov.yaml of the folder that it runs in.
    return subprocess.run(
        command, cwd=python.parent, env=environment, capture_output=True, text=True, check=False, timeout=600
    )


def _without_settings() -> dict[str, str]:
    misleading = ("AWS_", "TF_VAR_", "TF_CLI_ARGS", "TF_DATA_DIR", "TF_WORKSPACE", "BC_", "CKV_", "PRISMA_")
    return {name: value for name, value in os.environ.items() if not name.startswith(misleading)}


def main() -> int:
    """Validate terraform/, then have checkov look at it."""
    if reason := missing():
        say(f"skipped: terraform validate ({reason})")
    elif problems := validate(SOURCES):
        raise ProblemError("terraform validate:\n" + "\n".join(problems))
    if reason := no_checkov():
        say(f"skipped: checkov ({reason})")
        return 0
    done = checkov(SOURCES)
    if done.returncode != 0:
        raise ProblemError(f"checkov, code {done.returncode}:\n{done.stdout}{done.stderr}")
    say(f"terraform: {len(configurations(SOURCES))} configurations are valid, and checkov finds nothing")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))

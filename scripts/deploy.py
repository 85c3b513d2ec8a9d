"""make plan, deploy and destroy: the example on AWS, with guard rails around its state and its history.

BACKEND_CONFIG=FILE says which S3 bucket keeps the state; STATE=local keeps it in terraform.tfstate here.
PLAN=FILE: `plan` saves to it, `deploy` applies exactly that. Terraform asks before it changes anything else.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from scripts.project import HANDLER_ZIP, LOCAL, ROOT, ProblemError, exit_code, say
from scripts.terraform import Terraform, plugin_cache

TERRAFORM = ROOT / "terraform"
LOCAL_STATE = ROOT / "terraform.tfstate"
UNPROTECTED = ("-var=deletion_protection=false", "-var=force_destroy=true")


def prepared() -> tuple[Terraform, list[str]]:
    """Return Terraform, initialised with the state that the user chose, and the options of every plan.

    Raises ProblemError when the user chose none, or both.
    """
    config, local = os.environ.get("BACKEND_CONFIG"), os.environ.get("STATE")
    if bool(config) == bool(local) or local not in {None, "", "local"}:
        raise ProblemError(
            "say where Terraform keeps its state: BACKEND_CONFIG=FILE (an S3 bucket) or STATE=local (this folder)."
        )
    environment = {**os.environ, **plugin_cache()}
    if config:
        if not Path(config).is_file():
            raise ProblemError(
                f"BACKEND_CONFIG={config} is no file: copy terraform/backend.hcl.example and fill it in."
            )
        terraform = Terraform(TERRAFORM, environment)
        terraform.run("init", "-reconfigure", f"-backend-config={Path(config).resolve()}")
    else:
        environment["TF_DATA_DIR"] = str(LOCAL / "state-local" / "data")
        terraform = Terraform(_copy_with_local_state(LOCAL / "state-local" / "terraform"), environment)
        terraform.run("init", "-reconfigure")
    return terraform, [f"-var=handler_zip={HANDLER_ZIP}"]


def _copy_with_local_state(copy: Path) -> Path:
    # A backend_override.tf left in terraform/ would silently turn the next S3 deployment into a local one.
    lock = copy / ".terraform.lock.hcl"
    locked = lock.read_bytes() if lock.exists() else None
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(TERRAFORM, copy, ignore=shutil.ignore_patterns(".terraform", "*.tfstate*", "*.tfplan"))
    if locked and not lock.exists():
        lock.write_bytes(locked)
    backend = f'terraform {{\n  backend "local" {{\n    path = {json.dumps(str(LOCAL_STATE))}\n  }}\n}}\n'
    (copy / "backend_override.tf").write_text(backend, encoding="utf-8")
    return copy


def plan(terraform: Terraform, options: list[str]) -> None:
    """Show what a deployment would change; with PLAN=FILE, save it."""
    saved = os.environ.get("PLAN")
    terraform.run("plan", *options, *([f"-out={Path(saved).resolve()}"] if saved else []))


def deploy(terraform: Terraform, options: list[str]) -> None:
    """Deploy: with PLAN=FILE exactly what was planned, else after Terraform's own question."""
    saved = os.environ.get("PLAN")
    terraform.run("apply", *([str(Path(saved).resolve())] if saved else options))


def destroy(terraform: Terraform, options: list[str]) -> None:
    """Destroy everything, or stop before touching anything while a table is protected.

    DELETE_HISTORY=yes lifts the protection first. Raises ProblemError.
    """
    deployed = planned_for_destruction(terraform, options)
    protected = [address for address, before in deployed.items() if before.get("deletion_protection_enabled")]
    if os.environ.get("DELETE_HISTORY") == "yes":
        options = [*options, *UNPROTECTED]
        kept = protected + [address for address, before in deployed.items() if before.get("force_destroy") is False]
        # Targets, so that what an earlier destroy already deleted isn't made again just to be unprotected.
        if kept:
            terraform.run("apply", *options, *(f"-target={address}" for address in kept))
    elif protected:
        names = ", ".join(deployed[address]["name"] for address in protected)
        raise ProblemError(
            f"deletion protection is on for {names}, so nothing was touched: "
            "DELETE_HISTORY=yes lifts it and deletes the tables with all of their history."
        )
    terraform.run("destroy", *options)


def planned_for_destruction(terraform: Terraform, options: list[str]) -> dict[str, dict[str, Any]]:
    """Return address → attributes, as they are now, of everything that `destroy` would delete."""
    with tempfile.TemporaryDirectory() as folder:
        saved = f"{folder}/destroy.tfplan"
        terraform.run("plan", "-destroy", *options, f"-out={saved}", quiet=True)
        planned = json.loads(terraform.run("show", "-json", saved, quiet=True))
    changes = planned.get("resource_changes", [])
    return {change["address"]: change["change"]["before"] for change in changes if change["change"]["before"]}


def main() -> int:
    """Carry out `plan`, `deploy` or `destroy`."""
    commands = {"plan": plan, "deploy": deploy, "destroy": destroy}
    parser = argparse.ArgumentParser(description="The example on AWS.")
    parser.add_argument("command", choices=commands)
    command = parser.parse_args().command
    terraform, options = prepared()
    say(f"{command} with {terraform.executable}")
    commands[command](terraform, options)
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))

"""make plan, deploy and destroy: what Terraform is told, and when it's not called at all."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING

import pytest

from scripts import deploy, project
from tests.unit.fake_programs import FakeProgram

if TYPE_CHECKING:
    from pathlib import Path

TABLE = "module.audit.aws_dynamodb_table.audit"
BUCKET = "module.audit.aws_s3_bucket.history"


@pytest.fixture(autouse=True)
def local(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Keep what the commands write out of the checkout."""
    monkeypatch.setattr(deploy, "LOCAL", tmp_path / "local")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("STATE", "BACKEND_CONFIG", "PLAN", "DELETE_HISTORY", "TF_PLUGIN_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "local"


@pytest.fixture
def terraform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeProgram:
    """Give a Terraform that succeeds at everything, with nothing deployed."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("TF", "fake-terraform")
    program = FakeProgram("fake-terraform", folder, monkeypatch)
    program.answer("show -json", "echo '{}'")
    return program


def _run(monkeypatch: pytest.MonkeyPatch, command: str, **environment: str) -> int:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["deploy", command])
    return project.exit_code(deploy.main)


def _verbs(terraform: FakeProgram) -> list[str]:
    return [call.split()[1] for call in terraform.calls]


def _deployed(terraform: FakeProgram, *, protected: bool) -> None:
    changes = [
        {"address": TABLE, "change": {"before": {"name": "audit", "deletion_protection_enabled": protected}}},
        {"address": BUCKET, "change": {"before": {"bucket": "trail", "force_destroy": not protected}}},
        {"address": "module.audit.aws_iam_role.function", "change": {"before": {"name": "role"}}},
    ]
    terraform.answer("show -json", f"echo {shlex.quote(json.dumps({'resource_changes': changes}))}")


@pytest.mark.parametrize("command", ["plan", "deploy", "destroy"])
@pytest.mark.parametrize("environment", [{}, {"STATE": "elsewhere"}, {"STATE": "local", "BACKEND_CONFIG": "Makefile"}])
def test_no_state_no_terraform(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    terraform: FakeProgram,
    command: str,
    environment: dict[str, str],
) -> None:
    """Without exactly one place for the state, every command stops with a sentence before Terraform is called."""
    assert _run(monkeypatch, command, **environment) == 1

    assert "BACKEND_CONFIG=FILE (an S3 bucket) or STATE=local" in capsys.readouterr().err
    assert terraform.calls == []


def test_a_backend_config_that_is_no_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], terraform: FakeProgram
) -> None:
    """A BACKEND_CONFIG that doesn't exist is named, before Terraform is called."""
    assert _run(monkeypatch, "deploy", BACKEND_CONFIG="no-such.hcl") == 1

    assert "BACKEND_CONFIG=no-such.hcl is no file" in capsys.readouterr().err
    assert terraform.calls == []


def test_the_s3_backend(monkeypatch: pytest.MonkeyPatch, terraform: FakeProgram, tmp_path: Path, local: Path) -> None:
    """BACKEND_CONFIG deploys terraform/ itself, initialised with that file; no override is left beside it."""
    config = tmp_path / "backend.hcl"
    config.touch()

    assert _run(monkeypatch, "deploy", BACKEND_CONFIG=str(config)) == 0

    init, apply = terraform.calls
    assert init == f"-chdir={deploy.TERRAFORM} init -reconfigure -backend-config={config}"
    assert apply == f"-chdir={deploy.TERRAFORM} apply -var=handler_zip={project.HANDLER_ZIP}"
    assert not list(deploy.TERRAFORM.glob("*override.tf"))
    assert not local.exists()


def test_local_state(monkeypatch: pytest.MonkeyPatch, terraform: FakeProgram, local: Path) -> None:
    """STATE=local deploys a copy whose backend is a file in the checkout, and leaves terraform/ as it is."""
    assert _run(monkeypatch, "plan", STATE="local") == 0

    copy = local / "state-local" / "terraform"
    assert str(deploy.LOCAL_STATE) in (copy / "backend_override.tf").read_text(encoding="utf-8")
    assert (copy / "main.tf").read_bytes() == (deploy.TERRAFORM / "main.tf").read_bytes()
    assert _verbs(terraform) == ["init", "plan"]
    assert all(call.startswith(f"-chdir={copy} ") for call in terraform.calls)


def test_a_file_that_was_deleted_is_not_deployed(
    monkeypatch: pytest.MonkeyPatch, terraform: FakeProgram, local: Path
) -> None:
    """The copy follows the sources, so what is gone there is gone in the next deployment; the lock file stays."""
    copy = local / "state-local" / "terraform"
    (copy / "modules" / "gone").mkdir(parents=True)
    for stale in (copy / "gone.tf", copy / "modules" / "gone" / "main.tf"):
        stale.touch()
    (copy / ".terraform.lock.hcl").write_text("pinned", encoding="ascii")

    assert _run(monkeypatch, "plan", STATE="local") == 0

    assert not (copy / "gone.tf").exists()
    assert not (copy / "modules" / "gone").exists()
    assert (copy / ".terraform.lock.hcl").read_text(encoding="ascii") == "pinned"


def test_a_saved_plan_is_what_is_applied(
    monkeypatch: pytest.MonkeyPatch, terraform: FakeProgram, tmp_path: Path
) -> None:
    """PLAN=FILE is written by plan and applied by deploy as it is, without new variables."""
    saved = tmp_path / "saved.tfplan"

    assert _run(monkeypatch, "plan", STATE="local", PLAN=str(saved)) == 0
    assert terraform.calls[-1].endswith(f"plan -var=handler_zip={project.HANDLER_ZIP} -out={saved}")
    assert _run(monkeypatch, "deploy", STATE="local", PLAN=str(saved)) == 0
    assert terraform.calls[-1].endswith(f"apply {saved}")


def test_terraform_s_failure_is_the_command_s(monkeypatch: pytest.MonkeyPatch, terraform: FakeProgram) -> None:
    """When Terraform fails, the command fails and goes no further."""
    terraform.answer("init", "exit 1")

    assert _run(monkeypatch, "deploy", STATE="local") == 1
    assert _verbs(terraform) == ["init"]


def test_destroy_stops_at_protection(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], terraform: FakeProgram
) -> None:
    """While a table is protected, destroy names it and changes nothing."""
    _deployed(terraform, protected=True)

    assert _run(monkeypatch, "destroy", STATE="local") == 1

    assert "deletion protection is on for audit, so nothing was touched" in capsys.readouterr().err
    assert _verbs(terraform) == ["init", "plan", "show"]


@pytest.mark.parametrize("answer", ["no", "true", "YES"])
def test_only_yes_deletes_history(monkeypatch: pytest.MonkeyPatch, terraform: FakeProgram, answer: str) -> None:
    """Nothing but DELETE_HISTORY=yes lifts the protection."""
    _deployed(terraform, protected=True)

    assert _run(monkeypatch, "destroy", STATE="local", DELETE_HISTORY=answer) == 1
    assert "apply" not in _verbs(terraform)
    assert "destroy" not in _verbs(terraform)


def test_delete_history_lifts_protection_first(monkeypatch: pytest.MonkeyPatch, terraform: FakeProgram) -> None:
    """DELETE_HISTORY=yes first applies the lifted protection to what has it, to nothing else, and then destroys."""
    _deployed(terraform, protected=True)

    assert _run(monkeypatch, "destroy", STATE="local", DELETE_HISTORY="yes") == 0

    *_, apply, destroy = terraform.calls
    for call in (apply, destroy):
        assert "-var=deletion_protection=false -var=force_destroy=true" in call
    assert apply.split()[1] == "apply"
    assert apply.endswith(f"-target={TABLE} -target={BUCKET}")
    assert destroy.split()[1] == "destroy"
    assert "-target" not in destroy


def test_delete_history_makes_nothing_anew(monkeypatch: pytest.MonkeyPatch, terraform: FakeProgram) -> None:
    """After a destroy that got half way, DELETE_HISTORY=yes applies nothing that is gone already."""
    assert _run(monkeypatch, "destroy", STATE="local", DELETE_HISTORY="yes") == 0
    assert _verbs(terraform) == ["init", "plan", "show", "destroy"]


def test_unprotected_is_destroyed(monkeypatch: pytest.MonkeyPatch, terraform: FakeProgram) -> None:
    """Without protection, destroy goes straight to Terraform's own question."""
    _deployed(terraform, protected=False)

    assert _run(monkeypatch, "destroy", STATE="local") == 0
    assert _verbs(terraform) == ["init", "plan", "show", "destroy"]
    assert "-auto-approve" not in terraform.calls[-1]

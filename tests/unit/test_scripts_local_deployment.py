"""A local deployment can't reach a real account, and .local/env points a shell at it."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from scripts.local_deployment import LocalDeployment, clean_environment, exports
from scripts.project import ROOT, ProblemError
from tests.unit.fake_programs import FakeProgram

if TYPE_CHECKING:
    from pathlib import Path

ENDPOINT = "http://127.0.0.1:4566"
OUTPUTS = '{"audit_table_name": {"value": "audit"}}'


@pytest.fixture
def terraform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeProgram:
    """Give a Terraform that prints its environment's AWS settings when it applies."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("TF", "fake-terraform")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    program = FakeProgram("fake-terraform", folder, monkeypatch)
    program.answer("output", f"echo '{OUTPUTS}'")
    program.answer("apply", f"env > {tmp_path / 'environment'}")
    return program


def test_nothing_leads_to_a_real_account(
    monkeypatch: pytest.MonkeyPatch, terraform: FakeProgram, tmp_path: Path
) -> None:
    """Profiles, real credentials, other endpoints and variables of a real deployment never reach Terraform."""
    real = {
        "AWS_PROFILE": "production",
        "AWS_ACCESS_KEY_ID": "PRODUCTION",
        "AWS_SECRET_ACCESS_KEY": "production",
        "AWS_SESSION_TOKEN": "production",
        "AWS_CONFIG_FILE": "/production/config",
        "AWS_ENDPOINT_URL": "https://production.example",
        "AWS_ENDPOINT_URL_S3": "https://production.example",
        "TF_VAR_name_prefix": "production-",
        "TF_CLI_ARGS_apply": "-var=name_prefix=production-",
    }
    for name, value in real.items():
        monkeypatch.setenv(name, value)

    LocalDeployment(tmp_path / "deployment", ENDPOINT).up(tmp_path / "handler.zip")

    seen = (tmp_path / "environment").read_text(encoding="utf-8")
    assert "production" not in seen.lower()
    assert f"AWS_ENDPOINT_URL={ENDPOINT}" in seen.splitlines()


def test_up_deploys_unprotected_with_state_of_its_own(terraform: FakeProgram, tmp_path: Path) -> None:
    """The root is deployed from a copy with a local backend, the zip's absolute path, no protection and no alarms."""
    outputs = LocalDeployment(tmp_path / "deployment", ENDPOINT).up(
        tmp_path / "handler.zip", {"name_prefix": 'a"b${c}', "retention_days": "7"}
    )

    copy = tmp_path / "deployment" / "terraform"
    variables = (copy / "local.auto.tfvars").read_text(encoding="utf-8").splitlines()
    assert outputs == {"audit_table_name": "audit"}
    assert 'backend "local"' in (copy / "backend_override.tf").read_text(encoding="ascii")
    assert f'handler_zip = "{tmp_path / "handler.zip"}"' in variables
    assert {"deletion_protection = false", "force_destroy = true", "retention_days = 7"} <= set(variables)
    assert "alarms = null" in variables
    assert 'name_prefix = "a\\"b$${c}"' in variables
    assert [call.split()[:2] for call in terraform.calls] == [
        [f"-chdir={copy}", verb] for verb in ("init", "apply", "output")
    ]


def test_what_terraform_said_is_in_the_error(terraform: FakeProgram, tmp_path: Path) -> None:
    """When Terraform fails, the error carries what it printed."""
    terraform.answer("apply", "echo 'no such region' >&2; exit 1")

    with pytest.raises(ProblemError, match=r"apply -auto-approve.*failed(.|\n)*no such region"):
        LocalDeployment(tmp_path / "deployment", ENDPOINT).up(tmp_path / "handler.zip")


def test_exports_are_for_any_shell() -> None:
    """Sourced by sh, the lines point AWS clients and trail at the deployment, whatever the shell had before."""
    names = {
        "audit_table_name": "it's",
        "source_table_name": "orders $HOME",
        "bucket_name": "bucket",
        "failures_bucket_name": "failures",
    }
    asked = (
        "AWS_PROFILE",
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "TRAIL_AUDIT_TABLE",
        "TRAIL_SOURCE_TABLE",
        "TRAIL_BUCKET",
        "TRAIL_FAILURES_BUCKET",
    )
    script = exports(ENDPOINT, names) + "\n".join(f'echo "${{{name}-unset}}"' for name in asked)

    done = subprocess.run(
        ["sh", "-ec", script],
        env={"AWS_PROFILE": "production", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines() == ["unset", ENDPOINT, "us-east-1", "it's", "orders $HOME", "bucket", "failures"]


def test_every_output_that_scripts_read_exists() -> None:
    """The root has each output that scripts and .local/env are made of."""
    declared = (ROOT / "terraform" / "outputs.tf").read_text(encoding="utf-8")

    for name in ("audit_table_name", "source_table_name", "bucket_name", "failures_bucket_name", "function_name"):
        assert f'output "{name}"' in declared


def test_clean_environment_keeps_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has nothing to do with AWS or Terraform's variables stays: PATH, proxies, Terraform's configuration."""
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", "mine.tfrc")

    environment = clean_environment(ENDPOINT)

    assert environment["TF_CLI_CONFIG_FILE"] == "mine.tfrc"
    assert environment["PATH"] == os.environ["PATH"]

"""What the end-to-end tests share: the whole example, deployed by Terraform's real AWS provider to an engine."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scripts import build_zip
from scripts.local_deployment import LocalDeployment, clean_environment
from scripts.project import ROOT
from tests import engines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scripts.engine import Engine
    from scripts.terraform import Terraform


# More to deploy than the example has, for the tests that need it.
BESIDE = sorted(Path(__file__).parent.glob("*.tf"))


@dataclass
class Deployment:
    """A deployed example: its engine, names, clients and Terraform."""

    engine: Engine
    outputs: dict[str, Any]
    terraform: Terraform
    _clients: dict[str, Any] = field(default_factory=dict)

    @property
    def source_table(self) -> str:
        """The source table's name."""
        return str(self.outputs["source_table_name"])

    @property
    def audit_table(self) -> str:
        """The audit table's name."""
        return str(self.outputs["audit_table_name"])

    @property
    def bucket(self) -> str:
        """The history bucket's name."""
        return str(self.outputs["bucket_name"])

    @property
    def failures_bucket(self) -> str:
        """The failures bucket's name."""
        return str(self.outputs["failures_bucket_name"])

    @property
    def function(self) -> str:
        """The function's name."""
        return str(self.outputs["function_name"])

    def client(self, service: str) -> Any:
        """Return the client of `service` on the engine, always the same one."""
        if service not in self._clients:
            self._clients[service] = engines.session(self.engine.endpoint).client(service)
        return self._clients[service]

    def plan(self) -> dict[str, Any]:
        """Return what `terraform plan` would do, as `terraform show -json` has it."""
        saved = self.terraform.directory / "again.tfplan"
        self.terraform.run("plan", "-no-color", f"-out={saved}", quiet=True)
        plan: dict[str, Any] = json.loads(self.terraform.run("show", "-json", str(saved), quiet=True))
        return plan

    def apply(self) -> None:
        """Deploy again, as `make deploy` does."""
        self.terraform.run("apply", "-auto-approve", "-no-color", quiet=True)
        self.outputs = self.terraform.outputs()

    def trail(
        self, *words: str, audit_table: str | None = None, credentials: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run `trail`, as root unless other credentials are given, as boto3 takes them."""
        keys = {name.upper(): value for name, value in (credentials or {}).items()}
        environment = clean_environment(self.engine.endpoint) | keys
        environment |= {"TRAIL_AUDIT_TABLE": audit_table or self.audit_table}
        command = [sys.executable, "-m", "audit_trail.cli.main", *words]
        return subprocess.run(
            command, cwd=ROOT / "handler", env=environment, capture_output=True, text=True, check=False, timeout=60
        )

    def close(self) -> None:
        """Close the clients."""
        for client in self._clients.values():
            client.close()


@pytest.fixture(scope="session")
def aws_engine(
    needs_terraform: None, endpoint_url: str | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """Give one engine for everything that is deployed."""
    with engines.aws_engine(tmp_path_factory.mktemp("engine"), endpoint_url) as engine:
        yield engine


@pytest.fixture(scope="session")
def deployment(aws_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Deploy the example from the built zip, and tear it down after the last test."""
    handler_zip = build_zip.build()
    deployed = LocalDeployment(tmp_path_factory.mktemp("deployment") / "deployment", aws_engine.endpoint)
    outputs = deployed.up(handler_zip, {"name_prefix": f"e2e-{uuid.uuid4().hex[:6]}-"}, beside=BESIDE)
    deployment = Deployment(aws_engine, outputs, deployed.terraform)
    yield deployment
    deployment.close()
    if aws_engine.kind == "external":
        deployed.down()


@pytest.fixture(scope="session")
def enforcing(
    needs_terraform: None, endpoint_url: str | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """Give a deployment to a MiniStack that enforces IAM."""
    from tests.e2e.enforcing import enforcing_deployment  # noqa: PLC0415  it needs what is made here

    if endpoint_url:
        pytest.skip(f"{endpoint_url} may not enforce IAM: this needs a MiniStack of its own (unset ENDPOINT)")
    with enforcing_deployment(tmp_path_factory.mktemp("permissions")) as deployment:
        yield deployment

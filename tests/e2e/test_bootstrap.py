"""terraform/bootstrap where the engine enforces IAM: its roles' policies suffice to deploy the root, and open no data.

Only MiniStack enforces, and it judges no web identity: the roles' policies are tried by users that have the same ones.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from scripts import build_zip
from scripts.engine import REGION
from scripts.local_deployment import BACKEND, NOT_COPIED, clean_environment
from scripts.project import ROOT, ProblemError
from scripts.terraform import Terraform, throwaway_environment
from tests import engines
from tests.e2e.test_permissions import DENIED, _refusal, _without_conditions

if TYPE_CHECKING:
    from collections.abc import Iterator

STATE_BUCKET = "boot-state"
KEY = {"order_id": {"N": "1"}}
# Its http endpoint can't meet TLS only, and the AWS provider waits a minute after a lifecycle.
OVERRIDE = """
locals {
  tls_only_statements = []
}

resource "aws_s3_bucket_lifecycle_configuration" "state" {
  count = 0
}
"""
BACKEND_CONFIG = f"""
bucket       = "{STATE_BUCKET}"
key          = "table-trail/terraform.tfstate"
region       = "{REGION}"
use_lockfile = true
"""
VARIABLES = {
    "state_bucket_name": STATE_BUCKET,
    "github_repository": "example/table-trail",
    "source_table_name": "boot-orders",
    "audit_table_name": "boot-audit",
}


@dataclass(frozen=True)
class Bootstrapped:
    """An account with the bootstrap applied, and the root's Terraform, initialised with the state in its bucket."""

    endpoint: str
    outputs: dict[str, Any]
    root: Terraform

    def session(self, role: str) -> Any:
        """Return a session of a user that has the policies of one of the roles, and those that the emulator invents."""
        iam = engines.session(self.endpoint).client("iam")
        name = self.outputs[f"{role}_role_arn"].rpartition("/")[2]
        iam.create_user(UserName=role)
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            iam.put_user_policy(UserName=role, PolicyName=policy, PolicyDocument=json.dumps(document))
        key = iam.create_access_key(UserName=role)["AccessKey"]
        return boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=REGION)

    def terraform(self, session: Any) -> Terraform:
        """Return the root's Terraform with a session's credentials."""
        keys = session.get_credentials()
        credentials = {"AWS_ACCESS_KEY_ID": keys.access_key, "AWS_SECRET_ACCESS_KEY": keys.secret_key}
        return replace(self.root, environment={**self.root.environment, **credentials})


@pytest.fixture(scope="module")
def account(
    needs_terraform: None, endpoint_url: str | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bootstrapped]:
    """Apply the bootstrap, as root, to a MiniStack that enforces IAM."""
    if endpoint_url:
        pytest.skip(f"{endpoint_url} may not enforce IAM: this needs a MiniStack of its own (unset ENDPOINT)")
    folder = tmp_path_factory.mktemp("bootstrap")
    shutil.copytree(ROOT / "terraform", folder / "terraform", ignore=NOT_COPIED)
    with engines.aws_engine(folder / "engine", None, {"AUTH": "true"}) as engine:
        environment = {**clean_environment(engine.endpoint), **throwaway_environment(), "TF_IN_AUTOMATION": "1"}
        bootstrap = Terraform(folder / "terraform" / "bootstrap", environment)
        (bootstrap.directory / "engine_override.tf").write_text(OVERRIDE, "ascii")
        (bootstrap.directory / "engine.auto.tfvars.json").write_text(json.dumps(VARIABLES), "ascii")
        bootstrap.run("init", "-no-color", quiet=True)
        bootstrap.run("apply", "-auto-approve", "-no-color", quiet=True)

        root = Terraform(folder / "terraform", environment)
        shutil.copy(_without_conditions(folder), root.directory)
        settings = {"name_prefix": "boot-", "handler_zip": str(build_zip.build()), "dashboard": True}
        (root.directory / "engine.auto.tfvars.json").write_text(json.dumps(settings), "utf-8")
        (root.directory / "backend.hcl").write_text(BACKEND_CONFIG, "ascii")
        yield Bootstrapped(engine.endpoint, bootstrap.outputs(), root)


def test_all(account: Bootstrapped) -> None:
    """Try."""
    deployer = account.terraform(account.session("deploy"))
    deployer.run("init", "-no-color", "-backend-config=backend.hcl", quiet=True)
    deployer.run("apply", "-auto-approve", "-no-color", quiet=True)

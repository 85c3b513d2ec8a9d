"""terraform/bootstrap where the engine enforces IAM: its roles' policies suffice to deploy the root, and open no data.

Only MiniStack enforces, and it judges no web identity: the roles' policies are tried by users that have the same ones.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from scripts import build_zip
from scripts.engine import REGION
from scripts.local_deployment import NOT_COPIED, clean_environment
from scripts.project import ROOT
from scripts.terraform import Terraform, throwaway_environment
from tests import engines
from tests.e2e.enforcing import DENIED, allow, refusal, without_conditions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
INVENTED = "lambda:ListEventSourceMappings"
"""MiniStack takes GetEventSourceMapping for this one."""
UNNAMED_THERE = [
    INVENTED,
    "cloudwatch:DeleteAlarms",
    "cloudwatch:DeleteDashboards",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetDashboard",
    "cloudwatch:ListTagsForResource",
    "cloudwatch:PutDashboard",
    "dynamodb:ListTagsOfResource",
    "events:DeleteRule",
    "events:DescribeRule",
    "events:ListTagsForResource",
    "events:ListTargetsByRule",
    "events:PutRule",
    "events:PutTargets",
    "events:RemoveTargets",
    "lambda:CreateEventSourceMapping",
    "lambda:CreateFunction",
    "logs:DescribeLogGroups",
]
"""Actions that MiniStack checks on no resource, and without the statement's condition. AWS does by both."""
BOUNDED = ["iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"]
"""Actions that MiniStack checks without the condition's key iam:PermissionsBoundary, so that it would refuse them all."""
READS = re.compile(r":(Describe|Get|List)")
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
        unnamed = UNNAMED_THERE if role == "deploy" else [one for one in UNNAMED_THERE if READS.search(one)]
        for number, action in enumerate(unnamed):
            iam.put_user_policy(UserName=role, PolicyName=f"emulator-{number}", PolicyDocument=allow(action, "*"))
        for action in BOUNDED if role == "deploy" else ():
            document = allow(action, "arn:aws:iam::000000000000:role/boot-audit-*")
            iam.put_user_policy(UserName=role, PolicyName=action.partition(":")[2], PolicyDocument=document)
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
        shutil.copy(without_conditions(folder), root.directory)
        outputs = bootstrap.outputs()
        settings = {
            "name_prefix": "boot-",
            "handler_zip": str(build_zip.build()),
            "permissions_boundary_arn": outputs["permissions_boundary_arn"],
        }
        (root.directory / "engine.auto.tfvars.json").write_text(json.dumps(settings), "utf-8")
        (root.directory / "backend.hcl").write_text(BACKEND_CONFIG, "ascii")
        yield Bootstrapped(engine.endpoint, outputs, root)


@pytest.fixture(scope="module")
def deployer(account: Bootstrapped) -> Any:
    """Give a session of the role that deploys."""
    return account.session("deploy")


@pytest.fixture(scope="module")
def planner(account: Bootstrapped) -> Any:
    """Give a session of the role that plans."""
    return account.session("plan")


@pytest.fixture(scope="module")
def deployed(account: Bootstrapped, deployer: Any) -> dict[str, Any]:
    """Deploy the root with everything on, then with less, as the role that deploys; give Terraform's outputs."""
    terraform = account.terraform(deployer)
    terraform.run("init", "-no-color", "-backend-config=backend.hcl", quiet=True)
    for settings in ("-var=dashboard=true", "-var=alarms=null"):
        # MiniStack has answered AddPermission with an error after doing it, among ten calls at once.
        terraform.run("apply", "-auto-approve", "-no-color", "-parallelism=4", settings, quiet=True)
    return terraform.outputs()


def test_the_deploy_role_makes_the_root_and_takes_parts_away(account: Bootstrapped, deployed: dict[str, Any]) -> None:
    """With nothing but the role's policies the root is applied, with its state in the bucket and no lock left behind."""
    kept = engines.session(account.endpoint).client("s3").list_objects_v2(Bucket=STATE_BUCKET)["Contents"]
    assert [one["Key"] for one in kept] == ["table-trail/terraform.tfstate"]
    assert deployed["audit_table_name"] == "boot-audit"
    assert "stream_check_function_name" not in deployed, "Terraform leaves out what is null"


def test_the_functions_role_is_bounded_and_stays_so(
    account: Bootstrapped, deployed: dict[str, Any], deployer: Any
) -> None:
    """The function's role has the boundary, and whoever deploys can neither take it off, nor change it, nor who may take the role."""
    boundary, role = account.outputs["permissions_boundary_arn"], deployed["function_role_name"]
    made = engines.session(account.endpoint).client("iam").get_role(RoleName=role)["Role"]
    assert made["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    iam = deployer.client("iam", endpoint_url=account.endpoint)
    everything = allow("*", "*")
    assert refusal(iam.delete_role_permissions_boundary, RoleName=role) == "AccessDenied"
    for set_as_default in (True, False):
        version = {"PolicyArn": boundary, "PolicyDocument": everything, "SetAsDefault": set_as_default}
        assert refusal(iam.create_policy_version, **version) == "AccessDenied"
    assert refusal(iam.update_assume_role_policy, RoleName=role, PolicyDocument=everything) == "AccessDenied"
    iam.close()


def test_the_plan_role_sees_all_that_was_deployed(
    account: Bootstrapped, planner: Any, deployed: dict[str, Any], tmp_path: Path
) -> None:
    """With nothing but the role's policies the root is planned, without a lock, and nothing is to be changed."""
    terraform, saved = account.terraform(planner), tmp_path / "plan"
    terraform.run("plan", "-lock=false", "-no-color", "-var=alarms=null", f"-out={saved}", quiet=True)
    changes = json.loads(terraform.run("show", "-json", str(saved), quiet=True))["resource_changes"]
    assert len(changes) > 15
    assert [one["address"] for one in changes if one["change"]["actions"] != ["no-op"]] == []


def test_the_emulator_asks_for_no_action_that_the_role_lacks(account: Bootstrapped) -> None:
    """Whatever was granted for the emulator's sake, the role has too, on a resource's name or on a condition."""
    iam = engines.session(account.endpoint).client("iam")
    role = account.outputs["deploy_role_arn"].rpartition("/")[2]
    statements = iam.get_role_policy(RoleName=role, PolicyName="trail")["PolicyDocument"]["Statement"]
    assert set(UNNAMED_THERE) - {action for one in statements for action in one["Action"]} == {INVENTED}


def test_neither_role_opens_data_or_deletes_it(
    account: Bootstrapped, deployed: dict[str, Any], deployer: Any, planner: Any
) -> None:
    """Both roles are refused the items, the objects, and the deletion of tables, buckets and old states."""
    for session in (deployer, planner):
        dynamodb, s3 = (session.client(name, endpoint_url=account.endpoint) for name in ("dynamodb", "s3"))
        for table in ("boot-orders", "boot-audit"):
            assert refusal(dynamodb.get_item, TableName=table, Key=KEY) == DENIED
            assert refusal(dynamodb.put_item, TableName=table, Item=KEY) == DENIED
            assert refusal(dynamodb.delete_table, TableName=table) == DENIED
        assert refusal(s3.get_object, Bucket=deployed["bucket_name"], Key="images/x") == "AccessDenied"
        assert refusal(s3.get_object, Bucket=deployed["failures_bucket_name"], Key="quarantine/x") == "AccessDenied"
        for bucket in (deployed["bucket_name"], deployed["failures_bucket_name"]):
            assert refusal(s3.delete_bucket, Bucket=bucket) == "AccessDenied"
        assert refusal(s3.delete_object, Bucket=STATE_BUCKET, Key="table-trail/terraform.tfstate") == "AccessDenied"
        dynamodb.close()
        s3.close()


def test_neither_role_reaches_beyond_the_trail(account: Bootstrapped, deployed: dict[str, Any], deployer: Any) -> None:
    """The role that deploys is refused other tables, roles and functions, and other keys of the state's bucket."""
    dynamodb, iam, s3 = (deployer.client(name, endpoint_url=account.endpoint) for name in ("dynamodb", "iam", "s3"))
    assert refusal(dynamodb.describe_table, TableName="others") == DENIED
    assert refusal(iam.create_role, RoleName="others", AssumeRolePolicyDocument="{}") == "AccessDenied"
    assert refusal(iam.delete_role, RoleName=account.outputs["plan_role_arn"].rpartition("/")[2]) == "AccessDenied"
    assert refusal(s3.put_object, Bucket=STATE_BUCKET, Key="others", Body=b"") == "AccessDenied"
    for client in (dynamodb, iam, s3):
        client.close()


def test_the_plan_role_changes_nothing(account: Bootstrapped, deployed: dict[str, Any], planner: Any) -> None:
    """The role that plans may keep a plan, and is refused to write the state, and to change a table."""
    dynamodb, s3 = (planner.client(name, endpoint_url=account.endpoint) for name in ("dynamodb", "s3"))
    assert refusal(s3.put_object, Bucket=STATE_BUCKET, Key="table-trail/plans/1", Body=b"") == "ok"
    assert refusal(s3.put_object, Bucket=STATE_BUCKET, Key="table-trail/terraform.tfstate", Body=b"") == "AccessDenied"
    assert refusal(dynamodb.update_table, TableName="boot-audit", DeletionProtectionEnabled=False) == DENIED
    dynamodb.close()
    s3.close()

"""What the tests under enforced permissions share: an engine that enforces IAM, users, and what they meet.

Only MiniStack does that here. It knows no dynamodb:PartiQL… action: it checks BatchExecuteStatement as an action of
its own, on no resource, and ListTagsOfResource on none either, so the tests grant these two.
"""

from __future__ import annotations

import json
import shutil
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from scripts import build_zip
from scripts.engine import REGION
from scripts.local_deployment import LocalDeployment
from scripts.project import ROOT
from tests import engines
from tests.e2e.conftest import Deployment
from tests.e2e.probing import policy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

DENIED = "AccessDeniedException"
ORDER = {"order_id": {"N": "4711"}}


@contextmanager
def enforcing_deployment(folder: Path) -> Iterator[Deployment]:
    """Deploy the example, and a trail with an archive (archive.tf), to a MiniStack that enforces IAM; an order is written."""
    with engines.aws_engine(folder / "engine", None, {"AUTH": "true"}) as engine:
        deployed = LocalDeployment(folder / "deployment", engine.endpoint)
        variables = {"name_prefix": f"iam-{uuid.uuid4().hex[:6]}-", "alarms": "{}"}
        letters = ROOT / "tests" / "e2e" / "archive.tf"
        outputs = deployed.up(
            build_zip.build(), variables, beside=[letters, without_conditions(folder, ["audit", "letters_audit"])]
        )
        deployment = Deployment(engine, outputs, deployed.terraform)
        batches = allow("dynamodb:BatchExecuteStatement", "*")
        for role in (outputs["function_role_name"], outputs["letters"]["function_role"]):
            deployment.client("iam").put_role_policy(RoleName=role, PolicyName="emulator", PolicyDocument=batches)
        deployment.client("dynamodb").put_item(
            TableName=deployment.source_table, Item={**ORDER, "status": {"S": "new"}, "updated_by": {"S": "mia"}}
        )
        yield deployment
        deployment.close()


def without_conditions(folder: Path, uses: Sequence[str] = ("audit",)) -> Path:
    """Make a copy of the module without the statements that MiniStack can't evaluate; return where `uses`, modules of the root, use it.

    Its http endpoint can't meet TLS only, and it takes the header If-None-Match for absent, always.
    """
    module = folder / "audit_trail"
    shutil.copytree(ROOT / "terraform" / "modules" / "audit_trail", module)
    nothing = "{ history = [], failures = [] }"
    override = f"locals {{\n  tls_only_statements = {nothing}\n  write_once_statements = {nothing}\n}}\n"
    (module / "engine_override.tf").write_text(override, encoding="ascii")
    use = folder / "audit_override.tf"
    source = json.dumps(str(module))
    use.write_text("".join(f'module "{name}" {{\n  source = {source}\n}}\n' for name in uses), encoding="utf-8")
    return use


def allow(action: str, resource: str) -> str:
    """Return a policy that allows one action."""
    return policy({"Effect": "Allow", "Action": action, "Resource": resource})


def user(enforcing: Deployment, name: str, policy: str) -> dict[str, str]:
    """Make an IAM user with this policy alone; return its credentials as boto3 takes them."""
    iam = enforcing.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="only", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}


def client_as(enforcing: Deployment, credentials: dict[str, str], service: str = "dynamodb") -> Any:
    """Return a user's client."""
    session = boto3.Session(credentials["aws_access_key_id"], credentials["aws_secret_access_key"], region_name=REGION)
    return session.client(service, endpoint_url=enforcing.engine.endpoint)  # type: ignore[call-overload]


def refusal(call: Any, **parameters: Any) -> str:
    """Return the error's code that a call meets, or "ok"."""
    try:
        call(**parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "ok"

"""How a trail goes: with its history, only when that is asked for; or without, by the README's own blocks."""

from __future__ import annotations

import json
import re
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from scripts import build_zip, deploy
from scripts.local_deployment import clean_environment
from scripts.project import ROOT, ProblemError
from scripts.terraform import Terraform, throwaway_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.conftest import Deployment

MODULE = ROOT / "terraform" / "modules" / "audit_trail"
TRAIL = """
data "aws_dynamodb_table" "orders" {
  name = %(table)s
}

module "orders_audit" {
  source = %(module)s

  source_table        = data.aws_dynamodb_table.orders
  handler_zip         = %(handler_zip)s
  deletion_protection = var.deletion_protection
  force_destroy       = var.force_destroy
  alarms              = null
  failures            = { redriven_days = 0 }
}
"""
VARIABLES = """
variable "deletion_protection" {
  type    = bool
  default = null
}

variable "force_destroy" {
  type    = bool
  default = null
}
"""


@dataclass(frozen=True)
class Attached:
    """A table that was there before, and its trail, with the module's own defaults."""

    deployment: Deployment
    terraform: Terraform
    table: str
    before: dict[str, Any]

    def table_now(self) -> dict[str, Any]:
        """Return what DynamoDB says of the source table."""
        described: dict[str, Any] = self.deployment.client("dynamodb").describe_table(TableName=self.table)["Table"]
        return described

    def exists(self) -> dict[str, bool]:
        """Say whether the audit table, both buckets and the function are there."""
        dynamodb, s3, functions = (self.deployment.client(name) for name in ("dynamodb", "s3", "lambda"))
        return {
            "table": f"{self.table}-audit" in dynamodb.list_tables()["TableNames"],
            "buckets": sum(one["Name"].startswith(f"{self.table}-audit-") for one in s3.list_buckets()["Buckets"]) == 2,
            "function": any(
                one["FunctionName"] == f"{self.table}-audit-trail" for one in functions.list_functions()["Functions"]
            ),
        }

    def history(self) -> list[dict[str, Any]]:
        """Return every record."""
        items: list[dict[str, Any]] = self.deployment.client("dynamodb").scan(TableName=f"{self.table}-audit")["Items"]
        return items


@pytest.fixture
def attached(deployment: Deployment, tmp_path: Path) -> Iterator[Attached]:
    """Attach a trail to a table that exists, and have it record one change."""
    dynamodb, table = deployment.client("dynamodb"), f"gone-{uuid.uuid4().hex[:6]}"
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "order_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "order_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    before = dynamodb.describe_table(TableName=table)["Table"]
    names = {"table": table, "module": str(MODULE), "handler_zip": str(build_zip.build())}
    (tmp_path / "variables.tf").write_text(VARIABLES, "ascii")
    (tmp_path / "trail.tf").write_text(TRAIL % {name: json.dumps(value) for name, value in names.items()}, "utf-8")
    unasked = {"TF_CLI_ARGS_apply": "-auto-approve -no-color", "TF_CLI_ARGS_destroy": "-auto-approve -no-color"}
    environment = {**clean_environment(deployment.engine.endpoint), **throwaway_environment(), **unasked}
    terraform = Terraform(tmp_path, environment)
    terraform.run("init", "-no-color", quiet=True)
    terraform.run("apply", quiet=True)
    attached = Attached(deployment, terraform, table, before)
    dynamodb.put_item(TableName=table, Item={"order_id": {"S": "1"}})
    _until(lambda: len(attached.history()) == 1)
    yield attached
    if attached.exists()["function"]:  # a test that failed: its mapping would go on polling
        terraform.call("apply", *deploy.UNPROTECTED, quiet=True)
        terraform.call("destroy", *deploy.UNPROTECTED, quiet=True)
    dynamodb.delete_table(TableName=table)


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, "not within 30 seconds"
        time.sleep(0.1)


def same_table(attached: Attached) -> bool:
    """Say whether the source table is described as before, but for its items."""
    counted = ("ItemCount", "TableSizeBytes")
    now = attached.table_now()
    return {name: now[name] for name in now if name not in counted} == {
        name: attached.before[name] for name in attached.before if name not in counted
    }


def test_history_goes_only_when_that_is_asked_for(attached: Attached, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make destroy` touches nothing while a table is protected, DynamoDB refuses any other, and DELETE_HISTORY=yes destroys all."""
    monkeypatch.delenv("DELETE_HISTORY", raising=False)
    with pytest.raises(
        ProblemError, match=f"deletion protection is on for {attached.table}-audit, so nothing was touched"
    ):
        deploy.destroy(attached.terraform, [])
    assert set(attached.exists().values()) == {True}

    with pytest.raises(ClientError, match="protect"):
        attached.deployment.client("dynamodb").delete_table(TableName=f"{attached.table}-audit")
    assert len(attached.history()) == 1

    monkeypatch.setenv("DELETE_HISTORY", "yes")
    deploy.destroy(attached.terraform, [])
    assert set(attached.exists().values()) == {False}
    assert attached.terraform.run("state", "list", quiet=True) == ""
    assert same_table(attached)


def test_a_trail_is_detached_and_its_history_stays(attached: Attached) -> None:
    """By the README's `removed` blocks the function goes, table and buckets stay with their records, and the source table is untouched."""
    readme = (MODULE / "README.md").read_text("utf-8")
    taking_away = readme.partition("## Taking it away")[2]
    [block] = re.findall(r"```hcl\n(removed .*?)```", taking_away, re.DOTALL)
    kept = re.findall(r"`(aws_\w+\.\w+)`", taking_away)
    assert "aws_dynamodb_table.audit" in kept
    blocks = [block.replace("aws_dynamodb_table.audit", address) for address in kept]
    (attached.terraform.directory / "trail.tf").write_text("\n".join(blocks), "utf-8")

    attached.terraform.run("apply", quiet=True)

    assert attached.exists() == {"table": True, "buckets": True, "function": False}
    assert attached.terraform.run("state", "list", quiet=True) == ""
    assert len(attached.history()) == 1
    dynamodb = attached.deployment.client("dynamodb")
    assert dynamodb.describe_table(TableName=f"{attached.table}-audit")["Table"]["DeletionProtectionEnabled"]
    assert same_table(attached)

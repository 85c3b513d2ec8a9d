"""How a trail goes, with its history or without, and comes back: by the blocks and commands that the documents have."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from scripts import build_zip, deploy
from scripts.local_deployment import clean_environment
from scripts.project import ROOT, ProblemError
from scripts.terraform import Terraform, throwaway_environment
from tests.e2e.examples import Example
from tests.tables import create_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Deployment

MODULE = ROOT / "terraform" / "modules" / "audit_trail"
PAGE = (ROOT / "docs" / "attaching.md").read_text("utf-8")
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
STREAM = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}}
WITH_ARCHIVE = """
module "orders_audit" {
  retention_days = 30
  archive = {
    transitions = [{ days = 30, storage_class = "GLACIER_IR" }]
    object_lock = { mode = "GOVERNANCE", days = 1 }
  }
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


def removed_blocks() -> str:
    """Return the module's README's `removed` block for each of the addresses that it names."""
    taking_away = (MODULE / "README.md").read_text("utf-8").partition("## Taking it away")[2]
    [block] = re.findall(r"```hcl\n(removed .*?)```", taking_away, re.DOTALL)
    kept = re.findall(r"`(aws_\w+\.\w+)`", taking_away)
    assert "aws_dynamodb_table.audit" in kept
    return "\n".join(block.replace("aws_dynamodb_table.audit", address) for address in kept)


def section(title: str) -> str:
    """Return one section of the page."""
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def import_blocks(
    attached_table: str, buckets: tuple[str, str], *also: str, module: str = "module.orders_audit"
) -> str:
    """Return the page's lines that write `import` blocks, with these names, and with its lines for what else there was."""
    text = section("Attach again")
    [lines] = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    rows = re.findall(r"^\| `([\w.]+)`[^|]*\| `(block .*?)` \|$", text, re.MULTILINE)
    extra = [line for name, line in rows if name in also]
    assert len(extra) == len(also)
    names = {
        "module=module.orders_audit": f"module={shlex.quote(module)}",
        "table=orders-audit\n": f"table={attached_table}-audit\n",
        "history=orders-audit-trail-123456789012-eu-central-1": f"history={buckets[0]}",
        "failures=orders-audit-failures-123456789012-eu-central-1": f"failures={buckets[1]}",
        "} > imports.tf": "".join(f"{line}\n" for line in extra) + "} > imports.tf",
    }
    for written, ours in names.items():
        assert written in lines
        lines = lines.replace(written, ours)
    return str(lines)


def run_as_written(script: str, terraform: Terraform, table: str) -> str:
    """Run a page's shell lines in Terraform's folder, with the table's name for `orders`."""
    environment = {**terraform.environment, "PATH": os.pathsep.join([str(_commands(terraform)), os.environ["PATH"]])}
    lines = script.replace('"orders"', f'"{table}"')
    command = ["bash", "-euo", "pipefail", "-c", lines]
    done = subprocess.run(
        command, cwd=terraform.directory, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _commands(terraform: Terraform) -> Path:
    """Return a folder with `terraform`, which may be another program or nowhere on the path here."""
    folder = terraform.directory / "commands"
    folder.mkdir(exist_ok=True)
    program = shutil.which(terraform.executable) or terraform.executable
    (folder / "terraform").unlink(missing_ok=True)
    (folder / "terraform").symlink_to(Path(program).resolve())
    return folder


def buckets_of(deployment: Deployment, table: str) -> tuple[str, str]:
    """Return the history bucket's and the failures bucket's names, as the audit table's tags have them."""
    dynamodb = deployment.client("dynamodb")
    arn = dynamodb.describe_table(TableName=f"{table}-audit")["Table"]["TableArn"]
    tags = {tag["Key"]: tag["Value"] for tag in dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]}
    return str(tags["table-trail:bucket"]), str(tags["table-trail:failures-bucket"])


def destroyed_or_made(terraform: Terraform) -> dict[str, list[str]]:
    """Return what a plan would do to tables and buckets other than importing or updating them."""
    saved = terraform.directory / "look.tfplan"
    terraform.run("plan", "-no-color", f"-out={saved}", quiet=True)
    plan = json.loads(terraform.run("show", "-json", str(saved), quiet=True))
    return {
        change["address"]: change["change"]["actions"]
        for change in plan["resource_changes"]
        if change["type"] in {"aws_dynamodb_table", "aws_s3_bucket"}
        and change["mode"] == "managed"
        and {"create", "delete"} & set(change["change"]["actions"])
    }


def test_a_trail_is_detached_and_attached_again(attached: Attached) -> None:
    """By the README's `removed` blocks the function goes and the history stays; by the page's `import` blocks it is continued.

    What was written while no trail was attached is recorded then, since the stream still has it.
    """
    buckets, trail = buckets_of(attached.deployment, attached.table), attached.terraform.directory / "trail.tf"
    block = trail.read_text("utf-8")
    trail.write_text(removed_blocks(), "utf-8")

    attached.terraform.run("apply", quiet=True)

    assert attached.exists() == {"table": True, "buckets": True, "function": False}
    assert attached.terraform.run("state", "list", quiet=True) == ""
    assert len(attached.history()) == 1
    dynamodb = attached.deployment.client("dynamodb")
    assert dynamodb.describe_table(TableName=f"{attached.table}-audit")["Table"]["DeletionProtectionEnabled"]
    assert same_table(attached)

    dynamodb.put_item(TableName=attached.table, Item={"order_id": {"S": "2"}})
    trail.write_text(block, "utf-8")
    failed = attached.terraform.call("apply", quiet=True)
    assert failed.returncode != 0
    assert "already exists" in re.sub(r"\s+", " ", failed.stderr).lower()
    run_as_written(import_blocks(attached.table, buckets), attached.terraform, attached.table)
    assert destroyed_or_made(attached.terraform) == {}
    attached.terraform.run("apply", quiet=True)

    (attached.terraform.directory / "imports.tf").unlink()
    assert "No changes." in attached.terraform.run("plan", "-no-color", quiet=True)
    _until(lambda: len(attached.history()) == 2)
    assert len(attached.history()) == 2
    assert same_table(attached)


def test_an_archive_is_detached_and_attached_again(attached: Attached) -> None:
    """With an archive, nothing expires after the page's command, and the bucket keeps its lifecycle and its Object Lock."""
    directory, dynamodb, s3 = attached.terraform.directory, *(attached.deployment.client(n) for n in ("dynamodb", "s3"))
    (directory / "archive_override.tf").write_text(WITH_ARCHIVE, "utf-8")
    attached.terraform.run("apply", quiet=True)
    buckets, trail = buckets_of(attached.deployment, attached.table), directory / "trail.tf"
    block, table = trail.read_text("utf-8"), f"{attached.table}-audit"

    def kept() -> tuple[Any, Any]:
        rules = s3.get_bucket_lifecycle_configuration(Bucket=buckets[0])["Rules"]
        return rules, s3.get_object_lock_configuration(Bucket=buckets[0])["ObjectLockConfiguration"]

    def expiry() -> str:
        return str(dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]["TimeToLiveStatus"])

    before = kept()
    assert expiry() == "ENABLED"
    [command] = re.findall(r"```sh\n(aws dynamodb .*?)```", section("Detach and keep the history"), re.DOTALL)
    words = shlex.split(command.replace("\\\n", "").replace("orders-audit", table))
    assert words[:4] == ["aws", "dynamodb", "update-time-to-live", "--table-name"]
    assert words[5:] == ["--time-to-live-specification", "Enabled=false,AttributeName=expires_at"]
    dynamodb.update_time_to_live(
        TableName=words[4], TimeToLiveSpecification={"Enabled": False, "AttributeName": "expires_at"}
    )
    (directory / "archive_override.tf").unlink()
    trail.write_text(removed_blocks(), "utf-8")
    attached.terraform.run("apply", quiet=True)

    assert attached.exists() == {"table": True, "buckets": True, "function": False}
    assert attached.terraform.run("state", "list", quiet=True) == ""
    assert (expiry(), kept()) == ("DISABLED", before)
    assert len(attached.history()) == 1

    (directory / "archive_override.tf").write_text(WITH_ARCHIVE, "utf-8")
    trail.write_text(block, "utf-8")
    blocks = import_blocks(attached.table, buckets, "archive.transitions", "archive.object_lock")
    run_as_written(blocks, attached.terraform, attached.table)
    assert destroyed_or_made(attached.terraform) == {}
    attached.terraform.run("apply", quiet=True)
    assert (expiry(), kept()) == ("ENABLED", before)
    assert "No changes." in attached.terraform.run("plan", "-no-color", quiet=True)


def test_a_destroy_that_met_the_protection_is_undone(attached: Attached) -> None:
    """A destroy that deletion protection stopped has deleted the function; an apply makes it again, and no change is lost."""
    s3, (bucket, failures) = attached.deployment.client("s3"), buckets_of(attached.deployment, attached.table)
    s3.put_object(Bucket=bucket, Key="images/something", Body=b"", IfNoneMatch="*")
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    failed = attached.terraform.call("destroy", quiet=True)
    assert failed.returncode != 0
    assert "protect" in failed.stderr
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket=bucket)
    assert attached.exists() == {"table": True, "buckets": False, "function": False}
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["images/something"]
    attached.deployment.client("dynamodb").put_item(TableName=attached.table, Item={"order_id": {"S": "2"}})

    assert destroyed_or_made(attached.terraform) == {"module.orders_audit.aws_s3_bucket.failures": ["create"]}
    attached.terraform.run("apply", quiet=True)

    assert set(attached.exists().values()) == {True}
    assert s3.list_objects_v2(Bucket=failures)["KeyCount"] == 0
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == json.loads(policy)
    _until(lambda: len(attached.history()) == 2)
    assert "No changes." in attached.terraform.run("plan", "-no-color", quiet=True)


def test_one_of_several_is_detached_and_attached_again(deployment: Deployment, tmp_path: Path) -> None:
    """By the page's commands one of two tables' trails goes and leaves its history, the other stays, and both are there again."""
    dynamodb, name = deployment.client("dynamodb"), f"several-{uuid.uuid4().hex[:6]}"
    one, other = f"{name}-a", f"{name}-b"
    for table in (one, other):
        create_table(dynamodb, table, {"order_id": "S"}, **STREAM)
    variables: dict[str, Any] = {
        "handler_zip": str(build_zip.build().resolve()),
        "alarms": None,
        "tables": {one: {}, other: {}},
    }
    example = Example.copied("existing_tables", tmp_path, deployment.engine.endpoint, variables)
    chosen = example.terraform.directory / "test.auto.tfvars.json"
    example.apply()
    functions = deployment.client("lambda")

    def trails() -> set[str]:
        listed = functions.get_paginator("list_functions").paginate().build_full_result()["Functions"]
        return {found["FunctionName"] for found in listed if found["FunctionName"].startswith(name)}

    def recorded(table: str) -> int:
        return int(dynamodb.scan(TableName=f"{table}-audit")["Count"])

    for table in (one, other):
        dynamodb.put_item(TableName=table, Item={"order_id": {"S": "1"}})
    _until(lambda: recorded(one) == recorded(other) == 1)

    [lines] = re.findall(r"```sh\n(.*?)```", section("Detach one of several"), re.DOTALL)
    removed = run_as_written(lines, example.terraform, one)
    assert removed.count("Successfully removed 1 resource instance(s).") == 14
    chosen.write_text(json.dumps({**variables, "tables": {other: {}}}), "utf-8")
    assert destroyed_or_made(example.terraform) == {}
    example.apply()
    assert trails() == {f"{other}-audit-trail"}
    assert recorded(one) == recorded(other) == 1

    blocks = import_blocks(
        one,
        buckets_of(deployment, one),
        "failures.redriven_days",
        module=f'module.audit["{one}"]',
    )
    run_as_written(blocks, example.terraform, one)
    chosen.write_text(json.dumps(variables), "utf-8")
    assert destroyed_or_made(example.terraform) == {}
    example.apply()
    (example.terraform.directory / "imports.tf").unlink()
    assert trails() == {f"{one}-audit-trail", f"{other}-audit-trail"}
    assert example.plan() == {}
    dynamodb.put_item(TableName=one, Item={"order_id": {"S": "2"}})
    _until(lambda: recorded(one) == 2)

"""Tables of every kind of name, each with a trail that has everything on, deployed in one apply by the real AWS provider."""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from scripts import build_zip
from scripts.local_deployment import clean_environment
from scripts.project import ROOT
from scripts.terraform import Terraform, throwaway_environment
from tests import engines
from tests.e2e.examples import Example

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.engine import Engine

HEX = uuid.uuid4().hex
NAMES = {
    "three": HEX[:3],
    "two-hundred": (HEX + ".long-name_" * 20)[:200],
    "longest": (HEX + "a" * 255)[:255],
    "mixed": f"Orders.v2_{HEX[:6]}.EU",
    "small": f"orders-{HEX[:6]}",
    "large": f"Orders-{HEX[:6]}",
}
"""The last two differ in case alone."""
CONFIGURATION = """
variable "names" {
  type = map(string)
}

data "aws_caller_identity" "current" {}

resource "aws_kms_key" "audit" {}

resource "aws_vpc" "functions" {
  cidr_block = "10.0.0.0/24"
}

resource "aws_subnet" "functions" {
  vpc_id     = aws_vpc.functions.id
  cidr_block = "10.0.0.0/26"
}

resource "aws_security_group" "functions" {
  name   = "names-%(hex)s"
  vpc_id = aws_vpc.functions.id
}

module "orders" {
  source   = %(source_table)s
  for_each = var.names

  name                = each.value
  partition_key       = { name = "order_id", type = "S" }
  deletion_protection = false
}

module "audit" {
  source   = %(audit_trail)s
  for_each = var.names

  source_table        = module.orders[each.key].table
  handler_zip         = %(handler_zip)s
  deletion_protection = false
  force_destroy       = true

  actor_attribute  = "updated_by"
  reason_attribute = "reason"
  time_index       = {}
  actor_index      = {}
  retention_days   = 30
  archive = {
    glue        = true
    transitions = [{ days = 30, storage_class = "GLACIER_IR" }]
    object_lock = { mode = "GOVERNANCE", days = 1 }
  }
  kms_key        = aws_kms_key.audit
  source_kms_key = aws_kms_key.audit
  vpc = {
    subnet_ids         = [aws_subnet.functions.id]
    security_group_ids = [aws_security_group.functions.id]
  }
  append_only = {
    break_glass_role_arns = ["arn:aws:iam::${data.aws_caller_identity.current.account_id}:role/break-glass"]
  }
  tags      = { team = "orders" }
  alarms    = { silence_minutes = 60 }
  dashboard = true
}

output "trails" {
  value = { for key, trail in module.audit : key => {
    audit_table = trail.audit_table_name
    names       = [trail.function_name, trail.function_role_name, trail.bucket_name, trail.archive_athena_database]
  } }
}
"""


@pytest.fixture(scope="module")
def named(aws_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    """Deploy a table and its trail for each name, all in one apply, and destroy them."""
    directory = tmp_path_factory.mktemp("names")
    modules = ROOT / "terraform" / "modules"
    paths = {name: json.dumps(str(modules / name)) for name in ("source_table", "audit_trail")}
    written = CONFIGURATION % {**paths, "handler_zip": json.dumps(str(build_zip.build().resolve())), "hex": HEX[:6]}
    (directory / "main.tf").write_text(written, "utf-8")
    (directory / "names.auto.tfvars.json").write_text(json.dumps({"names": NAMES}), "utf-8")
    settings = {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0"}
    environment = {**clean_environment(aws_engine.endpoint), **throwaway_environment(), **settings}
    example = Example(Terraform(directory, environment))
    example.terraform.run("init", "-no-color", quiet=True)
    example.apply()
    yield example
    example.terraform.call("destroy", "-auto-approve", "-no-color", quiet=True)


@pytest.fixture(scope="module")
def trails(named: Example) -> dict[str, dict[str, Any]]:
    """Give the names that each trail got."""
    found: dict[str, dict[str, Any]] = named.terraform.outputs()["trails"]
    return found


@pytest.mark.parametrize("kind", NAMES)
def test_a_trail_records_whatever_its_table_is_called(
    aws_engine: Engine, trails: dict[str, dict[str, Any]], kind: str
) -> None:
    """With everything on, put, update and delete of a table with this name are three records of its trail."""
    client = engines.session(aws_engine.endpoint).client("dynamodb")
    key = {"order_id": {"S": "1"}}
    client.put_item(TableName=NAMES[kind], Item={**key, "updated_by": {"S": "mia"}})
    client.put_item(TableName=NAMES[kind], Item={**key, "updated_by": {"S": "bob"}})
    client.delete_item(TableName=NAMES[kind], Key=key)
    deadline = time.monotonic() + 60
    while True:
        found = client.scan(TableName=trails[kind]["audit_table"], ConsistentRead=True)["Items"]
        if len(found) >= 3 or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    client.close()
    events = [record["event_name"]["S"] for record in sorted(found, key=lambda one: one["timestamp"]["S"])]
    assert events == ["INSERT", "MODIFY", "REMOVE"]


def test_no_two_trails_meet_in_a_name(trails: dict[str, dict[str, Any]]) -> None:
    """No two tables' trails share the name of a function, role, bucket or database, even where case doesn't count."""
    functions, *others = zip(*(trail["names"] for trail in trails.values()), strict=True)
    assert len(set(functions)) == len(NAMES)  # Lambda tells names apart by case
    for names in others:
        assert len({name.lower() for name in names}) == len(NAMES), names
    tables = [trail["audit_table"] for trail in trails.values()]
    assert len({*tables, *NAMES.values()}) == 2 * len(NAMES)
    assert max(map(len, tables)) == 255


def test_a_plan_after_apply_is_empty_for_every_name(named: Example, trails: dict[str, dict[str, Any]]) -> None:
    """After the apply, Terraform wants to change nothing but what the emulator doesn't tell."""
    assert named.plan() == {}

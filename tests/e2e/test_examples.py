"""The examples, deployed by Terraform's real AWS provider and written to; tables attached, streams replaced, detached."""

from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from scripts import build_zip
from scripts.project import ROOT
from tests import engines
from tests.e2e.examples import Example
from tests.tables import create_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scripts.engine import Engine

STREAM = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}}
EXISTING: dict[str, dict[str, Any]] = {
    "existing-s": {"name": "S"},
    "existing-n-s": {"customer": "N", "order": "S"},
    "existing-b": {"digest": "B"},
}
"""Tables that are there before Terraform: their key attributes and types."""
KEYS: dict[str, dict[str, Any]] = {
    "existing-s": {"name": {"S": "lamp #1 % ü"}},
    "existing-n-s": {"customer": {"N": "7"}, "order": {"S": "a#b"}},
    "existing-b": {"digest": {"B": b"\x00\xff#"}},
    "minimal-orders": {"order_id": {"N": "123"}},
    "complete-orders": {"customer": {"S": "anna"}, "order_id": {"N": "123"}},
}
EXAMPLES = ("minimal", "complete", "existing_tables")
TRAIL = "module.orders_audit."


@pytest.fixture(scope="module")
def dynamodb(aws_engine: Engine) -> Iterator[Any]:
    client = engines.session(aws_engine.endpoint).client("dynamodb")
    yield client
    client.close()


@pytest.fixture(scope="module")
def described_before(dynamodb: Any) -> dict[str, dict[str, Any]]:
    """Make the tables that are to exist already, and give their descriptions."""
    for name, keys in EXISTING.items():
        create_table(dynamodb, name, keys, **STREAM)
    return {name: described(dynamodb, name) for name in EXISTING}


@pytest.fixture(scope="module")
def examples(
    aws_engine: Engine, described_before: Mapping[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Example]:
    """Deploy all three examples at the same time."""
    zip_path = {"handler_zip": str(build_zip.build().resolve())}
    variables: dict[str, dict[str, Any]] = {name: dict(zip_path) for name in EXAMPLES}
    variables["existing_tables"] |= {"tables": {name: {} for name in EXISTING}, "alarms": None}
    copies = {
        name: Example.copied(name, tmp_path_factory.mktemp(name), aws_engine.endpoint, variables[name])
        for name in EXAMPLES
    }
    with ThreadPoolExecutor() as pool:
        said = dict(zip(copies, pool.map(Example.apply, copies.values()), strict=True))
    for name in EXAMPLES:
        readme = (ROOT / "terraform" / "examples" / name / "README.md").read_text("utf-8")
        [[count]] = [re.findall(r"^Plan: (\d+) to add, 0 to change, 0 to destroy\.$", readme, re.MULTILINE)]
        assert f"Resources: {count} added, 0 changed, 0 destroyed" in said[name], f"{name}: its README is out of date"
    return copies


def described(dynamodb: Any, table: str) -> dict[str, Any]:
    """Return a table's description without what its items change."""
    description = dynamodb.describe_table(TableName=table)["Table"]
    return {name: value for name, value in description.items() if name not in {"ItemCount", "TableSizeBytes"}}


def change(dynamodb: Any, table: str) -> None:
    """Put, update and delete the table's item."""
    key = KEYS[table]
    dynamodb.put_item(TableName=table, Item={**key, "status": {"S": "new"}})
    dynamodb.update_item(
        TableName=table,
        Key=key,
        UpdateExpression="SET #status = :paid",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":paid": {"S": "paid"}},
    )
    dynamodb.delete_item(TableName=table, Key=key)


def records(dynamodb: Any, table: str, count: int) -> list[dict[str, Any]]:
    """Return all records of the table's trail, oldest first, once there are `count` or twenty seconds are over."""
    deadline = time.monotonic() + 20
    while True:
        found = dynamodb.scan(TableName=f"{table}-audit", ConsistentRead=True)["Items"]
        if len(found) >= count or time.monotonic() > deadline:
            return sorted(found, key=lambda record: record["timestamp"]["S"])
        time.sleep(0.1)


def statuses(found: list[dict[str, Any]]) -> list[str]:
    return [record["new_image"]["M"]["status"]["S"] for record in found if "new_image" in record]


@pytest.mark.parametrize("table", KEYS)
def test_every_change_of_each_examples_tables_is_recorded(
    examples: dict[str, Example], dynamodb: Any, table: str
) -> None:
    """Of a table of each kind of key, in each example, put, update and delete are three records of that key."""
    change(dynamodb, table)
    found = records(dynamodb, table, 3)
    assert [record["event_name"]["S"] for record in found] == ["INSERT", "MODIFY", "REMOVE"]
    assert [record["keys"]["M"] for record in found] == [KEYS[table]] * 3
    assert statuses(found) == ["new", "paid"]


def test_a_plan_after_apply_is_empty(examples: dict[str, Example]) -> None:
    """After each example was applied, Terraform wants to change nothing but what the emulator doesn't tell."""
    with ThreadPoolExecutor() as pool:
        plans = pool.map(Example.plan, examples.values())
        assert dict(zip(examples, plans, strict=True)) == {name: {} for name in EXAMPLES}


def test_attaching_leaves_the_tables_untouched(
    examples: dict[str, Example], dynamodb: Any, described_before: dict[str, dict[str, Any]]
) -> None:
    """Three existing tables, attached in one apply, are described as they were before."""
    assert {name: described(dynamodb, name) for name in EXISTING} == described_before


def test_the_complete_examples_history_is_append_only(examples: dict[str, Example], dynamodb: Any) -> None:
    """The audit table of the complete example carries the policy that lets nobody but the named roles write.

    MiniStack keeps it and doesn't evaluate it: tests/terraform/test_append_only.py does.
    """
    arn = dynamodb.describe_table(TableName="complete-orders-audit")["Table"]["TableArn"]
    policy = json.loads(dynamodb.get_resource_policy(ResourceArn=arn)["Policy"])
    rewriting, adding = policy["Statement"]
    assert rewriting["Condition"]["ArnNotEquals"]["aws:PrincipalArn"] == [
        "arn:aws:iam::000000000000:role/complete-orders-break-glass"
    ]
    assert [arn.rpartition("/")[2] for arn in adding["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]] == [
        "complete-orders-audit-trail-us-east-1",
        "complete-orders-operators",
        "complete-orders-break-glass",
    ]


def test_nothing_but_a_name_replaces_anything(examples: dict[str, Example]) -> None:
    """Every input that may change of a trail in use, changed at once, neither deletes nor replaces a resource."""
    everything = examples["minimal"].terraform.directory / "everything_override.tf"
    everything.write_text(
        """
        module "orders_audit" {
          retention_days = 30
          actor_attribute = "by"
          reason_attribute = "why"
          image_storage = "new_and_diff"
          capacity = { max_write_request_units = 100 }
          time_index = {}
          actor_index = { shards = 2 }
          point_in_time_recovery = false
          deletion_protection = false
          force_destroy = true
          runtime = "python3.12"
          architecture = "x86_64"
          memory_size = 1024
          timeout = 30
          log_retention_days = 7
          log_level = "DEBUG"
          kms_key = { arn = "arn:aws:kms:us-east-1:000000000000:key/00000000-0000-4000-8000-000000000001" }
          source_kms_key = { arn = "arn:aws:kms:us-east-1:000000000000:key/00000000-0000-4000-8000-000000000002" }
          append_only = { break_glass_role_arns = ["arn:aws:iam::000000000000:role/break-glass"] }
          permissions_boundary_arn = "arn:aws:iam::000000000000:policy/boundary"
          tags = { team = "orders" }
          vpc = { subnet_ids = ["subnet-1"], security_group_ids = ["sg-1"] }
          reserved_concurrency = 5
          batch_size = 1000
          batching_window_seconds = 5
          parallelization_factor = 2
          maximum_record_age_seconds = 3600
          alarms = { silence_minutes = 60 }
          alarm_actions = ["arn:aws:sns:us-east-1:000000000000:on-call"]
          dashboard = true
        }
        """,
        encoding="utf-8",
    )
    try:
        planned = examples["minimal"].plan()
    finally:
        everything.unlink()
    assert set(map(tuple, planned.values())) == {("update",), ("create",)}
    assert {address.removeprefix(TRAIL) for address, actions in planned.items() if actions == ["update"]} >= {
        "aws_dynamodb_table.audit",
        "aws_iam_role.function",
        "aws_lambda_event_source_mapping.stream",
        "aws_lambda_function.trail",
        "aws_s3_bucket.history",
    }


def test_a_key_that_is_taken_away_is_given_up_in_place(examples: dict[str, Example]) -> None:
    """Without the key that it had, the complete example's audit table goes over to a key that AWS owns, and isn't replaced."""
    example = examples["complete"]
    without = example.terraform.directory / "without_override.tf"
    without.write_text('module "orders_audit" {\n  kms_key = null\n}\n', encoding="utf-8")
    try:
        saved = example.terraform.directory / "without.tfplan"
        example.terraform.run("plan", "-no-color", f"-out={saved}", quiet=True)
        shown = json.loads(example.terraform.run("show", "-json", str(saved), quiet=True))
    finally:
        without.unlink()
    changes = {one["address"].removeprefix(TRAIL): one["change"] for one in shown["resource_changes"]}
    table = changes["aws_dynamodb_table.audit"]
    assert table["actions"] == ["update"]
    assert table["before"]["server_side_encryption"][0]["enabled"] is True
    assert table["after"]["server_side_encryption"][0]["enabled"] is False
    assert changes["aws_iam_role_policy.keys[0]"]["actions"] == ["update"]  # the source table's key stays


def test_a_stream_that_was_off_and_on_is_followed(examples: dict[str, Example], dynamodb: Any) -> None:
    """After the stream was turned off and on, a plan replaces the mapping alone, and what the new stream has is recorded once.

    What was written while there was no stream is in none, and so in no record.
    """
    table, key = "minimal-orders", KEYS["minimal-orders"]
    known = len(records(dynamodb, table, 0))
    dynamodb.update_table(TableName=table, StreamSpecification={"StreamEnabled": False})
    dynamodb.put_item(TableName=table, Item={**key, "status": {"S": "without a stream"}})
    dynamodb.update_table(TableName=table, **STREAM)
    dynamodb.put_item(TableName=table, Item={**key, "status": {"S": "before the apply"}})

    assert {address.removeprefix(TRAIL): actions for address, actions in examples["minimal"].plan().items()} == {
        "aws_lambda_event_source_mapping.stream": ["delete", "create"],
        "aws_iam_role_policy.stream": ["update"],
        # What names the mapping follows, and so do two alarms, whose dimensions MiniStack doesn't tell.
        "aws_iam_role_policy.stream_check[0]": ["update"],
        "aws_lambda_function.stream_check[0]": ["update"],
    }
    examples["minimal"].apply()
    dynamodb.put_item(TableName=table, Item={**key, "status": {"S": "after the apply"}})

    found = records(dynamodb, table, known + 2)
    assert statuses(found)[-2:] == ["before the apply", "after the apply"]
    assert len(found) == known + 2
    assert len({record["event_source_arn"]["S"] for record in found}) == 1 + bool(known)
    assert examples["minimal"].plan() == {}


def test_a_table_that_was_made_anew_is_followed(examples: dict[str, Example], dynamodb: Any) -> None:
    """A source table deleted and made again under its name keeps its trail: the next apply follows its new stream."""
    table = "existing-b"
    known = len(records(dynamodb, table, 0))
    dynamodb.delete_table(TableName=table)
    create_table(dynamodb, table, EXISTING[table], **STREAM)
    change(dynamodb, table)

    planned = examples["existing_tables"].plan()
    assert {address.partition("].")[2]: actions for address, actions in planned.items()} == {
        "aws_lambda_event_source_mapping.stream": ["delete", "create"],
        "aws_iam_role_policy.stream": ["update"],
    }
    assert all(f'"{table}"' in address for address in planned)
    examples["existing_tables"].apply()

    found = records(dynamodb, table, known + 3)
    assert len(found) == known + 3
    assert [record["event_name"]["S"] for record in found][-3:] == ["INSERT", "MODIFY", "REMOVE"]


def test_detaching_leaves_tables_and_history(examples: dict[str, Example], dynamodb: Any, aws_engine: Engine) -> None:
    """With the example's README for detaching, functions and mappings go, and source tables and histories stay as they are."""
    example = examples["existing_tables"]
    readme = (ROOT / "terraform" / "examples" / "existing_tables" / "README.md").read_text("utf-8")
    [blocks] = re.findall(r"```hcl\n(# instead of the module block\n.*?)```", readme, re.DOTALL)
    known = {name: len(records(dynamodb, name, 0)) for name in EXISTING}
    for name in EXISTING:
        change(dynamodb, name)
    before = {name: described(dynamodb, name) for name in EXISTING}
    histories = {name: records(dynamodb, name, known[name] + 3) for name in EXISTING}
    s3 = engines.session(aws_engine.endpoint).client("s3")
    buckets = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}

    main = example.terraform.directory / "main.tf"
    data_sources = main.read_text("utf-8").partition('module "audit"')[0]
    main.write_text(data_sources + blocks, encoding="utf-8")
    said = example.apply()

    assert re.search(r"Resources: 0 added, 0 changed, [1-9]\d* destroyed", said)
    assert {name: described(dynamodb, name) for name in EXISTING} == before
    assert {name: records(dynamodb, name, 0) for name in EXISTING} == histories
    assert {name: len(histories[name]) for name in EXISTING} == {name: known[name] + 3 for name in EXISTING}
    assert {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]} == buckets
    s3.close()
    left = example.terraform.run("state", "list", quiet=True)
    assert "module.audit" not in left

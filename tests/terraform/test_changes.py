"""What each input of module audit_trail changes when it alone changes: planned with a mocked provider, after an apply.

Under a mock, Terraform can't tell an update from a replacement; tests/e2e/test_examples.py plans all of them with the real
provider and finds no replacement.
"""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.terraform.conftest import Outcome, message_in
from tests.terraform.test_terraform import MODULES

if TYPE_CHECKING:
    from tests.terraform.conftest import Checkout

TABLE, FUNCTION, MAPPING = "dynamodb_table.audit", "lambda_function.trail", "lambda_event_source_mapping.stream"
CHECK, LOGS, CHECK_LOGS = (
    "lambda_function.stream_check",
    "cloudwatch_log_group.function",
    "cloudwatch_log_group.stream_check",
)
BUCKETS = {"s3_bucket.history", "s3_bucket.failures"}
ENCRYPTION = {f"s3_bucket_server_side_encryption_configuration.{bucket}" for bucket in ("history", "failures")}
ROLE, CHECK_ROLE, RULE = "iam_role.function", "iam_role.stream_check", "cloudwatch_event_rule.stream_check"
ALARMS, ALARM = "cloudwatch_metric_alarm.trail", 'cloudwatch_metric_alarm.trail["{}"]'
THROTTLED = "cloudwatch_metric_alarm.audit_table_throttled"
RECORD = {TABLE, FUNCTION}
"""What decides how a record looks: the function's environment, and the tags that tell it to `trail`."""
OF_CHECK = {
    *("cloudwatch_event_target.stream_check", "iam_role_policy.stream_check", "lambda_permission.stream_check"),
    *(CHECK, CHECK_LOGS, CHECK_ROLE, RULE),
}
TAGGED = {TABLE, FUNCTION, MAPPING, CHECK, LOGS, CHECK_LOGS, *BUCKETS, ROLE, CHECK_ROLE, RULE, ALARMS, THROTTLED}
KEY = '{ arn = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-4000-8000-000000000001" }'
S3 = '{ bucket = "b", key = "k", sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" }'

NEW_STREAM = "2026-11-25T00:00:00.000"

CHANGES: dict[str, tuple[str, set[str]]] = {
    "source_table": (
        f"""{{
      name             = "orders"
      arn              = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders"
      stream_arn       = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/{NEW_STREAM}"
      stream_enabled   = true
      stream_view_type = "NEW_AND_OLD_IMAGES"
      hash_key         = "order_id"
      attribute        = [{{ name = "order_id", type = "N" }}]
    }}""",
        {MAPPING, "iam_role_policy.stream"},
    ),
    "retention_days": ("30", RECORD),
    "actor_attribute": ('"by"', RECORD),
    "reason_attribute": ('"why"', RECORD),
    "image_storage": ('"new_and_diff"', RECORD),
    "failures": (
        '{ redriven_days = 0, reader_role_arns = ["arn:aws:iam::123456789012:role/operators"] }',
        {"s3_bucket_lifecycle_configuration.failures", "s3_bucket_policy.failures"},
    ),
    "capacity": ("{ max_write_request_units = 100 }", {TABLE}),
    "time_index": ("{}", RECORD | {f'{THROTTLED}["index-by-time"]'}),
    "point_in_time_recovery": ("false", {TABLE}),
    "deletion_protection": ("false", {TABLE}),
    "force_destroy": ("true", BUCKETS),
    "runtime": ('"python3.12"', {FUNCTION, CHECK}),
    "architecture": ('"x86_64"', {FUNCTION, CHECK}),
    "memory_size": ("1024", {FUNCTION}),
    "timeout": ("30", {FUNCTION, ALARM.format("near-time-out")}),
    "log_retention_days": ("7", {LOGS, CHECK_LOGS}),
    "log_level": ('"DEBUG"', {FUNCTION, CHECK}),
    "kms_key": (KEY, {TABLE, *ENCRYPTION, LOGS, CHECK_LOGS, "iam_role_policy.keys"}),
    "source_kms_key": (KEY, {"iam_role_policy.keys"}),
    "append_only": (
        '{ break_glass_role_arns = ["arn:aws:iam::123456789012:role/break-glass"] }',
        {"dynamodb_resource_policy.audit", "s3_bucket_policy.history"},
    ),
    "permissions_boundary_arn": ('"arn:aws:iam::123456789012:policy/boundary"', {ROLE, CHECK_ROLE}),
    "tags": ('{ team = "orders" }', TAGGED),
    "vpc": (
        '{ subnet_ids = ["subnet-a"], security_group_ids = ["sg-a"] }',
        {FUNCTION, CHECK, "iam_role_policy.network", "iam_role_policy.stream_check"},
    ),
    "reserved_concurrency": ("5", {FUNCTION}),
    "batch_size": ("1000", {MAPPING}),
    "batching_window_seconds": ("5", {MAPPING}),
    "parallelization_factor": ("2", {MAPPING}),
    # Two alarms' sentences have it, and one's threshold.
    "maximum_record_age_seconds": (
        "3600",
        {MAPPING, ALARM.format("iterator-age"), ALARM.format("changes-not-stored")},
    ),
    "alarms": ("null", OF_CHECK | {MAPPING, ALARMS, THROTTLED}),
    "alarm_actions": ('["arn:aws:sns:eu-central-1:123456789012:on-call"]', {ALARMS, THROTTLED}),
    "dashboard": ("true", {"cloudwatch_dashboard.trail"}),
}
"""For each input another value than the default, and what then changes: resources, or one instance where only that does."""
NAMES = {"audit_table_name", "function_name", "bucket_name"}
"""Another name is another thing, and whatever names it follows."""
WITH_ANOTHER = {
    "archive": "retention_days",
    "actor_index": "actor_attribute",
    "handler_zip": "handler_s3",
    "handler_s3": "handler_zip",
}
"""Inputs that can't change alone."""


def written() -> str:
    """Return the test file: an apply of the defaults, then a plan for each change."""
    runs = ['run "before" {\n  command = apply\n' + _MODULE + "}\n"]
    runs += [
        f'run "{name}" {{\n  command = plan\n{_MODULE}  variables {{\n    {name} = {value}\n  }}\n{_READ.get(name, "")}}}\n'
        for name, (value, _) in CHANGES.items()
    ]
    return 'mock_provider "aws" {\n  source = "./mocks"\n}\n\n' + "\n".join(runs)


# The check of the stream reads the table, which then tells of the new one as well.
_READ = {
    "source_table": f"""
  override_data {{
    target = data.aws_dynamodb_table.source
    values = {{
      stream_arn     = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/{NEW_STREAM}"
      stream_enabled = true
    }}
  }}
"""
}
_MODULE = '\n  module {\n    source = "../../terraform/modules/audit_trail"\n  }\n\n'


@pytest.fixture(scope="module")
def changed(checkout: Checkout, outcome: Outcome) -> dict[str, set[str]]:
    """Give the resources that each run's plan would change, once `outcome` has run all other tests of the folder."""
    terraform = checkout.terraform("tests/terraform")
    (terraform.directory / "changes.tftest.hcl").write_text(written(), encoding="utf-8")
    terraform.run("init", "-backend=false", "-no-color", quiet=True)
    command = [terraform.executable, f"-chdir={terraform.directory}", "test", "-json", "-verbose"]
    plans: dict[str, set[str]] = {}
    with subprocess.Popen(
        [*command, "-filter=changes.tftest.hcl"], env=terraform.environment, stdout=subprocess.PIPE, text=True
    ) as running:
        messages = [message_in(line) for line in running.stdout or ()]
    errors = [one for one in Outcome(messages).diagnostics if one["severity"] == "error"]
    assert errors == [], json.dumps(errors, indent=1)
    for message in messages:
        if "test_plan" in message:  # an apply has a state instead
            plans[message["@testrun"]] = {
                change["address"].removeprefix("aws_")
                for change in message["test_plan"].get("resource_changes", [])
                if change["mode"] == "managed" and change["change"]["actions"] != ["no-op"]
            }
    return plans


@pytest.mark.parametrize("name", CHANGES)
def test_an_input_changes_only_what_it_should(changed: dict[str, set[str]], name: str) -> None:
    """A single changed input plans changes of the resources that the table names, of all of those, and of no others."""
    expected = CHANGES[name][1]
    whole = {address if address in expected else re.sub(r"\[.*\]$", "", address) for address in changed[name]}
    assert whole == expected


def test_every_input_is_in_the_table() -> None:
    """An input that is added to the module must say what it changes."""
    inputs = set(re.findall(r'^variable "(\w+)"', (MODULES / "audit_trail" / "variables.tf").read_text("utf-8"), re.M))
    assert inputs == CHANGES.keys() | NAMES | WITH_ANOTHER.keys()

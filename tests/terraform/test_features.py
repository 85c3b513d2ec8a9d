"""What an organisation asks of everything, as Terraform would make it: network permissions, keys, tags, boundaries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.terraform.test_permissions import AUDIT_TABLE, actions_on, as_list

if TYPE_CHECKING:
    from tests.terraform.conftest import Outcome

RUN = "features.tftest.hcl/on"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-4000-8000-00000000000"
EC2 = "arn:aws:ec2:eu-central-1"
FUNCTION = "arn:aws:lambda:eu-central-1:123456789012:function:"
UNTAGGABLE = {
    "aws_athena_named_query",
    "aws_cloudwatch_dashboard",
    "aws_cloudwatch_event_target",
    "aws_dynamodb_resource_policy",
    "aws_glue_catalog_table",
    "aws_iam_role_policy",
    "aws_lambda_permission",
    "aws_s3_bucket_lifecycle_configuration",
    "aws_s3_bucket_ownership_controls",
    "aws_s3_bucket_policy",
    "aws_s3_bucket_public_access_block",
    "aws_s3_bucket_server_side_encryption_configuration",
    "aws_s3_bucket_versioning",
}
"""Kinds that AWS gives no tags."""


def policy(outcome: Outcome, address: str) -> list[dict[str, Any]]:
    [found] = [one for one in outcome.plans[RUN] if one["address"] == f"aws_iam_role_policy.{address}[0]"]
    statements: list[dict[str, Any]] = json.loads(found["policy"])["Statement"]
    return statements


def test_everything_that_can_be_tagged_is(outcome: Outcome) -> None:
    """Every resource but those of kinds that have no tags has the caller's tags."""
    tags = {"team": "orders", "cost centre": "4711"}
    kinds = set()
    for resource in outcome.plans[RUN]:
        kinds.add(resource["type"])
        if resource["type"] not in UNTAGGABLE:
            assert resource["tags"].items() >= tags.items(), resource["address"]
    assert len(kinds - UNTAGGABLE) == 9


@pytest.mark.parametrize("address", ["network", "stream_check", "archive", "tampering"])
def test_network_permissions_are_for_these_subnets_and_groups(outcome: Outcome, address: str) -> None:
    """A role may put interfaces into the given subnets and groups alone, and keep any; the code of the functions may do neither."""
    statements = {one["Sid"]: one for one in policy(outcome, address)}
    allowed = [one for one in statements.values() if one["Effect"] == "Allow" and one["Resource"] != "*"]
    interface = f"{EC2}:123456789012:network-interface/eni-1"
    keeping = {"ec2:AssignPrivateIpAddresses", "ec2:DeleteNetworkInterface", "ec2:UnassignPrivateIpAddresses"}
    making = {"ec2:CreateNetworkInterface"}
    assert actions_on(allowed, interface) == making
    # Lambda asks before there is an interface that could be named.
    assert (statements["KeepInterfaces"]["Resource"], set(statements["KeepInterfaces"]["Action"])) == ("*", keeping)
    for name in ("subnet/subnet-a", "subnet/subnet-b", "security-group/sg-a"):
        assert actions_on(allowed, f"{EC2}:210987654321:{name}") == making  # a subnet that another account shares
    assert actions_on(allowed, f"{EC2}:123456789012:subnet/subnet-c", f"{EC2}:123456789012:instance/i-1") == set()
    seeing = {"ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"}
    assert set(statements["SeeNetwork"]["Action"]) == seeing
    not_from_code = statements["NotFromCode"]
    assert not_from_code["Effect"] == "Deny"
    assert set(not_from_code["Action"]) == making | keeping | seeing
    names = [f"orders-audit-{name}" for name in ("trail", "stream-check", "archive", "tampering")]
    assert not_from_code["Condition"] == {
        "ArnEquals": {"lambda:SourceFunctionArn": [FUNCTION + name for name in names]}
    }
    functions = [one["function_name"] for one in outcome.planned(RUN, "aws_lambda_function")]
    assert sorted(functions) == sorted(names)


def test_with_everything_on_the_function_still_only_adds(outcome: Outcome) -> None:
    """With every feature on, the function's role has PartiQLInsert alone on the audit table, and two actions on its key."""
    statements = [
        statement
        for one in outcome.planned(RUN, "aws_iam_role_policy")
        if not one["address"].startswith("aws_iam_role_policy.stream_check")
        for statement in json.loads(one["policy"])["Statement"]
        if statement["Sid"] not in {"SeeNetwork", "KeepInterfaces", "NotFromCode"}
    ]
    assert actions_on(statements, AUDIT_TABLE) == {"dynamodb:PartiQLInsert"}
    assert actions_on(statements, f"{KEY}1") == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert actions_on(statements, f"{KEY}2") == {"kms:Decrypt"}
    assert not [action for one in statements for action in as_list(one["Action"]) if "*" in action]

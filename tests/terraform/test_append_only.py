"""The resource policies of the audit table and the bucket: who is refused what, by IAM's rules for a Deny.

MiniStack keeps such a policy and doesn't evaluate it, so the one in Terraform's plan is evaluated here.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.terraform.test_permissions import AUDIT_TABLE, BUCKET, as_list

if TYPE_CHECKING:
    from tests.terraform.conftest import Outcome

RUN = "features.tftest.hcl/on"
ROLE = "arn:aws:iam::123456789012:role/"
FUNCTION, OPERATOR, BREAK_GLASS = f"{ROLE}audit-trail-eu-central-1", f"{ROLE}ops/operators", f"{ROLE}break-glass"
ADMIN, ROOT_USER, PERSON = f"{ROLE}admin", "arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:user/anna"
REWRITES = {
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:DeleteTable",
    "dynamodb:PartiQLDelete",
    "dynamodb:PartiQLUpdate",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:UpdateTimeToLive",
}
READS = {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:PartiQLSelect", "dynamodb:DescribeTable"}
MENDING = {"dynamodb:DeleteResourcePolicy", "dynamodb:PutResourcePolicy", "dynamodb:UpdateTable"}
"""What whoever applies Terraform must always be able to do, so that a mistake here can be taken back."""


@pytest.fixture
def statements(outcome: Outcome) -> list[dict[str, Any]]:
    """Give the resource policy's statements."""
    [policy] = outcome.planned(RUN, "aws_dynamodb_resource_policy")
    assert policy["resource_arn"] == AUDIT_TABLE
    found: list[dict[str, Any]] = json.loads(policy["policy"])["Statement"]
    return found


def refused(statements: list[dict[str, Any]], context: dict[str, str]) -> set[str]:
    """Return the actions on the audit table that are denied to a caller with this context."""
    denied: set[str] = set()
    for statement in statements:
        assert statement.keys() == {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
        assert (statement["Effect"], statement["Principal"], statement["Resource"]) == ("Deny", "*", AUDIT_TABLE)
        if all(_met(operator, keys, context) for operator, keys in statement["Condition"].items()):
            denied |= set(as_list(statement["Action"]))
    return denied


def _met(operator: str, keys: dict[str, Any], context: dict[str, str]) -> bool:
    [(key, values)] = keys.items()
    if operator == "ArnNotEquals":  # met as well where the caller has no such key
        return context.get(key) not in values
    assert operator == "BoolIfExists"
    return key not in context or context[key] == values


def caller(arn: str) -> dict[str, str]:
    return {"aws:PrincipalArn": arn, "aws:PrincipalIsAWSService": "false"}


@pytest.mark.parametrize("arn", [ADMIN, ROOT_USER, PERSON, f"{ROLE}break-glass-2", f"{ROLE}other/break-glass"])
def test_nobody_else_writes_whatever_their_own_policies_allow(statements: list[dict[str, Any]], arn: str) -> None:
    """An administrator, the root user, a person and a role with a similar name are refused every write, and no read."""
    assert refused(statements, caller(arn)) == {*REWRITES, "dynamodb:PartiQLInsert"}
    assert not refused(statements, caller(arn)) & READS


@pytest.mark.parametrize("arn", [FUNCTION, OPERATOR])
def test_the_function_and_operators_add_and_rewrite_nothing(statements: list[dict[str, Any]], arn: str) -> None:
    """The function's role and an operator's are refused all that rewrites, and not INSERT."""
    assert refused(statements, caller(arn)) == REWRITES


def test_break_glass_is_refused_nothing(statements: list[dict[str, Any]]) -> None:
    """The break-glass role can do what its own policies allow."""
    assert refused(statements, caller(BREAK_GLASS)) == set()


def test_a_ttl_deletion_is_not_refused_and_an_unknown_caller_is(statements: list[dict[str, Any]]) -> None:
    """A call by an AWS service, which has no principal's ARN, is refused nothing; one without either, everything."""
    assert refused(statements, {"aws:PrincipalIsAWSService": "true"}) == set()
    assert refused(statements, {}) == {*REWRITES, "dynamodb:PartiQLInsert"}


@pytest.mark.parametrize("arn", [ADMIN, ROOT_USER])
def test_whoever_applies_can_take_the_policy_back(statements: list[dict[str, Any]], arn: str) -> None:
    """Changing or deleting the resource policy, and the table's settings, is denied to nobody."""
    assert not refused(statements, caller(arn)) & MENDING


ERASING = {
    "s3:BypassGovernanceRetention",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketVersioning",
    "s3:PutLifecycleConfiguration",
}
"""What erases history in the bucket: rules that expire each version, and what they or a hand would need."""


def erased(outcome: Outcome, context: dict[str, str], run: str = RUN) -> set[tuple[str, str]]:
    """Return what append_only denies a caller in the bucket, each action with what it is denied on."""
    [policy] = [one for one in outcome.plans[run] if one["address"] == "aws_s3_bucket_policy.history"]
    return {
        (action, resource)
        for statement in json.loads(policy["policy"])["Statement"]
        if statement["Sid"].startswith("Nobody")
        if all(_met(operator, keys, context) for operator, keys in statement["Condition"].items())
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }


@pytest.mark.parametrize("arn", [ADMIN, ROOT_USER, PERSON, FUNCTION, OPERATOR])
def test_nobody_else_erases_the_buckets_history(outcome: Outcome, arn: str) -> None:
    """Whoever isn't break-glass is refused rules that expire objects, unversioning, unlocking, and the deletion of history."""
    found = erased(outcome, caller(arn))
    assert {action for action, _ in found} == ERASING
    assert {resource for _, resource in found} == {BUCKET, f"{BUCKET}/archive/*", f"{BUCKET}/images/*"}


def test_break_glass_and_aws_erase_and_so_does_anybody_without_append_only(outcome: Outcome) -> None:
    """Break-glass and AWS's own services are refused nothing, and without append_only nobody is."""
    assert erased(outcome, caller(BREAK_GLASS)) == erased(outcome, {"aws:PrincipalIsAWSService": "true"}) == set()
    assert erased(outcome, caller(ADMIN), "archive.tftest.hcl/on") == set()

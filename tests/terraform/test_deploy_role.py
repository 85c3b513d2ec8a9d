"""What a stolen role that deploys could make of itself: its policies, as planned, under attack."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from scripts.project import ROOT
from tests.terraform.iam_account import EVERYTHING, Account, Refused, Role, allowed
from tests.terraform.test_permissions import (
    ARCHIVE_RUN,
    AUDIT_STREAM,
    AUDIT_TABLE,
    BUCKET,
    SOURCE_TABLE,
    UNNAMEABLE,
    as_list,
    role_statements,
)
from tests.terraform.test_policies import BOOTSTRAP, role_of_ci

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.terraform.conftest import Outcome
    from tests.terraform.iam_account import Statements

IAM = "arn:aws:iam::123456789012"
FUNCTION = f"{IAM}:role/audit-trail-eu-central-1"
DEPLOYER = f"{IAM}:role/audit-trail-ci-deploy"
BOUNDARY, ADMINISTRATOR = f"{IAM}:policy/audit-trail-boundary", "arn:aws:iam::aws:policy/AdministratorAccess"
MAXIMUM_POLICY = 6_144
LOCKED = "bootstrap.tftest.hcl/bootstrap_locks_history"

POWERS = [
    ("dynamodb:DeleteItem", AUDIT_TABLE),
    ("dynamodb:DeleteTable", AUDIT_TABLE),
    ("dynamodb:GetItem", SOURCE_TABLE),
    ("dynamodb:PartiQLUpdate", AUDIT_TABLE),
    ("dynamodb:PutItem", SOURCE_TABLE),
    ("dynamodb:Query", AUDIT_TABLE),
    ("dynamodb:UpdateTimeToLive", AUDIT_TABLE),
    ("ec2:RunInstances", "*"),
    ("iam:CreateUser", f"{IAM}:user/x"),
    ("iam:PassRole", FUNCTION),
    ("iam:PutRolePolicy", FUNCTION),
    ("kms:Decrypt", "arn:aws:kms:eu-central-1:123456789012:key/x"),
    ("lambda:UpdateFunctionCode", "arn:aws:lambda:eu-central-1:123456789012:function:audit-trail"),
    ("s3:DeleteObjectVersion", f"{BUCKET}/archive/x"),
    ("s3:GetObject", f"{BUCKET}/images/x"),
    ("s3:PutBucketPolicy", BUCKET),
    ("s3:PutObject", "arn:aws:s3:::elsewhere/x"),
    ("secretsmanager:GetSecretValue", "*"),
    ("sts:AssumeRole", f"{IAM}:role/admin"),
]
"""Requests that no function of a trail makes, each on what it would be made of."""


@pytest.fixture
def account(outcome: Outcome) -> Account:
    """Give an account with the bootstrap and a deployed trail, in the hands of whoever has the deploy role."""
    [boundary] = outcome.planned(BOOTSTRAP, "aws_iam_policy")
    assert boundary["name"] == BOUNDARY.rpartition("/")[2]
    assert len(boundary["policy"]) <= MAXIMUM_POLICY
    roles = {FUNCTION: Role(BOUNDARY, {"own": role_statements(outcome)["function"]}), DEPLOYER: Role()}
    managed: dict[str, Statements] = {BOUNDARY: json.loads(boundary["policy"])["Statement"], ADMINISTRATOR: EVERYTHING}
    return Account(role_of_ci(outcome, "deploy"), roles, managed)


def test_the_evaluator_sees_an_administrator(account: Account) -> None:
    """A role with every action and no boundary may do all that is asked here, so that a refusal means something."""
    account.roles[FUNCTION] = Role(None, {"own": EVERYTHING})
    assert account.can_do(FUNCTION, POWERS) == {action for action, _ in POWERS}


def test_every_action_for_the_functions_role_makes_no_administrator(account: Account) -> None:
    """The deploy role may write the function's policy, and with every action in it the boundary keeps what it is."""
    account.put_role_policy(FUNCTION, EVERYTHING)
    assert account.can_do(FUNCTION, POWERS) == set()
    assert account.may(FUNCTION, "dynamodb:PartiQLInsert", AUDIT_TABLE)


def test_a_role_made_anew_has_the_boundary_or_is_refused(account: Account) -> None:
    """Deleting the function's role and making it anew needs the boundary, and then gains nothing."""
    account.delete_role(FUNCTION)
    for boundary in (None, ADMINISTRATOR, f"{BOUNDARY}-2"):
        with pytest.raises(Refused):
            account.create_role(FUNCTION, boundary)
    account.create_role(FUNCTION, BOUNDARY)
    account.put_role_policy(FUNCTION, EVERYTHING)
    assert account.can_do(FUNCTION, POWERS) == set()


WAYS_OUT: dict[str, Callable[[Account], None]] = {
    "puts another boundary on": lambda account: account.put_role_permissions_boundary(FUNCTION, ADMINISTRATOR),
    "attaches AdministratorAccess": lambda account: account.attach_role_policy(FUNCTION, ADMINISTRATOR),
    "opens the function's role to itself": lambda account: account.update_assume_role_policy(FUNCTION),
    "writes its own policy": lambda account: account.put_role_policy(DEPLOYER, EVERYTHING),
    "makes another role": lambda account: account.create_role(f"{IAM}:role/other", BOUNDARY),
    "gives the role to a machine": lambda account: account.pass_role(FUNCTION, "ec2.amazonaws.com"),
    "gives a function another role": lambda account: account.pass_role(f"{IAM}:role/admin", "lambda.amazonaws.com"),
}
LOOSENING: dict[str, Callable[[Account], None]] = {
    "takes the boundary off": lambda account: account.delete_role_permissions_boundary(FUNCTION),
    "rewrites the boundary": lambda account: account.create_policy_version(BOUNDARY, EVERYTHING),
    "goes back to another version of it": lambda account: account.set_default_policy_version(BOUNDARY, EVERYTHING),
    "deletes it": lambda account: account.delete_policy(BOUNDARY),
}


@pytest.mark.parametrize("way", WAYS_OUT | LOOSENING)
def test_there_is_no_way_around_the_boundary(account: Account, way: str) -> None:
    """Each other way out is refused."""
    with pytest.raises(Refused):
        (WAYS_OUT | LOOSENING)[way](account)


@pytest.mark.parametrize("way", LOOSENING)
def test_nobody_with_this_policy_loosens_the_boundary(account: Account, way: str) -> None:
    """A person who has the policy beside one that allows everything is refused to take the boundary off or to change it."""
    account.statements = [*account.statements, *EVERYTHING]
    with pytest.raises(Refused):
        LOOSENING[way](account)


def test_a_role_from_before_the_boundary_is_bounded_in_place(account: Account) -> None:
    """The policies of a role without boundary can't be written until the boundary is on it, which the deploy role may put there."""
    account.roles[FUNCTION] = Role(None, {"own": []})
    with pytest.raises(Refused):
        account.put_role_policy(FUNCTION, EVERYTHING)
    account.put_role_permissions_boundary(FUNCTION, BOUNDARY)
    account.put_role_policy(FUNCTION, EVERYTHING)
    assert account.can_do(FUNCTION, POWERS) == set()


@pytest.mark.parametrize("role", ["function", "stream_check", "archive", "tampering"])
def test_the_boundary_allows_what_the_functions_need(outcome: Outcome, account: Account, role: str) -> None:
    """Every action that the module gives one of its roles is within the boundary, on each of its resources."""
    statements = role_statements(outcome)[role]
    assert statements
    cut_off = [
        (action, resource)
        for statement in statements
        for action in as_list(statement["Action"])
        if action not in UNNAMEABLE
        for resource in as_list(statement["Resource"])
        if not allowed(account.managed[BOUNDARY], action, resource.replace("/stream/*", "/stream/x"))
    ]
    assert cut_off == [], f"in {ARCHIVE_RUN}: add it to terraform/bootstrap/boundary.tf"
    assert allowed(account.managed[BOUNDARY], "dynamodb:GetRecords", AUDIT_STREAM)


ERASING = {
    "dynamodb:DeleteResourcePolicy": AUDIT_TABLE,
    "dynamodb:PutResourcePolicy": AUDIT_TABLE,
    "dynamodb:UpdateContinuousBackups": AUDIT_TABLE,
    "dynamodb:UpdateTimeToLive": AUDIT_TABLE,
    "s3:DeleteBucketPolicy": BUCKET,
    "s3:PutBucketObjectLockConfiguration": BUCKET,
    "s3:PutBucketPolicy": BUCKET,
    "s3:PutBucketVersioning": BUCKET,
    "s3:PutEncryptionConfiguration": BUCKET,
    "s3:PutLifecycleConfiguration": BUCKET,
}
"""What would erase history without deleting a table or a bucket: TTL on another attribute, rules that expire each version,
what keeps either from it, and what keeps copies."""


def test_history_can_be_locked_against_whoever_deploys(outcome: Outcome) -> None:
    """With lock_history the deploy role is refused all that would erase history, even beside a broader policy; what else it did it still does."""
    open_, locked = role_of_ci(outcome, "deploy"), role_of_ci(outcome, "deploy", LOCKED)
    assert {action for action, arn in ERASING.items() if allowed([*locked, *EVERYTHING], action, arn)} == set()
    assert {action for action, arn in ERASING.items() if allowed(open_, action, arn)} == set(ERASING) - {
        "dynamodb:DeleteResourcePolicy",
        "dynamodb:PutResourcePolicy",
        "s3:DeleteBucketPolicy",
    }
    assert [one for one in locked if one not in open_] == [one for one in locked if one["Sid"] == "KeepHistory"]
    assert allowed(locked, "dynamodb:UpdateTable", AUDIT_TABLE)
    assert allowed(locked, "dynamodb:UpdateTimeToLive", SOURCE_TABLE)


def test_the_service_control_policy_to_copy_keeps_history() -> None:
    """The documented policy denies an administrator all that would erase history or loosen the boundary, and break-glass nothing of it."""
    text = (ROOT / "docs" / "bootstrap.md").read_text("utf-8")
    [written] = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    statements: Statements = json.loads(written)["Statement"]
    loosening = {
        "iam:CreatePolicyVersion": BOUNDARY,
        "iam:DeletePolicy": BOUNDARY,
        "iam:DeleteRolePermissionsBoundary": FUNCTION,
        "iam:SetDefaultPolicyVersion": BOUNDARY,
    }
    requests = {**ERASING, **loosening, "dynamodb:DeleteTable": AUDIT_TABLE, "s3:DeleteBucket": BUCKET}
    for name, may in (("administrator", set[str]()), ("break-glass", set(requests))):
        caller = {"aws:PrincipalArn": f"{IAM}:role/{name}"}
        assert {one for one, arn in requests.items() if allowed([*statements, *EVERYTHING], one, arn, caller)} == may

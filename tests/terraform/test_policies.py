"""Every policy of every plan: nothing is allowed on `*` where a resource can be named, and nothing by `*`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.terraform.test_permissions import as_list

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.terraform.conftest import Outcome

UNNAMEABLE = {
    "cloudwatch:GetMetricData": "metrics are no resources of IAM's",
    "ec2:AssignPrivateIpAddresses": "Lambda asks for it before there is an interface, on everything",
    "ec2:DeleteNetworkInterface": "likewise",
    "ec2:UnassignPrivateIpAddresses": "likewise",
    "ec2:DescribeNetworkInterfaces": "AWS knows no resource for the list",
    "ec2:DescribeSubnets": "AWS knows no resource for the list",
    "lambda:ListEventSourceMappings": "AWS knows no resource for the list",
    "lambda:CreateEventSourceMapping": "a mapping has no ARN before it's made; the statement's condition names the function",
}
"""Actions that AWS allows on everything or on nothing, each with why it is needed so.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""
PARTS = {
    r"arn:aws:s3:::[^*]+/\*": "objects, of a prefix or of a bucket: their keys come later",
    r"arn:aws:s3:::[^*]+/table-trail/terraform\.tfstate\*": "the state and its lock",
    r"arn:aws:dynamodb:[^*]+:table/[^*]+/(stream|index)/\*": "the streams or indexes of one table",
    r"arn:aws:logs:[^*]+:log-group:/aws/lambda/[^*]+:\*": "the log streams of one group, which Lambda names",
    r"arn:aws:ec2:[^*]+:\*:(subnet|security-group)/[^*]+": "one by its id, of whichever account shares it",
    r"arn:aws:cloudwatch:[^*]+:alarm:[^*]+-trail-\*": "the alarms of one trail",
}
"""Wildcards for the last part of a name, each with why."""
LISTS = {
    r"arn:aws:cloudwatch:[^*]+:alarm:\*": {"cloudwatch:DescribeAlarms"},
    r"arn:aws:logs:[^*]+:log-group:\*": {"logs:DescribeLogGroups"},
    r"arn:aws:ec2:[^*]+:network-interface/\*": {"ec2:CreateNetworkInterface"},
    r"arn:aws:lambda:[^*]+:event-source-mapping:\*": {
        "lambda:DeleteEventSourceMapping",
        "lambda:GetEventSourceMapping",
        "lambda:ListTags",
        "lambda:UpdateEventSourceMapping",
    },
}
"""All of a kind in one account and region, for actions that need it: lists, and mappings and network interfaces, whose ids AWS gives."""


def policies(outcome: Outcome) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Give every policy of every plan: where it stands, and its statements."""
    for run, resources in outcome.plans.items():
        for resource in resources:
            for attribute, value in resource.items():
                if "policy" in attribute and isinstance(value, str) and '"Statement"' in value:
                    yield f"{run}: {resource['address']}.{attribute}", json.loads(value)["Statement"]
    for run, outputs in outcome.outputs.items():
        for name, value in outputs.items():
            if name.endswith("_policy_json") and isinstance(value, str):
                yield f"{run}: output {name}", json.loads(value)["Statement"]


def problems(statement: dict[str, Any]) -> list[str]:
    """Return what is too broad in a statement. A Deny may be as broad as it likes."""
    if statement["Effect"] == "Deny":
        return []
    actions = as_list(statement["Action"])
    found = [f"allows {action}" for action in actions if "*" in action or "?" in action]
    found += [f"has {key}" for key in ("NotAction", "NotResource", "NotPrincipal") if key in statement]
    if statement.get("Principal") in ("*", {"AWS": "*"}):
        found.append("allows everybody")
    return found + [
        f"allows {actions} on {resource}"
        for resource in as_list(statement.get("Resource", []))
        if "*" in resource and not _needed(resource, set(actions))
    ]


def _needed(resource: str, actions: set[str]) -> bool:
    return (
        (resource == "*" and actions <= UNNAMEABLE.keys())
        or any(re.fullmatch(pattern, resource) for pattern in PARTS)
        or any(re.fullmatch(pattern, resource) and actions <= listed for pattern, listed in LISTS.items())
    )


def test_no_statement_is_broader_than_it_must_be(outcome: Outcome) -> None:
    """In no plan does a statement allow a wildcard that isn't listed above with its reason."""
    seen = dict(policies(outcome))
    kinds = {re.sub(r"\[.*\]", "", where.partition(": ")[2]) for where in seen}
    assert {
        "aws_iam_role.function.assume_role_policy",
        "aws_iam_role_policy.trail.policy",
        "output reader_policy_json",
    } <= kinds
    assert {where: found for where, all_ in seen.items() for one in all_ if (found := problems(one))} == {}


def test_what_is_listed_is_used(outcome: Outcome) -> None:
    """No exception is kept that nothing needs any more."""
    statements = [one for _, all_ in policies(outcome) for one in all_]
    resources = {resource for one in statements for resource in as_list(one.get("Resource", []))}
    actions = {action for one in statements for action in as_list(one["Action"])}
    assert [pattern for pattern in [*PARTS, *LISTS] if not any(re.fullmatch(pattern, name) for name in resources)] == []
    assert set(UNNAMEABLE) - actions == set()


def test_a_key_is_used_through_a_service_alone(outcome: Outcome) -> None:
    """No policy lets anybody call KMS for the trail's keys: only DynamoDB and S3 of this region may, for whoever has the policy."""
    found = {
        (where, one["Sid"]): one.get("Condition", {}).get("StringEquals", {}).get("kms:ViaService", [])
        for where, statements in policies(outcome)
        for one in statements
        if any(action.startswith("kms:") for action in as_list(one["Action"]))
    }
    here = {f"{service}.eu-central-1.amazonaws.com" for service in ("dynamodb", "s3")}
    assert {key for key, services in found.items() if not services or not set(as_list(services)) <= here} == set()
    assert {sid for _, sid in found} == {"DecryptTrail", "UseTrailsKey", "UseFailuresKey", "DecryptStream"}
    for one, service in (("DecryptStream", "dynamodb"), ("UseFailuresKey", "s3")):
        assert {services for (_, sid), services in found.items() if sid == one} == {
            f"{service}.eu-central-1.amazonaws.com"
        }


@pytest.mark.parametrize(
    "statement",
    [
        {"Action": "dynamodb:*", "Resource": "arn:aws:dynamodb:eu-central-1:123456789012:table/orders"},
        {"Action": "dynamodb:GetItem", "Resource": "*"},
        {"Action": ["cloudwatch:GetMetricData", "dynamodb:GetItem"], "Resource": "*"},
        {"Action": "dynamodb:GetItem", "Resource": ["arn:aws:dynamodb:eu-central-1:123456789012:table/*"]},
        {"Action": "cloudwatch:DeleteAlarms", "Resource": "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:*"},
        {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::*/*"},
        {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/x", "Principal": "*"},
        {"Action": "s3:GetObject", "NotResource": "arn:aws:s3:::bucket/x"},
    ],
)
def test_a_broad_statement_is_found(statement: dict[str, Any]) -> None:
    """A wildcard action, a resource that could be named, everybody, and everything but: each is found."""
    assert problems({"Effect": "Allow", **statement})


# The roles of terraform/bootstrap.

BOOTSTRAP = "bootstrap.tftest.hcl/bootstrap_defaults"
HOLD_DATA = {"dynamodb:DeleteTable", "s3:DeleteBucket", "s3:DeleteObject", "s3:DeleteObjectVersion"}


def role_of_ci(outcome: Outcome, role: str, run: str = BOOTSTRAP) -> list[dict[str, Any]]:
    found = [one for one in outcome.planned(run, "aws_iam_role_policy") if f'["{role}"]' in one["address"]]
    assert len(found) == 2
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: all inline policies of a role together
    assert sum(len(one["policy"]) for one in found) < 10_240
    return [statement for one in found for statement in json.loads(one["policy"])["Statement"]]


def test_a_pull_requests_role_only_reads(outcome: Outcome) -> None:
    """A pull request's code can change nothing, and neither read nor replace a plan that waits for approval."""
    statements = role_of_ci(outcome, "pull-request")
    for statement in statements:
        for action in as_list(statement["Action"]):
            assert re.fullmatch(r"\w+:(Describe|Get|List)\w+", action), statement
    assert [one for one in statements if "/plans/" in str(one["Resource"])] == []
    assert [one["Sid"] for one in role_of_ci(outcome, "plan") if one not in statements] == ["KeepPlans"]


def test_the_role_that_plans_only_reads(outcome: Outcome) -> None:
    """But for the plans' own prefix, the role that plans the branch has no action that writes."""
    for statement in role_of_ci(outcome, "plan"):
        if statement["Sid"] == "KeepPlans":
            assert (statement["Action"], statement["Resource"].rpartition("/table-trail/")[2]) == (
                "s3:PutObject",
                "plans/*",
            )
            continue
        for action in as_list(statement["Action"]):
            assert re.fullmatch(r"\w+:(Describe|Get|List)\w+", action), statement


@pytest.mark.parametrize("role", ["pull-request", "plan", "deploy"])
def test_ci_opens_no_data_and_deletes_none(outcome: Outcome, role: str) -> None:
    """Neither role reads an item, an object or a log line of the trail, or can delete a table or the bucket."""
    for statement in role_of_ci(outcome, role):
        actions = set(as_list(statement["Action"]))
        if "state" in str(statement["Resource"]) or "/plans/" in str(statement["Resource"]):
            continue
        assert not actions & HOLD_DATA
        assert not [
            one
            for one in actions
            if re.search(r":(.*Item|Query|Scan|PartiQL\w+|GetObject\w*|GetRecords|(Get|Filter)Log\w*)$", one)
        ]


def test_whoever_deploys_gives_roles_to_functions_alone(outcome: Outcome) -> None:
    """The role that deploys may pass the functions' roles, and to Lambda alone."""
    [passing] = [one for one in role_of_ci(outcome, "deploy") if "iam:PassRole" in one["Action"]]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    assert [name.rpartition("/")[2] for name in passing["Resource"]] == [
        "audit-trail-eu-central-1",
        "audit-stream-check-eu-central-1",
        "audit-archive-eu-central-1",
        "audit-tampering-eu-central-1",
    ]

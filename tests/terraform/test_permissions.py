"""Who may do what: the policies that Terraform would make, read from its plans."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.terraform.conftest import Outcome

RUN = "iam.tftest.hcl/policies"
ARCHIVE_RUN = "archive.tftest.hcl/on"
AUDIT_TABLE = "arn:aws:dynamodb:eu-central-1:123456789012:table/audit"
SOURCE_TABLE = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders"
BUCKET = "arn:aws:s3:::audit-trail-123456789012-eu-central-1"
FAILURES = "arn:aws:s3:::audit-failures-123456789012-eu-central-1"
INDEXES = (f"{AUDIT_TABLE}/index/by_time", f"{AUDIT_TABLE}/index/by_actor")
HISTORY = (AUDIT_TABLE, *INDEXES, f"{AUDIT_TABLE}/stream/x", f"{AUDIT_TABLE}/backup/x")
AUDIT_STREAM = f"{AUDIT_TABLE}/stream/2026-11-24T06:00:00.000"
READING = {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"}
ITEMS = (SOURCE_TABLE, f"{SOURCE_TABLE}/index/by_customer")
OBJECTS = (
    BUCKET,
    FAILURES,
    *(
        f"{bucket}/{prefix}/x"
        for bucket in (BUCKET, FAILURES)
        for prefix in ("images", "aws/lambda", "quarantine", "redriven", "archive")
    ),
)
POLICIES = (
    "reader_policy_json",
    "doctor_policy_json",
    "operator_policy_json",
    "verifier_policy_json",
    "application_policy_json",
)
UNNAMEABLE = {"cloudwatch:GetMetricData", "lambda:ListEventSourceMappings"}
"""Actions that AWS allows on everything of an account or on nothing: they aren't any resource's.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
"""


def as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def actions_on(statements: list[dict[str, Any]], *arns: str) -> set[str]:
    """Return every action that the statements allow on any of the ARNs, by IAM's own wildcards.

    An action that isn't any resource's is on none.
    """
    return {
        action
        for statement in statements
        for action in as_list(statement["Action"])
        if action not in UNNAMEABLE
        if any(fnmatchcase(arn, pattern) for arn in arns for pattern in as_list(statement["Resource"]))
    }


def role_statements(outcome: Outcome) -> dict[str, list[dict[str, Any]]]:
    """Return every statement of each role: those with one policy of their name, and all others are the function's."""
    statements: dict[str, list[dict[str, Any]]] = {"function": [], "stream_check": [], "archive": [], "tampering": []}
    for item in outcome.plans[ARCHIVE_RUN]:
        if item["type"] == "aws_iam_role_policy":
            name = item["address"].removeprefix("aws_iam_role_policy.").removesuffix("[0]")
            role = name if name in statements else "function"
            statements[role] += json.loads(item["policy"])["Statement"]
    return statements


@pytest.fixture
def function_statements(outcome: Outcome) -> list[dict[str, Any]]:
    """Give every statement of the function's role."""
    return role_statements(outcome)["function"]


def people_statements(outcome: Outcome, policy: str, run: str = RUN) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = json.loads(outcome.outputs[run][policy])["Statement"]
    return statements


def test_the_role_has_no_other_policies_than_those_checked_here(outcome: Outcome) -> None:
    """Nothing but inline policies of the two roles gives a function a permission, in no plan."""
    for name, resources in outcome.plans.items():
        kinds = {item["type"] for item in resources if "iam" in item["type"] or item["type"].endswith("policy")}
        kinds -= {
            "aws_iam_openid_connect_provider",
            "aws_iam_policy",
        }  # opens CI's roles; is a boundary, attached to none
        assert kinds <= {
            "aws_iam_role",
            "aws_iam_role_policy",
            "aws_s3_bucket_policy",
            "aws_dynamodb_resource_policy",
        }, name
        for role in (item for item in resources if item["type"] == "aws_iam_role"):
            assert not role.get("inline_policy"), name
            assert not role.get("managed_policy_arns"), name


def test_the_function_can_only_add_records(function_statements: list[dict[str, Any]]) -> None:
    """On the audit table, its indexes, stream and backups the role has PartiQLInsert alone, and that on the table."""
    assert actions_on(function_statements, AUDIT_TABLE) == {"dynamodb:PartiQLInsert"}
    assert actions_on(function_statements, *HISTORY[1:]) == set()


def test_the_function_can_only_add_objects(function_statements: list[dict[str, Any]]) -> None:
    """The role adds images to the history bucket, failures to the failures bucket, and can neither read nor delete in either."""
    written = {f"{BUCKET}/images/x", f"{BUCKET}/aws/lambda/x", f"{FAILURES}/quarantine/x", f"{FAILURES}/aws/lambda/x"}
    assert {arn: actions_on(function_statements, arn) for arn in written} == {arn: {"s3:PutObject"} for arn in written}
    assert actions_on(function_statements, FAILURES) == {"s3:ListBucket"}
    others = set(OBJECTS) - written - {FAILURES}
    assert actions_on(function_statements, *others, f"{BUCKET}/x", f"{FAILURES}/x") == set()


def test_the_function_never_touches_the_source_table(function_statements: list[dict[str, Any]]) -> None:
    """The role reads the stream and nothing of the table itself."""
    assert actions_on(function_statements, *ITEMS) == set()


def test_the_check_of_the_stream_sees_no_item_and_changes_nothing(outcome: Outcome) -> None:
    """The check's role reads both tables' descriptions and the mappings, and writes logs; that is all."""
    statements = role_statements(outcome)["stream_check"]
    assert actions_on(statements, *ITEMS) == {"dynamodb:DescribeTable"}
    assert actions_on(statements, AUDIT_TABLE) == {"dynamodb:DescribeTable"}
    assert actions_on(statements, *HISTORY[1:], *OBJECTS) == set()
    assert {action for statement in statements for action in as_list(statement["Action"])} == {
        "dynamodb:DescribeTable",
        "lambda:GetEventSourceMapping",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    }


def test_the_archive_reads_its_stream_and_adds_objects(outcome: Outcome) -> None:
    """The archive's role reads the audit table's stream, adds to the archive and to the failures bucket, and lists that; no more."""
    statements = role_statements(outcome)["archive"]
    assert actions_on(statements, *HISTORY[:3], *ITEMS, f"{AUDIT_TABLE}/backup/x") == set()
    assert actions_on(statements, f"{AUDIT_TABLE}/stream/x") == {"dynamodb:ListStreams"}
    assert actions_on(statements, AUDIT_STREAM) == {"dynamodb:ListStreams", *READING}
    written = {f"{BUCKET}/archive/x", f"{BUCKET}/aws/lambda/x", f"{FAILURES}/quarantine/x", f"{FAILURES}/aws/lambda/x"}
    assert {arn: actions_on(statements, arn) for arn in written} == {arn: {"s3:PutObject"} for arn in written}
    assert actions_on(statements, *(set(OBJECTS) - written - {FAILURES}), f"{BUCKET}/x", f"{FAILURES}/x") == set()
    assert actions_on(statements, FAILURES) == {"s3:ListBucket"}


def test_who_counts_changes_by_hand_can_only_look(outcome: Outcome) -> None:
    """The role of the function that counts changes by hand reads the audit table's stream and writes logs; that is all."""
    statements = role_statements(outcome)["tampering"]
    assert actions_on(statements, *OBJECTS, *HISTORY[:3], *ITEMS) == set()
    assert {action for statement in statements for action in as_list(statement["Action"])} == {
        "dynamodb:ListStreams",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        *READING,
    }


def test_with_an_archive_readers_read_it_and_operators_add_to_it(outcome: Outcome) -> None:
    """Readers list and read archive/, verifiers, who list the bucket, read it, operators add to it; doctors see its functions."""
    reading = [
        (["s3:GetObject"], f"{BUCKET}/archive/*", None),
        (["s3:ListBucket"], BUCKET, {"StringLike": {"s3:prefix": "archive/*"}}),
    ]
    made = "arn:aws:lambda:eu-central-1:123456789012:function:audit-trail"  # the mocks' one ARN for every function
    seeing = (["lambda:GetFunctionConfiguration"], [made, made], None)
    for policy in POLICIES:
        before, after = (people_statements(outcome, policy, run) for run in (RUN, ARCHIVE_RUN))
        more = [statement for statement in after if statement not in before]
        assert [statement for statement in after if statement in before] == before
        assert [(as_list(one["Action"]), one["Resource"], one.get("Condition")) for one in more] == {
            "reader_policy_json": reading,
            "verifier_policy_json": reading[:1],
            "doctor_policy_json": [seeing],
            "operator_policy_json": [seeing, (["s3:PutObject"], f"{BUCKET}/archive/*", None)],
        }.get(policy, [])


@pytest.mark.parametrize("policy", ["function", "stream_check", "archive", "tampering", *POLICIES])
def test_every_statement_is_narrow(outcome: Outcome, policy: str) -> None:
    """Each statement has a purpose, whole action names, and resources that are named up to a last part."""
    statements = role_statements(outcome).get(policy) or people_statements(outcome, policy)
    assert len({statement["Sid"] for statement in statements}) == len(statements)
    for statement in statements:
        assert statement["Effect"] == "Allow"
        assert statement.keys() <= {"Sid", "Effect", "Action", "Resource", "Condition"}
        assert not [action for action in as_list(statement["Action"]) if "*" in action or "?" in action]
        if set(as_list(statement["Action"])) <= UNNAMEABLE:
            assert statement["Resource"] == "*"
            continue
        for resource in as_list(statement["Resource"]):
            named = resource.removesuffix("/*").removesuffix(":*")
            assert named.startswith("arn:aws:")
            assert "*" not in named


def test_readers_of_the_history_cannot_read_the_items(outcome: Outcome) -> None:
    """The reader policy reads the history and its images, and of the source table no more than its description."""
    statements = people_statements(outcome, "reader_policy_json")
    assert actions_on(statements, *HISTORY) == {
        "dynamodb:BatchGetItem",
        "dynamodb:DescribeTable",
        "dynamodb:GetItem",
        "dynamodb:ListTagsOfResource",
        "dynamodb:Query",
    }
    assert actions_on(statements, *ITEMS) == {"dynamodb:DescribeTable"}
    assert actions_on(statements, f"{BUCKET}/images/x") == {"s3:GetObject"}
    assert actions_on(statements, *(set(OBJECTS) - {f"{BUCKET}/images/x"})) == set()


SEEING_BUCKET = {
    "s3:GetBucketPolicyStatus",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketVersioning",
    "s3:GetLifecycleConfiguration",
    "s3:ListBucket",
}
SEEING = {
    AUDIT_TABLE: {
        "dynamodb:DescribeContinuousBackups",
        "dynamodb:DescribeTable",
        "dynamodb:DescribeTimeToLive",
        "dynamodb:ListTagsOfResource",
    },
    SOURCE_TABLE: {"dynamodb:DescribeTable"},
    BUCKET: SEEING_BUCKET,
    FAILURES: SEEING_BUCKET,
    "arn:aws:lambda:eu-central-1:123456789012:function:audit-trail": {"lambda:GetFunctionConfiguration"},
    "arn:aws:iam::123456789012:role/audit-trail-eu-central-1": {"iam:SimulatePrincipalPolicy"},
    "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:audit-trail-silence": {"cloudwatch:DescribeAlarms"},
}
"""What `trail doctor` looks at, by ARN."""


def test_the_doctor_sees_how_things_are_set_up_and_no_data(outcome: Outcome) -> None:
    """The doctor policy allows what `trail doctor` asks for, each on what it asks it of, and no item, object or log."""
    statements = people_statements(outcome, "doctor_policy_json")
    assert {arn: actions_on(statements, arn) for arn in SEEING} == SEEING
    assert {action for statement in statements for action in as_list(statement["Action"])} == UNNAMEABLE.union(
        *SEEING.values()
    )
    assert actions_on(statements, *HISTORY[1:], *ITEMS[1:], *OBJECTS[2:]) == set()


def test_operators_see_what_the_doctor_sees(outcome: Outcome) -> None:
    """The operator policy has every statement of the doctor policy."""
    doctor = people_statements(outcome, "doctor_policy_json")
    assert [one for one in people_statements(outcome, "operator_policy_json") if one in doctor] == doctor


def test_readers_of_the_history_can_query_its_indexes(outcome: Outcome) -> None:
    """Of an index that is on, the reader policy allows Query and nothing more; of one that is off, nothing."""
    statements = people_statements(outcome, "reader_policy_json", "indexes.tftest.hcl/on")
    for index in INDEXES:
        assert actions_on(statements, index) == {"dynamodb:Query"}
    assert actions_on(statements, f"{AUDIT_TABLE}/index/x") == set()
    assert actions_on(people_statements(outcome, "reader_policy_json"), *INDEXES) == set()


RESTORING = {"dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"}
"""What `trail restore` does to single items, each write on a condition: it neither queries nor scans them."""


def test_operators_put_back_failures_and_items_and_nothing_else(outcome: Outcome) -> None:
    """The operator policy adds records, moves failures under redriven/, adds images, puts back items, and reads no history."""
    statements = people_statements(outcome, "operator_policy_json")
    assert actions_on(statements, *HISTORY) == {"dynamodb:PartiQLInsert", *SEEING[AUDIT_TABLE]}
    assert actions_on(statements, *HISTORY[1:]) == set()
    assert actions_on(statements, SOURCE_TABLE) == {"dynamodb:DescribeTable", *RESTORING}
    assert actions_on(statements, *ITEMS[1:]) == set()
    for bucket in (BUCKET, FAILURES):  # the history bucket, too, where failures went before there was another
        assert actions_on(statements, bucket) == SEEING[bucket]
        for prefix in ("aws/lambda", "quarantine"):
            assert actions_on(statements, f"{bucket}/{prefix}/x") == {"s3:GetObject", "s3:DeleteObject"}
        assert actions_on(statements, f"{bucket}/archive/x", f"{bucket}/aws/x", f"{bucket}/x") == set()
    assert actions_on(statements, f"{FAILURES}/redriven/x") == {"s3:GetObject", "s3:PutObject"}
    assert actions_on(statements, f"{BUCKET}/images/x") == {"s3:PutObject"}
    assert actions_on(statements, f"{BUCKET}/redriven/x", f"{FAILURES}/images/x") == set()


def test_the_application_cannot_see_the_history(outcome: Outcome) -> None:
    """The application policy reads and writes items, and opens nothing of the trail."""
    statements = people_statements(outcome, "application_policy_json")
    assert actions_on(statements, *HISTORY, *OBJECTS) == set()
    assert {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"} <= actions_on(statements, SOURCE_TABLE)


def test_the_root_hands_out_the_modules_policies(outcome: Outcome) -> None:
    """What the root's outputs allow is what the module's do."""
    outputs = outcome.outputs["root.tftest.hcl/orders_and_audit"]
    for policy in POLICIES:
        assert [s["Sid"] for s in json.loads(outputs[policy])["Statement"]] == [
            s["Sid"] for s in people_statements(outcome, policy, "indexes.tftest.hcl/on")
        ]


def test_verifiers_read_both_tables_and_change_nothing(outcome: Outcome) -> None:
    """The verifier policy scans the history and the items and reads images, and has no action that writes."""
    statements = people_statements(outcome, "verifier_policy_json")
    assert actions_on(statements, AUDIT_TABLE) == {
        "dynamodb:DescribeTable",
        "dynamodb:ListTagsOfResource",
        "dynamodb:Query",
        "dynamodb:Scan",
    }
    assert actions_on(statements, SOURCE_TABLE) == {"dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:Scan"}
    assert actions_on(statements, *HISTORY[1:], *ITEMS[1:]) == set()
    assert actions_on(statements, BUCKET) == {"s3:ListBucket"}
    assert actions_on(statements, f"{BUCKET}/images/x") == {"s3:GetObject"}
    assert actions_on(statements, *(set(OBJECTS) - {BUCKET, f"{BUCKET}/images/x"})) == set()

"""`trail doctor` as people and CI run it: what it prints, what it exits with, and what it asks of AWS."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError
from typer.testing import CliRunner

from audit_trail.aws import looking
from audit_trail.cli.main import app
from audit_trail.core.doctor import ARCHIVE_CHECKS, CHECKS
from audit_trail.core.doctor.archive import EXPIRED, TAMPERED
from tests.unit.fake_aws import RefusedError
from tests.unit.fake_trail import (
    AUDIT_ARN,
    AUDIT_TABLE,
    FUNCTION,
    FUNCTION_ARN,
    MAPPING,
    OF_ARCHIVES,
    ROLE_ARN,
    SOURCE_TABLE,
    STREAM_ARN,
    TAGS,
    allowed,
    tags,
    well,
)

if TYPE_CHECKING:
    from typer.testing import Result

    from tests.unit.fake_aws import FakeAws

DENIED = RefusedError("AccessDenied")
OF = {
    "ListTagsOfResource": "dynamodb:ListTagsOfResource",
    "DescribeContinuousBackups": "dynamodb:DescribeContinuousBackups",
    "DescribeTimeToLive": "dynamodb:DescribeTimeToLive",
    "ListEventSourceMappings": "lambda:ListEventSourceMappings",
    "GetFunctionConfiguration": "lambda:GetFunctionConfiguration",
    "SimulatePrincipalPolicy": "iam:SimulatePrincipalPolicy",
    "GetBucketVersioning": "s3:GetBucketVersioning",
    "GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "ListObjectsV2": "s3:ListBucket",
    "DescribeAlarms": "cloudwatch:DescribeAlarms",
    "GetMetricData": "cloudwatch:GetMetricData",
}
"""The action of each operation that a trail is asked by, but for those that only some are."""


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give what runs `trail doctor` on a fake AWS."""

    def run(aws: FakeAws, *words: str, table: str = "audit") -> Result:
        aws.stand_in(monkeypatch)
        return CliRunner().invoke(app, ["doctor", *words, "--audit-table", table], catch_exceptions=False)

    return run


@pytest.fixture
def findings(doctor: Any) -> Any:
    """Give what runs it with --json and returns each check's line, and the exit code."""

    def run(aws: FakeAws, *words: str) -> tuple[dict[str, dict[str, str]], int]:
        result = doctor(aws, "--json", *words)
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        return {line["check"]: line for line in lines}, result.exit_code

    return run


def test_a_trail_that_is_well(doctor: Any) -> None:
    """Of a trail that is well, there is one line a check, and the exit code is 0, also with --strict."""
    result = doctor(well(), "--strict")
    assert (result.exit_code, result.stderr) == (0, "22 ok\n")
    assert [line.split()[:2] for line in result.stdout.splitlines()] == [["ok", name] for name in CHECKS]


def test_json_lines(findings: Any) -> None:
    """With --json each check is one line of JSON: its name, verdict and sentence, and where the runbook says more."""
    found, code = findings(well(ListEventSourceMappings={"EventSourceMappings": [MAPPING | {"State": "Disabled"}]}))
    assert code == 1
    assert list(found) == list(CHECKS)
    assert found["source-stream"] == {
        "check": "source-stream",
        "verdict": "ok",
        "sentence": "the source table's stream is on, with both images",
    }
    assert found["mapping"]["verdict"] == "problem"
    assert found["mapping"]["runbook"] == "docs/runbook.md#stream-mismatch"


def test_lines_say_where_the_runbook_says_more(doctor: Any) -> None:
    """A line for people has verdict, check, sentence and section, and the summary counts on stderr."""
    result = doctor(well(GetFunctionConfiguration=RefusedError("ResourceNotFoundException")))
    [line] = [line for line in result.stdout.splitlines() if line.split()[1] == "function"]
    assert line == (
        "problem  function             the function audit-trail is gone: `make deploy` "
        "(docs/runbook.md#function-errors)"
    )
    assert (result.exit_code, result.stderr) == (1, "19 ok, 1 problem, 2 unknown\n")


def test_what_aws_says_cannot_move_the_cursor(doctor: Any) -> None:
    """What AWS says that a terminal doesn't show as it is comes escaped, in one line."""
    mapping = MAPPING | {"LastProcessingResult": "PROBLEM:\n\x1b[2J"}
    result = doctor(well(ListEventSourceMappings={"EventSourceMappings": [mapping]}))
    assert "\x1b" not in result.stdout
    assert len(result.stdout.splitlines()) == len(CHECKS)


@pytest.mark.parametrize(("strict", "code"), [((), 0), (("--strict",), 1)])
@pytest.mark.parametrize(
    ("differing", "verdict"),
    [({"DescribeAlarms": {}}, "warning"), ({"DescribeAlarms": DENIED}, "unknown")],
)
def test_strict(findings: Any, differing: dict[str, Any], verdict: str, strict: tuple[str, ...], code: int) -> None:
    """A warning, or something unknown, makes the exit code 1 only with --strict."""
    found, exit_code = findings(well(**differing), *strict)
    assert (found["alarms"]["verdict"], exit_code) == (verdict, code)


@pytest.mark.parametrize("operation", OF)
@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException"])
def test_a_missing_permission_is_named(findings: Any, operation: str, code: str) -> None:
    """Whatever the caller may not do is unknown, by IAM's name of the action, and the rest is looked at all the same."""
    found, exit_code = findings(well(**{operation: RefusedError(code)}))
    unknown = [line["sentence"] for line in found.values() if line["verdict"] == "unknown"]
    assert exit_code == 0
    assert set(unknown) == {
        f"these credentials may not do {OF[operation]}: attach the doctor policy that Terraform outputs"
    }
    assert all(line["verdict"] in ("ok", "unknown") for line in found.values())
    assert len(found) == len(CHECKS) > len(unknown)


def test_everything_that_is_asked_may_be_refused(findings: Any) -> None:
    """The actions that are tested one by one, and those that not every trail needs, are all that is asked of AWS."""
    kept = tags(TAGS | {"retention-days": "90"})
    aws = well(
        ListTagsOfResource=kept,
        GetPublicAccessBlock=RefusedError("NoSuchPublicAccessBlockConfiguration"),
        GetBucketPolicyStatus={"PolicyStatus": {"IsPublic": False}},
    )
    findings(aws)
    asked = {operation.partition(":")[2] for operation in aws.operations()}
    assert asked == {*OF, "DescribeTable", "GetBucketPolicyStatus"}


def test_aws_that_refuses_everything(doctor: Any) -> None:
    """Where not even the audit table can be looked at, the exit code is 3, and the missing permission is named."""
    result = doctor(well(DescribeTable=RefusedError("AccessDeniedException")))
    assert (result.exit_code, result.stdout) == (3, "")
    assert "may not do DescribeTable" in result.stderr


def test_a_source_table_that_cannot_be_described(findings: Any) -> None:
    """The audit table's description alone suffices to look at all that isn't the source table's."""

    def describe(params: dict[str, Any]) -> dict[str, Any]:
        if params["TableName"] == "orders":
            raise DENIED
        return {"Table": AUDIT_TABLE}

    found, code = findings(well(DescribeTable=describe))
    unknown = {name for name, line in found.items() if line["verdict"] == "unknown"}
    assert (unknown, code) == ({"source-stream", "mapping", "stream-readers"}, 0)


@pytest.mark.parametrize(
    ("differing", "words"),
    [
        ({"DescribeTable": RefusedError("ResourceNotFoundException")}, "there is no table audit in this account"),
        ({"ListTagsOfResource": tags({})}, "audit has no tag table-trail:source-table"),
        (
            {"ListTagsOfResource": tags({name: value for name, value in TAGS.items() if name != "function"})},
            "audit has no tag table-trail:function",
        ),
        (
            {"ListTagsOfResource": tags({name: value for name, value in TAGS.items() if name != "bucket"})},
            "the tags of audit are not those that Terraform gives it",
        ),
    ],
)
def test_an_audit_table_that_is_none(findings: Any, differing: dict[str, Any], words: str) -> None:
    """A table that isn't there, or isn't an audit table, is one problem, and nothing else can be looked at."""
    found, code = findings(well(**differing))
    assert (list(found), code) == (["audit-table"], 1)
    assert found["audit-table"]["verdict"] == "problem"
    assert found["audit-table"]["sentence"].startswith(words)


def test_a_source_table_without_which_nothing_is_known(findings: Any) -> None:
    """Where the key's name fits no tag and the source table is gone, that is one problem."""

    def describe(params: dict[str, Any]) -> dict[str, Any]:
        if params["TableName"] == "orders":
            raise RefusedError("ResourceNotFoundException")
        return {"Table": AUDIT_TABLE}

    nameless = tags({name: value for name, value in TAGS.items() if name != "partition-key"})
    found, code = findings(well(DescribeTable=describe, ListTagsOfResource=nameless))
    assert (list(found), code) == (["audit-table"], 1)
    assert found["audit-table"]["sentence"].startswith("the source table orders of audit is gone")


def test_a_service_that_cannot_be_reached(findings: Any) -> None:
    """A service that doesn't answer is unknown, and stops no other check."""

    def unreachable(_params: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://iam.amazonaws.com")

    found, code = findings(well(SimulatePrincipalPolicy=unreachable))
    assert code == 0
    assert found["role-permissions"]["sentence"] == "AWS could not say: iam failed with EndpointConnectionError"
    assert [name for name, line in found.items() if line["verdict"] != "ok"] == ["role-permissions"]


def test_services_that_are_slow(findings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What isn't answered in time is unknown with that reason; many such questions cost the time of one, and no other check."""
    monkeypatch.setattr(looking, "PATIENCE", 1.0)
    slow = threading.Event()

    def answer_late(_params: object) -> None:
        slow.wait(30)

    begun = time.monotonic()
    asked = ("GetMetricData", "DescribeAlarms", "SimulatePrincipalPolicy", "ListObjectsV2")
    try:
        found, code = findings(well(**dict.fromkeys(asked, answer_late)))
    finally:
        slow.set()
    assert time.monotonic() - begun < 10
    assert code == 0
    unknown = {name: line["sentence"] for name, line in found.items() if line["verdict"] != "ok"}
    assert unknown == {
        name: f"{service} did not answer within 1 seconds"
        for service, names in {
            "cloudwatch": ("lag", "errors", "not-stored", "last-change", "index-shards", "alarms"),
            "iam": ("role-permissions",),
            "s3": ("given-up", "quarantined"),
        }.items()
        for name in names
    }


def test_what_waits_is_counted_up_to_a_thousand(findings: Any) -> None:
    """Of a bucket full of failures, the first 1,000 are counted, with the age of the oldest of them."""
    old = datetime.now(UTC) - timedelta(days=3, minutes=1)
    objects = [{"Key": f"aws/lambda/{n}", "Size": 1, "LastModified": old} for n in range(1_000)]
    pages = 0

    def listing(params: dict[str, Any]) -> dict[str, Any]:
        nonlocal pages
        if params["Prefix"] != "aws/lambda/":
            return {}
        pages += 1
        return {"Contents": objects, "IsTruncated": True, "NextContinuationToken": "more"}

    found, code = findings(well(ListObjectsV2=listing))
    assert (code, pages) == (1, 2)
    assert ": 1,000 or more, for up to 3 d;" in found["given-up"]["sentence"]
    assert found["quarantined"]["verdict"] == "ok"


def test_the_role_is_asked_for_what_it_needs(findings: Any) -> None:
    """The function's own role is simulated, for the stream that the source table has now."""

    def simulate(params: dict[str, Any]) -> dict[str, Any]:
        assert params["PolicySourceArn"] == ROLE_ARN
        if params["ResourceArns"] != [STREAM_ARN]:
            return allowed(params)
        names = params["ActionNames"]
        return {"EvaluationResults": [{"EvalActionName": name, "EvalDecision": "implicitDeny"} for name in names]}

    found, code = findings(well(SimulatePrincipalPolicy=simulate))
    assert code == 1
    assert found["role-permissions"]["sentence"] == (
        "the function's role may not do dynamodb:DescribeStream, dynamodb:GetRecords, dynamodb:GetShardIterator, "
        f"dynamodb:ListStreams on {STREAM_ARN}: `make plan` shows what differs"
    )


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        # As LocalStack's simulator, which compares ARNs by their letters.
        ("explicitDeny", "it does not allow s3:PutObject, although a policy with a wildcard allows it"),
        ("allowed", "it allows s3:DeleteObject, although a policy with a wildcard denies it"),
    ],
)
def test_a_simulator_that_cannot_be_believed(findings: Any, wrong: str, words: str) -> None:
    """A simulator that answers the control question wrongly, either way, is not believed: unknown, with what it said."""

    def simulate(params: dict[str, Any]) -> dict[str, Any]:
        names = params["ActionNames"]
        return {"EvaluationResults": [{"EvalActionName": name, "EvalDecision": wrong} for name in names]}

    found, code = findings(well(SimulatePrincipalPolicy=simulate))
    assert code == 0
    assert found["role-permissions"]["verdict"] == "unknown"
    assert found["role-permissions"]["sentence"] == (
        f"IAM's simulator can't be believed: asked about arn:aws:s3:::failures-bucket/quarantine/x, {words}"
    )


def test_an_environment_that_is_encrypted_for_others(findings: Any) -> None:
    """A function's environment that the caller may not decrypt is unknown, with the action that it takes."""
    hidden = FUNCTION | {"Environment": {"Error": {"ErrorCode": "AccessDeniedException", "Message": "no"}}}
    found, _ = findings(well(GetFunctionConfiguration=hidden))
    assert found["function-settings"]["verdict"] == "unknown"
    assert "may not do kms:Decrypt" in found["function-settings"]["sentence"]


def test_an_archive_is_looked_at(findings: Any) -> None:
    """Where the tags name an archive, each of its functions and mappings is asked for by its own name and judged."""
    audit_stream = f"{AUDIT_ARN}/stream/2026-11-24T06:00:00.000"
    on = {
        "LatestStreamArn": audit_stream,
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "OLD_IMAGE"},
    }
    filters = {"audit-archive": EXPIRED, "audit-tampering": TAMPERED}

    def describe(params: dict[str, Any]) -> dict[str, Any]:
        return {"Table": AUDIT_TABLE | on if params["TableName"] == "audit" else SOURCE_TABLE}

    def list_mappings(params: dict[str, Any]) -> dict[str, Any]:
        if "EventSourceArn" in params:
            readers = filters if params["EventSourceArn"] == audit_stream else ["audit-trail"]
            return {"EventSourceMappings": [MAPPING | {"FunctionArn": f"{FUNCTION_ARN}-{name}"} for name in readers]}
        patterns = filters.get(params["FunctionName"])
        if patterns is None:
            return {"EventSourceMappings": [MAPPING]}
        criteria = {"Filters": [{"Pattern": pattern} for pattern in patterns]}
        return {"EventSourceMappings": [MAPPING | {"EventSourceArn": audit_stream, "FilterCriteria": criteria}]}

    answers = {
        "DescribeTable": describe,
        "ListEventSourceMappings": list_mappings,
        "ListTagsOfResource": tags(TAGS | OF_ARCHIVES | {"retention-days": "90"}),
    }
    found, _ = findings(well(**answers))
    assert list(found) == [*CHECKS, *ARCHIVE_CHECKS]
    assert {name for name in ("expiry", *ARCHIVE_CHECKS) if found[name]["verdict"] != "ok"} == set()

    filters["audit-archive"], filters["audit-tampering"] = TAMPERED, EXPIRED
    found, _ = findings(well(**answers))
    wrong = {name for name in ARCHIVE_CHECKS if found[name]["verdict"] != "ok"}
    assert wrong == {"archive-settings", "tampering-mapping"}


def test_help_tells_the_exit_codes() -> None:
    """--help says what the exit codes mean and gives an example."""
    result = CliRunner().invoke(app, ["doctor", "--help"])
    assert result.exit_code == 0
    words = " ".join(result.stdout.replace("│", " ").split())
    assert "Exits with 0 when there is no problem" in words
    assert "trail doctor --strict --json" in words

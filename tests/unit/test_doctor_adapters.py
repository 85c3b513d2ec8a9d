"""What `trail doctor` reads of AWS's answers, page by page, and what it makes of what isn't there."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from audit_trail.aws import cloudwatch, function, safeguards
from audit_trail.aws.cloudwatch import Metric
from audit_trail.core.doctor.facts import Alarm, Bucket, Expiry, LifecycleRule, MappingSettings, Unseen
from audit_trail.core.doctor.function import control
from audit_trail.core.stream_health import Mapping
from tests.unit.fake_aws import FakeAws, RefusedError, paged
from tests.unit.fake_trail import BLOCKED, FUNCTION, FUNCTION_ARN, MAPPING, ROLE_ARN, STREAM_ARN, UUID, allowed

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CONTROL = control("arn:aws:s3:::trail-bucket")
GONE = RefusedError("ResourceNotFoundException")
BUSY = RefusedError("ServiceException")


def test_mappings_are_read_from_every_page() -> None:
    """Every page of a function's mappings is read, and what AWS leaves out has AWS's defaults."""
    bare = {"UUID": UUID.replace("5", "6"), "State": "Creating"}
    filtered = MAPPING | {"FilterCriteria": {"Filters": [{"Pattern": "{}"}]}}
    pages = paged(
        {"EventSourceMappings": [filtered]}, {"EventSourceMappings": [bare]}, given="Marker", returned="NextMarker"
    )
    aws = FakeAws({"ListEventSourceMappings": pages})
    assert function.mappings_of(aws.client("lambda"), "audit-trail") == [
        MappingSettings(
            mapping=Mapping(STREAM_ARN, "Enabled"),
            uuid=UUID,
            last_result="OK",
            response_types=("ReportBatchItemFailures",),
            bisects=True,
            most_retries=-1,
            record_age=21_600,
            destination="arn:aws:s3:::failures-bucket",
            filters=("{}",),
        ),
        MappingSettings(
            mapping=Mapping(None, "Creating"),
            uuid=bare["UUID"],
            last_result="",
            response_types=(),
            bisects=False,
            most_retries=-1,
            record_age=-1,
            destination=None,
            filters=(),
        ),
    ]
    assert [params.get("FunctionName") for _, params in aws.asked] == ["audit-trail", "audit-trail"]


def test_a_function_that_is_gone_has_no_mappings() -> None:
    """A function that isn't there is none, and has no mappings; another error is raised."""
    gone = FakeAws({"ListEventSourceMappings": GONE, "GetFunctionConfiguration": GONE}).client("lambda")
    assert function.mappings_of(gone, "audit-trail") == []
    assert function.find_function(gone, "audit-trail") is None
    busy = FakeAws({"ListEventSourceMappings": BUSY, "GetFunctionConfiguration": BUSY}).client("lambda")
    for ask in (function.mappings_of, function.find_function):
        with pytest.raises(ClientError, match="ServiceException"):
            ask(busy, "audit-trail")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"StateReason": "no image"}, "no image"),
        ({"StateReason": "", "LastUpdateStatusReason": "no role"}, "no role"),
        ({}, ""),
    ],
)
def test_why_a_function_is_not_active(answer: dict[str, Any], reason: str) -> None:
    """The reason of the state, or else of the last update, is read."""
    client = FakeAws({"GetFunctionConfiguration": FUNCTION | answer}).client("lambda")
    found = function.find_function(client, "audit-trail")
    assert found is not None
    assert found.reason == reason


def test_a_function_without_environment_or_log_group() -> None:
    """A function without environment has an empty one, and without a log group of its own Lambda's."""
    client = FakeAws({"GetFunctionConfiguration": {"Role": "arn:aws:iam::1:role/x"}}).client("lambda")
    found = function.find_function(client, "audit-trail")
    assert found is not None
    assert (found.environment, found.log_group, found.state) == ({}, "/aws/lambda/audit-trail", "Active")


def test_what_a_role_may_not_do() -> None:
    """What isn't allowed, explicitly or not, is returned by its ARN, from every page."""

    def results(*decisions: tuple[str, str]) -> dict[str, Any]:
        return {"EvaluationResults": [{"EvalActionName": name, "EvalDecision": how} for name, how in decisions]}

    pages = paged(
        results(("a:A", "allowed"), ("a:B", "implicitDeny")) | {"IsTruncated": True},
        results(("a:C", "explicitDeny")),
        given="Marker",
        returned="Marker",
    )

    def simulate(params: dict[str, Any]) -> dict[str, Any]:
        return allowed(params) if "PolicyInputList" in params else pages(params)

    client = FakeAws({"SimulatePrincipalPolicy": simulate}).client("iam")
    assert function.denied(client, ROLE_ARN, {"arn:one": ["a:A", "a:B", "a:C"]}, CONTROL) == {"arn:one": ["a:B", "a:C"]}


@pytest.mark.parametrize(
    ("how", "believed"),
    [
        ({}, False),
        ({"PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": True}}, False),
        ({"PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": False}}, True),
        ({"OrganizationsDecisionDetail": {"AllowedByOrganizations": False}}, True),
        ({"MatchedStatements": [{"SourcePolicyId": "deny-all"}]}, True),
    ],
)
def test_a_simulator_that_says_what_forbids(how: dict[str, Any], believed: bool) -> None:  # noqa: FBT001  a parameter of the test
    """A control action that is denied by a boundary, an organization or a statement that is named shows no wrong simulator."""

    def simulate(params: dict[str, Any]) -> dict[str, Any]:
        names = params["ActionNames"]
        results = [{"EvalActionName": name, "EvalDecision": "implicitDeny"} | how for name in names]
        return {"EvaluationResults": results}

    found = function.denied(
        FakeAws({"SimulatePrincipalPolicy": simulate}).client("iam"), ROLE_ARN, {"arn:one": ["a:A"]}, CONTROL
    )
    assert (found == {"arn:one": ["a:A"]}) == believed
    assert isinstance(found, Unseen) != believed


def test_the_control_question() -> None:
    """The control is asked of the role, with a policy of its own beside the role's, for an action that this allows and one that it denies."""
    aws = FakeAws({"SimulatePrincipalPolicy": allowed})
    function.denied(aws.client("iam"), ROLE_ARN, {}, CONTROL)
    [(_, params)] = aws.asked
    policies = [json.loads(policy) for policy in params.pop("PolicyInputList")]
    assert params == {
        "PolicySourceArn": ROLE_ARN,
        "ActionNames": ["s3:PutObject", "s3:DeleteObject"],
        "ResourceArns": ["arn:aws:s3:::trail-bucket/quarantine/x"],
    }
    assert [(one["Effect"], one["Action"], one["Resource"]) for one in policies[0]["Statement"]] == [
        ("Allow", "s3:PutObject", "arn:aws:s3:::trail-bucket/quarantine/*"),
        ("Deny", "s3:DeleteObject", "arn:aws:s3:::trail-bucket/quarantine/*"),
    ]


def test_who_reads_a_stream() -> None:
    """Functions are found by the stream's ARN, on every page, whosever they are, unless their mapping is disabled."""
    pages = paged(
        *(
            {"EventSourceMappings": [MAPPING | {"FunctionArn": f"{FUNCTION_ARN}-{state}", "State": state}]}
            for state in ("Enabled", "Updating", "Disabled", "Disabling", "Deleting")
        ),
        given="Marker",
        returned="NextMarker",
    )
    aws = FakeAws({"ListEventSourceMappings": pages})
    found = function.readers_of(aws.client("lambda"), STREAM_ARN)
    assert found == (f"{FUNCTION_ARN}-Enabled", f"{FUNCTION_ARN}-Updating")
    assert {params["EventSourceArn"] for _, params in aws.asked} == {STREAM_ARN}


@pytest.mark.parametrize(
    ("rule", "prefix", "deletes"),
    [
        (
            {"Filter": {"Prefix": "archive/"}, "Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]},
            "archive/",
            False,
        ),
        ({"Filter": {}, "Expiration": {"Days": 1}}, "", True),
        ({"Filter": {"Prefix": "images/"}, "Expiration": {"Date": NOW}}, "images/", True),
        ({"Prefix": "archive/", "Expiration": {"Days": 1}}, "archive/", True),
        (
            {"Filter": {"And": {"Prefix": "a", "Tags": []}}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}},
            "a",
            True,
        ),
        ({"Filter": {"Tag": {"Key": "k", "Value": "v"}}, "Expiration": {"Days": 1}}, "", True),
        ({"Filter": {}, "Expiration": {"ExpiredObjectDeleteMarker": True}}, "", False),
        ({"Filter": {}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}, "", False),
    ],
)
def test_the_buckets_lifecycle(rule: dict[str, Any], prefix: str, deletes: bool) -> None:  # noqa: FBT001  a parameter of the test
    """A rule's prefix is found wherever it stands, and it deletes if it expires objects, or versions that aren't current."""
    answer = {"Rules": [{"ID": "one", "Status": "Enabled"} | rule]}
    found = safeguards.lifecycle(FakeAws({"GetBucketLifecycleConfiguration": answer}).client("s3"), "trail-bucket")
    only = deletes and "Expiration" not in rule
    assert found == (LifecycleRule("one", enabled=True, prefix=prefix, deletes=deletes, only_noncurrent=only),)


@pytest.mark.parametrize(("code", "rules"), [("NoSuchLifecycleConfiguration", ()), ("NoSuchBucket", None)])
def test_a_bucket_without_lifecycle(code: str, rules: tuple[()] | None) -> None:
    """A bucket that has no lifecycle has no rules; one that is gone is told apart, and a missing permission is raised."""

    def client(error: str) -> Any:
        return FakeAws({"GetBucketLifecycleConfiguration": RefusedError(error)}).client("s3")

    assert safeguards.lifecycle(client(code), "trail-bucket") == rules
    with pytest.raises(ClientError, match="AccessDenied"):
        safeguards.lifecycle(client("AccessDenied"), "trail-bucket")


@pytest.mark.parametrize(
    ("indexes", "metrics"),
    [
        ({}, []),
        ({"by_time": True}, [("by_time", "ConsumedWriteCapacityUnits"), ("by_time", "WriteThrottleEvents")]),
        ({"by_actor": True}, [("by_actor", "WriteThrottleEvents")]),
    ],
)
def test_metrics_of_indexes(indexes: dict[str, bool], metrics: list[tuple[str, str]]) -> None:
    """Each index that there is is asked for by the table's name and its own, and no other."""
    found = cloudwatch.metrics_of_indexes("audit", **{"by_time": False, "by_actor": False} | indexes)
    assert [(one.index, one.name) for one in found.values()] == metrics
    for one in found.values():
        assert one.dimensions() == [
            {"Name": "TableName", "Value": "audit"},
            {"Name": "GlobalSecondaryIndexName", "Value": one.index},
        ]


def test_series_of_every_page_in_order() -> None:
    """A metric's values are collected from every page and sorted by time; one without values is empty."""
    moments = [NOW - timedelta(minutes=minutes) for minutes in (1, 2, 3)]

    def result(name: str, *values: tuple[datetime, float]) -> dict[str, Any]:
        return {"Id": name, "Timestamps": [one[0] for one in values], "Values": [one[1] for one in values]}

    first = [result("a", (moments[0], 1.0), (moments[1], 2.0)), result("b")]
    aws = FakeAws(
        {
            "GetMetricData": paged(
                {"MetricDataResults": first},
                {"MetricDataResults": [result("a", (moments[2], 3.0))]},
                given="NextToken",
                returned="NextToken",
            )
        }
    )
    asked = {"a": Metric("N", "A", "D", "v", "Maximum"), "b": Metric("N", "B", "D", "v")}
    found = cloudwatch.series(aws.client("cloudwatch"), asked, NOW, timedelta(hours=1), timedelta(minutes=5))
    assert found == {"a": ((moments[2], 3.0), (moments[1], 2.0), (moments[0], 1.0)), "b": ()}
    _, params = aws.asked[0]
    assert (params["StartTime"], params["EndTime"]) == (NOW - timedelta(hours=1), NOW)
    assert params["MetricDataQueries"][0] == {
        "Id": "a",
        "MetricStat": {
            "Metric": {"Namespace": "N", "MetricName": "A", "Dimensions": [{"Name": "D", "Value": "v"}]},
            "Period": 300,
            "Stat": "Maximum",
        },
    }


@pytest.mark.parametrize(
    ("differing", "calls"),
    [
        ({}, True),
        ({"ActionsEnabled": False}, False),
        ({"AlarmActions": []}, False),
    ],
)
def test_alarms_by_their_exact_names(differing: dict[str, Any], calls: bool) -> None:  # noqa: FBT001  a parameter of the test
    """Alarms are asked for by their exact names, and one whose actions are off, or that has none, calls nobody."""
    alarm = {"AlarmName": "audit-silence", "StateValue": "ALARM", "ActionsEnabled": True, "AlarmActions": ["arn:topic"]}
    aws = FakeAws({"DescribeAlarms": {"MetricAlarms": [alarm | differing]}})
    found = cloudwatch.alarms(aws.client("cloudwatch"), "audit", ["silence", "lag"])
    assert found == (Alarm("silence", "ALARM", calls_somebody=calls),)
    assert aws.asked[0][1]["AlarmNames"] == ["audit-silence", "audit-lag"]


@pytest.mark.parametrize(
    ("answers", "bucket"),
    [
        ({"GetBucketVersioning": RefusedError("NoSuchBucket")}, None),
        ({}, Bucket("Enabled", blocks_public_access=True, policy_is_public=False)),
        ({"GetBucketVersioning": {}}, Bucket("off", blocks_public_access=True, policy_is_public=False)),
        *(
            (
                {
                    "GetPublicAccessBlock": {"PublicAccessBlockConfiguration": BLOCKED | {flag: False}},
                    "GetBucketPolicyStatus": {"PolicyStatus": {"IsPublic": True}},
                },
                Bucket("Enabled", blocks_public_access=False, policy_is_public=True),
            )
            for flag in BLOCKED
        ),
        (
            {
                "GetPublicAccessBlock": RefusedError("NoSuchPublicAccessBlockConfiguration"),
                "GetBucketPolicyStatus": RefusedError("NoSuchBucketPolicy"),
            },
            Bucket("Enabled", blocks_public_access=False, policy_is_public=False),
        ),
    ],
)
def test_how_the_bucket_is_set_up(answers: dict[str, Any], bucket: Bucket | None) -> None:
    """A bucket blocks public access only with all four settings; what it has no configuration of is not set."""
    well = {
        "GetBucketVersioning": {"Status": "Enabled"},
        "GetPublicAccessBlock": {"PublicAccessBlockConfiguration": BLOCKED},
    }
    assert safeguards.bucket(FakeAws(well | answers).client("s3"), "trail-bucket") == bucket


@pytest.mark.parametrize("operation", ["GetBucketVersioning", "GetPublicAccessBlock", "GetBucketPolicyStatus"])
def test_a_bucket_that_cannot_be_looked_at(operation: str) -> None:
    """A permission that is missing on the bucket is raised, not taken for a setting that is missing."""
    answers: dict[str, Any] = {
        "GetBucketVersioning": {},
        "GetPublicAccessBlock": RefusedError("NoSuchPublicAccessBlockConfiguration"),
        "GetBucketPolicyStatus": {"PolicyStatus": {}},
    }
    client = FakeAws(answers | {operation: RefusedError("AccessDenied")}).client("s3")
    with pytest.raises(ClientError, match="AccessDenied"):
        safeguards.bucket(client, "trail-bucket")


@pytest.mark.parametrize(
    ("description", "on"),
    [
        ({"PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "ENABLED"}}, True),
        ({"PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"}}, False),
        ({}, False),
    ],
)
def test_point_in_time_recovery(description: dict[str, Any], on: bool) -> None:  # noqa: FBT001  a parameter of the test
    """Point-in-time recovery counts, not the continuous backups that every table has."""
    answer = {"ContinuousBackupsDescription": {"ContinuousBackupsStatus": "ENABLED", **description}}
    client = FakeAws({"DescribeContinuousBackups": answer}).client("dynamodb")
    assert safeguards.point_in_time_recovery(client, "audit") is on


@pytest.mark.parametrize(
    ("description", "expiry"),
    [
        ({"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}, Expiry("ENABLED", "expires_at")),
        ({}, Expiry("DISABLED", None)),
    ],
)
def test_the_tables_ttl(description: dict[str, Any], expiry: Expiry) -> None:
    """A table that says nothing of TTL has none."""
    client = FakeAws({"DescribeTimeToLive": {"TimeToLiveDescription": description}}).client("dynamodb")
    assert safeguards.expiry(client, "audit") == expiry

"""AWS as it answers `trail doctor` about a trail that is well."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from audit_trail.core.doctor.alarms import ALWAYS
from tests.unit.fake_aws import FakeAws, RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCOUNT = "eu-central-1:111122223333"
AUDIT_ARN = f"arn:aws:dynamodb:{ACCOUNT}:table/audit"
STREAM_ARN = f"arn:aws:dynamodb:{ACCOUNT}:table/orders/stream/2026-11-24T00:00:00.000"
FUNCTION_ARN = f"arn:aws:lambda:{ACCOUNT}:function:audit-trail"
ROLE_ARN = "arn:aws:iam::111122223333:role/audit-trail-eu-central-1"
UUID = "5a2c0000-1111-4222-8333-444455556666"

TAGS = {
    "source-table": "orders",
    "function": "audit-trail",
    "bucket": "trail-bucket",
    "failures-bucket": "failures-bucket",
    "schema-version": "1",
    "partition-key": "order_id",
    "image-storage": "old_and_new",
}
OF_ARCHIVES = {"archive": "audit-archive", "tampering": "audit-tampering"}
ENVIRONMENT = {
    "AUDIT_TABLE": "audit",
    "PARTITION_KEY": "order_id",
    "TRAIL_BUCKET": "trail-bucket",
    "FAILURES_BUCKET": "failures-bucket",
    "IMAGE_STORAGE": "old_and_new",
}
AUDIT_TABLE = {
    "TableName": "audit",
    "TableArn": AUDIT_ARN,
    "TableStatus": "ACTIVE",
    "DeletionProtectionEnabled": True,
    "KeySchema": [
        {"AttributeName": "order_id", "KeyType": "HASH"},
        {"AttributeName": "timestamp", "KeyType": "RANGE"},
    ],
}
SOURCE_TABLE = {
    "TableName": "orders",
    "TableArn": f"arn:aws:dynamodb:{ACCOUNT}:table/orders",
    "KeySchema": [{"AttributeName": "order_id", "KeyType": "HASH"}],
    "LatestStreamArn": STREAM_ARN,
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
}
MAPPING = {
    "UUID": UUID,
    "FunctionArn": FUNCTION_ARN,
    "EventSourceArn": STREAM_ARN,
    "State": "Enabled",
    "LastProcessingResult": "OK",
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
    "BisectBatchOnFunctionError": True,
    "MaximumRetryAttempts": -1,
    "MaximumRecordAgeInSeconds": 21_600,
    "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::failures-bucket"}},
}
FUNCTION = {
    "FunctionName": "audit-trail",
    "Role": ROLE_ARN,
    "State": "Active",
    "LastUpdateStatus": "Successful",
    "Environment": {"Variables": ENVIRONMENT},
    "LoggingConfig": {"LogGroup": "/aws/lambda/audit-trail"},
}
BLOCKED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)


def tags(values: Mapping[str, str]) -> dict[str, Any]:
    """Answer with an audit table's tags."""
    return {"Tags": [{"Key": f"table-trail:{key}", "Value": value} for key, value in values.items()]}


def tables(params: Mapping[str, Any]) -> dict[str, Any]:
    """Describe either table."""
    found = {"audit": AUDIT_TABLE, "orders": SOURCE_TABLE}.get(params["TableName"])
    if found is None:
        raise RefusedError("ResourceNotFoundException")
    return {"Table": found}


def metrics(params: Mapping[str, Any]) -> dict[str, Any]:
    """Answer with one value of each metric that is asked for: 1, of three minutes ago."""
    then = datetime.now(UTC) - timedelta(minutes=3)
    values = {"Errors": 0.0, "Throttles": 0.0, "ChangesNotStored": 0.0, "RecordsNotArchived": 0.0}
    return {
        "MetricDataResults": [
            {
                "Id": query["Id"],
                "Timestamps": [then],
                "Values": [values.get(query["MetricStat"]["Metric"]["MetricName"], 1.0)],
            }
            for query in params["MetricDataQueries"]
        ]
    }


def alarms(params: Mapping[str, Any]) -> dict[str, Any]:
    """Answer with those alarms that were asked for and are always there."""
    return {
        "MetricAlarms": [
            {"AlarmName": name, "StateValue": "OK", "ActionsEnabled": True, "AlarmActions": ["arn:topic"]}
            for name in params["AlarmNames"]
            if name.removeprefix("audit-trail-") in ALWAYS
        ]
    }


def allowed(params: Mapping[str, Any]) -> dict[str, Any]:
    """Answer that a role may do what is asked, but for what no function of a trail may."""
    return {
        "EvaluationResults": [
            {"EvalActionName": name, "EvalDecision": "explicitDeny" if "Delete" in name else "allowed"}
            for name in params["ActionNames"]
        ]
    }


def well(**differing: Any) -> FakeAws:
    """Return AWS with a trail that is well but for these answers."""
    answers = {
        "DescribeTable": tables,
        "ListTagsOfResource": tags(TAGS),
        "DescribeContinuousBackups": {
            "ContinuousBackupsDescription": {
                "ContinuousBackupsStatus": "ENABLED",
                "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "ENABLED"},
            }
        },
        "DescribeTimeToLive": {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}},
        "ListEventSourceMappings": {"EventSourceMappings": [MAPPING]},
        "GetFunctionConfiguration": FUNCTION,
        "SimulatePrincipalPolicy": allowed,
        "GetBucketVersioning": {"Status": "Enabled"},
        "GetBucketLifecycleConfiguration": RefusedError("NoSuchLifecycleConfiguration"),
        "GetPublicAccessBlock": {"PublicAccessBlockConfiguration": BLOCKED},
        "ListObjectsV2": {},
        "DescribeAlarms": alarms,
        "GetMetricData": metrics,
    }
    return FakeAws(answers | differing)

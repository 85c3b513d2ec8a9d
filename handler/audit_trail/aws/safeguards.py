"""How the audit table and the trail's buckets are kept: descriptions, no items and no objects."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from audit_trail.aws.objects import code_of
from audit_trail.core.doctor.facts import Bucket, Expiry, LifecycleRule

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import LifecycleRuleOutputTypeDef

_NOTHING_SET = ("NoSuchPublicAccessBlockConfiguration", "NoSuchBucketPolicy")


def point_in_time_recovery(client: "DynamoDBClient", table: str) -> bool:
    """Tell whether the table can be restored to any moment.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeContinuousBackups.html

    :raises botocore.exceptions.ClientError: permission is missing, or DynamoDB can't answer.
    """
    description = client.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    return description.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED"


def expiry(client: "DynamoDBClient", table: str) -> Expiry:
    """Return what the table says of its TTL.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeTimeToLive.html

    :raises botocore.exceptions.ClientError: permission is missing, or DynamoDB can't answer.
    """
    description = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    return Expiry(description.get("TimeToLiveStatus", "DISABLED"), description.get("AttributeName"))


def bucket(client: "S3Client", name: str) -> Bucket | None:
    """Return how a bucket is set up; None if there is no such bucket.

    A bucket that blocks public access is not public, whatever its policy says: then that isn't asked for.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html

    :raises botocore.exceptions.ClientError: permission is missing, or S3 can't answer.
    """
    try:
        versioning = client.get_bucket_versioning(Bucket=name).get("Status", "off")
    except ClientError as error:
        if code_of(error) == "NoSuchBucket":
            return None
        raise
    blocks = _blocks_public_access(client, name)
    return Bucket(versioning, blocks, policy_is_public=not blocks and _policy_is_public(client, name))


def lifecycle(client: "S3Client", name: str) -> tuple[LifecycleRule, ...] | None:
    """Return the rules of the bucket's lifecycle; None if there is no such bucket.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLifecycleConfiguration.html

    :raises botocore.exceptions.ClientError: permission is missing, or S3 can't answer.
    """
    try:
        rules = client.get_bucket_lifecycle_configuration(Bucket=name).get("Rules", [])
    except ClientError as error:
        if code_of(error) == "NoSuchBucket":
            return None
        if code_of(error) == "NoSuchLifecycleConfiguration":
            return ()
        raise
    return tuple(map(_rule, rules))


def _rule(rule: "LifecycleRuleOutputTypeDef") -> LifecycleRule:
    found = rule.get("Filter", {})
    expiration = rule.get("Expiration", {})
    current = "Days" in expiration or "Date" in expiration
    return LifecycleRule(
        name=rule.get("ID", ""),
        enabled=rule["Status"] == "Enabled",
        # Tags and sizes narrow a rule down, but any object may have them: then the prefix alone counts.
        prefix=found.get("Prefix") or found.get("And", {}).get("Prefix") or rule.get("Prefix", ""),
        deletes=current or "NoncurrentVersionExpiration" in rule,
        only_noncurrent=not current and "NoncurrentVersionExpiration" in rule,
    )


def _blocks_public_access(client: "S3Client", name: str) -> bool:
    try:
        block = client.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    except ClientError as error:
        if code_of(error) in _NOTHING_SET:
            return False
        raise
    flags = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    return all(block.get(flag) for flag in flags)


def _policy_is_public(client: "S3Client", name: str) -> bool:
    try:
        return client.get_bucket_policy_status(Bucket=name)["PolicyStatus"].get("IsPublic", False)
    except ClientError as error:
        if code_of(error) in _NOTHING_SET:
            return False
        raise

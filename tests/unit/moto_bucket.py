"""The trail's bucket in moto, and a client as the function makes it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import boto3
from moto import mock_aws

from audit_trail.aws.objects import CLIENT_CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from types_boto3_s3 import S3Client

BUCKET = "trail-bucket"
FAILURES = "failures-bucket"
REGION: Final = "eu-central-1"


def make_client(**options: Any) -> S3Client:
    """Return a client as the function makes it."""
    client: S3Client = boto3.client(
        "s3",
        region_name=REGION,
        config=CLIENT_CONFIG,
        **{"aws_access_key_id": "test", "aws_secret_access_key": "test", **options},
    )
    return client


@contextmanager
def moto_bucket() -> Iterator[S3Client]:
    """Give a client in an account with the trail's buckets, which are versioned as Terraform makes them."""
    with mock_aws():
        client = make_client()
        for name in (BUCKET, FAILURES):
            client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
            client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        yield client


def body_of(client: S3Client, key: str, bucket: str = BUCKET) -> bytes:
    """Return what lies in a bucket."""
    return client.get_object(Bucket=bucket, Key=key)["Body"].read()


def keys_in(client: S3Client, bucket: str = BUCKET) -> list[str]:
    """Return the key of everything that lies in a bucket."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [found["Key"] for page in pages for found in page.get("Contents", [])]

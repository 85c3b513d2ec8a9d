"""One of the trail's buckets, as the place where what could not be stored waits to be put back."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from audit_trail.aws.objects import Objects, code_of
from audit_trail.core.failures import REDRIVEN_PREFIX
from audit_trail.core.limits import LARGEST_BODY
from audit_trail.ports import RequestFailedError, WaitingFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import CopySourceTypeDef

_GONE = "NoSuchKey"


class S3FailureBucket(Objects):
    """Puts objects under ``quarantine/``, as the function; lists, reads and moves them, as `trail`.

    See `audit_trail.ports.FailureStore` and `audit_trail.ports.WaitingFailures`. ``redriven_bucket`` is the one under whose
    ``redriven/`` objects are moved; None: the same.
    """

    def __init__(self, make_client: "Callable[[], S3Client]", bucket: str, redriven_bucket: str | None = None) -> None:
        super().__init__(make_client, bucket)
        self._redriven_bucket = redriven_bucket or bucket

    def waiting(self, prefix: str) -> "Iterator[WaitingFailure]":
        """List the objects under a prefix, page by page.

        :raises botocore.exceptions.ClientError: S3 refuses.
        """
        for page in self.client().get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
            for found in page.get("Contents", []):
                yield WaitingFailure(found["Key"], found["Size"], found["LastModified"])

    def read(self, key: str) -> bytes | None:
        """Return what an object holds, or None where it is not there any more."""
        return self._read(self.bucket, key)

    def _read(self, bucket: str, key: str) -> bytes | None:
        try:
            body = self.client().get_object(Bucket=bucket, Key=key)["Body"].read(LARGEST_BODY + 1)
        except (ClientError, BotoCoreError) as error:
            if code_of(error) == _GONE:
                return None
            raise RequestFailedError(code_of(error)) from None
        if len(body) > LARGEST_BODY:
            raise RequestFailedError("ObjectTooLarge")
        return body

    def move(self, key: str, body: bytes) -> None:
        """Copy an object under ``redriven/``, check that the copy is ``body``, then delete it.

        An earlier object of that name is replaced there, and stays as a version of it.
        """
        moved = f"{REDRIVEN_PREFIX}{key}"
        source: CopySourceTypeDef = {"Bucket": self.bucket, "Key": key}
        try:
            self.client().copy_object(Bucket=self._redriven_bucket, Key=moved, CopySource=source)
        except (ClientError, BotoCoreError) as error:
            if code_of(error) == _GONE:
                return
            raise RequestFailedError(code_of(error)) from None
        if self._read(self._redriven_bucket, moved) != body:
            raise RequestFailedError("CopyDiffers")
        try:
            self.client().delete_object(Bucket=self.bucket, Key=key)
        except (ClientError, BotoCoreError) as error:
            raise RequestFailedError(code_of(error)) from None

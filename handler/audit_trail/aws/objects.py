"""Objects in the trail's buckets that are written once and never replaced: what images and failures have in common.

``If-None-Match: *`` makes S3 refuse a second write of a name
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html). Names are digests of what they stand
for, so a refusal means that the object is there already.
"""

from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from audit_trail.ports import RequestFailedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from types_boto3_s3 import S3Client

CLIENT_CONFIG = Config(
    connect_timeout=1,
    read_timeout=3,
    retries={"total_max_attempts": 1, "mode": "standard"},
)
"""What the function's client must be made with: retrying is ours."""

_EXISTS = ("PreconditionFailed", "412")


class Objects:
    """Puts objects; the client is made when it's first needed, which is seldom."""

    def __init__(self, make_client: "Callable[[], S3Client]", bucket: str) -> None:
        self._make_client = make_client
        self._client: S3Client | None = None
        self.bucket = bucket

    def client(self) -> "S3Client":
        """Return the client, always the same one."""
        self._client = self._client or self._make_client()
        return self._client

    def put(self, key: str, body: bytes) -> None:
        """Store an object, or find it stored already; see `audit_trail.ports.ObjectStore`."""
        try:
            self.client().put_object(Bucket=self.bucket, Key=key, Body=body, IfNoneMatch="*")
        except (ClientError, BotoCoreError) as error:
            if code_of(error) not in _EXISTS:
                raise RequestFailedError(code_of(error)) from None


def code_of(error: ClientError | BotoCoreError) -> str:
    """Return the code that S3 gave, or the kind of failure where it gave none; never a message, which may quote data."""
    if isinstance(error, ClientError):
        return error.response.get("Error", {}).get("Code", "Unknown")
    return type(error).__name__

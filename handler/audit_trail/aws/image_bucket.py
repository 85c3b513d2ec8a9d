"""The trail's bucket, as a place for images that don't fit an item: written once, never replaced.

``If-None-Match: *`` makes S3 refuse a second write of a name
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html). Names are digests of their contents, so
a refusal means that the object is there already.
"""

from threading import Lock
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


class S3ImageStore:
    """Puts objects under ``images/``; the client is made when it's first needed, which is seldom."""

    def __init__(self, make_client: "Callable[[], S3Client]", bucket: str) -> None:
        self._make_client = make_client
        self._client: S3Client | None = None
        self.bucket = bucket

    def put(self, key: str, body: bytes) -> None:
        """Store an object, or find it stored already; see `audit_trail.ports.ImageStore`."""
        self._client = self._client or self._make_client()
        try:
            self._client.put_object(Bucket=self.bucket, Key=key, Body=body, IfNoneMatch="*")
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "Unknown")
            if code not in _EXISTS:
                raise RequestFailedError(code) from None
        except BotoCoreError as error:
            raise RequestFailedError(type(error).__name__) from None


def fetcher(make_client: "Callable[[], S3Client]") -> "Callable[[str], bytes]":
    """Return what reads objects by their ``s3://`` URI, from any thread; its client is made when it's first needed."""
    clients: list[S3Client] = []
    making = Lock()

    def fetch(uri: str) -> bytes:
        with making:
            if not clients:
                clients.append(make_client())
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return clients[0].get_object(Bucket=bucket, Key=key)["Body"].read()

    return fetch

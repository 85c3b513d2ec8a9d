"""The history bucket, as a place for images that don't fit an item."""

from threading import Lock
from typing import TYPE_CHECKING

from audit_trail.aws.objects import Objects

if TYPE_CHECKING:
    from collections.abc import Callable

    from types_boto3_s3 import S3Client


class S3ImageStore(Objects):
    """Puts objects under ``images/``; see `audit_trail.ports.ImageStore`."""


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

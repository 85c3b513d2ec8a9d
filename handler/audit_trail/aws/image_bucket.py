"""The history bucket, as a place for images that don't fit an item."""

from threading import Lock
from typing import TYPE_CHECKING

from audit_trail.aws.objects import Objects
from audit_trail.core.errors import MalformedItemError
from audit_trail.core.limits import LARGEST_PACKED
from audit_trail.core.spill import address

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from types_boto3_s3 import S3Client


class S3ImageStore(Objects):
    """Puts objects under ``images/``; see `audit_trail.ports.ImageStore`."""


def fetcher(make_client: "Callable[[], S3Client]", buckets: "Collection[str]") -> "Callable[[str], bytes]":
    """Return what reads objects by their ``s3://`` URI, from any thread; its client is made when it's first needed.

    ``buckets`` are the trail's own: for an object elsewhere, or one that isn't under ``images/``, nothing is asked of S3,
    and it raises MalformedItemError. Whoever could write such a URI would otherwise choose what is read, with the
    credentials of whoever reads.
    """
    clients: list[S3Client] = []
    making = Lock()

    def fetch(uri: str) -> bytes:
        named = address(uri)
        if named is None or named[0] not in buckets:
            raise MalformedItemError("the record's images lie outside of this trail's bucket, and were not read")
        with making:
            if not clients:
                clients.append(make_client())
        bucket, key, _ = named
        body = clients[0].get_object(Bucket=bucket, Key=key)["Body"].read(LARGEST_PACKED + 1)
        if len(body) > LARGEST_PACKED:
            raise MalformedItemError("the record's images in S3 are larger than any that Table Trail writes")
        return body

    return fetch

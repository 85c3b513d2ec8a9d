"""The on-failure destination: an S3 bucket, real or in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


class OnFailureDestination(Protocol):
    """Takes what Lambda writes about records that it gives up."""

    def deliver(self, key: str, body: str) -> None:
        """Store an invocation record (JSON); any exception means that it couldn't be delivered."""


@dataclass
class InMemoryDestination:
    """Keeps the objects. Set `down` to make every delivery fail."""

    objects: dict[str, str] = field(default_factory=dict)
    down: bool = False

    def deliver(self, key: str, body: str) -> None:
        """Keep the object.

        Raises:
            ConnectionError: it's down.

        """
        if self.down:
            raise ConnectionError("The bucket is down.")
        self.objects[key] = body


@dataclass(frozen=True)
class S3Destination:
    """A bucket of any engine, by boto3's `s3` client."""

    client: S3Client
    bucket: str

    def deliver(self, key: str, body: str) -> None:
        """Put the object."""
        self.client.put_object(Bucket=self.bucket, Key=key, Body=body.encode("utf-8", "surrogatepass"))

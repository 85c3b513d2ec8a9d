"""A trail in moto with its buckets, and `trail failures` and `trail redrive` of it.

moto knows no PartiQL batches, so what redrive inserts goes into a table in memory.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
from typer.testing import CliRunner

from audit_trail.cli.main import app
from tests.unit.fakes import InMemoryAuditTable
from tests.unit.moto_bucket import BUCKET, FAILURES, REGION, keys_in
from tests.unit.moto_trail import AUDIT_TABLE, SOURCE_TABLE, MotoTrail

if TYPE_CHECKING:
    import pytest
    from typer.testing import Result
    from types_boto3_s3 import S3Client

TAGS = {
    "source-table": SOURCE_TABLE,
    "bucket": BUCKET,
    "failures-bucket": FAILURES,
    "schema-version": "1",
    "partition-key": "order_id",
    "actor-attribute": "updated_by",
    "reason-attribute": "why",
    "retention-days": "90",
}
"""As Terraform gives them (modules/audit_trail/audit_table.tf)."""


@dataclass
class FailedTrail:
    """A trail with its buckets; needs `mock_aws` and credentials."""

    monkeypatch: pytest.MonkeyPatch
    tags: dict[str, str] = field(default_factory=lambda: dict(TAGS))
    table: InMemoryAuditTable = field(default_factory=InMemoryAuditTable)

    def __post_init__(self) -> None:
        """Create tables and buckets."""
        self.monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)  # where the records' streams are
        self.trail = MotoTrail(tags=self.tags)
        self.s3: S3Client = boto3.client("s3", region_name=REGION)
        for name in (BUCKET, FAILURES):
            self.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.monkeypatch.setattr("audit_trail.cli.redriving.PartiqlAuditTable", self._table)

    def _table(self, _client: object, name: str) -> InMemoryAuditTable:
        assert name == AUDIT_TABLE
        return self.table

    def put(self, *objects: tuple[str, bytes], bucket: str = FAILURES) -> None:
        """Put objects into a bucket."""
        for key, body in objects:
            self.s3.put_object(Bucket=bucket, Key=key, Body=body)

    def keys(self, bucket: str = FAILURES) -> list[str]:
        """Return the key of everything in a bucket."""
        return keys_in(self.s3, bucket)


def run(command: str, *words: str) -> Result:
    """Run `trail COMMAND` of the trail."""
    return CliRunner().invoke(app, [command, *words, "--audit-table", AUDIT_TABLE], catch_exceptions=False)


def json_lines(result: Result) -> list[dict[str, Any]]:
    """Return what it printed as JSON Lines."""
    return [json.loads(line) for line in result.stdout.splitlines()]

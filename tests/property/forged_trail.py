"""A trail in memory into which somebody put what Table Trail never writes, and the command line that reads it."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from typer.main import get_command
from typer.testing import CliRunner

from audit_trail.aws.reading import item_to_client
from audit_trail.cli.context import Connection
from audit_trail.cli.main import app
from tests.builders import ARN, NOON
from tests.unit.fakes import InMemoryAuditTable

if TYPE_CHECKING:
    import pytest
    from typer.testing import Result

    from audit_trail.core.values import Image

SOURCE, AUDIT, BUCKET = "orders", "orders-audit", "trail-bucket"
TABLES = ARN.partition(":table/")[0] + ":table"
TAGS = {
    "source-table": SOURCE,
    "bucket": BUCKET,
    "partition-key": "order_id",
    "schema-version": "1",
    "actor-attribute": "updated_by",
    "reason-attribute": "why",
    "retention-days": "90",
    "time-index-shards": "1",
}
_COMMAND = get_command(app)
READ_AT = NOON + 200_000


class _GoneError(Exception):
    """The table isn't there: it always is."""


@dataclass
class ForgedTrail:
    """Both tables by their keys, and the bucket's objects. Any other bucket may not be asked for anything."""

    items: dict[tuple[str, str], Image] = field(default_factory=dict)
    live: dict[str, Image] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    asked_elsewhere: list[str] = field(default_factory=list)
    inserted: InMemoryAuditTable = field(default_factory=InMemoryAuditTable)
    meta: Any = field(default_factory=lambda: SimpleNamespace(events=SimpleNamespace(register=lambda *_: None)))
    exceptions: Any = field(default_factory=lambda: SimpleNamespace(ResourceNotFoundException=_GoneError))

    def attach(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have the command line read this trail."""
        monkeypatch.setattr(Connection, "dynamodb", lambda *_: self)
        monkeypatch.setattr(Connection, "s3", lambda *_: self)
        # Typer puts its commands together anew for each call, which takes longer than most of them.
        monkeypatch.setattr("typer.testing._get_command", lambda _app: _COMMAND)
        monkeypatch.setattr("audit_trail.cli.redriving.PartiqlAuditTable", lambda *_: self.inserted)

    def run(self, *words: str) -> Result:
        """Run `trail …`."""
        return CliRunner().invoke(app, [*words, "--audit-table", AUDIT])

    def put(self, item: Image) -> None:
        """Put an item into the audit table, whatever it is."""
        self.items[item["order_id"]["N"], item["timestamp"]["S"]] = item

    def describe_table(self, TableName: str) -> dict[str, Any]:  # noqa: N803  boto3's names
        """Describe a table."""
        names = ("order_id", "timestamp") if TableName == AUDIT else ("order_id",)
        keys = [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)]
        table = {
            "TableName": TableName,
            "TableArn": f"{TABLES}/{TableName}",
            "LatestStreamArn": ARN,
            "KeySchema": keys,
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": kind} for name, kind in (("order_id", "N"), ("timestamp", "S"))
            ],
        }
        if TableName == AUDIT:
            table["GlobalSecondaryIndexes"] = [{"IndexName": "by_time", "IndexStatus": "ACTIVE"}]
        return _dated(Table=table)

    def get_item(self, *, Key: Any, **_: Any) -> dict[str, Any]:  # noqa: N803
        """Return an item of the source table."""
        item = self.live.get(Key["order_id"]["N"])
        return _dated(**({} if item is None else {"Item": item_to_client(item)}))

    def query(
        self,
        *,
        ExpressionAttributeValues: Any,  # noqa: N803
        ScanIndexForward: bool,  # noqa: N803
        IndexName: str = "",  # noqa: N803
        **_: Any,
    ) -> dict[str, Any]:
        """Return all that a partition of the table, or of the index, holds between two timestamps."""
        values = {name: next(iter(value.values())) for name, value in ExpressionAttributeValues.items()}
        low, high = (
            values.get(":lowest", values.get(":since", "")),
            values.get(":highest", values.get(":until", "\uffff")),
        )
        found = [
            item
            for (number, timestamp), item in sorted(self.items.items())
            if low <= timestamp <= high
            and (
                item.get("time_bucket", {}).get("S") == values[":bucket"]
                if IndexName
                else number == values[":partition"]
            )
        ]
        found.sort(key=lambda item: str(item["timestamp"]["S"]), reverse=not ScanIndexForward)
        return _dated(Items=[item_to_client(item) for item in found])

    def batch_get_item(self, RequestItems: Any) -> dict[str, Any]:  # noqa: N803
        """Return items by their keys."""
        keys = [(key["order_id"]["N"], key["timestamp"]["S"]) for key in RequestItems[AUDIT]["Keys"]]
        return {"Responses": {AUDIT: [item_to_client(self.items[key]) for key in keys]}, "UnprocessedKeys": {}}

    def scan(self, *, TableName: str, Segment: int, **_: Any) -> dict[str, Any]:  # noqa: N803
        """Return a whole table in its first segment, parsed and as it comes."""
        table = [item for _, item in sorted(self.items.items())] if TableName == AUDIT else list(self.live.values())
        items = [] if Segment else table
        return {
            "Body": json.dumps({"Items": items}),
            "Items": [item_to_client(one) for one in items],
            "ScannedCount": 1,
        }

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        """Return an object."""
        if Bucket != BUCKET:
            self.asked_elsewhere.append(f"{Bucket}/{Key}")
        if Bucket != BUCKET or Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Key])}

    def put_object(self, *, Key: str, Body: bytes, **_: Any) -> None:  # noqa: N803
        """Put an object."""
        self.objects.setdefault(Key, Body)

    def copy_object(self, *, Key: str, CopySource: Any, **_: Any) -> None:  # noqa: N803
        """Copy an object."""
        self.objects[Key] = self.objects[CopySource["Key"]]

    def delete_object(self, *, Key: str, **_: Any) -> None:  # noqa: N803
        """Delete an object."""
        del self.objects[Key]

    def get_paginator(self, operation: str) -> Any:
        """Return what lists tags, folders or objects."""

        def paginate(Prefix: str = "", Delimiter: str = "", **_: Any) -> list[dict[str, Any]]:  # noqa: N803
            if operation == "list_tags_of_resource":
                return [{"Tags": [{"Key": f"table-trail:{key}", "Value": value} for key, value in TAGS.items()]}]
            keys = sorted(key for key in self.objects if key.startswith(Prefix))
            if Delimiter:
                folders = {key[: key.index("/", len(Prefix)) + 1] for key in keys if "/" in key[len(Prefix) :]}
                return [{"CommonPrefixes": [{"Prefix": one} for one in sorted(folders)]}]
            then = datetime(2026, 11, 24, tzinfo=UTC)
            return [{"Contents": [{"Key": k, "Size": len(self.objects[k]), "LastModified": then} for k in keys]}]

        return SimpleNamespace(paginate=paginate)


def _dated(**answer: Any) -> dict[str, Any]:
    date = format_datetime(datetime.fromtimestamp(READ_AT, UTC), usegmt=True)
    return answer | {"ResponseMetadata": {"HTTPHeaders": {"date": date}}}

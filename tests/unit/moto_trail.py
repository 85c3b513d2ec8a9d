"""A trail in moto: a source table, its audit table with the tags that Terraform gives it, and `trail history` of it."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from unittest import mock

import boto3
from typer.testing import CliRunner

from audit_trail.cli.main import app
from audit_trail.core.keys import KeySchema
from audit_trail.core.records import RecordSettings, audit_item
from tests.tables import create_table, image_to_boto

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typer.testing import Result
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.literals import ScalarAttributeTypeType

    from audit_trail.core.records import StreamRecord
    from audit_trail.core.values import Image

AUDIT_TABLE = "orders-audit"
SOURCE_TABLE = "orders"


@dataclass
class MotoTrail:
    """A source table with these key attributes and types, and its trail; needs `mock_aws`."""

    keys: Mapping[str, ScalarAttributeTypeType] = field(default_factory=lambda: {"order_id": "N"})
    source_table: str = SOURCE_TABLE
    tags: Mapping[str, str] = field(
        default_factory=lambda: {
            "source-table": SOURCE_TABLE,
            "bucket": "trail-bucket",
            "actor-attribute": "updated_by",
        }
    )
    shards: Mapping[str, int] = field(default_factory=dict)
    """The indexes that are on, and how many shards each has."""

    def __post_init__(self) -> None:
        """Create both tables."""
        partition, *sort = self.keys
        self.settings = RecordSettings(
            KeySchema(partition, sort[0] if sort else None),
            actor_attribute="updated_by",
            reason_attribute="why",
            time_index_shards=self.shards.get("by_time", 0),
            actor_index_shards=self.shards.get("by_actor", 0),
        )
        self.client: DynamoDBClient = boto3.client("dynamodb")
        create_table(self.client, self.source_table, self.keys)
        kind: ScalarAttributeTypeType = "S" if sort else self.keys[partition]
        audit_keys: dict[str, ScalarAttributeTypeType] = {self.settings.key_schema.audit_partition_key: kind}
        shards = {f"{name.removeprefix('by_')}-index-shards": str(count) for name, count in self.shards.items()}
        tags = [{"Key": f"table-trail:{key}", "Value": value} for key, value in {**self.tags, **shards}.items()]
        create_table(self.client, AUDIT_TABLE, audit_keys | {"timestamp": "S"}, self.shards, Tags=tags)

    def add(self, *records: StreamRecord) -> None:
        """Put the audit records of stream records."""
        for record in records:
            self.put(audit_item(record, self.settings))

    def put(self, item: Image) -> None:
        """Put an item, audit record or not."""
        self.client.put_item(TableName=AUDIT_TABLE, Item=image_to_boto(item))


def trail(*words: str) -> Result:
    """Run a command on the trail."""
    return CliRunner().invoke(app, [*words, "--audit-table", AUDIT_TABLE], catch_exceptions=False)


def on_terminal(*words: str, columns: int = 80) -> list[str]:
    """Run a command on the trail in a terminal so wide, and return the lines that it shows."""
    master, slave = os.openpty()
    chunks: list[bytes] = []

    def read() -> None:
        # The end of a terminal is an error on Linux.
        with contextlib.suppress(OSError):
            while chunk := os.read(master, 65_536):
                chunks.append(chunk)

    reader = threading.Thread(target=read)
    reader.start()
    with (
        os.fdopen(slave, "w", encoding="utf-8") as terminal,
        contextlib.redirect_stdout(terminal),
        mock.patch.dict(os.environ, COLUMNS=str(columns)),
    ):
        app([*words, "--audit-table", AUDIT_TABLE], standalone_mode=False)
    reader.join()
    os.close(master)
    return b"".join(chunks).decode("utf-8").replace("\r\n", "\n").splitlines()


def history(*words: str) -> Result:
    """Run `trail history` of the trail."""
    return trail("history", *words)


def lines(*words: str) -> list[str]:
    """Return the lines that it prints below the header."""
    result = history(*words)
    assert (result.exit_code, result.stderr) == (0, "")
    header, *rest = result.stdout.splitlines()
    assert header.split() == ["TIME", "(UTC)", "CHANGE", "WHO", "WHAT"]
    return [line.rstrip() for line in rest]


def changes(*words: str) -> list[dict[str, Any]]:
    """Return what it prints as JSON Lines, with numbers as they are written."""
    result = history(*words, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    return parsed(result)


def parsed(result: Result) -> list[dict[str, Any]]:
    """Return the JSON Lines that a command printed, with numbers as they are written."""
    return [json.loads(line, parse_float=Decimal, parse_int=Decimal) for line in result.stdout.splitlines()]


def numbers(result: Result) -> list[int]:
    """Return the sequence numbers of what a command printed as JSON Lines."""
    return [int(change["timestamp"].partition("#")[2]) for change in parsed(result)]

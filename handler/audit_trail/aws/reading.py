"""Reads the audit table: Query and descriptions only, every page of them."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from audit_trail.aws.source_table import key_schema
from audit_trail.core.buckets import own_buckets
from audit_trail.core.errors import TableTrailError
from audit_trail.core.keys import KeySchema
from audit_trail.core.provenance import Tables
from audit_trail.core.records import SCHEMA_VERSION, with_old_image
from audit_trail.core.spill import unpack
from audit_trail.core.values import AttributeValue, Image

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import TableDescriptionTypeDef

_TAG = "table-trail:"
_ENCODED = "base64:"
_FIRST = 25  # records: what is shown first needn't wait for a whole megabyte, and who wants one pays for few


class RefusedError(TableTrailError):
    """AWS doesn't give what was asked for, for a reason that its own error wouldn't tell."""


class SourceGoneError(RefusedError):
    """The source table doesn't exist any more, so its key's types are not known."""


class NotATrailError(TableTrailError):
    """The table is not an audit table that Table Trail's Terraform module made."""


@dataclass(frozen=True, slots=True)
class Trail:
    """An audit table and the source table that it belongs to."""

    audit_table: str
    source_table: str
    key_schema: KeySchema
    key_types: dict[str, str]
    """Type (S, N or B) of each key attribute of the source table."""
    actor_attribute: str | None
    by_time: "Index | None" = None
    """The index of all changes by time, where it is on."""
    by_actor: "Index | None" = None
    approximate_records: int = 0
    """How many records the audit table has; AWS counts them about every six hours."""
    bucket: str | None = None
    """The history bucket, which has images and the archive."""
    failures_bucket: str | None = None
    """The failures bucket; None where the trail has one bucket for everything."""
    retention: timedelta | None = None
    """How long new records are kept; None is for ever."""
    reason_attribute: str | None = None

    @property
    def buckets(self) -> tuple[str, ...]:
        """The trail's own buckets, each once; none where the tags name none. Images are read from no others."""
        return () if self.bucket is None else own_buckets(self.bucket, self.failures_bucket)


@dataclass(frozen=True, slots=True)
class Index:
    """An index of the audit table."""

    name: str
    shards: int
    ready: bool
    """It has all of the records that were there when it was made."""


def find_trail(client: "DynamoDBClient", audit_table: str) -> Trail:
    """Find out what an audit table audits, from its tags and the source table's description.

    :raises NotATrailError: the table doesn't carry the tags of an audit table.
    :raises SourceGoneError: the source table was deleted.
    :raises botocore.exceptions.ClientError: a table isn't there or permission is missing.
    """
    audit = client.describe_table(TableName=audit_table)["Table"]
    tags = _trail_tags(client, audit)
    source = _source(client, audit_table, tags["source-table"])
    return Trail(
        audit_table=audit_table,
        source_table=tags["source-table"],
        key_schema=key_schema(source),
        key_types=_key_types(source),
        actor_attribute=tags.get("actor-attribute"),
        by_time=_index(audit, "by_time", tags.get("time-index-shards")),
        by_actor=_index(audit, "by_actor", tags.get("actor-index-shards")),
        approximate_records=audit.get("ItemCount", 0),
        bucket=tags.get("bucket"),
        failures_bucket=tags.get("failures-bucket"),
        retention=_retention(tags.get("retention-days")),
        reason_attribute=tags.get("reason-attribute"),
    )


def function_settings(client: "DynamoDBClient", audit_table: str) -> dict[str, str]:
    """Return the settings that an audit table's function has, by the names of its environment, from the table's tags.

    :raises NotATrailError: the table doesn't carry the tags of an audit table.
    :raises SourceGoneError: a key's name doesn't fit a tag, and the source table, which has it too, was deleted.
    :raises botocore.exceptions.ClientError: a table isn't there or permission is missing.
    """
    table = client.describe_table(TableName=audit_table)["Table"]
    tags = _trail_tags(client, table)
    if tags.get("schema-version", str(SCHEMA_VERSION)) != str(SCHEMA_VERSION):
        raise NotATrailError(
            f"{audit_table} has records of another schema version than this trail writes: upgrade trail"
        )
    schema = KeySchema(tags.get("partition-key", ""), tags.get("sort-key"))
    if schema.audit_partition_key != key_schema(table).partition_key:
        schema = key_schema(_source(client, audit_table, tags["source-table"]))
    settings = {name.upper().replace("-", "_"): value for name, value in tags.items()}
    return settings | {
        "AUDIT_TABLE": audit_table,
        "TRAIL_BUCKET": tags.get("bucket", ""),
        "PARTITION_KEY": schema.partition_key,
        "SORT_KEY": schema.sort_key or "",
    }


def tables_of(client: "DynamoDBClient", audit_table: str) -> Tables:
    """Return the ARNs of an audit table and its source table, which needn't be there any more.

    :raises NotATrailError: the table doesn't carry the tags of an audit table.
    :raises botocore.exceptions.ClientError: the table isn't there or permission is missing.
    """
    table = client.describe_table(TableName=audit_table)["Table"]
    beginning, _, _ = table["TableArn"].rpartition("/")
    return Tables(f"{beginning}/{_trail_tags(client, table)['source-table']}", table["TableArn"])


def _source(client: "DynamoDBClient", audit_table: str, source_table: str) -> "TableDescriptionTypeDef":
    try:
        return client.describe_table(TableName=source_table)["Table"]
    except client.exceptions.ResourceNotFoundException:
        raise SourceGoneError(
            f"the source table {source_table} of {audit_table} is gone, and with it the types of its key: query "
            f"{audit_table} by its own partition key instead"
        ) from None


def _trail_tags(client: "DynamoDBClient", table: "TableDescriptionTypeDef") -> dict[str, str]:
    tags = _tags(client, table["TableArn"])
    if "source-table" not in tags:
        raise NotATrailError(
            f"{table['TableName']} has no tag {_TAG}source-table: name the audit table that Terraform made "
            "(its output audit_table_name), not the table that it audits"
        )
    return tags


def _index(audit: "TableDescriptionTypeDef", name: str, shards: str | None) -> Index | None:
    states = {one["IndexName"]: one["IndexStatus"] for one in audit.get("GlobalSecondaryIndexes", [])}
    if name not in states or shards is None:
        return None
    if not (shards.isascii() and shards.isdigit()):
        raise NotATrailError(
            f"the tag of {audit['TableName']} for the shards of {name} is not a number: apply Terraform"
        )
    return Index(name, int(shards), ready=states[name] in ("ACTIVE", "UPDATING"))


def _retention(days: str | None) -> timedelta | None:
    return timedelta(days=int(days)) if days is not None and days.isascii() and days.isdigit() else None


def _key_types(table: "TableDescriptionTypeDef") -> dict[str, str]:
    types = {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}
    return {key["AttributeName"]: types[key["AttributeName"]] for key in table["KeySchema"]}


def _tags(client: "DynamoDBClient", arn: str) -> dict[str, str]:
    tags: dict[str, str] = {}
    for page in client.get_paginator("list_tags_of_resource").paginate(ResourceArn=arn):
        for tag in page["Tags"]:
            if tag["Key"].startswith(_TAG):
                tags[tag["Key"].removeprefix(_TAG)] = _tag_value(tag["Value"])
    return tags


def _tag_value(value: str) -> str:
    """Read a tag's value: what tags can't hold is written as base64 (modules/audit_trail/audit_table.tf)."""
    if not value.startswith(_ENCODED):
        return value
    return base64.b64decode(value.removeprefix(_ENCODED)).decode("utf-8")


Range = tuple[str, str]
"""The lowest and the highest timestamp to read, which needn't be any record's."""


@dataclass(frozen=True, slots=True)
class Page:
    """What one Query gives of one item's audit records."""

    items: list[Image]
    last: str | None
    """The timestamp of the last record that was read, where there may be more behind it."""


def stored(
    client: "DynamoDBClient", trail: Trail, keys: Image, between: Range | None = None, *, oldest_first: bool = False
) -> Iterator[Image]:
    """Yield one item's audit records as they are stored, in the order of their timestamps, page by page."""
    for page in pages(client, trail, keys, between, oldest_first=oldest_first):
        yield from page.items


def pages(
    client: "DynamoDBClient", trail: Trail, keys: Image, between: Range | None = None, *, oldest_first: bool = False
) -> Iterator[Page]:
    """Yield the same by the page; the first is small where the newest come first."""
    request = _query(trail, keys, between) | {"ScanIndexForward": oldest_first}
    # From the oldest on, all that is asked for is read: within a minute, or between two timestamps.
    answer = client.query(**request) if oldest_first else client.query(**request, Limit=_FIRST)
    while True:
        start = answer.get("LastEvaluatedKey")
        yield Page([*map(item_from_client, answer["Items"])], start["timestamp"]["S"] if start else None)
        if not start:
            return
        answer = client.query(**request, ExclusiveStartKey=start)


def newest_timestamp(client: "DynamoDBClient", trail: Trail, keys: Image, between: Range) -> str | None:
    """Return the highest timestamp that one item has a record with, by reading one record; None where there is none."""
    request = _query(trail, keys, between)
    answer = client.query(**request, ScanIndexForward=False, Limit=1, ProjectionExpression="#timestamp")
    return next((item["timestamp"]["S"] for item in answer["Items"]), None)


def _query(trail: Trail, keys: Image, between: Range | None) -> dict[str, Any]:
    condition = "#partition = :partition"
    names = {"#partition": trail.key_schema.audit_partition_key}
    values = {":partition": to_client(trail.key_schema.audit_partition_value(keys))}
    if between is not None:
        condition += " AND #timestamp BETWEEN :lowest AND :highest"
        names["#timestamp"] = "timestamp"
        values |= {":lowest": {"S": between[0]}, ":highest": {"S": between[1]}}
    return {
        "TableName": trail.audit_table,
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }


def restored(item: Image, fetch: Callable[[str], bytes]) -> Image:
    """Return a record with its images, wherever they lie; where AWS doesn't give them, as it is stored.

    :raises MalformedItemError: they aren't what was stored with it.
    """
    try:
        return with_old_image(unpack(item, fetch))
    except (ClientError, BotoCoreError):
        return item  # what lies inline is true all the same


def item_from_client(item: dict[str, Any]) -> Image:
    """Turn an item of boto3's client into DynamoDB JSON."""
    return {name: from_client(value) for name, value in item.items()}


def from_client(value: Any) -> AttributeValue:
    """Turn what boto3's client gives into DynamoDB JSON: binaries become base64."""
    [(tag, body)] = value.items()
    if tag == "B":
        return {"B": base64.b64encode(body).decode("ascii")}
    if tag == "BS":
        return {"BS": [base64.b64encode(member).decode("ascii") for member in body]}
    if tag == "M":
        return {"M": {name: from_client(one) for name, one in body.items()}}
    if tag == "L":
        return {"L": [from_client(one) for one in body]}
    return {tag: body}


def to_client(value: AttributeValue) -> Any:
    """Turn DynamoDB JSON into what boto3's client takes: base64 becomes bytes."""
    [(tag, body)] = value.items()
    if tag == "B":
        return {"B": base64.b64decode(body)}
    if tag == "BS":
        return {"BS": [base64.b64decode(member) for member in body]}
    if tag == "M":
        return {"M": item_to_client(body)}
    if tag == "L":
        return {"L": [to_client(one) for one in body]}
    return value


def item_to_client(item: Image) -> dict[str, Any]:
    """Turn an item in DynamoDB JSON into what boto3's client takes."""
    return {name: to_client(value) for name, value in item.items()}

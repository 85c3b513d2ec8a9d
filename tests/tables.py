"""What tests say to DynamoDB through boto3."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.literals import ScalarAttributeTypeType
    from types_boto3_dynamodb.type_defs import (
        AttributeDefinitionTypeDef,
        KeySchemaElementTypeDef,
        TableDescriptionTypeDef,
        WriteRequestTypeDef,
    )

    from audit_trail.core.values import AttributeValue, Image

INDEXES = {"by_time": "time_bucket", "by_actor": "actor_bucket"}
"""The indexes that an audit table may have, and their partition keys."""


def create_table(
    client: DynamoDBClient,
    name: str,
    keys: Mapping[str, ScalarAttributeTypeType],
    indexes: Iterable[str] = (),
    **more: Any,
) -> TableDescriptionTypeDef:
    """Create a table with these key attributes and types, partition key first, and with an audit table's indexes."""
    partition, *sort = keys
    schema: list[KeySchemaElementTypeDef] = [{"AttributeName": partition, "KeyType": "HASH"}]
    if sort:
        schema.append({"AttributeName": sort[0], "KeyType": "RANGE"})
    attributes: list[AttributeDefinitionTypeDef] = [
        {"AttributeName": key, "AttributeType": kind} for key, kind in keys.items()
    ]
    made = [index(one) for one in indexes]
    attributes += [{"AttributeName": INDEXES[one["IndexName"]], "AttributeType": "S"} for one in made]
    if made:
        more["GlobalSecondaryIndexes"] = made
    return client.create_table(
        TableName=name,
        KeySchema=schema,
        AttributeDefinitions=attributes,
        BillingMode="PAY_PER_REQUEST",
        **more,
    )["TableDescription"]


def index(name: str) -> dict[str, Any]:
    """Return an audit table's index as Terraform makes it (modules/audit_trail/audit_table.tf)."""
    return {
        "IndexName": name,
        "KeySchema": [
            {"AttributeName": INDEXES[name], "KeyType": "HASH"},
            {"AttributeName": "timestamp", "KeyType": "RANGE"},
        ],
        "Projection": {
            "ProjectionType": "INCLUDE",
            "NonKeyAttributes": ["actor", "changed_attributes", "event_name", "reason"],
        },
    }


def put_all(client: DynamoDBClient, table: str, items: Sequence[Image]) -> None:
    """Put items in their order, 25 a request; no request may have one key twice."""
    for first in range(0, len(items), 25):
        puts: list[WriteRequestTypeDef] = [
            {"PutRequest": {"Item": image_to_boto(item)}} for item in items[first : first + 25]
        ]
        assert not client.batch_write_item(RequestItems={table: puts})["UnprocessedItems"]


def to_boto(value: AttributeValue) -> dict[str, Any]:
    """Turn an attribute value into what boto3 takes: base64 becomes bytes."""
    [(tag, body)] = value.items()
    if tag == "B":
        return {"B": base64.b64decode(body)}
    if tag == "BS":
        return {"BS": [base64.b64decode(member) for member in body]}
    if tag == "L":
        return {"L": [to_boto(element) for element in body]}
    if tag == "M":
        return {"M": image_to_boto(body)}
    return value


def image_to_boto(image: Image) -> dict[str, Any]:
    """Turn an image into what boto3 takes."""
    return {name: to_boto(value) for name, value in image.items()}

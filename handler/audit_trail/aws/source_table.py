"""The source table, or the audit table: its description, and nothing of its items."""

from typing import TYPE_CHECKING

from audit_trail.core.keys import KeySchema
from audit_trail.core.stream_health import Stream

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import TableDescriptionTypeDef


def describe(client: "DynamoDBClient", table: str) -> "TableDescriptionTypeDef | None":
    """Return what a table says of itself; None if there is no such table.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html

    :raises botocore.exceptions.ClientError: permission is missing, or DynamoDB can't answer.
    """
    try:
        return client.describe_table(TableName=table)["Table"]
    except client.exceptions.ResourceNotFoundException:
        return None


def stream_of(client: "DynamoDBClient", table: str) -> Stream | None:
    """Return what the table says of its stream; None if there is no such table.

    :raises botocore.exceptions.ClientError: permission is missing, or DynamoDB can't answer.
    """
    description = describe(client, table)
    return None if description is None else stream(description)


def stream(description: "TableDescriptionTypeDef") -> Stream:
    """Return what a table's description says of its stream."""
    specification = description.get("StreamSpecification")
    return Stream(
        arn=description.get("LatestStreamArn"),
        enabled=bool(specification and specification["StreamEnabled"]),
        view_type=specification.get("StreamViewType") if specification else None,
    )


def key_schema(description: "TableDescriptionTypeDef") -> KeySchema:
    """Return the names of the table's key attributes."""
    names = {key["KeyType"]: key["AttributeName"] for key in description["KeySchema"]}
    return KeySchema(names["HASH"], names.get("RANGE"))

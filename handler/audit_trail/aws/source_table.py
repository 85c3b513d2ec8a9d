"""The source table: its description, and nothing of its items."""

from typing import TYPE_CHECKING

from audit_trail.core.stream_health import SourceStream

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


def stream_of(client: "DynamoDBClient", table: str) -> SourceStream | None:
    """Return what the table says of its stream; None if there is no such table.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html

    :raises botocore.exceptions.ClientError: permission is missing, or DynamoDB can't answer.
    """
    try:
        description = client.describe_table(TableName=table)["Table"]
    except client.exceptions.ResourceNotFoundException:
        return None
    specification = description.get("StreamSpecification")
    return SourceStream(
        arn=description.get("LatestStreamArn"),
        enabled=bool(specification and specification["StreamEnabled"]),
        view_type=specification.get("StreamViewType") if specification else None,
    )

"""Reads and writes single items of the source table.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html
"""

from typing import TYPE_CHECKING, Any

from audit_trail.aws.reading import item_from_client, item_to_client
from audit_trail.core.restore import Write, request
from audit_trail.core.values import Image, canonical_image
from audit_trail.ports import ChangedMeanwhileError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


class DynamoDBItems:
    """The items of one table. Every method raises botocore's errors where AWS refuses."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def get(self, keys: Image) -> Image | None:
        """Return an item by a consistent read."""
        answer = self._client.get_item(TableName=self._table, Key=item_to_client(keys), ConsistentRead=True)
        return _canonical(answer.get("Item"))

    def write(self, write: Write) -> Image | None:
        """Make a conditional write: an update of an item that is there, a put where there is none, or a deletion."""
        parameters: dict[str, Any] = {"TableName": self._table, **request(write)}
        if "ExpressionAttributeValues" in parameters:
            parameters["ExpressionAttributeValues"] = item_to_client(parameters["ExpressionAttributeValues"])
        key = item_to_client(write.keys)
        try:
            if write.result is None:
                return _canonical(
                    self._client.delete_item(**parameters, Key=key, ReturnValues="ALL_OLD").get("Attributes")
                )
            if write.shown is None:
                self._client.put_item(**parameters, Item=item_to_client(write.result))
                return write.result
            return _canonical(self._client.update_item(**parameters, Key=key, ReturnValues="ALL_NEW").get("Attributes"))
        except self._client.exceptions.ConditionalCheckFailedException:
            raise ChangedMeanwhileError from None


def _canonical(item: Any) -> Image | None:
    return None if item is None else canonical_image(item_from_client(item))

"""A function's code that counts how often it is given each record, and answers that the first one failed, once."""

from __future__ import annotations

import os
from typing import Any

import boto3


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Count the records in the table DELIVERIES, by `number`; the first delivery of number 1 is a failure."""
    dynamodb: Any = boto3.client("dynamodb")
    failures = []
    for record in event["Records"]:
        number = record["dynamodb"]["Keys"]["number"]
        counted = dynamodb.update_item(
            TableName=os.environ["DELIVERIES"],
            Key={"number": number},
            UpdateExpression="ADD deliveries :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
            ReturnValues="UPDATED_NEW",
        )
        if (number, counted["Attributes"]["deliveries"]) == ({"N": "1"}, {"N": "1"}):
            failures.append({"itemIdentifier": record["dynamodb"]["SequenceNumber"]})
    return {"batchItemFailures": failures}

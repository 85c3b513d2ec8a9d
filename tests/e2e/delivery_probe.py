"""A function's code that counts how often it is given each record, and answers that those with odd numbers failed: once, or always."""

from __future__ import annotations

import os
from typing import Any

import boto3


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Count the records in the table DELIVERIES, by `number`; the first delivery of an odd number is a failure, or all are."""
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
        first = counted["Attributes"]["deliveries"] == {"N": "1"}
        if int(number["N"]) % 2 and (first or os.environ["FAILS"] == "ALL"):
            failures.append({"itemIdentifier": record["dynamodb"]["SequenceNumber"]})
    return {"batchItemFailures": failures}

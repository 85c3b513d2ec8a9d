"""A function's code that tries calls and answers with what each met; runs with whatever role it's given."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.exceptions import ClientError


def handler(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Make each call of event["calls"], name → [method, parameters], and return name → "ok" or the error's code.

    They are DynamoDB's, or those of event["service"].
    """
    client: Any = boto3.client(event.get("service", "dynamodb"))
    answers = {}
    for name, (method, parameters) in event["calls"].items():
        try:
            getattr(client, method)(**parameters)
            answers[name] = "ok"
        except ClientError as error:
            answers[name] = error.response["Error"]["Code"]
    return answers

"""make invoke: the deployed function with a sample event, as its event source mapping would invoke it.

After `make local-up` it is the local one; FUNCTION=name is one on AWS, with the credentials that AWS clients find.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from scripts.local import OUTPUTS
from scripts.local_deployment import client_settings
from scripts.project import ROOT, ProblemError, exit_code, say

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

SAMPLE = ROOT / "tests" / "events" / "sample.json"


def target() -> tuple[LambdaClient, str]:
    """Return the client to call and the function's name. Raises ProblemError when neither is known."""
    if name := os.environ.get("FUNCTION"):
        return boto3.client("lambda"), name
    if not OUTPUTS.exists():
        raise ProblemError("nothing is deployed here: run `make local-up`, or name a function on AWS, FUNCTION=….")
    outputs = json.loads(OUTPUTS.read_text(encoding="utf-8"))
    settings = client_settings(outputs["endpoint"])
    client = boto3.client(
        "lambda",
        endpoint_url=settings["AWS_ENDPOINT_URL"],
        region_name=settings["AWS_REGION"],
        aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
    )
    return client, outputs["function_name"]


def invoke(client: LambdaClient, name: str, event: bytes) -> int:
    """Invoke the function and print its answer; return 1 if it failed or could not store a record, else 0."""
    answer = client.invoke(FunctionName=name, Payload=event)
    payload = answer["Payload"].read().decode()
    print(payload)
    if answer.get("FunctionError"):
        say(f"{name} failed ({answer['FunctionError']}): its log says why.")
        return 1
    failures = json.loads(payload).get("batchItemFailures", [])
    if failures:
        say(f"{name} could not store {failures[0]['itemIdentifier']} and what follows it: its log says why.")
    return 1 if failures else 0


def main() -> int:
    """Invoke the function with tests/events/sample.json."""
    try:
        client, name = target()
        return invoke(client, name, SAMPLE.read_bytes())
    except (BotoCoreError, ClientError) as error:
        raise ProblemError(f"the function could not be invoked ({error}): is it running?") from None


if __name__ == "__main__":
    sys.exit(exit_code(main))

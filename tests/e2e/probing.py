"""Functions of our own on an engine, to find out what it does."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.e2e.waiting import wait_until
from tests.tables import create_table

if TYPE_CHECKING:
    from tests.e2e.conftest import Deployment

TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}


def zipped(name: str) -> bytes:
    """Return a zip of one file of this folder."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.write(Path(__file__).with_name(name), name)
    return buffer.getvalue()


def policy(*statements: dict[str, Any]) -> str:
    """Return an IAM policy as JSON."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def does_partial_batch_responses(deployment: Deployment) -> bool:
    """Find out whether the engine delivers again what a partial batch response names.

    A function of its own says once that the first of two changes failed. The second is delivered behind it, in order, so
    once that has come, the first was delivered twice or never will be.
    """
    with ExitStack() as probe:
        dynamodb, functions = deployment.client("dynamodb"), deployment.client("lambda")
        name = f"probe-{uuid.uuid4().hex[:8]}"
        counts, source = f"{name}-counts", f"{name}-source"
        create_table(dynamodb, counts, {"number": "N"})
        probe.callback(dynamodb.delete_table, TableName=counts)
        stream = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
        made = create_table(dynamodb, source, {"number": "N"}, StreamSpecification=stream)
        probe.callback(dynamodb.delete_table, TableName=source)
        for table in (counts, source):
            dynamodb.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1})
        functions.create_function(
            FunctionName=name,
            Role=_role(deployment, name, probe),
            Runtime="python3.13",
            Handler="delivery_probe.handler",
            Code={"ZipFile": zipped("delivery_probe.py")},
            Environment={"Variables": {"DELIVERIES": counts}},
            Timeout=30,
        )
        probe.callback(functions.delete_function, FunctionName=name)
        functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        mapping = functions.create_event_source_mapping(
            FunctionName=name,
            EventSourceArn=made["LatestStreamArn"],
            StartingPosition="TRIM_HORIZON",
            FunctionResponseTypes=["ReportBatchItemFailures"],
        )
        probe.callback(functions.delete_event_source_mapping, UUID=mapping["UUID"])

        def delivered(number: str) -> int:
            found = dynamodb.get_item(TableName=counts, Key={"number": {"N": number}}, ConsistentRead=True)
            return int(found.get("Item", {}).get("deliveries", {"N": "0"})["N"])

        def deliver(number: str) -> None:
            dynamodb.put_item(TableName=source, Item={"number": {"N": number}})
            wait_until(lambda: delivered(number) > 0, seconds=120)

        deliver("1")
        deliver("2")
        return delivered("1") > 1


def _role(deployment: Deployment, name: str, probe: ExitStack) -> str:
    """Make a role that may do what the probe does."""
    iam = deployment.client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(TRUST))["Role"]["Arn"]
    probe.callback(iam.delete_role, RoleName=name)
    reading = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"]
    allowed = {"Effect": "Allow", "Action": [*reading, "dynamodb:UpdateItem"], "Resource": "*"}
    iam.put_role_policy(RoleName=name, PolicyName="probe", PolicyDocument=policy(allowed))
    probe.callback(iam.delete_role_policy, RoleName=name, PolicyName="probe")
    return str(role)

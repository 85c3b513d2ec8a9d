"""Functions of our own on an engine, to find out what it does."""

from __future__ import annotations

import io
import json
import time
import uuid
import zipfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from audit_trail.core.failures import understand
from tests import engines
from tests.e2e.waiting import wait_until
from tests.tables import create_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import Deployment

PROBED = 150
"""Seconds after which a record of at most 60 was surely given up: between two attempts there may be a minute."""
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


@dataclass(frozen=True)
class Probe:
    """A function of our own, the table whose stream it is given, and the table that it counts deliveries in."""

    deployment: Deployment
    name: str
    source: str
    counts: str

    def write(self, number: str, **attributes: Any) -> None:
        """Make a change."""
        item = {"number": {"N": number}, **attributes}
        self.deployment.client("dynamodb").put_item(TableName=self.source, Item=item)

    def deliver(self, number: str, **attributes: Any) -> None:
        """Make a change, and wait until it was delivered."""
        self.write(number, **attributes)
        wait_until(lambda: self.delivered(number) > 0, seconds=120)

    def delivered(self, number: str) -> int:
        """Return how often that change was delivered."""
        key = {"number": {"N": number}}
        found = self.deployment.client("dynamodb").get_item(TableName=self.counts, Key=key, ConsistentRead=True)
        return int(found.get("Item", {}).get("deliveries", {"N": "0"})["N"])


@contextmanager
def probe(deployment: Deployment, fails: str, **mapping: Any) -> Iterator[Probe]:
    """Give a probe whose mapping has these settings; `fails` says on which deliveries of odd numbers it fails: FIRST or ALL."""
    with ExitStack() as stack:
        dynamodb, functions = deployment.client("dynamodb"), deployment.client("lambda")
        name = f"probe-{uuid.uuid4().hex[:8]}"
        counts, source = f"{name}-counts", f"{name}-source"
        create_table(dynamodb, counts, {"number": "N"})
        stack.callback(dynamodb.delete_table, TableName=counts)
        stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
        made = create_table(dynamodb, source, {"number": "N"}, StreamSpecification=stream)
        stack.callback(dynamodb.delete_table, TableName=source)
        for table in (counts, source):
            dynamodb.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1})
        functions.create_function(
            FunctionName=name,
            Role=_role(deployment, name, stack),
            Runtime="python3.13",
            Handler="delivery_probe.handler",
            Code={"ZipFile": zipped("delivery_probe.py")},
            Environment={"Variables": {"DELIVERIES": counts, "FAILS": fails}},
            Timeout=30,
        )
        stack.callback(functions.delete_function, FunctionName=name)
        functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        created = functions.create_event_source_mapping(
            FunctionName=name,
            EventSourceArn=made["LatestStreamArn"],
            StartingPosition="TRIM_HORIZON",
            FunctionResponseTypes=["ReportBatchItemFailures"],
            **mapping,
        )
        stack.callback(functions.delete_event_source_mapping, UUID=created["UUID"])
        yield Probe(deployment, name, source, counts)


def does_partial_batch_responses(deployment: Deployment) -> bool:
    """Find out whether the engine delivers again what a partial batch response names.

    A function of its own says once that the first of two changes failed. The second is delivered behind it, in order, so
    once that has come, the first was delivered twice or never will be.
    """
    with probe(deployment, "FIRST") as probing:
        probing.deliver("1")
        probing.deliver("2")
        return probing.delivered("1") > 1


def gives_up_on_old_records(deployment: Deployment) -> bool:
    """Find out whether the engine gives up on records that are older than the mapping's maximum record age, 60 seconds.

    A function of its own always fails on the first of two changes. The second is delivered behind it, once that was
    given up.
    """
    with probe(deployment, "ALL", MaximumRecordAgeInSeconds=60) as probing:
        probing.deliver("1")
        probing.write("2")
        deadline = time.monotonic() + PROBED
        while time.monotonic() < deadline and not probing.delivered("2"):
            time.sleep(1)
        return probing.delivered("2") > 0


def keeps_binary_values(deployment: Deployment) -> bool:
    """Find out whether the engine gives its on-failure destination, a bucket of our own, records that have binary values.

    A function of its own always fails. Of two changes the first has one; the second is delivered behind it, in order, so
    once that was given up, the first was as well, or never will be.
    """
    s3, bucket = deployment.client("s3"), f"probe-{uuid.uuid4().hex}"
    destination = {"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}}

    def objects() -> list[str]:
        return [one["Key"] for one in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]

    def gave_up(number: str) -> bool:
        bodies = {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in objects()}
        records = [record for key, body in bodies.items() for record in understand(key, body).records]
        return number in [record["dynamodb"]["Keys"]["number"]["N"] for record in records]

    s3.create_bucket(Bucket=bucket)
    try:
        with probe(deployment, "ALL", MaximumRetryAttempts=0, DestinationConfig=destination) as probing:
            probing.deliver("1", raw={"B": b"\x00"})
            probing.write("3")
            wait_until(lambda: gave_up("3"), seconds=120)
            return gave_up("1")
    finally:
        for key in objects():
            s3.delete_object(Bucket=bucket, Key=key)
        s3.delete_bucket(Bucket=bucket)


def simulates_wildcards(deployment: Deployment) -> bool:
    """Find out whether the engine's simulator of IAM allows what a role of our own is allowed by a wildcard."""
    iam, name = deployment.client("iam"), f"probe-{uuid.uuid4().hex[:8]}"
    allowed = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::probe/*"}
    with ExitStack() as stack:
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(TRUST))["Role"]["Arn"]
        stack.callback(iam.delete_role, RoleName=name)
        iam.put_role_policy(RoleName=name, PolicyName="probe", PolicyDocument=policy(allowed))
        stack.callback(iam.delete_role_policy, RoleName=name, PolicyName="probe")
        answer = iam.simulate_principal_policy(
            PolicySourceArn=role, ActionNames=["s3:PutObject"], ResourceArns=["arn:aws:s3:::probe/x"]
        )
        return bool(answer["EvaluationResults"][0]["EvalDecision"] == "allowed")


def counts_quickly(deployment: Deployment, seconds: float) -> bool:
    """Find out whether the engine's CloudWatch gives two weeks of a metric, in periods of five minutes, in so many seconds."""
    now = datetime.now(UTC)
    metric = {"Namespace": "AWS/Lambda", "MetricName": "Errors", "Dimensions": [{"Name": "FunctionName", "Value": "x"}]}
    query: Any = {"Id": "errors", "MetricStat": {"Metric": metric, "Period": 300, "Stat": "Sum"}}
    once = Config(read_timeout=seconds, retries={"total_max_attempts": 1})
    client = engines.session(deployment.engine.endpoint).client("cloudwatch", config=once)
    try:
        client.get_metric_data(MetricDataQueries=[query], StartTime=now - timedelta(days=14), EndTime=now)
    except ReadTimeoutError:
        return False
    finally:
        client.close()
    return True


def _role(deployment: Deployment, name: str, stack: ExitStack) -> str:
    """Make a role that may do what the probe does."""
    iam = deployment.client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(TRUST))["Role"]["Arn"]
    stack.callback(iam.delete_role, RoleName=name)
    reading = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"]
    doing = ["dynamodb:UpdateItem", "s3:ListBucket", "s3:PutObject"]
    allowed = {"Effect": "Allow", "Action": [*reading, *doing], "Resource": "*"}
    iam.put_role_policy(RoleName=name, PolicyName="probe", PolicyDocument=policy(allowed))
    stack.callback(iam.delete_role_policy, RoleName=name, PolicyName="probe")
    return str(role)

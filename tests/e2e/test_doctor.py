"""`trail doctor` of a trail that Terraform's real AWS provider deployed: well, broken in several ways, and mended."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.aws import looking
from tests.e2e.probing import counts_quickly, simulates_wildcards

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import Deployment

# Both trails are deployed without deletion protection, and no emulator here counts what the last change needs.
NOT_OK = {"deletion-protection": "warning", "last-change": "unknown"}
VISIT = {"shop": {"S": "corner"}, "visit": {"B": b"\x01"}}


@dataclass(frozen=True)
class Answers:
    """What probes found of how an engine answers the doctor."""

    deployment: Deployment
    simulates: bool
    """Its simulator of IAM knows wildcards."""
    counts: bool
    """CloudWatch answers in time."""

    def excuses(self, check: str, line: dict[str, str]) -> bool:
        """Tell whether the engine is the reason why a check is unknown."""
        if line["verdict"] != "unknown":
            return False
        late = line["sentence"].startswith("cloudwatch did not answer within ")
        return (not self.simulates and check == "role-permissions") or (not self.counts and late)

    def expected(self, wrong: dict[str, str]) -> dict[str, str]:
        """Return what is expected to be wrong on this engine: where CloudWatch is late, it knows of no change, either."""
        return wrong if self.counts else {name: verdict for name, verdict in wrong.items() if name != "last-change"}


class Doctor:
    """Runs `trail doctor` of a trail, and can disable the mapping of one of its functions."""

    def __init__(self, engine: Answers, source_table: str, audit_table: str, function: str) -> None:
        self.engine = engine
        self.deployment = engine.deployment
        self.source_table = source_table
        self.audit_table = audit_table
        self.function = function
        self.exit_code = -1

    def findings(self) -> dict[str, dict[str, str]]:
        """Return each check's line."""
        done = self.deployment.trail("doctor", "--json", audit_table=self.audit_table)
        self.exit_code = done.returncode
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(lines) > 1, done.stdout + done.stderr
        return {line["check"]: line for line in lines}

    def wrong(self) -> dict[str, str]:
        """Return the verdict of each check that isn't ok, but for what the engine itself is the reason of."""
        return {name: line["verdict"] for name, line in self.of_the_trail().items() if line["verdict"] != "ok"}

    def problems(self) -> set[str]:
        """Return the names of those that are a problem, likewise."""
        return {name for name, verdict in self.wrong().items() if verdict == "problem"}

    def of_the_trail(self) -> dict[str, dict[str, str]]:
        """Return each check's line, but for what the engine is the reason of, which must then be told as it is."""
        ringing = self.ringing()
        found = self.findings()
        of_engine = {name for name, line in found.items() if self.engine.excuses(name, line)}
        if ringing & self.ringing():
            assert found["alarms"]["verdict"] in ("problem", "unknown"), found["alarms"]
            of_engine.add("alarms")
        return {name: line for name, line in found.items() if name not in of_engine}

    def ringing(self) -> set[str]:
        """Return the trail's alarms that ring: no engine here counts what the alarm `silence` waits for, but some evaluate it."""
        pages = self.deployment.client("cloudwatch").get_paginator("describe_alarms")
        found = pages.paginate(StateValue="ALARM", AlarmNamePrefix=f"{self.function}-")
        return {alarm["AlarmName"] for page in found for alarm in page["MetricAlarms"]}

    def mapping(self) -> dict[str, Any]:
        """Return the event source mapping."""
        client = self.deployment.client("lambda")
        [mapping] = client.list_event_source_mappings(FunctionName=self.function)["EventSourceMappings"]
        found: dict[str, Any] = mapping
        return found

    @contextmanager
    def disabled(self) -> Iterator[None]:
        """Disable the mapping for a while."""
        client, uuid = self.deployment.client("lambda"), self.mapping()["UUID"]
        client.update_event_source_mapping(UUID=uuid, Enabled=False)
        try:
            self.until_mapping_is("Disabled")
            yield
        finally:
            self.enable()

    def enable(self) -> None:
        """Enable the mapping, unless it is: an engine may stop one that is enabled twice."""
        if self.mapping()["State"] == "Enabled":
            return
        self.deployment.client("lambda").update_event_source_mapping(UUID=self.mapping()["UUID"], Enabled=True)
        self.until_mapping_is("Enabled")

    def until_mapping_is(self, state: str) -> None:
        """Wait for the mapping to be so."""
        deadline = time.monotonic() + 30
        while self.mapping()["State"] != state:
            assert time.monotonic() < deadline, self.mapping()
            time.sleep(0.1)


@pytest.fixture(scope="module")
def answers(deployment: Deployment) -> Answers:
    """Give what is known of the engine's answers to the doctor."""
    return Answers(
        deployment, simulates=simulates_wildcards(deployment), counts=counts_quickly(deployment, looking.PATIENCE / 3)
    )


@pytest.fixture(scope="module")
def doctor(deployment: Deployment, answers: Answers) -> Doctor:
    """Give the doctor of the visits' trail, after a first change of the table was stored."""
    dynamodb = deployment.client("dynamodb")
    names = [str(deployment.outputs[f"composite_{one}_name"]) for one in ("source_table", "audit_table", "function")]
    doctor = Doctor(answers, *names)
    dynamodb.put_item(TableName=doctor.source_table, Item=VISIT)
    deadline = time.monotonic() + 30
    while not dynamodb.scan(TableName=doctor.audit_table, ConsistentRead=True)["Items"]:
        assert time.monotonic() < deadline, "the change did not reach the audit table"
        time.sleep(0.1)
    return doctor


def test_what_was_deployed_is_well(doctor: Doctor, answers: Answers) -> None:
    """Of a trail as Terraform deploys it, every check is ok but for what was left off on purpose or isn't counted here."""
    assert doctor.wrong() == answers.expected(NOT_OK)
    assert doctor.exit_code == (1 if doctor.ringing() else 0)


def test_the_example_is_well(deployment: Deployment, answers: Answers) -> None:
    """Of the example, which has a simple key and no alarms, the same is true, and the alarms are a warning."""
    example = Doctor(answers, deployment.source_table, deployment.audit_table, deployment.function)
    wrong = example.wrong()
    wrong.pop("quarantined", None)  # other tests quarantine a record of it
    assert wrong == answers.expected(NOT_OK | {"alarms": "warning"})


def test_a_simulator_that_is_wrong_is_not_believed(doctor: Doctor, answers: Answers) -> None:
    """Where the engine's own simulator of IAM doesn't know wildcards, the role's permissions are unknown for that reason."""
    found = doctor.findings()["role-permissions"]
    if answers.simulates:
        assert found["verdict"] == "ok"
    else:
        assert found["verdict"] == "unknown"
        assert found["sentence"].startswith("IAM's simulator can't be believed: ")


def test_a_disabled_mapping_is_named(doctor: Doctor, answers: Answers) -> None:
    """While the mapping is disabled, that is the problem, and the exit code is 1; enabled again, all is well."""
    with doctor.disabled():
        found = doctor.of_the_trail()
        assert doctor.exit_code == 1
        assert found["mapping"]["verdict"] == "problem"
        assert "the event source mapping is Disabled, not Enabled" in found["mapping"]["sentence"]
        assert found["mapping"]["runbook"] == "docs/runbook.md#stream-mismatch"
        assert {name for name, line in found.items() if line["verdict"] == "problem"} == {"mapping"}
    assert doctor.wrong() == answers.expected(NOT_OK)


def test_an_archive_that_stopped_is_named(deployment: Deployment, answers: Answers) -> None:
    """While the archive's mapping is disabled, records expire for good: a problem of its own, and gone when it's enabled."""
    letters = deployment.outputs["letters"]
    doctor, other = (
        Doctor(answers, letters["source_table"], letters["audit_table"], letters[kind])
        for kind in ("archive", "tampering")
    )
    for one in (doctor, other):
        one.enable()  # other tests leave them disabled
    well = doctor.wrong()
    assert not [name for name, verdict in well.items() if verdict == "problem"]
    with doctor.disabled():
        found = doctor.of_the_trail()
        assert doctor.exit_code == 1
        assert "Disabled, not Enabled" in found["archive-mapping"]["sentence"]
        assert {name for name, line in found.items() if line["verdict"] == "problem"} == {"archive-mapping"}
    assert doctor.wrong() == well


def test_what_waits_in_the_bucket_is_named(deployment: Deployment, doctor: Doctor, answers: Answers) -> None:
    """A payload that Lambda gave up on, and a record in quarantine, are problems until they are gone, in either bucket."""
    s3, outputs = deployment.client("s3"), deployment.outputs
    waiting = {
        "aws/lambda/x/y": outputs["composite_failures_bucket_name"],
        "quarantine/z.json": outputs["composite_bucket_name"],
    }
    for key, bucket in waiting.items():
        s3.put_object(Bucket=bucket, Key=key, Body=b"{}", IfNoneMatch="*")
    try:
        assert doctor.wrong() == answers.expected(NOT_OK | {"given-up": "problem", "quarantined": "problem"})
    finally:
        for key, bucket in waiting.items():
            s3.delete_object(Bucket=bucket, Key=key)
    assert doctor.wrong() == answers.expected(NOT_OK)


def test_another_setting_of_the_function_is_named(deployment: Deployment, doctor: Doctor) -> None:
    """A setting of the function that somebody changed by hand is named."""
    client = deployment.client("lambda")
    before = client.get_function_configuration(FunctionName=doctor.function)["Environment"]["Variables"]
    changed = before | {"SORT_KEY": "visited"}
    client.update_function_configuration(FunctionName=doctor.function, Environment={"Variables": changed})
    try:
        found = doctor.findings()["function-settings"]
    finally:
        client.update_function_configuration(FunctionName=doctor.function, Environment={"Variables": before})
    assert found["verdict"] == "problem"
    assert found["sentence"].startswith(f"SORT_KEY of {doctor.function}: ")


def test_a_stream_that_was_turned_off_and_on_is_named_and_mended(
    deployment: Deployment, doctor: Doctor, answers: Answers
) -> None:
    """A stream that is off, and then another one, are problems, and deploying again, as the sentence says, mends them."""
    dynamodb = deployment.client("dynamodb")
    on = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    dynamodb.update_table(TableName=doctor.source_table, StreamSpecification={"StreamEnabled": False})
    try:
        off = doctor.findings()
        assert doctor.exit_code == 1
        assert "the source table's stream is off" in off["source-stream"]["sentence"]

        dynamodb.update_table(TableName=doctor.source_table, StreamSpecification=on)
        another = doctor.findings()
        latest = dynamodb.describe_table(TableName=doctor.source_table)["Table"]["LatestStreamArn"]
        assert doctor.exit_code == 1
        assert another["source-stream"]["verdict"] == "ok"
        assert f"the source table's stream is {latest}: `make deploy`" in another["mapping"]["sentence"]
        assert another["role-permissions"]["verdict"] == ("problem" if answers.simulates else "unknown")
    finally:
        deployment.apply()
    doctor.until_mapping_is("Enabled")
    # The new mapping has read nothing yet; the doctor may say so.
    assert doctor.wrong() | {"last-result": "ok"} == answers.expected(NOT_OK) | {"last-result": "ok"}

"""`trail doctor` of a trail that Terraform's real AWS provider deployed: well, broken in several ways, and mended."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import Deployment

# Both trails are deployed without deletion protection, and no emulator here counts what the last change needs.
NOT_OK = {"deletion-protection": "warning", "last-change": "unknown"}
VISIT = {"shop": {"S": "corner"}, "visit": {"B": b"\x01"}}


class Doctor:
    """Runs `trail doctor` of a trail, and can disable the mapping of one of its functions."""

    def __init__(self, deployment: Deployment, source_table: str, audit_table: str, function: str) -> None:
        self.deployment = deployment
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
        """Return the verdict of each check that isn't ok."""
        return {name: line["verdict"] for name, line in self.findings().items() if line["verdict"] != "ok"}

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
        """Enable the mapping."""
        self.deployment.client("lambda").update_event_source_mapping(UUID=self.mapping()["UUID"], Enabled=True)
        self.until_mapping_is("Enabled")

    def until_mapping_is(self, state: str) -> None:
        """Wait for the mapping to be so."""
        deadline = time.monotonic() + 30
        while self.mapping()["State"] != state:
            assert time.monotonic() < deadline, self.mapping()
            time.sleep(0.1)


@pytest.fixture(scope="module")
def doctor(deployment: Deployment) -> Doctor:
    """Give the doctor of the visits' trail, after a first change of the table was stored."""
    dynamodb = deployment.client("dynamodb")
    names = [str(deployment.outputs[f"composite_{one}_name"]) for one in ("source_table", "audit_table", "function")]
    doctor = Doctor(deployment, *names)
    dynamodb.put_item(TableName=doctor.source_table, Item=VISIT)
    deadline = time.monotonic() + 30
    while not dynamodb.scan(TableName=doctor.audit_table, ConsistentRead=True)["Items"]:
        assert time.monotonic() < deadline, "the change did not reach the audit table"
        time.sleep(0.1)
    return doctor


def test_what_was_deployed_is_well(doctor: Doctor) -> None:
    """Of a trail as Terraform deploys it, every check is ok but for what was left off on purpose or isn't counted here."""
    assert doctor.wrong() == NOT_OK
    assert doctor.exit_code == 0


def test_the_example_is_well(deployment: Deployment) -> None:
    """Of the example, which has a simple key and no alarms, the same is true, and the alarms are a warning."""
    done = deployment.trail("doctor", "--json")
    found = {line["check"]: line["verdict"] for line in map(json.loads, done.stdout.splitlines())}
    # Other tests quarantine a record of it.
    wrong = {name: verdict for name, verdict in found.items() if verdict != "ok" and name != "quarantined"}
    assert wrong == NOT_OK | {"alarms": "warning"}


def test_a_disabled_mapping_is_named(doctor: Doctor) -> None:
    """While the mapping is disabled, that is the problem, and the exit code is 1; enabled again, all is well."""
    with doctor.disabled():
        found = doctor.findings()
        assert doctor.exit_code == 1
        assert found["mapping"]["verdict"] == "problem"
        assert "the event source mapping is Disabled, not Enabled" in found["mapping"]["sentence"]
        assert found["mapping"]["runbook"] == "docs/runbook.md#stream-mismatch"
        assert {name for name, line in found.items() if line["verdict"] == "problem"} == {"mapping"}
    assert doctor.wrong() == NOT_OK


def test_an_archive_that_stopped_is_named(deployment: Deployment) -> None:
    """While the archive's mapping is disabled, records expire for good: a problem of its own, and gone when it's enabled."""
    letters = deployment.outputs["letters"]
    doctor, other = (
        Doctor(deployment, letters["source_table"], letters["audit_table"], letters[kind])
        for kind in ("archive", "tampering")
    )
    for one in (doctor, other):
        one.enable()  # other tests leave them disabled
    well = doctor.wrong()
    assert not [name for name, verdict in well.items() if verdict == "problem"]
    with doctor.disabled():
        found = doctor.findings()
        assert doctor.exit_code == 1
        assert "Disabled, not Enabled" in found["archive-mapping"]["sentence"]
        assert {name for name, line in found.items() if line["verdict"] == "problem"} == {"archive-mapping"}
    assert doctor.wrong() == well


def test_what_waits_in_the_bucket_is_named(deployment: Deployment, doctor: Doctor) -> None:
    """A payload that Lambda gave up on, and a record in quarantine, are problems until they are gone, in either bucket."""
    s3, outputs = deployment.client("s3"), deployment.outputs
    waiting = {
        "aws/lambda/x/y": outputs["composite_failures_bucket_name"],
        "quarantine/z.json": outputs["composite_bucket_name"],
    }
    for key, bucket in waiting.items():
        s3.put_object(Bucket=bucket, Key=key, Body=b"{}", IfNoneMatch="*")
    try:
        assert doctor.wrong() == NOT_OK | {"given-up": "problem", "quarantined": "problem"}
    finally:
        for key, bucket in waiting.items():
            s3.delete_object(Bucket=bucket, Key=key)
    assert doctor.wrong() == NOT_OK


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


def test_a_stream_that_was_turned_off_and_on_is_named_and_mended(deployment: Deployment, doctor: Doctor) -> None:
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
        assert another["role-permissions"]["verdict"] == "problem"
    finally:
        deployment.apply()
    doctor.until_mapping_is("Enabled")
    # The new mapping has read nothing yet; the doctor may say so.
    assert doctor.wrong() | {"last-result": "ok"} == NOT_OK | {"last-result": "ok"}

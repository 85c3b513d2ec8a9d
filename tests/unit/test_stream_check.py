"""The scheduled check: the source table's stream is the one that the mapping reads, and the mapping does read."""

from __future__ import annotations

import importlib
import io
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from audit_trail import telemetry
from audit_trail.core.stream_health import (
    ARCHIVE,
    CAPTURE,
    TAMPERING,
    Mapping,
    Stream,
    mapping_problems,
    stream_problems,
)
from audit_trail.settings import SettingsError
from tests.event_source_mapping import LambdaContext, SimulatedClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_lambda import LambdaClient

    from audit_trail.core.stream_health import Reading

ARN = "arn:aws:dynamodb:us-east-1:111122223333:table/orders/stream/2026-11-24T00:00:00.000"
STREAM = Stream(ARN, enabled=True, view_type="NEW_AND_OLD_IMAGES")
MAPPING = Mapping(ARN, "Enabled")
SETTINGS = {"SOURCE_TABLE": "orders", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def test_a_stream_and_its_mapping_are_well() -> None:
    """The latest stream, on, with both images, read by an enabled mapping, has no problem."""
    assert stream_problems(CAPTURE, STREAM) + mapping_problems(CAPTURE, STREAM, MAPPING) == []


@pytest.mark.parametrize("reading", [ARCHIVE, TAMPERING])
@pytest.mark.parametrize(
    ("view_type", "well"), [("OLD_IMAGE", True), ("NEW_AND_OLD_IMAGES", True), ("NEW_IMAGE", False)]
)
def test_the_audit_tables_stream_needs_old_images(reading: Reading, view_type: str, well: bool) -> None:  # noqa: FBT001  a parameter of the test
    """What expires is a deletion's old image, so each view type that has it will do."""
    words = f"the view type of the audit table's stream is {view_type}, not OLD_IMAGE"
    assert stream_problems(reading, replace(STREAM, view_type=view_type)) == ([] if well else [words])


@pytest.mark.parametrize(
    ("stream", "mapping", "reasons"),
    [
        (None, MAPPING, ["the source table is gone"]),
        (STREAM, None, ["the event source mapping is gone"]),
        (replace(STREAM, enabled=False, view_type=None), MAPPING, ["the source table's stream is off"]),
        (
            Stream(None, enabled=False, view_type=None),
            MAPPING,
            [
                "the source table's stream is off",
                f"the event source mapping reads {ARN}, the source table's stream is None",
            ],
        ),
        (
            replace(STREAM, view_type="KEYS_ONLY"),
            MAPPING,
            ["the view type of the source table's stream is KEYS_ONLY, not NEW_AND_OLD_IMAGES"],
        ),
        (
            replace(STREAM, arn=f"{ARN}1"),
            MAPPING,
            [f"the event source mapping reads {ARN}, the source table's stream is {ARN}1"],
        ),
        *(
            (STREAM, replace(MAPPING, state=state), [f"the event source mapping is {state}, not Enabled"])
            for state in ("Creating", "Enabling", "Disabling", "Disabled", "Updating", "Deleting")
        ),
        (
            replace(STREAM, arn=f"{ARN}1", view_type="OLD_IMAGE"),
            replace(MAPPING, state="Disabled"),
            [
                "the view type of the source table's stream is OLD_IMAGE, not NEW_AND_OLD_IMAGES",
                f"the event source mapping reads {ARN}, the source table's stream is {ARN}1",
                "the event source mapping is Disabled, not Enabled",
            ],
        ),
        (None, None, ["the source table is gone", "the event source mapping is gone"]),
    ],
)
def test_every_reason_is_told(stream: Stream | None, mapping: Mapping | None, reasons: list[str]) -> None:
    """Each way in which changes can fail to reach the function is one reason, and all that hold are told at once."""
    assert stream_problems(CAPTURE, stream) + mapping_problems(CAPTURE, stream, mapping) == reasons


@dataclass
class Scene:
    """A source table and a mapping in moto, and the check as Lambda runs it."""

    dynamodb: DynamoDBClient
    functions: LambdaClient
    log: io.StringIO
    uuid: str = ""

    def create_table(self, view_type: Literal["NEW_AND_OLD_IMAGES", "KEYS_ONLY"] = "NEW_AND_OLD_IMAGES") -> str:
        """Create the table and return its stream's ARN."""
        answer = self.dynamodb.create_table(
            TableName="orders",
            KeySchema=[{"AttributeName": "order_id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "order_id", "AttributeType": "N"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": view_type},
        )
        return answer["TableDescription"]["LatestStreamArn"]

    def map_stream(self, arn: str) -> None:
        """Have a function read the stream."""
        iam = boto3.client("iam")
        role = iam.create_role(RoleName="trail", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        iam.close()
        self.functions.create_function(
            FunctionName="trail", Runtime="python3.13", Role=role, Handler="h.h", Code={"ZipFile": b"zip"}
        )
        self.uuid = self.functions.create_event_source_mapping(
            FunctionName="trail", EventSourceArn=arn, StartingPosition="TRIM_HORIZON"
        )["UUID"]

    def check(self) -> Any:
        """Cold-start the check and invoke it."""
        module = importlib.reload(importlib.import_module("audit_trail.stream_check"))
        clock = SimulatedClock(0.0)
        return module.handler({"source": "aws.events"}, LambdaContext("request-1", "arn:…:function:check", 30.0, clock))

    def logged(self) -> list[dict[str, Any]]:
        """Return the log's lines."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """Give a table with a stream, and a mapping that reads it."""
    log = io.StringIO()
    monkeypatch.setattr(telemetry.logger.registered_handler, "stream", log)
    with mock_aws():
        scene = Scene(boto3.client("dynamodb"), boto3.client("lambda"), log)
        scene.map_stream(scene.create_table())
        for name, value in (SETTINGS | {"EVENT_SOURCE_MAPPING": scene.uuid}).items():
            monkeypatch.setenv(name, value)
        yield scene
        scene.dynamodb.close()
        scene.functions.close()


def mismatch(printed: str) -> Any:
    """Return the value of StreamMismatch in the one line of metrics that was printed, as CloudWatch would take it."""
    [line] = [line for line in map(json.loads, printed.splitlines()) if "_aws" in line]
    [definition] = line["_aws"]["CloudWatchMetrics"]
    assert definition["Namespace"] == "TableTrail"
    assert definition["Dimensions"] == [["service"]]
    assert [(metric["Name"], metric["Unit"]) for metric in definition["Metrics"]] == [("StreamMismatch", "Count")]
    [value] = line["StreamMismatch"]
    return value


def test_all_is_well(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """With stream and mapping each other's, the metric is 0 and one line says so."""
    assert scene.check() == {"problems": []}

    assert mismatch(capsys.readouterr().out) == 0
    assert [(line["level"], line["message"]) for line in scene.logged()] == [
        ("INFO", "the source table's stream is read")
    ]


def test_another_stream_is_noticed(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """With the table made again under its name, the metric is 1 and one line names both streams."""
    before = scene.dynamodb.delete_table(TableName="orders")["TableDescription"]["LatestStreamArn"]
    after = scene.create_table()
    assert before != after

    answer = scene.check()

    assert answer == {"problems": [f"the event source mapping reads {before}, the source table's stream is {after}"]}
    assert mismatch(capsys.readouterr().out) == 1
    [line] = scene.logged()
    assert (line["level"], line["reasons"]) == ("ERROR", answer["problems"])


def test_a_stream_that_is_off_is_noticed(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """With the stream off, the metric is 1 although the table remembers the mapping's stream."""
    scene.dynamodb.update_table(TableName="orders", StreamSpecification={"StreamEnabled": False})

    assert "the source table's stream is off" in scene.check()["problems"]
    assert mismatch(capsys.readouterr().out) == 1


def test_a_stream_without_images_is_noticed(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """With a stream of another view type, the metric is 1."""
    scene.dynamodb.delete_table(TableName="orders")
    scene.create_table("KEYS_ONLY")

    assert (
        "the view type of the source table's stream is KEYS_ONLY, not NEW_AND_OLD_IMAGES" in scene.check()["problems"]
    )
    assert mismatch(capsys.readouterr().out) == 1


def test_what_is_gone_is_noticed(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """Without the table, or without the mapping, the metric is 1: that much is known."""
    scene.dynamodb.delete_table(TableName="orders")
    assert scene.check() == {"problems": ["the source table is gone"]}
    assert mismatch(capsys.readouterr().out) == 1

    scene.functions.delete_event_source_mapping(UUID=scene.uuid)
    assert scene.check() == {"problems": ["the source table is gone", "the event source mapping is gone"]}
    assert mismatch(capsys.readouterr().out) == 1


@pytest.mark.parametrize("operation", ["DescribeTable", "GetEventSourceMapping"])
def test_it_fails_when_it_cannot_look(
    scene: Scene, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    """With a permission missing, the invocation fails and no metric is written, which the alarm takes for a mismatch."""
    call = importlib.import_module("botocore.client").BaseClient._make_api_call

    def deny(client: Any, name: str, parameters: Any) -> Any:
        if name == operation:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, name)
        return call(client, name, parameters)

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", deny)

    with pytest.raises(ClientError, match="AccessDeniedException"):
        scene.check()
    assert "_aws" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["SOURCE_TABLE", "EVENT_SOURCE_MAPPING"])
def test_a_missing_setting_stops_it(scene: Scene, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Without a setting the check doesn't start, and says which one is missing."""
    monkeypatch.delenv(name)

    with pytest.raises(SettingsError, match=f"^the setting {name} is missing"):
        scene.check()


@pytest.fixture
def archiving(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Give the UUIDs of the two mappings of an audit table's own stream, by what reads it."""
    table = scene.dynamodb.create_table(
        TableName="orders-audit",
        KeySchema=[{"AttributeName": "order_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "order_id", "AttributeType": "N"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "OLD_IMAGE"},
    )
    arn, role = table["TableDescription"]["LatestStreamArn"], scene.functions.get_function(FunctionName="trail")
    uuids = {}
    for name in ("archive", "tampering"):
        scene.functions.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=role["Configuration"]["Role"],
            Handler="h.h",
            Code={"ZipFile": b"zip"},
        )
        uuids[name] = scene.functions.create_event_source_mapping(
            FunctionName=name, EventSourceArn=arn, StartingPosition="TRIM_HORIZON"
        )["UUID"]
        monkeypatch.setenv(f"{name.upper()}_EVENT_SOURCE_MAPPING", uuids[name])
    monkeypatch.setenv("AUDIT_TABLE", "orders-audit")
    return uuids


def mismatches(printed: str) -> dict[str, float]:
    """Return every metric that was printed, with its value."""
    lines = [line for line in map(json.loads, printed.splitlines()) if "_aws" in line]
    return {name: line[name][0] for line in lines for name in METRICS if name in line}


METRICS = ("StreamMismatch", "ArchiveStreamMismatch")


@pytest.mark.usefixtures("archiving")
def test_an_archive_that_is_well(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """With an archive whose stream and mappings are each other's, both metrics are 0."""
    assert scene.check() == {"problems": []}
    assert mismatches(capsys.readouterr().out) == {"StreamMismatch": 0, "ArchiveStreamMismatch": 0}


@pytest.mark.parametrize("name", ["archive", "tampering"])
def test_a_mapping_of_the_audit_table_that_is_gone(
    scene: Scene, archiving: dict[str, str], capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Each mapping of the audit table's stream that is gone rings for the archive alone, and the log names it."""
    words = {
        "archive": "the archive's event source mapping",
        "tampering": "the event source mapping that sees tampering",
    }
    scene.functions.delete_event_source_mapping(UUID=archiving[name])
    assert scene.check() == {"problems": [f"{words[name]} is gone"]}
    assert mismatches(capsys.readouterr().out) == {"StreamMismatch": 0, "ArchiveStreamMismatch": 1}
    [well, ill] = scene.logged()
    assert (well["level"], ill["level"], ill["reasons"]) == ("INFO", "ERROR", [f"{words[name]} is gone"])
    assert ill["message"].endswith("docs/runbook.md#archive-stream-mismatch")


@pytest.mark.usefixtures("archiving")
def test_an_audit_tables_stream_that_is_off(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """With the audit table's stream off, it rings for the archive alone."""
    scene.dynamodb.update_table(TableName="orders-audit", StreamSpecification={"StreamEnabled": False})
    assert "the audit table's stream is off" in scene.check()["problems"]
    assert mismatches(capsys.readouterr().out) == {"StreamMismatch": 0, "ArchiveStreamMismatch": 1}


@pytest.mark.usefixtures("archiving")
def test_the_source_table_is_judged_without_the_archive(
    scene: Scene, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When it may not look at the audit table, the check fails, after it has counted for the source table."""
    call = importlib.import_module("botocore.client").BaseClient._make_api_call

    def deny(client: Any, name: str, parameters: Any) -> Any:
        if parameters.get("TableName") == "orders-audit":
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, name)
        return call(client, name, parameters)

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", deny)

    with pytest.raises(ClientError, match="AccessDeniedException"):
        scene.check()
    assert mismatches(capsys.readouterr().out) == {"StreamMismatch": 0}

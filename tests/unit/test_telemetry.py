"""Logs and metrics of a batch: counts, reasons and ids."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail import telemetry
from audit_trail.ports import BatchResult
from tests.unit.fakes import numbered_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit_trail.core.records import StreamRecord

RECORDS: list[StreamRecord] = [numbered_record(number) for number in range(6)]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Give what the logger writes."""
    stream = io.StringIO()
    handler = telemetry.logger.registered_handler
    assert isinstance(handler, logging.StreamHandler)
    before = handler.setStream(stream)
    yield stream
    handler.setStream(before or sys.stdout)


@pytest.fixture(autouse=True)
def no_metrics_left() -> Iterator[None]:
    """Begin and end without metrics that wait to be written."""
    telemetry.metrics.clear_metrics()
    yield
    telemetry.metrics.clear_metrics()


def reported(result: BatchResult, log: io.StringIO, capsys: pytest.CaptureFixture[str]) -> tuple[Any, list[Any]]:
    """Report a batch and return the metrics and the log's lines, parsed."""
    telemetry.report(result, RECORDS)
    telemetry.metrics.flush_metrics()
    return json.loads(capsys.readouterr().out), [json.loads(line) for line in log.getvalue().splitlines()]


def test_metrics_are_counted_in_embedded_format(log: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    """Each batch writes one line of CloudWatch's embedded metric format with how many of each kind there were."""
    result = BatchResult(
        stored=Counter(INSERT=2, MODIFY=1, REMOVE=1), duplicates=1, retries=7, failures={4: "reason", 5: "reason"}
    )

    metrics, _ = reported(result, log, capsys)

    [definition] = metrics["_aws"]["CloudWatchMetrics"]
    assert (definition["Namespace"], definition["Dimensions"]) == ("TableTrail", [["service"]])
    assert metrics["service"] == "table-trail"
    assert {metric["Name"]: metrics[metric["Name"]] for metric in definition["Metrics"]} == {
        "ChangesStored": [4],
        "ChangesStoredInsert": [2],
        "ChangesStoredModify": [1],
        "ChangesStoredRemove": [1],
        "Duplicates": [1],
        "ImagesSpilled": [0],
        "StatementsRetried": [7],
        "ChangesNotStored": [2],
    }
    assert {metric["Unit"] for metric in definition["Metrics"]} == {"Count"}


def test_nothing_stored_is_a_zero(log: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    """Counts of zero are written too, so that an alarm on what is not stored sees data when all is well."""
    metrics, _ = reported(BatchResult(), log, capsys)

    assert (metrics["ChangesStored"], metrics["ChangesNotStored"]) == ([0], [0])


def test_a_good_batch_is_one_line(log: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    """A batch without failures logs one line with its counts, and no error."""
    _, lines = reported(BatchResult(stored=Counter(INSERT=6)), log, capsys)

    [line] = lines
    assert line["level"] == "INFO"
    assert (line["records"], line["stored"], line["not_stored"]) == (6, {"INSERT": 6}, 0)


def test_each_reason_is_one_error(log: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    """Failures log an error for each reason: how many records it hit, and the first one's sequence number."""
    result = BatchResult(failures={5: "throttled", 2: "no Keys", 3: "throttled"})

    _, lines = reported(result, log, capsys)

    errors = [line for line in lines if line["level"] == "ERROR"]
    assert [(error["reason"], error["records"], error["first_sequence_number"]) for error in errors] == [
        ("throttled", 2, f"{3:021d}"),
        ("no Keys", 1, f"{2:021d}"),
    ]

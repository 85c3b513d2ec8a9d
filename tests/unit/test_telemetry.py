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
from tests.builders import NOON
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


def reported(
    result: BatchResult,
    log: io.StringIO,
    capsys: pytest.CaptureFixture[str],
    records: list[StreamRecord] = RECORDS,
    now: float = NOON + 90,
) -> tuple[Any, list[Any]]:
    """Report a batch and return the metrics and the log's lines, parsed."""
    telemetry.report(result, records, now)
    return json.loads(capsys.readouterr().out), [json.loads(line) for line in log.getvalue().splitlines()]


def test_metrics_are_counted_in_embedded_format(log: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    """Each batch writes one line of CloudWatch's embedded metric format with how many of each kind there were."""
    result = BatchResult(
        stored=Counter(INSERT=2, MODIFY=1, REMOVE=1),
        bytes_stored=1_234,
        duplicates=1,
        spilled=3,
        retries=7,
        failures={4: "reason", 5: "reason"},
        quarantined={3: "reason"},
    )

    metrics, _ = reported(result, log, capsys)

    [definition] = metrics["_aws"]["CloudWatchMetrics"]
    assert (definition["Namespace"], definition["Dimensions"]) == ("TableTrail", [["service"]])
    assert metrics["service"] == "table-trail"
    assert {metric["Name"]: (metrics[metric["Name"]], metric["Unit"]) for metric in definition["Metrics"]} == {
        "ChangesStored": ([4], "Count"),
        "ChangesStoredInsert": ([2], "Count"),
        "ChangesStoredModify": ([1], "Count"),
        "ChangesStoredRemove": ([1], "Count"),
        "BytesStored": ([1_234], "Bytes"),
        "Duplicates": ([1], "Count"),
        "ImagesSpilled": ([3], "Count"),
        "StatementsRetried": ([7], "Count"),
        "ChangesNotStored": ([2], "Count"),
        "RecordsQuarantined": ([1], "Count"),
        "OldestRecordAge": ([90], "Seconds"),
    }


def test_nothing_stored_is_a_zero(log: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    """Counts of zero are written too, so that an alarm on what is not stored sees data when all is well."""
    metrics, _ = reported(BatchResult(), log, capsys)

    for name in ("ChangesStored", "ChangesNotStored", "RecordsQuarantined", "BytesStored"):
        assert metrics[name] == [0]


def timed(time: Any) -> StreamRecord:
    """Return a record whose change was made at that time."""
    return numbered_record(1, at=time)


@pytest.mark.parametrize(
    ("times", "age"),
    [
        ([NOON], [30]),
        ([NOON + 20, NOON - 3_600, NOON + 29], [3_630]),
        ([NOON + 1.5], [28.5]),
        ([NOON + 100], [0]),
        ([None, "yesterday", -1, NOON], [30]),
        ([None, "yesterday", True], None),
        ([], None),
    ],
)
def test_the_oldest_record_tells_how_late_it_is(
    log: io.StringIO, capsys: pytest.CaptureFixture[str], times: list[Any], age: list[float] | None
) -> None:
    """The age is that of the batch's oldest change, never negative, and absent where no record tells its time."""
    metrics, _ = reported(BatchResult(), log, capsys, [*map(timed, times)], NOON + 30)

    assert metrics.get("OldestRecordAge") == age


def test_what_is_not_even_a_record_has_no_age(log: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    """Elements of a batch that are no records at all don't keep the others' age from being told."""
    metrics, _ = reported(BatchResult(), log, capsys, [None, [], {"dynamodb": []}, timed(NOON)], NOON + 1)  # type: ignore[list-item]

    assert metrics["OldestRecordAge"] == [1]


def test_each_quarantined_record_is_an_error(log: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    """Each quarantined record is logged with its reason and its sequence number, and with nothing else of it."""
    _, lines = reported(BatchResult(quarantined={2: "no Keys", 5: "no Keys"}), log, capsys)

    errors = [line for line in lines if line["level"] == "ERROR"]
    assert [(error["reason"], error["sequence_number"]) for error in errors] == [
        ("no Keys", f"{2:021d}"),
        ("no Keys", f"{5:021d}"),
    ]
    about_the_invocation = ("function_", "cold_start", "xray_", "correlation_")
    usual = {"level", "location", "message", "timestamp", "service", "reason", "sequence_number"}
    told = {key for error in errors for key in error if not key.startswith(about_the_invocation)}
    assert told <= usual


def test_what_is_no_sequence_number_is_not_logged(log: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    """A sequence number that is not digits may be data, and is left out."""
    record = numbered_record(1)
    record["dynamodb"]["SequenceNumber"] = "4111-1111"

    _, lines = reported(BatchResult(quarantined={0: "reason"}, failures={0: "reason"}), log, capsys, [record])

    assert "4111" not in json.dumps(lines)


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

"""The alarms and the dashboard that Terraform would make: of metrics that exist, ringing when they should, explained."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from scripts.project import ROOT
from tests.cloudwatch import Alarm, Metric
from tests.terraform.conftest import EVERYTHING

if TYPE_CHECKING:
    from tests.terraform.conftest import Outcome
    from tests.terraform.emitted import Emitted

ALARM = "aws_cloudwatch_metric_alarm"
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text("utf-8")
SECTIONS = {
    re.sub(r"[^\w -]", "", title).lower().replace(" ", "-"): text
    for title, text in re.findall(r"^## (.*)\n((?:(?!## ).*\n)*)", RUNBOOK, re.MULTILINE)
}
"""A section's anchor, by GitHub's rule, and its text."""
OF_ALARMS = SECTIONS.keys() - {"trail-doctor"}

LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html"
LAMBDA_DIMENSIONS = "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-view.html"
DYNAMODB = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html"


@dataclass(frozen=True)
class Documented:
    """What AWS's documentation says of a metric."""

    dimension: str
    statistics: set[str]
    page: str
    narrower: str | None = None
    """A dimension that may join it."""


INVOCATION = Documented("FunctionName", {"Sum"}, f"{LAMBDA}#invocation-metrics")
PERFORMANCE = Documented("FunctionName", {"Average", "Maximum"}, f"{LAMBDA}#performance-metrics")
# AWS names no statistic for counts of events: they are added up.
EVENTS = Documented("EventSourceMappingUUID", {"Sum"}, f"{LAMBDA}#event-source-mapping-metrics, {LAMBDA_DIMENSIONS}")
AWS_METRICS = {
    ("AWS/Lambda", "IteratorAge"): PERFORMANCE,
    ("AWS/Lambda", "Duration"): PERFORMANCE,
    ("AWS/Lambda", "Errors"): INVOCATION,
    ("AWS/Lambda", "Throttles"): INVOCATION,
    ("AWS/Lambda", "DestinationDeliveryFailures"): INVOCATION,
    ("AWS/Lambda", "OnFailureDestinationDeliveredEventCount"): EVENTS,
    ("AWS/Lambda", "DroppedEventCount"): EVENTS,
    ("AWS/DynamoDB", "WriteThrottleEvents"): Documented(
        "TableName", {"Sum", "SampleCount"}, DYNAMODB, "GlobalSecondaryIndexName"
    ),
    ("AWS/DynamoDB", "ConsumedWriteCapacityUnits"): Documented(
        "TableName", {"Minimum", "Maximum", "Average", "Sum", "SampleCount"}, DYNAMODB, "GlobalSecondaryIndexName"
    ),
}


def objections(metric: Metric, statistic: str, printed: Emitted) -> list[str]:
    """Return what speaks against watching a metric in this way: nobody writes it, or not so."""
    if not metric.namespace.startswith("AWS/"):
        dimensions = tuple(metric.dimensions.items())
        return [] if (metric.namespace, metric.name, dimensions) in printed.units else [f"nobody emits {metric}"]
    documented = AWS_METRICS.get((metric.namespace, metric.name))
    if documented is None:
        return [f"AWS doesn't document {metric}"]
    wrong = []
    if set(metric.dimensions) - {documented.narrower} != {documented.dimension}:
        wrong.append(f"{metric} has the dimension {documented.dimension}: {documented.page}")
    if statistic not in documented.statistics:
        wrong.append(f"{metric} is seen by {documented.statistics}, not {statistic}: {documented.page}")
    return wrong


def test_every_alarm_watches_a_metric_that_is_written(alarms: dict[str, Alarm], printed: Emitted) -> None:
    """Each alarm's namespace, metric, dimensions and statistic are what the functions print or what AWS documents."""
    wrong = [objection for alarm in alarms.values() for objection in objections(alarm.metric, alarm.statistic, printed)]
    assert wrong == []
    assert {metric.namespace for metric in (alarm.metric for alarm in alarms.values())} == {
        "AWS/DynamoDB",
        "AWS/Lambda",
        "TableTrail",
    }


def test_the_alarms_of_indexes_watch_a_metric_that_is_written(of_indexes: list[Alarm], printed: Emitted) -> None:
    """Each index's alarm watches what AWS documents for an index of a table, and names its index."""
    assert [problem for one in of_indexes for problem in objections(one.metric, one.statistic, printed)] == []
    assert [one.metric.dimensions["GlobalSecondaryIndexName"] for one in of_indexes] == ["by_actor", "by_time"]


def test_every_graph_shows_a_metric_that_is_written(outcome: Outcome, printed: Emitted) -> None:
    """Each graph of the dashboard shows metrics that the functions print or AWS documents, and none hides another."""
    [dashboard] = outcome.planned(EVERYTHING, "aws_cloudwatch_dashboard")
    widgets = json.loads(dashboard["dashboard_body"])["widgets"]
    shown: set[str] = set()
    for widget in widgets:
        for namespace, name, *dimensions in widget["properties"]["metrics"]:
            metric = Metric(namespace, name, dict(zip(dimensions[::2], dimensions[1::2], strict=True)))
            assert objections(metric, widget["properties"]["stat"], printed) == []
            shown.add(name)
    assert shown >= {
        *("ChangesStoredInsert", "ChangesStoredModify", "ChangesStoredRemove", "Duplicates", "ImagesSpilled"),
        *("RecordsQuarantined", "ChangesNotStored", "StatementsRetried", "OldestRecordAge", "BytesStored"),
        *(name for _, name in AWS_METRICS),
    }
    corners = {(widget["x"], widget["y"]) for widget in widgets}
    assert len(corners) == len(widgets)


def test_the_units_are_those_that_the_thresholds_mean(printed: Emitted) -> None:
    """What the functions emit is counted, but for an age in seconds and sizes in bytes."""
    units = {name: unit for (_, name, _), unit in printed.units.items()}
    others = {"OldestRecordAge": "Seconds", "BytesStored": "Bytes", "BytesArchived": "Bytes"}
    assert units == dict.fromkeys(units, "Count") | others


def test_the_root_passes_on_who_is_called_and_for_what(outcome: Outcome) -> None:
    """The root's alarms call whom its own inputs name, after the silence and age that they say, and it has a dashboard."""
    run = "root.tftest.hcl/other_names_and_telemetry"
    made = {one["alarm_name"].removeprefix("test-history-trail-"): one for one in outcome.planned(run, ALARM)}
    assert {tuple(one["alarm_actions"]) for one in made.values()} == {
        ("arn:aws:sns:eu-central-1:123456789012:on-call",)
    }
    assert (made["silence"]["evaluation_periods"], made["iterator-age"]["threshold"]) == (30, 600_000)
    assert len(outcome.planned(run, "aws_cloudwatch_dashboard")) == 1


def test_every_alarm_has_its_section_in_the_runbook(alarms: dict[str, Alarm]) -> None:
    """Each alarm's description names a section of the runbook, and each section there but the doctor's belongs to an alarm."""
    assert alarms.keys() == OF_ALARMS
    for key, alarm in alarms.items():
        assert re.fullmatch(rf"[^\n]+\. See docs/runbook\.md#{key}", alarm.description)
        assert len(alarm.description) <= 1024, "CloudWatch's limit"


@pytest.mark.parametrize("anchor", sorted(OF_ALARMS))
def test_every_section_answers_the_four_questions(anchor: str) -> None:
    """Each alarm's section of the runbook says what the alarm means, what to look at, what to do, and what is at risk."""
    assert re.findall(r"^\*\*(.*?)\*\*", SECTIONS[anchor], re.MULTILINE) == ["Means.", "Look at.", "Do.", "At risk."]


def test_whatever_names_the_runbook_names_a_section_of_it() -> None:
    """Every link into the runbook, in Terraform, in the functions and in the runbook itself, leads to a section."""
    sources = [*(ROOT / "terraform").rglob("*.tf"), *(ROOT / "handler" / "audit_trail").rglob("*.py")]
    links = [link for path in sources for link in re.findall(r"docs/runbook\.md#([\w-]+)", path.read_text("utf-8"))]
    links += re.findall(r"\]\(#([\w-]+)\)", RUNBOOK)
    assert len(links) > 10
    assert set(links) <= SECTIONS.keys()


def test_no_alarm_of_dynamodbs_relies_on_missing_data(alarms: dict[str, Alarm]) -> None:
    """Alarms on AWS/DynamoDB fill their metric: AWS may keep their state where data is missing, whatever they say."""
    assert {alarm.filled for alarm in alarms.values() if alarm.metric.namespace == "AWS/DynamoDB"} == {0.0}


def test_whatever_can_be_throttled_has_an_alarm(outcome: Outcome) -> None:
    """Where there are alarms, the audit table and each of its indexes has one for throttled writes."""
    seen = 0
    for name in outcome.plans:
        alarms = [Alarm.planned(resource) for resource in outcome.planned(name, ALARM)]
        watched = [alarm.metric.dimensions for alarm in alarms if alarm.metric.name == "WriteThrottleEvents"]
        tables = [table for table in outcome.planned(name, "aws_dynamodb_table") if table["range_key"] == "timestamp"]
        expected = [
            {"TableName": table["name"], **index}
            for table in tables
            for index in ({}, *({"GlobalSecondaryIndexName": one["name"]} for one in table["global_secondary_index"]))
        ]
        assert not alarms or watched == expected, name
        seen += len(watched)
    assert seen > 10


def test_the_readmes_count_the_alarms(outcome: Outcome) -> None:
    """README.md and the module's README say how many alarms there are, and how many more with an archive."""
    numbers = {11: "Eleven", 12: "Twelve", 7: "seven", 8: "eight", 9: "nine"}
    counts = [len(outcome.planned(run, ALARM)) for run in ("alarms.tftest.hcl/defaults", "archive.tftest.hcl/on")]
    plain, more = counts[0], counts[1] - counts[0]
    [said] = re.findall(
        r"(\w+) alarms watch a trail, and (\w+) more its archive", (ROOT / "README.md").read_text("utf-8")
    )
    assert said == (numbers[plain + 1], numbers[more])  # with `silence`, which is asked for
    module = (ROOT / "terraform" / "modules" / "audit_trail" / "README.md").read_text("utf-8")
    assert f"{plain} alarms at US$ 0.10, {plain + 1} with `silence_minutes`, {more} more with an archive" in module

"""The evaluator of alarms does what AWS's documentation says of CloudWatch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.cloudwatch import Alarm, Metric

# "X" breaches, "0" doesn't, "-" is missing: as in AWS's own tables, newest last.
POINTS = {"X": 1.0, "0": 0.0, "-": None}
ALARM = Alarm(
    name="trail-errors",
    description="Errors.",
    metric=Metric("AWS/Lambda", "Errors", {"FunctionName": "trail"}),
    statistic="Sum",
    period=300,
    evaluation_periods=3,
    datapoints_to_alarm=3,
    comparison="GreaterThanThreshold",
    threshold=0,
    missing="notBreaching",
)
PLANNED = {
    "alarm_name": "trail-errors",
    "alarm_description": "Errors.",
    "comparison_operator": "GreaterThanThreshold",
    "datapoints_to_alarm": 3,
    "evaluation_periods": 3,
    "threshold": 0,
    "treat_missing_data": "notBreaching",
}
METRIC = {"namespace": "AWS/Lambda", "metric_name": "Errors", "dimensions": {"FunctionName": "trail"}, "period": 300}


@pytest.mark.parametrize(
    ("datapoints_to_alarm", "points", "breaching", "not_breaching"),
    [
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html, both tables
        (3, "0-X-X", "OK", "OK"),
        (3, "0----", "OK", "OK"),
        (3, "-----", "ALARM", "OK"),
        (3, "0XX-X", "ALARM", "ALARM"),
        (3, "--X--", "ALARM", "OK"),
        (2, "0-X-X", "ALARM", "ALARM"),
        (2, "00X0X", "ALARM", "ALARM"),
        (2, "0-X--", "ALARM", "OK"),
        (2, "----0", "ALARM", "OK"),
        (2, "---X-", "ALARM", "OK"),
    ],
)
def test_states_are_those_of_awss_tables(
    datapoints_to_alarm: int, points: str, breaching: str, not_breaching: str
) -> None:
    """For each row of AWS's two tables, the state is what AWS says, for both ways to treat missing data."""
    alarm = replace(ALARM, datapoints_to_alarm=datapoints_to_alarm)
    series = [POINTS[point] for point in points]

    assert replace(alarm, missing="breaching").state(series) == breaching
    assert replace(alarm, missing="notBreaching").state(series) == not_breaching


@pytest.mark.parametrize("points", ["XXX00000", "XXX-----"])
def test_what_lies_before_the_evaluation_range_is_forgotten(points: str) -> None:
    """Data points older than the evaluation range don't count, be the others there or missing."""
    assert ALARM.state([POINTS[point] for point in points]) == "OK"


@pytest.mark.parametrize(("comparison", "value", "state"), [
    ("GreaterThanThreshold", 10.5, "ALARM"), ("GreaterThanThreshold", 10, "OK"),
    ("LessThanThreshold", 9.5, "ALARM"), ("LessThanThreshold", 10, "OK"),
])  # fmt: skip
def test_the_threshold_itself_does_not_breach(comparison: str, value: float, state: str) -> None:
    """A data point breaches beyond the threshold, not on it."""
    assert replace(ALARM, comparison=comparison, threshold=10).state([value] * 3) == state


@pytest.mark.parametrize(("statistic", "state"), [("Sum", "ALARM"), ("Maximum", "OK")])
def test_samples_of_a_period_are_one_data_point(statistic: str, state: str) -> None:
    """The samples of a period are added up, or the largest of them counts, as the statistic says."""
    alarm = replace(ALARM, statistic=statistic, evaluation_periods=1, datapoints_to_alarm=1, threshold=10)
    samples = [(0.0, 6.0), (299.0, 6.0), (300.0, 1.0)]

    assert alarm.states(samples, until=300) == [(300, state)]


def test_metric_math_fills_what_is_missing() -> None:
    """Filled data points count as those that are there, whatever is said of missing data."""
    alarm = replace(ALARM, evaluation_periods=1, datapoints_to_alarm=1, missing="breaching")

    assert alarm.state([POINTS[point] for point in "X--"]) == "ALARM"
    assert replace(alarm, filled=0.0).state([POINTS[point] for point in "X--"]) == "OK"


def test_an_alarm_is_read_from_a_plan() -> None:
    """An alarm is the same, planned with a metric or with metric math that fills the metric, but for the filling."""
    queries: list[dict[str, Any]] = [
        {"id": "m", "metric": [{**METRIC, "stat": "Sum"}], "expression": None, "return_data": None},
        {"id": "f", "metric": [], "expression": "FILL(m, 0)", "return_data": True},
    ]

    assert Alarm.planned({**PLANNED, **METRIC, "statistic": "Sum", "metric_query": []}) == ALARM
    assert Alarm.planned({**PLANNED, "metric_query": queries}) == replace(ALARM, filled=0.0)


@pytest.mark.parametrize("change", [{"missing": "ignore"}, {"missing": "missing"}])
def test_what_it_does_not_know_it_refuses(change: dict[str, str]) -> None:
    """The evaluator fails on a treatment of missing data that it doesn't know, rather than guess."""
    with pytest.raises(KeyError):
        replace(ALARM, **change).state([None])  # type: ignore[arg-type]  # all of them are strings

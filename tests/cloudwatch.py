"""CloudWatch, as far as our alarms need it: samples of a metric become data points, and these an alarm's state.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

State = Literal["OK", "ALARM"]
Samples = Sequence[tuple[float, float]]
"""When (seconds) and what (value)."""

MINUTE = 60
EXTRA_POINTS = 2
"""How many more data points than its evaluation periods an alarm looks at: AWS's examples look at 5 for 3."""

_STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {"Sum": sum, "Maximum": max}
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
}


@dataclass(frozen=True)
class Metric:
    """A metric by all that CloudWatch tells metrics apart by."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]


@dataclass(frozen=True)
class Alarm:
    """An alarm on one metric; it knows only what ours use, and fails on anything else."""

    name: str
    description: str
    metric: Metric
    statistic: str
    period: int
    evaluation_periods: int
    datapoints_to_alarm: int
    comparison: str
    threshold: float
    missing: str
    filled: float | None = None
    """What metric math puts where there is no data point, before the alarm looks."""

    @classmethod
    def planned(cls, resource: Mapping[str, Any]) -> Alarm:
        """Read an aws_cloudwatch_metric_alarm as Terraform plans it."""
        source, filled = dict(resource), None
        if queries := resource.get("metric_query"):
            [math] = [query for query in queries if query["return_data"]]
            [filled_metric] = [query for query in queries if query["metric"]]
            assert math["expression"] == f"FILL({filled_metric['id']}, 0)"
            [metric] = filled_metric["metric"]
            source, filled = {**metric, "statistic": metric["stat"]}, 0.0
        return cls(
            name=resource["alarm_name"],
            description=resource["alarm_description"],
            metric=Metric(source["namespace"], source["metric_name"], source["dimensions"]),
            statistic=source["statistic"],
            period=source["period"],
            evaluation_periods=resource["evaluation_periods"],
            datapoints_to_alarm=resource["datapoints_to_alarm"],
            comparison=resource["comparison_operator"],
            threshold=resource["threshold"],
            missing=resource["treat_missing_data"],
            filled=filled,
        )

    def state(self, points: Sequence[float | None]) -> State:
        """Return the state after these data points, oldest first; None is a missing one.

        Those that are there count, however far back in the evaluation range. Only as many are made up as are missing
        then to the evaluation periods.
        """
        there = [self.filled if point is None else point for point in points[-self.evaluation_periods - EXTRA_POINTS :]]
        breaching = [self._breaches(point) for point in there if point is not None][-self.evaluation_periods :]
        made_up = self.evaluation_periods - len(breaching)
        count = sum(breaching) + made_up * {"breaching": 1, "notBreaching": 0}[self.missing]
        return "ALARM" if count >= self.datapoints_to_alarm else "OK"

    def states(self, samples: Samples, until: float) -> list[tuple[float, State]]:
        """Return the state at every whole minute up to `until`, from when its evaluation periods have passed once."""
        begin = self.period * self.evaluation_periods
        looks_back = self.evaluation_periods + EXTRA_POINTS
        return [
            (now, self.state([self._point(samples, now - back * self.period) for back in reversed(range(looks_back))]))
            for now in range(begin, int(until) + 1, MINUTE)
        ]

    def _point(self, samples: Samples, end: float) -> float | None:
        values = [value for time, value in samples if end - self.period <= time < end]
        return _STATISTICS[self.statistic](values) if values else None

    def _breaches(self, point: float) -> bool:
        return _COMPARISONS[self.comparison](point, self.threshold)

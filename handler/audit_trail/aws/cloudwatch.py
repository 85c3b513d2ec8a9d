"""What CloudWatch has counted, and the alarms that watch it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from audit_trail.core.doctor import traffic
from audit_trail.core.doctor.facts import Alarm, Series

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_cloudwatch.type_defs import DimensionTypeDef, MetricDataQueryTypeDef


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric and how its values of one period become one."""

    namespace: str
    name: str
    dimension: str
    value: str
    statistic: str = "Sum"
    index: str = ""
    """Of which index of the table; none for the table itself."""

    def dimensions(self) -> "list[DimensionTypeDef]":
        """Return all of them, as CloudWatch takes them."""
        found: list[DimensionTypeDef] = [{"Name": self.dimension, "Value": self.value}]
        return [*found, {"Name": "GlobalSecondaryIndexName", "Value": self.index}] if self.index else found


def metrics_of(function: str, source_table: str) -> dict[str, Metric]:
    """Return the metrics of a trail, by the names that `traffic` has for them.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
    """
    return {
        traffic.ITERATOR_AGE: Metric("AWS/Lambda", "IteratorAge", "FunctionName", function, "Maximum"),
        traffic.INVOCATIONS: Metric("AWS/Lambda", "Invocations", "FunctionName", function),
        traffic.ERRORS: Metric("AWS/Lambda", "Errors", "FunctionName", function),
        traffic.THROTTLES: Metric("AWS/Lambda", "Throttles", "FunctionName", function),
        traffic.STORED: _ours("ChangesStored", function),
        traffic.NOT_STORED: _ours("ChangesNotStored", function),
        traffic.WRITTEN: Metric("AWS/DynamoDB", "ConsumedWriteCapacityUnits", "TableName", source_table),
    }


def metrics_of_archive(archive: str, function: str) -> dict[str, Metric]:
    """Return the metrics of a trail's archive, by the function that archives and the trail's own, likewise."""
    return {
        traffic.ARCHIVE_ITERATOR_AGE: Metric("AWS/Lambda", "IteratorAge", "FunctionName", archive, "Maximum"),
        traffic.ARCHIVE_INVOCATIONS: Metric("AWS/Lambda", "Invocations", "FunctionName", archive),
        traffic.ARCHIVE_ERRORS: Metric("AWS/Lambda", "Errors", "FunctionName", archive),
        traffic.ARCHIVE_THROTTLES: Metric("AWS/Lambda", "Throttles", "FunctionName", archive),
        traffic.ARCHIVED: _ours("RecordsArchived", function),
        traffic.NOT_ARCHIVED: _ours("RecordsNotArchived", function),
    }


def metrics_of_indexes(audit_table: str, *, by_time: bool, by_actor: bool) -> dict[str, Metric]:
    """Return the metrics of those of an audit table's indexes that there are, likewise."""
    of_time = {
        traffic.TIME_INDEX_WRITTEN: _of_index("ConsumedWriteCapacityUnits", audit_table, "by_time"),
        traffic.INDEX_THROTTLED["time_index"]: _of_index("WriteThrottleEvents", audit_table, "by_time"),
    }
    of_actor = {traffic.INDEX_THROTTLED["actor_index"]: _of_index("WriteThrottleEvents", audit_table, "by_actor")}
    return (of_time if by_time else {}) | (of_actor if by_actor else {})


def _of_index(name: str, table: str, index: str) -> Metric:
    return Metric("AWS/DynamoDB", name, "TableName", table, index=index)


def _ours(name: str, function: str) -> Metric:
    return Metric("TableTrail", name, "service", function)  # as Terraform sets Powertools' namespace and service


def series(
    client: "CloudWatchClient", metrics: Mapping[str, Metric], end: datetime, length: timedelta, period: timedelta
) -> dict[str, Series]:
    """Return the values of metrics up to ``end``, in their order, by the same names.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html

    :raises botocore.exceptions.ClientError: permission is missing, or CloudWatch can't answer.
    """
    queries = [_query(name, metric, period) for name, metric in metrics.items()]
    found: dict[str, list[tuple[datetime, float]]] = {name: [] for name in metrics}
    pages = client.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=end - length, EndTime=end
    )
    for page in pages:
        for result in page.get("MetricDataResults", []):
            found[result["Id"]] += zip(result["Timestamps"], result["Values"], strict=True)
    return {name: tuple(sorted(values)) for name, values in found.items()}


def _query(name: str, metric: Metric, period: timedelta) -> "MetricDataQueryTypeDef":
    return {
        "Id": name,
        "MetricStat": {
            "Metric": {
                "Namespace": metric.namespace,
                "MetricName": metric.name,
                "Dimensions": metric.dimensions(),
            },
            "Period": int(period.total_seconds()),
            "Stat": metric.statistic,
        },
    }


def alarms(client: "CloudWatchClient", function: str, keys: Sequence[str]) -> tuple[Alarm, ...]:
    """Return those alarms of a trail that exist; Terraform names them ``<function>-<key>``.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html

    :raises botocore.exceptions.ClientError: permission is missing, or CloudWatch can't answer.
    """
    names = {f"{function}-{key}": key for key in keys}
    return tuple(
        Alarm(
            names[found["AlarmName"]],
            found["StateValue"],
            calls_somebody=found.get("ActionsEnabled", True) and bool(found.get("AlarmActions")),
        )
        for page in client.get_paginator("describe_alarms").paginate(AlarmNames=list(names))
        for found in page.get("MetricAlarms", [])
    )

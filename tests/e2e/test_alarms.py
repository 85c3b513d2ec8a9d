"""The alarms, the dashboard and the check of the stream, deployed by Terraform's real AWS provider."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.examples import UNTOLD

if TYPE_CHECKING:
    from tests.e2e.conftest import Deployment

ALARM = "module.visits_audit.aws_cloudwatch_metric_alarm."
MAPPING = "module.visits_audit.aws_lambda_event_source_mapping.stream"


@pytest.fixture(scope="module")
def alarms(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """Give the alarms that the engine has, without the trail's name."""
    pages = deployment.client("cloudwatch").get_paginator("describe_alarms").paginate()
    prefix = f"{deployment.outputs['composite_function_name']}-"
    return {
        alarm["AlarmName"].removeprefix(prefix): alarm
        for page in pages
        for alarm in page["MetricAlarms"]
        if alarm["AlarmName"].startswith(prefix)
    }


def test_alarms_are_as_the_module_has_them(deployment: Deployment, alarms: dict[str, dict[str, Any]]) -> None:
    """The alarms that were deployed watch what they should, missing data included, and call whom they should.

    MiniStack doesn't keep metric math, so that audit-table-throttled is only seen to be there.
    """
    service = [{"Name": "service", "Value": deployment.outputs["composite_function_name"]}]
    mapping = [{"Name": "EventSourceMappingUUID", "Value": deployment.outputs["composite_event_source_mapping_uuid"]}]
    assert len(alarms) == 12
    for key, alarm in alarms.items():
        assert alarm["AlarmDescription"].endswith(f". See docs/runbook.md#{key}")
        assert alarm["ActionsEnabled"]
        assert alarm["AlarmActions"] == alarm["OKActions"] == ["arn:aws:sns:us-east-1:000000000000:on-call"]
    silence, dropped = alarms["silence"], alarms["changes-dropped"]
    assert (silence["Dimensions"], silence["EvaluationPeriods"], silence["Period"]) == (service, 30, 60)
    assert (silence["TreatMissingData"], silence["Statistic"]) == ("breaching", "Sum")
    assert (dropped["Dimensions"], dropped["TreatMissingData"]) == (mapping, "notBreaching")


def test_the_dashboard_is_there(deployment: Deployment) -> None:
    """The dashboard that was deployed is one that CloudWatch's client can read, with its graphs."""
    name = deployment.outputs["composite_function_name"]
    body = deployment.client("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"]
    assert len(json.loads(body)["widgets"]) > 5


def test_the_check_of_the_stream_runs_from_the_zip(deployment: Deployment) -> None:
    """The second function of the same zip, invoked as its schedule does, finds stream and mapping each other's."""
    name = deployment.outputs["composite_stream_check_function_name"]
    [rule] = deployment.client("events").list_rules(NamePrefix=name)["Rules"]
    [target] = deployment.client("events").list_targets_by_rule(Rule=rule["Name"])["Targets"]
    assert (rule["State"], rule["ScheduleExpression"]) == ("ENABLED", "rate(15 minutes)")
    assert target["Arn"].endswith(f":function:{name}")

    answer = deployment.client("lambda").invoke(
        FunctionName=name, Payload=json.dumps({"source": "aws.events"}).encode()
    )

    assert "FunctionError" not in answer
    assert json.loads(answer["Payload"].read()) == {"problems": []}


def test_a_plan_after_apply_is_empty(deployment: Deployment) -> None:
    """A second `terraform plan` wants to change nothing but what the emulator doesn't tell of alarms and metrics."""
    changed = {
        change["address"]: {
            name for name, after in change["change"]["after"].items() if after != change["change"]["before"].get(name)
        }
        for change in deployment.plan()["resource_changes"]
        if change["change"]["actions"] != ["no-op"]
    }
    differing = {
        address: names - UNTOLD["aws_cloudwatch_metric_alarm"]
        for address, names in changed.items()
        if address.startswith(ALARM)
    }
    assert differing == {address: set() for address in differing}
    assert {address: names for address, names in changed.items() if not address.startswith(ALARM)} in (
        {},
        {MAPPING: {"metrics_config"}},
    )

"""`trail doctor` and Terraform: it may do what it asks for, and takes what Terraform makes for well."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from audit_trail.aws.cloudwatch import metrics_of, metrics_of_archive, metrics_of_indexes
from audit_trail.cli.main import app
from audit_trail.core.doctor import ARCHIVE_CHECKS, CHECKS
from audit_trail.core.doctor.alarms import ALWAYS, OF_ARCHIVE, ON_REQUEST
from audit_trail.core.doctor.facts import Expiry, LifecycleRule, MappingSettings
from audit_trail.core.doctor.function import needed_by_role
from audit_trail.core.stream_health import Mapping, Stream
from tests.cloudwatch import Metric
from tests.terraform import test_alarms
from tests.terraform.conftest import EVERYTHING
from tests.terraform.test_permissions import ARCHIVE_RUN, RUN, actions_on, as_list, people_statements, role_statements
from tests.unit.doctor_facts import ARCHIVING, SETTINGS, TABLE, finding
from tests.unit.fake_aws import RefusedError
from tests.unit.fake_trail import OF_ARCHIVES, TAGS, tags, well

if TYPE_CHECKING:
    import pytest

    from tests.cloudwatch import Alarm
    from tests.terraform.conftest import Outcome
    from tests.terraform.emitted import Emitted

ACTIONS = {
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "monitoring:GetMetricData": "cloudwatch:GetMetricData",
    "monitoring:DescribeAlarms": "cloudwatch:DescribeAlarms",
}
"""Operations that IAM calls otherwise."""
ARCHIVE_TAG = "table-trail:archive"


def test_the_policy_allows_what_is_asked_and_no_more(outcome: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    """The doctor policy's actions are those of the calls that `trail doctor` makes."""
    aws = well(
        ListTagsOfResource=tags(TAGS | OF_ARCHIVES | {"retention-days": "90"}),
        GetPublicAccessBlock=RefusedError("NoSuchPublicAccessBlockConfiguration"),
        GetBucketPolicyStatus={"PolicyStatus": {"IsPublic": False}},
    )
    aws.stand_in(monkeypatch)
    result = CliRunner().invoke(app, ["doctor", "--audit-table", "audit"], catch_exceptions=False)
    assert len(result.stdout.splitlines()) == len(CHECKS | ARCHIVE_CHECKS)
    statements = people_statements(outcome, "doctor_policy_json", ARCHIVE_RUN)
    functions = [params["FunctionName"] for name, params in aws.asked if name == "lambda:GetFunctionConfiguration"]
    may_see = [as_list(one["Resource"]) for one in statements if one["Action"] == "lambda:GetFunctionConfiguration"]
    assert [len(functions), sum(map(len, may_see))] == [3, 3]
    assert {action for statement in statements for action in as_list(statement["Action"])} == {
        ACTIONS.get(operation, operation) for operation in aws.operations()
    }


def test_the_role_needs_what_it_is_given(outcome: Outcome) -> None:
    """The permissions that the doctor has simulated are those that Terraform gives to the function's role."""
    [function] = [one for one in outcome.plans[RUN] if one["address"] == "aws_lambda_function.trail"]
    needed = needed_by_role(
        "arn:aws:dynamodb:eu-central-1:123456789012:table/audit",
        "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/2026-11-24T00:00:00.000",
        "arn:aws:s3:::audit-trail-123456789012-eu-central-1",
        "arn:aws:s3:::audit-failures-123456789012-eu-central-1",
        f"arn:aws:logs:eu-central-1:123456789012:log-group:{function['logging_config'][0]['log_group']}",
    )
    statements = role_statements(outcome)["function"]
    # The mocked log group has another name than the planned one.
    given = json.loads(json.dumps(statements).replace("/aws/lambda/audit-trail:", "/aws/lambda/orders-audit-trail:"))
    assert {arn: actions_on(given, arn) for arn in needed} == {arn: set(actions) for arn, actions in needed.items()}
    for statement in given:
        assert any(set(as_list(statement["Action"])) & set(actions) for actions in needed.values())
        assert actions_on([statement], *needed), statement["Sid"]


def test_every_alarm_is_expected(alarms: dict[str, Alarm]) -> None:
    """The alarms that the doctor looks for are those that Terraform makes, but for the one on request."""
    assert sorted((*ALWAYS, *ON_REQUEST, *OF_ARCHIVE)) == sorted(alarms)


def test_alarms_are_found_by_their_names(outcome: Outcome) -> None:
    """Terraform names each alarm as the doctor asks for it: by the function's name and the section's."""
    [function] = [one for one in outcome.plans[EVERYTHING] if one["address"] == "aws_lambda_function.trail"]
    names = {one["alarm_name"] for one in outcome.planned(EVERYTHING, test_alarms.ALARM)}
    assert names == {f"{function['function_name']}-{key}" for key in ALWAYS + ON_REQUEST + OF_ARCHIVE}


def test_the_metrics_are_written(printed: Emitted, outcome: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each metric that the doctor reads, by its dimension and statistic, is one that the function prints or AWS documents."""
    monkeypatch.setitem(test_alarms.AWS_METRICS, ("AWS/Lambda", "Invocations"), test_alarms.INVOCATION)
    [function] = [one for one in outcome.plans[EVERYTHING] if one["address"] == "aws_lambda_function.trail"]
    read = metrics_of(function["function_name"], "orders")
    read |= metrics_of_archive("orders-audit-archive", function["function_name"])
    read |= metrics_of_indexes("orders-audit", by_time=True, by_actor=True)
    for one in read.values():
        metric = Metric(one.namespace, one.name, {each["Name"]: each["Value"] for each in one.dimensions()})
        assert test_alarms.objections(metric, one.statistic, printed) == []
    assert len(read) == 16


def planned(outcome: Outcome) -> list[dict[str, dict[str, Any]]]:
    """Return every plan that makes a whole trail: its resources by address."""
    plans = [{one["address"]: one for one in resources} for resources in outcome.plans.values()]
    needed = {"aws_dynamodb_table.audit", "aws_lambda_function.trail", "aws_lambda_event_source_mapping.stream"}
    return [plan for plan in plans if plan.keys() >= needed]


def test_every_mapping_that_terraform_makes_is_well(outcome: Outcome) -> None:
    """With every input that is planned, the event source mapping's settings are taken for well."""
    ages = set()
    for plan in planned(outcome):
        mapping = planned_mapping(plan["aws_lambda_event_source_mapping.stream"])
        settings = SETTINGS | {"FAILURES_BUCKET": (mapping.destination or "").removeprefix("arn:aws:s3:::")}
        found = finding("mapping-settings", mapping=mapping, settings=settings)
        assert (found.verdict, found.sentence[:29]) == ("ok", "failed batches are bisected, ")
        ages.add(mapping.record_age)
    assert len(ages) > 2


def planned_mapping(made: dict[str, Any]) -> MappingSettings:
    """Return a mapping's settings as planned."""
    destinations = [one["on_failure"][0]["destination_arn"] for one in made["destination_config"] or ()]
    return MappingSettings(
        mapping=Mapping(made["event_source_arn"], "Enabled"),
        uuid="",
        last_result="OK",
        response_types=tuple(made["function_response_types"] or ()),
        bisects=made["bisect_batch_on_function_error"] or False,
        most_retries=made["maximum_retry_attempts"],
        record_age=made["maximum_record_age_in_seconds"],
        destination=next(iter(destinations), None),
        filters=tuple(each["pattern"] for one in made["filter_criteria"] or () for each in one["filter"]),
    )


def test_every_archive_that_terraform_makes_is_well(outcome: Outcome) -> None:
    """With every input that is planned, the audit table's stream and both of its mappings are taken for well."""
    seen = 0
    for plan in planned(outcome):
        if "aws_lambda_event_source_mapping.archive[0]" not in plan:
            continue
        archive, tampering = (
            planned_mapping(plan[f"aws_lambda_event_source_mapping.{name}[0]"]) for name in ("archive", "tampering")
        )
        table, arn = plan["aws_dynamodb_table.audit"], archive.mapping.event_source_arn
        stream = Stream(arn, enabled=table["stream_enabled"], view_type=table["stream_view_type"])
        tags_of = {name: table["tags"][f"table-trail:{name.lower()}"] for name in ("ARCHIVE", "TAMPERING")}
        facts = {
            "table": replace(TABLE, stream=stream),
            "archive_mapping": archive,
            "tampering_mapping": tampering,
            "settings": SETTINGS | tags_of | {"FAILURES_BUCKET": (archive.destination or "").rpartition(":")[2]},
        }
        checks = ("archive-stream", "archive-mapping", "archive-settings", "tampering-mapping")
        assert [finding(check, ARCHIVING, **facts).verdict for check in checks] == ["ok"] * len(checks)
        assert tags_of == {
            name: plan[f"aws_lambda_function.{name.lower()}[0]"]["function_name"] for name in ("ARCHIVE", "TAMPERING")
        }
        seen += 1
    assert seen > 2


def test_every_lifecycle_that_terraform_makes_is_well(outcome: Outcome) -> None:
    """With every input that is planned, no rule of either bucket's lifecycle is taken for one that deletes what is kept."""
    rules: dict[str, list[LifecycleRule]] = {"archive": [], "failures": []}
    for plan in planned(outcome):
        for address, made in plan.items():
            if address.startswith("aws_s3_bucket_lifecycle_configuration."):
                rules[address.partition(".")[2].removesuffix("[0]")] += map(planned_rule, made["rule"])
    assert all(rules.values())
    facts = {"lifecycle": tuple(rules["archive"]), "failures_lifecycle": tuple(rules["failures"])}
    assert finding("lifecycle", **facts).verdict == "ok"


def planned_rule(rule: dict[str, Any]) -> LifecycleRule:
    """Return a lifecycle's rule as planned."""
    current = any(one.get("days") or one.get("date") for one in rule["expiration"])
    return LifecycleRule(
        rule["id"],
        enabled=rule["status"] == "Enabled",
        prefix=rule["filter"][0]["prefix"],
        deletes=current or bool(rule["noncurrent_version_expiration"]),
        only_noncurrent=not current,
    )


def test_every_table_and_function_that_terraform_makes_is_well(outcome: Outcome) -> None:
    """With every input that is planned, the audit table is found by its tags, and is well unless its safeguards are off."""
    found = []
    for plan in planned(outcome):
        table, function = plan["aws_dynamodb_table.audit"], plan["aws_lambda_function.trail"]
        assert table["tags"]["table-trail:function"] == function["function_name"]
        variables = function["environment"][0]["variables"]
        facts = {
            "settings": SETTINGS
            | {"RETENTION_DAYS": variables.get("RETENTION_DAYS", ""), "ARCHIVE": table["tags"].get(ARCHIVE_TAG, "")},
            "expiry": Expiry(
                "ENABLED" if table["ttl"][0]["enabled"] else "DISABLED", table["ttl"][0]["attribute_name"]
            ),
            "table": replace(TABLE, deletion_protection=table["deletion_protection_enabled"]),
            "point_in_time_recovery": table["point_in_time_recovery"][0]["enabled"],
        }
        kept = not variables.get("RETENTION_DAYS") or ARCHIVE_TAG in table["tags"]
        assert finding("expiry", **facts).verdict == ("ok" if kept else "warning")
        found.append(tuple(finding(check, **facts).verdict for check in ("deletion-protection", "backups")))
    assert {("ok", "ok"), ("warning", "warning")} <= set(found)

"""The modules as Terraform sees them: formatted, valid, tested, and nowhere deprecated."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, cast

import pytest

from audit_trail.aws.reading import function_settings
from audit_trail.core.keys import RESERVED_NAMES, KeySchema
from audit_trail.settings import Settings
from scripts.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from types_boto3_dynamodb import DynamoDBClient

    from tests.terraform.conftest import Checkout, Outcome

MODULES = ROOT / "terraform" / "modules"
FILES = sorted([*(ROOT / "terraform").rglob("*.tf"), *(ROOT / "tests" / "terraform").glob("*.tf")])
TESTS = sorted((ROOT / "tests" / "terraform").glob("*.tftest.hcl"))


@pytest.mark.parametrize("folder", ["terraform", "tests/terraform"])
def test_everything_is_formatted(checkout: Checkout, folder: str) -> None:
    """Every file is as `terraform fmt` writes it."""
    done = checkout.terraform(folder).call("fmt", "-check", "-diff", "-recursive", quiet=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_terraforms_own_tests_pass(outcome: Outcome) -> None:
    """Every run in *.tftest.hcl passes."""
    errors = [diagnostic for diagnostic in outcome.diagnostics if diagnostic["severity"] == "error"]
    assert errors == [], json.dumps(errors, indent=1)
    [summary] = [message["test_summary"] for message in outcome.messages if message["type"] == "test_summary"]
    written = sum(len(re.findall(r'^run "', path.read_text("utf-8"), re.MULTILINE)) for path in TESTS)
    assert (summary["status"], summary["passed"], summary["failed"]) == ("pass", written, 0)


def test_nothing_is_deprecated(outcome: Outcome) -> None:
    """No run warns of anything but the root's backend, which tests don't use."""
    warnings = {item["summary"] for item in outcome.diagnostics if item["severity"] == "warning"}
    assert warnings <= {"Backend configuration ignored"}


def test_every_validation_and_precondition_has_a_run_that_fails_it() -> None:
    """As many runs expect a variable or resource to refuse as it has ways to do so."""
    refusals: Counter[str] = Counter()
    for folder in (ROOT / "terraform", ROOT / "terraform" / "bootstrap", *MODULES.iterdir()):
        for path in folder.glob("*.tf"):
            for block in re.split(r"^(?=\w)", path.read_text("utf-8"), flags=re.MULTILINE):
                if count := len(re.findall(r"^ +(?:validation|precondition) \{", block, re.MULTILINE)):
                    kind, *labels = re.findall(r'\w+(?= ")|(?<=")\w+(?=")', block.splitlines()[0])
                    name = ".".join(["var", *labels] if kind == "variable" else labels)
                    refusals[f"{folder.name}: {name}"] += count
    expected: Counter[str] = Counter()
    for path in TESTS:
        for run in path.read_text("utf-8").split("\nrun ")[1:]:
            [folder_name] = re.findall(r'source = "\.\./\.\./\S*?(\w+)"', run)
            for listed in re.findall(r"expect_failures = \[(.*?)\]", run, re.DOTALL):
                expected.update(f"{folder_name}: {name}" for name in re.findall(r"[\w.]+", listed))
    assert len(refusals) > 20
    assert {name: (count, expected[name]) for name, count in refusals.items() if expected[name] < count} == {}


def test_reserved_names_are_the_functions_own() -> None:
    """Terraform and the function set the same key names apart."""
    text = (MODULES / "audit_trail" / "keys.tf").read_text("utf-8")
    [listed] = re.findall(r"reserved_names = \[(.*?)\]", text, re.DOTALL)
    names = re.findall(r'"(\w+)"', listed)
    assert names == sorted(RESERVED_NAMES)


def test_the_partition_key_is_the_functions_own(outcome: Outcome) -> None:
    """For every kind of key, Terraform makes the table with the partition key that the function will write."""
    seen = set()
    for name, resources in outcome.plans.items():
        planned = {item["address"]: item for item in resources}
        if planned.keys() >= {"aws_dynamodb_table.audit", "aws_lambda_function.trail"}:
            [environment] = planned["aws_lambda_function.trail"]["environment"]
            variables = environment["variables"]
            schema = KeySchema(variables["PARTITION_KEY"], variables.get("SORT_KEY"))
            assert planned["aws_dynamodb_table.audit"]["hash_key"] == schema.audit_partition_key, name
            seen.add(schema)
    assert len(seen) == 7


class PlannedTables:
    """As much of a DynamoDB client as it takes to describe the tables of a plan, with the audit table's tags."""

    def __init__(self, audit: Mapping[str, Any], variables: Mapping[str, str]) -> None:
        self._tags = [{"Key": key, "Value": value} for key, value in audit["tags"].items()]
        self._audit = _described(audit["name"], audit["hash_key"], audit["range_key"])
        self._source = _described("", variables["PARTITION_KEY"], variables.get("SORT_KEY"))

    def describe_table(self, TableName: str) -> Any:  # noqa: N803  boto3's own name
        """Describe the audit table by its name, or else the source table."""
        return {"Table": self._audit if TableName == self._audit["TableName"] else self._source}

    def get_paginator(self, operation: str) -> Any:
        """Page through the audit table's tags."""
        assert operation == "list_tags_of_resource"
        return self

    def paginate(self, ResourceArn: str) -> Any:  # noqa: N803  boto3's own name
        """Return the one page."""
        assert ResourceArn == self._audit["TableArn"]
        return [{"Tags": self._tags}]


def _described(name: str, partition_key: str, sort_key: str | None) -> dict[str, Any]:
    keys = {"HASH": partition_key} | ({"RANGE": sort_key} if sort_key else {})
    schema = [{"KeyType": kind, "AttributeName": key} for kind, key in keys.items()]
    return {"TableName": name, "TableArn": f"arn of {name}", "KeySchema": schema}


def test_tags_tell_the_settings_of_the_function(outcome: Outcome) -> None:
    """For every plan, `trail redrive` reads from the audit table's tags the very settings that the function has."""
    compared = 0
    for name, resources in outcome.plans.items():
        planned = {item["address"]: item for item in resources}
        if planned.keys() >= {"aws_dynamodb_table.audit", "aws_lambda_function.trail"}:
            table = planned["aws_dynamodb_table.audit"]
            [environment] = planned["aws_lambda_function.trail"]["environment"]
            client = cast("DynamoDBClient", PlannedTables(table, environment["variables"]))
            told = Settings.from_environment(function_settings(client, table["name"]))
            assert told == Settings.from_environment(environment["variables"]), name
            compared += 1
    assert compared > 5


def test_the_mapping_waits_for_every_policy() -> None:
    """Lambda never meets a role that lacks a permission: the mapping depends on all of the role's policies."""
    texts = {path.name: path.read_text("utf-8") for path in (MODULES / "audit_trail").glob("*.tf")}
    resources = re.findall(
        r'^resource "(aws_iam_role_policy\w*)" "(\w+)" \{\n((?:(?!\}\n).*\n)*)', "".join(texts.values()), re.MULTILINE
    )
    policies = [(kind, name) for kind, name, body in resources if "aws_iam_role.function." in body]
    others = {(kind, name) for kind, name, _ in resources} - set(policies)
    assert {name for _, name in others} == {"archive", "stream_check", "tampering"}, "each a role of its own"
    [waited] = re.findall(r"depends_on = \[(.*?)\]", texts["event_source_mapping.tf"], re.DOTALL)
    assert sorted(re.findall(r"[\w.]+", waited)) == sorted(".".join(policy) for policy in policies)
    for name in ("archive", "tampering"):
        [mapping] = re.findall(
            rf'^resource "aws_lambda_event_source_mapping" "{name}" \{{\n((?:(?!\}}\n).*\n)*)',
            texts["archive.tf"],
            re.MULTILINE,
        )
        assert f"depends_on = [aws_iam_role_policy.{name}]" in mapping


def test_modules_bring_no_provider_and_nothing_guards_by_prevent_destroy() -> None:
    """Modules leave providers to their caller, need AWS's alone, and are protected by DynamoDB, not by Terraform."""
    for path in FILES:
        text = path.read_text("utf-8")
        assert "prevent_destroy" not in text
        assert set(re.findall(r'source\s+= "(hashicorp/\w+)"', text)) <= {"hashicorp/aws"}
        assert "aws_iam_policy_document" not in text
        if path.is_relative_to(MODULES):
            assert not re.search(r'^provider "', text, re.MULTILINE)

"""What `trail doctor` says of the function, its settings and its role."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from audit_trail.core.doctor.facts import Unseen
from audit_trail.core.doctor.function import SETTINGS as COMPARED
from audit_trail.core.doctor.function import needed_by_role
from audit_trail.core.keys import KeySchema
from audit_trail.settings import Settings
from tests.unit.doctor_facts import ENVIRONMENT, FUNCTION, SETTINGS, SOURCE, STREAM, TABLE, finding, verdict_and_section


@pytest.mark.parametrize(
    ("state", "update", "verdict"),
    [
        ("Active", "Successful", "ok"),
        ("Active", "InProgress", "ok"),
        ("Active", "Failed", "problem"),
        ("Failed", "Successful", "problem"),
        ("Pending", "Successful", "warning"),
        ("Inactive", "Successful", "warning"),
    ],
)
def test_the_functions_state(state: str, update: str, verdict: str) -> None:
    """A function that failed, or whose last update did, is a problem with its reason; one that isn't Active is a warning."""
    function = replace(FUNCTION, state=state, update_status=update, reason="the image is gone")
    found = finding("function", function=function)
    assert found.verdict == verdict
    assert ("the image is gone" in found.sentence) == (verdict != "ok")


def test_a_function_that_is_gone() -> None:
    """Without the function that is a problem, told once; its settings and its role are unknown."""
    assert verdict_and_section("function", function=None) == ("problem", "function-errors")
    assert finding("function", function=None).sentence == "the function audit-trail is gone: `make deploy`"
    assert finding("function-settings", function=None).verdict == "unknown"
    assert finding("role-permissions", function=None).verdict == "unknown"


class Recording(dict[str, str]):
    """An environment that notes what is read of it."""

    read: set[str]

    def get(self, name: str, default: Any = None) -> Any:
        """Return a variable, and note its name."""
        self.read = {*getattr(self, "read", ()), name}
        return super().get(name, default)


def test_every_setting_of_the_function_is_compared() -> None:
    """The settings that are compared are those that the function reads."""
    environment = Recording(ENVIRONMENT)
    Settings.from_environment(environment)
    assert set(COMPARED) == environment.read


@pytest.mark.parametrize("name", COMPARED)
def test_a_setting_that_differs(name: str) -> None:
    """A setting that isn't what the audit table's tags and the tables' keys say is a problem, and named without its value."""
    found = finding("function-settings", function=replace(FUNCTION, environment=ENVIRONMENT | {name: "99"}))
    assert (found.verdict, found.section) == ("problem", "function-errors")
    assert found.sentence.startswith(f"{name} of audit-trail: ")
    assert "99" not in found.sentence


def test_a_setting_that_is_missing() -> None:
    """A setting that the function lacks differs, too."""
    environment = {name: value for name, value in ENVIRONMENT.items() if name != "TRAIL_BUCKET"}
    found = finding("function-settings", function=replace(FUNCTION, environment=environment))
    assert found.sentence.startswith("TRAIL_BUCKET of audit-trail: ")


def test_defaults_are_no_difference() -> None:
    """A setting that is left out, and one that is written out with its default, are the same."""
    written = {"IMAGE_STORAGE": "old_and_new", "TIME_INDEX_SHARDS": "0", "ACTOR_INDEX_SHARDS": "0", "SORT_KEY": ""}
    assert finding("function-settings", function=replace(FUNCTION, environment=ENVIRONMENT | written)).verdict == "ok"


def test_the_keys_are_compared_with_the_source_tables_own() -> None:
    """The source table's real key schema counts, not what the tags say of it."""
    source = replace(SOURCE, key_schema=KeySchema("customer", "order"))
    found = finding("function-settings", source=source)
    assert found.sentence.startswith("PARTITION_KEY, SORT_KEY of audit-trail: ")
    own = ENVIRONMENT | {"PARTITION_KEY": "customer", "SORT_KEY": "order"}
    table = replace(TABLE, partition_key="customer#order")
    function = replace(FUNCTION, environment=own)
    assert finding("function-settings", source=source, function=function, table=table).verdict == "ok"


def test_a_source_table_that_is_gone_leaves_the_tags_to_compare_with() -> None:
    """Without the source table, the settings are compared with the tags alone."""
    assert finding("function-settings", source=None).verdict == "ok"
    assert finding("function-settings", source=None, settings=SETTINGS | {"PARTITION_KEY": "id"}).verdict == "problem"


def test_an_audit_table_with_another_partition_key() -> None:
    """An audit table whose partition key isn't the one that the function writes is a problem: it refuses every record."""
    table = replace(TABLE, partition_key="id")
    assert verdict_and_section("function-settings", table=table) == ("problem", "changes-not-stored")


def test_an_environment_that_is_encrypted_for_others() -> None:
    """An environment that the caller may not decrypt is unknown, and the missing action named."""
    function = replace(FUNCTION, environment=Unseen("kms:Decrypt", "AccessDeniedException", denied=True))
    found = finding("function-settings", function=function)
    assert (found.verdict, "kms:Decrypt" in found.sentence) == ("unknown", True)


def test_a_role_that_may_not() -> None:
    """What the role may not do is a problem; the actions are named with what they are for."""
    denied = {TABLE.arn: ["dynamodb:PartiQLInsert"], STREAM: ["dynamodb:GetRecords", "dynamodb:DescribeStream"]}
    assert verdict_and_section("role-permissions", denied_to_role=denied) == ("problem", "changes-not-stored")
    assert finding("role-permissions", denied_to_role=denied).sentence == (
        f"the function's role may not do dynamodb:PartiQLInsert on {TABLE.arn}; dynamodb:GetRecords, "
        f"dynamodb:DescribeStream on {STREAM}: `make plan` shows what differs"
    )


def test_without_a_stream_nothing_is_needed_of_it() -> None:
    """A source table that never had a stream leaves out what is needed to read one, and nothing else."""
    needed = needed_by_role("table", "stream", "history", "failures", "logs")
    assert needed_by_role("table", None, "history", "failures", "logs") == {
        arn: actions for arn, actions in needed.items() if arn != "stream"
    }

"""What a newer version does to what an older one deployed: docs/upgrading.md."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from scripts import build_zip
from scripts.keep_state import DEFAULTS, EVERYTHING, STATES
from scripts.local_deployment import LocalDeployment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.conftest import Deployment

SOURCE = "orders"
"""The source table's name in each of the states."""
HOLDS_DATA = {"aws_dynamodb_table", "aws_s3_bucket"}
NO_UPDATE = {"module.audit.aws_athena_named_query.archive[0]": ["delete", "create"]}
"""What holds nothing and can't be changed in place: Athena takes a saved query's better text as a new query only."""
AS_DEPLOYED = {"0.1.0-dev": {**DEFAULTS, "alarms": "{}"}, "0.1.0-one-bucket": EVERYTHING}
"""The root's variables for each of the states."""


@pytest.fixture(scope="module")
def source_table(deployment: Deployment) -> Iterator[str]:
    """Make the source table, which every plan reads; of what else a state names, nothing is there."""
    dynamodb = deployment.client("dynamodb")
    dynamodb.create_table(
        TableName=SOURCE,
        KeySchema=[{"AttributeName": "order_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "order_id", "AttributeType": "N"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    yield SOURCE
    dynamodb.delete_table(TableName=SOURCE)


@pytest.mark.parametrize("state", sorted(STATES.glob("*.json")), ids=lambda path: path.stem)
def test_an_upgrade_replaces_nothing_that_holds_data(
    deployment: Deployment, source_table: str, state: Path, tmp_path: Path
) -> None:
    """Planned against the state of any released version, this one destroys nothing but what holds nothing and has no update."""
    local = LocalDeployment(tmp_path / "upgrade", deployment.engine.endpoint)
    terraform = local.prepared(build_zip.build(), AS_DEPLOYED[state.stem])
    shutil.copy(state, terraform.directory / "terraform.tfstate")

    changes = planned(local)

    deleted = {name: actions for name, actions in changes.items() if "delete" in actions}
    assert {name: actions for name, actions in deleted.items() if NO_UPDATE.get(name) != actions} == {}
    before = {
        f"{resource['module']}.{resource['type']}.{resource['name']}"
        for resource in json.loads(state.read_text("utf-8"))["resources"]
        if resource["mode"] == "managed" and resource["type"] in HOLDS_DATA
    }
    assert len(before) == 3
    assert {name: changes[name] for name in before if changes[name] not in (["no-op"], ["update"])} == {}


def test_what_has_capitals_keeps_the_name_that_it_has(
    deployment: Deployment, source_table: str, tmp_path: Path
) -> None:
    """A trail whose names have capitals, made before those got a hash, is upgraded without replacing a role or a Glue database."""
    local = LocalDeployment(tmp_path / "upgrade", deployment.engine.endpoint)
    terraform = local.prepared(build_zip.build(), {**EVERYTHING, "audit_table_name": "Audit"})
    state = json.loads((STATES / "0.1.0-one-bucket.json").read_text("utf-8"))
    for resource in state["resources"]:
        for instance in resource["instances"]:
            # Glue's names have no capitals, whatever the table is called.
            if not resource["type"].startswith("aws_glue_"):
                instance["attributes"] = with_capitals(instance["attributes"])
    (terraform.directory / "terraform.tfstate").write_text(json.dumps(state), "utf-8")

    changes = planned(local)

    deleted = {name: actions for name, actions in changes.items() if "delete" in actions}
    assert {name: actions for name, actions in deleted.items() if NO_UPDATE.get(name) != actions} == {}
    roles = [name for name in changes if ".aws_iam_role." in name]
    assert len(roles) == 4
    assert {changes[name][0] for name in [*roles, "module.audit.aws_glue_catalog_database.archive[0]"]} <= {
        "no-op",
        "update",
    }


def with_capitals(value: Any) -> Any:
    """Return a state's attributes as they would be for a table `Audit` instead of `audit`."""
    if isinstance(value, dict):
        return {name: with_capitals(one) for name, one in value.items()}
    if isinstance(value, list):
        return [with_capitals(one) for one in value]
    if not isinstance(value, str):
        return value
    hashed = f"audit-{hashlib.sha256(b'Audit').hexdigest()[:8]}-trail-0000"  # buckets' names had a hash already
    parts = value.split("audit-trail-0000")
    # The role policy `audit-table` is called so whatever the table's name is.
    return hashed.join(re.sub(r"(?<![\w.-])audit(?!-table$)(?=$|[-/:\"])", "Audit", part) for part in parts)


def planned(local: LocalDeployment) -> dict[str, list[str]]:
    """Return what a plan would do to each resource, by the state alone: the address that it had in it, or gets → actions."""
    saved = local.directory / "upgrade.tfplan"
    terraform = local.terraform
    terraform.run("plan", "-refresh=false", "-no-color", f"-out={saved}", quiet=True)
    plan: dict[str, Any] = json.loads(terraform.run("show", "-json", str(saved), quiet=True))
    return {
        change.get("previous_address", change["address"]): change["change"]["actions"]
        for change in plan["resource_changes"]
    }

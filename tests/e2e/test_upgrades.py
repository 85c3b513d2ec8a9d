"""What a newer version does to what an older one deployed: docs/upgrading.md."""

from __future__ import annotations

import json
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
    """Planned against the state of any released version, this one destroys nothing: tables and bucket stay as they are."""
    local = LocalDeployment(tmp_path / "upgrade", deployment.engine.endpoint)
    terraform = local.prepared(build_zip.build(), AS_DEPLOYED[state.stem])
    shutil.copy(state, terraform.directory / "terraform.tfstate")

    changes = planned(local)

    assert {name for name, actions in changes.items() if "delete" in actions} == set()
    before = {
        f"{resource['module']}.{resource['type']}.{resource['name']}"
        for resource in json.loads(state.read_text("utf-8"))["resources"]
        if resource["mode"] == "managed" and resource["type"] in HOLDS_DATA
    }
    assert len(before) == 3
    assert {name: changes[name] for name in before if changes[name] not in (["no-op"], ["update"])} == {}


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

"""Nothing is lost, whatever fails: over our model of the event source mapping, and over an engine's own.

The source table, its stream, the function from the built zip, the audit table, the bucket and `trail` are the deployed
ones in both. Our model is set as Terraform set the mapping. An engine's own mapping is tested where it does partial
batch responses, which is found out by asking it for one.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.deliveries import OverOurModel, OverTheEngine
from tests.e2e.histories import assert_exact
from tests.e2e.parcels import Parcels, with_a_bug
from tests.e2e.probing import does_partial_batch_responses
from tests.tables import put_all

if TYPE_CHECKING:
    import subprocess

    from audit_trail.core.values import Image
    from tests.e2e.conftest import Deployment
    from tests.e2e.workload import Item


@pytest.fixture(scope="module", params=[OverTheEngine, OverOurModel], ids=["the engine's mapping", "our model"])
def trails(deployment: Deployment, request: pytest.FixtureRequest) -> Parcels:
    """Give the trail over each mapping."""
    if request.param is OverTheEngine and not does_partial_batch_responses(deployment):
        pytest.skip(
            f"{deployment.engine.endpoint} ({deployment.engine.kind}) ignores partial batch responses: a record that a "
            "function reported as failed was never delivered again. Name an engine that does them by ENDPOINT"
        )
    return Parcels(deployment, request.param)


@pytest.fixture
def parcels(trails: Parcels) -> Parcels:
    """Give the trail with nothing left to deliver and nothing waiting in the bucket."""
    trails.begin()
    assert trails.waiting("quarantine/") == trails.waiting("aws/lambda/") == []
    return trails


def new_keys(count: int) -> list[Image]:
    """Return the keys of items that no other test writes."""
    first = uuid.uuid4().int // 10**8
    return [{"parcel": {"N": str(first + number)}} for number in range(count)]


def written(items: list[Item]) -> int:
    """Return how many changes were made to items."""
    return sum(len(item.images) - 1 for item in items)


def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """Return the lines of a command that found no problem."""
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_an_audit_table_that_is_gone_beyond_the_record_age(parcels: Parcels) -> None:
    """What was written while the audit table was gone lies in the bucket, and redrive restores every change, in order."""
    keys = new_keys(10)
    items = [parcels.item(key) for key in keys]

    def given_up() -> int:
        return sum(key in keys for key in parcels.waiting("aws/lambda/"))

    with parcels.other_settings(), parcels.without_audit_table():
        parcels.write(items, 150, seed=1)
        parcels.delivery.try_in_vain()
        parcels.delivery.give_up(lambda: given_up() >= written(items))
        parcels.delivery.pass_days(30)
    objects = parcels.objects("aws/lambda/")

    done = lines(parcels.trail("redrive"))

    assert [line["became"] for line in done] == ["moved"] * len(objects)
    assert written(items) == 150
    assert_exact(parcels.stored(keys), items)
    assert lines(parcels.trail("redrive")) == []
    assert parcels.objects("aws/lambda/") == parcels.objects("quarantine/") == []


@pytest.mark.parametrize(
    "wrong",
    [{"AUDIT_TABLE": "no-such-table"}, {"PARTITION_KEY": None}],
    ids=["every record fails", "the function doesn't start"],
)
def test_a_function_that_is_misconfigured_for_a_while(parcels: Parcels, wrong: dict[str, str | None]) -> None:
    """Changes before, during and after a wrong setting are all stored once it is right, each once, in order."""
    keys = new_keys(10)
    items = [parcels.item(key) for key in keys]
    parcels.write(items, 20, seed=1)
    parcels.delivery.deliver(lambda: len(parcels.stored(keys)) == 20)
    with parcels.other_settings(**wrong):
        parcels.write(items, 40, seed=2)
        parcels.delivery.try_in_vain()
        assert len(parcels.stored(keys)) == 20
    parcels.write(items, 20, seed=3)

    parcels.delivery.deliver(lambda: len(parcels.stored(keys)) == 80)

    assert_exact(parcels.stored(keys), items)
    assert parcels.waiting("quarantine/") == parcels.waiting("aws/lambda/") == []


def test_a_poison_record_among_a_thousand(parcels: Parcels) -> None:
    """Of 1,000 records 999 are stored by their first delivery, the poison is quarantined, and redrive stores it once."""
    keys = new_keys(1_000)
    poison = keys[617]
    with parcels.another_code(with_a_bug(poison)):
        items = [key | {"status": {"S": "sent"}} for key in keys]
        put_all(parcels.dynamodb, parcels.names["source_table"], items)
        parcels.delivery.deliver(lambda: len(parcels.stored(keys)) == 999)
    if isinstance(parcels.delivery, OverOurModel):
        invocations = parcels.delivery.mapping.invocations
        assert {invocation.outcome for invocation in invocations} == {"succeeded"}
        assert sum(invocation.size for invocation in invocations) == 1_000
    assert parcels.waiting("quarantine/") == [poison]
    assert parcels.waiting("aws/lambda/") == []

    [line] = lines(parcels.trail("redrive"))

    assert (line["became"], line["stored"]) == ("moved", 1)
    stored = parcels.stored(keys)
    assert sorted(record["new_image"]["M"]["parcel"]["N"] for record in stored) == [key["parcel"]["N"] for key in keys]
    assert lines(parcels.trail("redrive")) == []
    moved = {"Bucket": parcels.names["failures_bucket"], "Key": f"redriven/{line['key']}"}
    parcels.deployment.client("s3").copy_object(Bucket=moved["Bucket"], Key=line["key"], CopySource=moved)
    assert [(again["became"], again["stored"]) for again in lines(parcels.trail("redrive"))] == [("moved", 0)]
    assert parcels.stored(keys) == stored

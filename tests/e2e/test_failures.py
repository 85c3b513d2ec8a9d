"""Nothing is lost, whatever fails: over our model of the event source mapping, and over an engine's own.

The source table, its stream, the function from the built zip, the audit table, the bucket and `trail` are the deployed
ones in both. Our model is set as Terraform set the mapping. An engine's own mapping is tested where it does partial
batch responses, which is found out by asking it for one.
"""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.core.failures import understand
from scripts.project import HANDLER_ZIP
from tests.e2e.deliveries import OverOurModel, OverTheEngine
from tests.e2e.histories import assert_exact, scan
from tests.e2e.probing import does_partial_batch_responses
from tests.e2e.waiting import wait_until
from tests.e2e.workload import Item, run
from tests.tables import create_table, put_all

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from audit_trail.core.values import Image
    from tests.e2e.conftest import Deployment
    from tests.e2e.deliveries import Delivery

BUG = """
without_the_bug = audit_item

def audit_item(record, settings):
    if record["dynamodb"]["Keys"] == {keys}:
        raise ZeroDivisionError
    return without_the_bug(record, settings)
"""


class Parcels:
    """The trail that is taken apart, its mapping, and the deployment that it belongs to."""

    def __init__(self, deployment: Deployment, kind: type[OverOurModel | OverTheEngine]) -> None:
        self.deployment = deployment
        self.names: dict[str, str] = deployment.outputs["parcels"]
        self.dynamodb = deployment.client("dynamodb")
        self.functions = deployment.client("lambda")
        self._kind = kind
        self.delivery: Delivery

    def begin(self) -> None:
        """Begin with a mapping that has delivered all that was written so far."""
        self.delivery = self._kind(self.deployment, self.names)

    def stored(self) -> list[Image]:
        """Return the audit records."""
        return scan(self.dynamodb, self.names["audit_table"])

    def objects(self) -> list[str]:
        """Return the keys of all objects in the bucket."""
        pages = self.deployment.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.names["bucket"])
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def under(self) -> Counter[str]:
        """Return how many objects lie under each first prefix."""
        return Counter(key.partition("/")[0] for key in self.objects())

    def waiting(self, prefix: str) -> list[dict[str, Any]]:
        """Return the stream records that wait under a prefix."""
        s3, bucket = self.deployment.client("s3"), self.names["bucket"]
        keys = [key for key in self.objects() if key.startswith(prefix)]
        bodies = [(key, s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys]
        return [record for key, body in bodies for record in understand(key, body).records]

    def trail(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `trail` on this trail."""
        return self.deployment.trail(*words, "--json", audit_table=self.names["audit_table"])

    def write(self, items: list[Item], changes: int, seed: int) -> None:
        """Make that many more changes to items."""
        made = sum(len(item.images) - 1 for item in items)
        run(self.dynamodb, items, made + changes, writers=1, seed=seed)

    @contextmanager
    def another_code(self, code: bytes) -> Iterator[None]:
        """Run the function with another zip for a while."""
        self._set_code(code)
        try:
            yield
        finally:
            self._set_code(HANDLER_ZIP.read_bytes())

    def _set_code(self, code: bytes) -> None:
        self.functions.update_function_code(FunctionName=self.names["function"], ZipFile=code)
        self._until_updated()

    @contextmanager
    def other_settings(self, **changed: str | None) -> Iterator[None]:
        """Run the function with other settings for a while, None for one that is missing, and with less time."""
        found = self.functions.get_function_configuration(FunctionName=self.names["function"])
        before, timeout = found["Environment"]["Variables"], found["Timeout"]
        wrong = {name: value for name, value in {**before, **changed}.items() if value is not None}
        # It tries again until two seconds before its time is up.
        self._configure(Environment={"Variables": wrong}, Timeout=3)
        try:
            yield
        finally:
            self._configure(Environment={"Variables": before}, Timeout=timeout)

    def _configure(self, **settings: Any) -> None:
        self.functions.update_function_configuration(FunctionName=self.names["function"], **settings)
        self._until_updated()

    def _until_updated(self) -> None:
        def status() -> str:
            found = self.functions.get_function_configuration(FunctionName=self.names["function"])
            return str(found["LastUpdateStatus"])

        wait_until(lambda: status() == "Successful", seconds=120)

    @contextmanager
    def without_audit_table(self) -> Iterator[None]:
        """Delete the audit table, and make it again as Terraform made it."""
        dynamodb, name = self.dynamodb, self.names["audit_table"]
        table = dynamodb.describe_table(TableName=name)["Table"]
        tags = dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]
        dynamodb.delete_table(TableName=name)
        dynamodb.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
        try:
            yield
        finally:
            types = {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}
            keys = {key["AttributeName"]: types[key["AttributeName"]] for key in table["KeySchema"]}
            create_table(dynamodb, name, keys, Tags=tags, SSESpecification={"Enabled": True})
            dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
            expiring = {"Enabled": True, "AttributeName": "expires_at"}
            dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=expiring)
            backups = {"PointInTimeRecoveryEnabled": True}
            dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=backups)


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


def new_items(parcels: Parcels) -> list[Item]:
    """Return ten such items."""
    return [Item(parcels.names["source_table"], keys) for keys in new_keys(10)]


def written(items: list[Item]) -> int:
    """Return how many changes were made to items."""
    return sum(len(item.images) - 1 for item in items)


def with_a_bug(poison: Image) -> bytes:
    """Return the built zip with a bug that the records of one item meet."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(HANDLER_ZIP) as good, zipfile.ZipFile(buffer, "w") as bad:
        for entry in good.infolist():
            source = good.read(entry)
            if entry.filename == "audit_trail/core/records.py":
                source += BUG.format(keys=poison).encode()
            # Else the runtime would take what was compiled before the bug.
            if "core/__pycache__/records." not in entry.filename:
                bad.writestr(entry, source)
    return buffer.getvalue()


def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """Return the lines of a command that found no problem."""
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_an_audit_table_that_is_gone_beyond_the_record_age(parcels: Parcels) -> None:
    """What was written while the audit table was gone lies in the bucket, and redrive restores every change, in order."""
    items = new_items(parcels)
    with parcels.other_settings(), parcels.without_audit_table():
        parcels.write(items, 150, seed=1)
        parcels.delivery.try_in_vain()
        parcels.delivery.give_up(lambda: len(parcels.waiting("aws/lambda/")) == written(items))
        parcels.delivery.pass_days(30)
    waiting = sum(key.startswith("aws/lambda/") for key in parcels.objects())

    done = lines(parcels.trail("redrive"))

    assert [line["became"] for line in done] == ["moved"] * waiting
    assert sum(line["stored"] for line in done) == written(items) == len(parcels.stored())
    assert_exact(parcels.stored(), items)
    assert lines(parcels.trail("redrive")) == []
    assert set(parcels.under()) == {"redriven"}


@pytest.mark.parametrize(
    "wrong",
    [{"AUDIT_TABLE": "no-such-table"}, {"PARTITION_KEY": None}],
    ids=["every record fails", "the function doesn't start"],
)
def test_a_function_that_is_misconfigured_for_a_while(parcels: Parcels, wrong: dict[str, str | None]) -> None:
    """Changes before, during and after a wrong setting are all stored once it is right, each once, in order."""
    items = new_items(parcels)
    before = len(parcels.stored())
    parcels.write(items, 20, seed=1)
    parcels.delivery.deliver(lambda: len(parcels.stored()) == before + written(items))
    with parcels.other_settings(**wrong):
        parcels.write(items, 40, seed=2)
        parcels.delivery.try_in_vain()
        assert len(parcels.stored()) == before + 20
    parcels.write(items, 20, seed=3)

    parcels.delivery.deliver(lambda: len(parcels.stored()) == before + written(items))

    assert_exact(parcels.stored(), items)
    assert parcels.waiting("quarantine/") == parcels.waiting("aws/lambda/") == []


def test_a_poison_record_among_a_thousand(parcels: Parcels) -> None:
    """Of 1,000 records 999 are stored by their first delivery, the poison is quarantined, and redrive stores it once."""
    source, before = parcels.names["source_table"], len(parcels.stored())
    keys = new_keys(1_000)
    with parcels.another_code(with_a_bug(keys[617])):
        put_all(parcels.dynamodb, source, [key | {"status": {"S": "sent"}} for key in keys])
        parcels.delivery.deliver(lambda: len(parcels.stored()) == before + 999)
    if isinstance(parcels.delivery, OverOurModel):
        invocations = parcels.delivery.mapping.invocations
        assert {invocation.outcome for invocation in invocations} == {"succeeded"}
        assert sum(invocation.size for invocation in invocations) == 1_000
    assert [record["dynamodb"]["Keys"] for record in parcels.waiting("quarantine/")] == [keys[617]]
    assert parcels.waiting("aws/lambda/") == []

    [line] = lines(parcels.trail("redrive"))

    assert (line["became"], line["stored"]) == ("moved", 1)
    stored = parcels.stored()
    keys_stored = [record["keys"]["M"] for record in stored]
    assert [keys_stored.count(key) for key in keys] == [1] * 1_000
    assert lines(parcels.trail("redrive")) == []
    moved = {"Bucket": parcels.names["bucket"], "Key": f"redriven/{line['key']}"}
    parcels.deployment.client("s3").copy_object(Bucket=moved["Bucket"], Key=line["key"], CopySource=moved)
    assert [(again["became"], again["stored"]) for again in lines(parcels.trail("redrive"))] == [("moved", 0)]
    assert parcels.stored() == stored

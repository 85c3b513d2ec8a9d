"""The trail that the failure tests take apart (failures.tf), and the ways in which they do."""

from __future__ import annotations

import io
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from audit_trail.core.failures import understand
from scripts.project import HANDLER_ZIP
from tests.e2e.histories import scan
from tests.e2e.waiting import wait_until
from tests.e2e.workload import Item, run
from tests.tables import create_table

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from audit_trail.core.values import Image
    from tests.e2e.conftest import Deployment
    from tests.e2e.deliveries import Delivery, OverOurModel, OverTheEngine

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

    def stored(self, keys: list[Image]) -> list[Image]:
        """Return the audit records of the items that have these keys."""
        return [record for record in scan(self.dynamodb, self.names["audit_table"]) if record["keys"]["M"] in keys]

    def item(self, keys: Image) -> Item:
        """Return an item of the source table that wasn't written yet."""
        return Item(self.names["source_table"], keys)

    def objects(self, prefix: str) -> list[str]:
        """Return what lies in the failures bucket under a prefix."""
        pages = (
            self.deployment.client("s3")
            .get_paginator("list_objects_v2")
            .paginate(Bucket=self.names["failures_bucket"], Prefix=prefix)
        )
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def waiting(self, prefix: str) -> list[Image]:
        """Return the keys of the items whose stream records wait under a prefix, as often as they do."""
        s3, bucket = self.deployment.client("s3"), self.names["failures_bucket"]
        bodies = [(key, s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in self.objects(prefix)]
        return [record["dynamodb"]["Keys"] for key, body in bodies for record in understand(key, body).records]

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

"""The pipeline end to end: Terraform's real AWS provider, the stream, the built zip, the audit table."""

from __future__ import annotations

import base64
import json
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.core.failures import quarantined, understand
from audit_trail.core.history import Change
from audit_trail.core.images import digest
from audit_trail.core.keys import KeySchema
from audit_trail.core.patch import apply, invert
from audit_trail.core.records import stream_record
from audit_trail.core.values import canonical_image
from scripts.project import ROOT
from tests.e2e.histories import assert_exact, histories, item_key, item_key_of, scan
from tests.e2e.workload import Item, run
from tests.event_source_mapping import DynamoDBStream

if TYPE_CHECKING:
    from audit_trail.core.values import Image
    from tests.e2e.conftest import Deployment

SIMPLE = KeySchema("order_id")
COMPOSITE = KeySchema("shop", "visit")
CHANGES = 2_000


@pytest.fixture(scope="module")
def items(deployment: Deployment) -> list[Item]:
    """Give 50 items of both tables after 4 writers made 2,000 random changes to them."""
    raw = [base64.b64encode(bytes([number, 0, 255])).decode() for number in range(25)]
    orders = [Item(deployment.source_table, {"order_id": {"N": f"{number}.5"}}) for number in range(25)]
    # The same two texts, parted differently: joined without care they would share a history.
    visits = [
        Item(
            deployment.outputs["composite_source_table_name"],
            {"shop": {"S": "a#b%"[: 1 + n % 4]}, "visit": {"B": raw[n]}},
        )
        for n in range(25)
    ]
    run(deployment.client("dynamodb"), orders + visits, CHANGES, writers=4, seed=20261124)
    return orders + visits


@pytest.fixture(scope="module")
def stored(deployment: Deployment, items: list[Item]) -> list[Image]:
    """Give every audit record of these items, once they are all there or none has come for ten seconds.

    Other tests write to the same tables, before or after: their items are left out.
    """
    expected = sum(len(item.images) - 1 for item in items)
    ours = {item_key(item.table, item.keys) for item in items}
    found: list[Image] = []
    patience = time.monotonic() + 10
    while len(found) < expected and time.monotonic() < patience:
        before = len(found)
        records = [
            record for table in _audit_tables(deployment) for record in scan(deployment.client("dynamodb"), table)
        ]
        found = [record for record in records if item_key_of(record) in ours]
        if len(found) > before:
            patience = time.monotonic() + 10
        time.sleep(0.1)
    return found


def _audit_tables(deployment: Deployment) -> list[str]:
    return [deployment.audit_table, deployment.outputs["composite_audit_table_name"]]


def test_every_change_is_recorded_exactly_once_in_order_with_both_images(
    items: list[Item], stored: list[Image]
) -> None:
    """2,000 changes by 4 writers to 50 items give one record each, in order, with the images that were written."""
    assert_exact(stored, items)
    assert len(stored) == sum(len(item.images) - 1 for item in items) >= CHANGES
    found = histories(stored)
    for item in items:
        names = {(True, False): "INSERT", (False, False): "MODIFY", (False, True): "REMOVE"}
        kinds = [names[old is None, new is None] for old, new in pairwise(item.images)]
        assert [change.event_name for change in found[item_key(item.table, item.keys)]] == kinds


def test_each_diff_leads_from_one_image_to_the_other_and_back(stored: list[Image]) -> None:
    """Of each MODIFY, the stored diff applied to the old image gives the new one, and inverted the other way round."""
    changes = [Change.from_item(record) for record in stored if record["event_name"]["S"] == "MODIFY"]
    assert len(changes) > CHANGES // 4
    for change in changes:
        assert change.old_image is not None
        assert change.new_image is not None
        assert change.diff
        assert apply(change.old_image, change.diff) == canonical_image(change.new_image)
        assert apply(change.new_image, invert(change.diff)) == canonical_image(change.old_image)


def test_the_chain_of_digests_is_whole(stored: list[Image]) -> None:
    """In each item's history every digest is its image's, and each old digest is the one before's new digest."""
    for history in histories(stored).values():
        before: str | None = None
        for change in history:
            old, new = (change.item.get(name, {}).get("B") for name in ("old_image_sha256", "new_image_sha256"))
            assert old == before == _digest(change.old_image)
            assert new == _digest(change.new_image)
            before = new


def test_each_record_rebuilds_its_stream_record(deployment: Deployment, stored: list[Image]) -> None:
    """The stream records rebuilt from the audit tables are those of the streams, equal in every field."""
    delivered: dict[tuple[str, str], dict[str, Any]] = {}
    for table in (deployment.source_table, deployment.outputs["composite_source_table_name"]):
        arn = deployment.client("dynamodb").describe_table(TableName=table)["Table"]["LatestStreamArn"]
        stream = DynamoDBStream(deployment.client("dynamodbstreams"), arn)
        for shard in stream.shards():
            reader = stream.open(shard.shard_id, "TRIM_HORIZON")
            while records := reader.read(1_000).records:
                delivered |= {(arn, record["dynamodb"]["SequenceNumber"]): record for record in records}
    rebuilt = [stream_record(item) for item in stored]
    assert len(rebuilt) >= CHANGES
    for record in rebuilt:
        assert record == delivered[record["eventSourceARN"], record["dynamodb"]["SequenceNumber"]]


def test_delivering_everything_again_changes_nothing(deployment: Deployment, stored: list[Image]) -> None:
    """All events delivered a second time are answered with success and leave every record as it was."""
    before = {table: scan(deployment.client("dynamodb"), table) for table in _audit_tables(deployment)}
    functions = [deployment.function, deployment.outputs["composite_function_name"]]
    for function, table in zip(functions, _audit_tables(deployment), strict=True):
        records = [stream_record(item) for item in before[table]]
        for start in range(0, len(records), 100):
            assert _invoke(deployment, function, records[start : start + 100]) == {"batchItemFailures": []}
    assert {table: scan(deployment.client("dynamodb"), table) for table in _audit_tables(deployment)} == before


def test_the_blog_posts_sample_event_is_stored(deployment: Deployment) -> None:
    """An INSERT that carries an old image as well, of order 123, is answered with success and stored whole."""
    [record] = json.loads((ROOT / "tests" / "events" / "sample.json").read_text())["Records"]
    assert _invoke(deployment, deployment.function, [record]) == {"batchItemFailures": []}
    # The demo's order has the same number; the sequence number is the sample's own.
    found = [
        item
        for item in scan(deployment.client("dynamodb"), deployment.audit_table)
        if item["sequence_number"] == {"S": "111"}
    ]
    assert [stream_record(item) for item in found] == [record]


def test_bad_records_are_quarantined_and_their_neighbours_stored(deployment: Deployment) -> None:
    """Of a batch with a record that can't be stored, that one lies whole in quarantine and the others are stored."""
    sample = json.loads((ROOT / "tests" / "events" / "sample.json").read_text())["Records"][0]
    records = [json.loads(json.dumps(sample)) for _ in range(3)]
    for number, record in enumerate(records):
        record["dynamodb"]["Keys"] = {"order_id": {"N": f"77{number}"}}
        record["dynamodb"]["SequenceNumber"] = f"90{number}"
    records[1]["dynamodb"]["NewImage"]["status"] = {"X": "no such type"}
    answer = _invoke(deployment, deployment.function, records)
    assert answer == {"batchItemFailures": []}
    key, _ = quarantined(records[1], "", "")
    kept = deployment.client("s3").get_object(Bucket=deployment.failures_bucket, Key=key)["Body"].read()
    assert understand(key, kept).records == [records[1]]
    keys = {item["order_id"]["N"] for item in scan(deployment.client("dynamodb"), deployment.audit_table)}
    assert keys & {"770", "771", "772"} == {"770", "772"}


def _digest(image: Image | None) -> str | None:
    return None if image is None else base64.b64encode(digest(image)).decode()


def _invoke(deployment: Deployment, function: str, records: list[dict[str, Any]]) -> Any:
    payload = json.dumps({"Records": records}).encode()
    answer = deployment.client("lambda").invoke(FunctionName=function, Payload=payload)
    assert "FunctionError" not in answer
    return json.loads(answer["Payload"].read())

"""From writes to a source table, through its real stream, to records in the audit table."""

from __future__ import annotations

import base64
import json
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.core.images import digest
from audit_trail.core.patch import apply, invert
from audit_trail.core.records import NEW_AND_DIFF, stream_record
from audit_trail.core.values import canonical_image
from tests.functional.writer import Writer
from tests.unit.failed import records_in

if TYPE_CHECKING:
    from audit_trail.core.history import Change
    from tests.event_source_mapping.records import EventRecord
    from tests.functional.live_trail import LiveTrail, TrailOf


def assert_exact(trail: LiveTrail, writer: Writer) -> None:
    """Assert that each item's history is what was written to it, change by change."""
    for keys, written in writer.items():
        history = trail.history(keys)
        assert [(change.old_image, change.new_image) for change in history] == written
        assert_whole(history)
    assert len(trail.stored()) == sum(len(written) for _, written in writer.items())


def assert_whole(history: list[Change]) -> None:
    """Assert that diffs lead from image to image, and that the chain of digests has no gap."""
    last = None
    for change in history:
        old, new = change.old_image, change.new_image
        if change.event_name == "MODIFY":
            assert old is not None
            assert new is not None
            assert apply(old, change.diff) == canonical_image(new)
            assert apply(new, invert(change.diff)) == canonical_image(old)
        for image, name in ((old, "old_image_sha256"), (new, "new_image_sha256")):
            stored = change.item.get(name)
            assert (stored is None) == (image is None)
            assert image is None or change.item[name] == {"B": base64.b64encode(digest(image)).decode("ascii")}
        assert change.item.get("old_image_sha256") == last
        last = change.item.get("new_image_sha256")


KEYS: dict[str, dict[str, str]] = {
    "N": {"order_id": "N"},
    "S": {"sku": "S"},
    "B": {"digest": "B"},
    "S and N": {"customer": "S", "order": "N"},
    "N and B": {"region": "N", "blob": "B"},
    "B and S": {"blob": "B", "sort's key": "S"},
    "a name of the record's own": {"timestamp": "S"},
}


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS.keys())
def test_every_change_becomes_one_exact_record(trail_of: TrailOf, keys: dict[str, str]) -> None:
    """Puts, updates and deletes of items with any key and all ten types are stored exactly once each, and in order.

    Images are what was written, diffs apply both ways, each record rebuilds its stream record, the chain is whole, and
    a second delivery changes nothing.
    """
    trail = trail_of(**keys)
    writer = Writer(trail.dynamodb, trail.source, keys, random.Random(len(keys)), items=5)
    writer.write(80)

    trail.capture()

    assert_exact(trail, writer)
    before = trail.stored()
    rebuilt = [stream_record(item) for item in before]
    assert rebuilt == sorted(trail.delivered, key=lambda record: int(record["dynamodb"]["SequenceNumber"]))

    trail.capture()

    assert len(trail.delivered) == 2 * len(before)
    assert trail.stored() == before


def test_changes_within_one_second_are_all_kept(trail_of: TrailOf) -> None:
    """Four hundred changes of one item, which share a time, are four hundred records in their order (promise 2)."""
    trail = trail_of()
    for number in range(400):
        trail.dynamodb.put_item(TableName=trail.source, Item={"order_id": {"N": "1"}, "count": {"N": str(number)}})

    trail.capture()

    history = trail.history({"order_id": {"N": "1"}})
    assert [int((change.new_image or {})["count"]["N"]) for change in history] == list(range(400))
    assert len({change.time for change in history}) <= 2  # DynamoDB Local rounds down to the minute
    assert_whole(history)


def test_a_record_over_400_kb_leaves_its_neighbours(trail_of: TrailOf) -> None:
    """A change whose two images don't fit into an item is stored and read back equal, and so are the 24 beside it."""
    trail = trail_of()
    written: dict[str, list[str]] = {}
    for number in range(37):
        order_id = "12" if number == 23 else str(number % 12) if number < 24 else str(number - 12)
        text = random.Random(number).randbytes(157_500).hex()[: 315_000 if number in (23, 24) else number]
        trail.dynamodb.put_item(TableName=trail.source, Item={"order_id": {"N": order_id}, "text": {"S": text}})
        written.setdefault(order_id, []).append(text)
    mapping = trail.mapping(batch_size=1000)

    invocation = mapping.step()

    assert invocation is not None
    assert (invocation.size, invocation.done, invocation.outcome) == (37, 37, "succeeded")
    assert len(trail.stored()) == 37
    assert len(trail.images.objects) == 1
    for order_id, texts in written.items():
        history = trail.history({"order_id": {"N": order_id}})
        assert [(change.new_image or {})["text"]["S"] for change in history] == texts
        assert_whole(history)


def with_an_unknown_type(record: EventRecord) -> EventRecord:
    """Give a record's attribute named poison a type tag that DynamoDB doesn't have."""
    image = record["dynamodb"].get("NewImage", {})
    if "poison" not in image:
        return record
    return {**record, "dynamodb": {**record["dynamodb"], "NewImage": {**image, "poison": {"DATE": "1"}}}}


def discarded(trail: LiveTrail) -> list[dict[str, Any]]:
    """Return the stream records that lie in the on-failure destination."""
    payloads = [json.loads(json.loads(body)["payload"]) for body in trail.destination.objects.values()]
    return [record for payload in payloads for record in payload["Records"]]


def test_what_can_never_be_stored_is_quarantined_at_once(trail_of: TrailOf) -> None:
    """A poison record lies whole in quarantine after its first delivery; what stands around it is stored."""
    trail = trail_of()
    for number, name in (("1", "a"), ("2", "poison"), ("3", "d"), ("1", "e")):
        trail.dynamodb.put_item(TableName=trail.source, Item={"order_id": {"N": number}, name: {"S": "text"}})
    trail.spoil(with_an_unknown_type)

    invocation = trail.mapping().step()

    assert invocation is not None
    assert (invocation.size, invocation.done) == (4, 4)
    assert records_in(trail.quarantined, "quarantine/") == [trail.delivered[1]]
    everything = {record["dynamodb"]["SequenceNumber"] for record in trail.delivered}
    stored = {item["sequence_number"]["S"] for item in trail.stored()}
    assert stored == everything - {trail.delivered[1]["dynamodb"]["SequenceNumber"]}
    assert trail.destination.objects == {}


def test_an_audit_table_that_comes_late_loses_nothing(trail_of: TrailOf) -> None:
    """While the audit table isn't there, changes are reported and retried; once it is there, all are stored."""
    trail = trail_of()
    trail.dynamodb.delete_table(TableName=trail.audit)
    writer = Writer(trail.dynamodb, trail.source, {"order_id": "N"}, random.Random(5), items=5)
    writer.write(60)
    mapping = trail.mapping(maximum_record_age_in_seconds=21_600)
    failed = [mapping.step() for _ in range(3)]
    trail.create_audit_table()

    mapping.run_until_idle()

    assert [invocation and invocation.outcome for invocation in failed] == ["failed"] * 3
    assert trail.destination.objects == {}
    assert_exact(trail, writer)


def test_put_back_by_a_delivery_of_what_was_given_up(trail_of: TrailOf) -> None:
    """What the destination got can be delivered to the function later, and completes the history, twice without harm."""
    trail = trail_of()
    trail.dynamodb.delete_table(TableName=trail.audit)
    writer = Writer(trail.dynamodb, trail.source, {"order_id": "N"}, random.Random(6), items=3)
    writer.write(30)
    trail.mapping(maximum_record_age_in_seconds=60).run_until_idle()
    trail.create_audit_table()
    assert len(discarded(trail)) == sum(len(written) for _, written in writer.items())

    for _ in range(2):
        trail.redeliver(discarded(trail))

    assert_exact(trail, writer)


def test_old_images_that_are_not_stored_come_back(trail_of: TrailOf) -> None:
    """With new_and_diff, readers get the same history, and each stream record, though most old images aren't stored."""
    trail = trail_of(order_id="N")
    trail.settings = replace(trail.settings, image_storage=NEW_AND_DIFF)
    writer = Writer(trail.dynamodb, trail.source, {"order_id": "N"}, random.Random(7), items=5)
    writer.write(80)

    trail.capture()

    assert_exact(trail, writer)
    stored = trail.stored()
    changed = [item for item in stored if item["event_name"] == {"S": "MODIFY"}]
    assert sum("old_image" not in item for item in changed) > len(changed) / 2 > 0
    delivered = sorted(trail.delivered, key=lambda record: int(record["dynamodb"]["SequenceNumber"]))
    assert [stream_record(item) for item in stored] == delivered

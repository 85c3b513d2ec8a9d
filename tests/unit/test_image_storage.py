"""Records without their old image: what is left out, and that readers rebuild it exactly or say so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.core.errors import MalformedItemError
from audit_trail.core.records import NEW_AND_DIFF, audit_item, stream_record, with_old_image
from audit_trail.core.spill import Form, pack, unpack
from tests.builders import SETTINGS, without
from tests.builders import stream_record as record_of
from tests.unit.fakes import numbered_record, order
from tests.unit.moto_trail import MotoTrail, changes, history

if TYPE_CHECKING:
    from audit_trail.core.values import Image

LEAN = replace(SETTINGS, image_storage=NEW_AND_DIFF)
OLD: Image = {"order_id": {"N": "123"}, "tags": {"SS": ["a", "b"]}, "lines": {"L": [{"S": "x"}, {"S": "y"}]}}
NEW: Image = {
    "order_id": {"N": "123"},
    "tags": {"SS": ["b", "c"]},
    "lines": {"L": [{"S": "y"}]},
    "paid": {"BOOL": True},
}
MODIFY = record_of("MODIFY", old=OLD, new=NEW)


def test_a_modify_leaves_its_old_image_out() -> None:
    """With new_and_diff a MODIFY's record differs from the whole one by the old image alone, which comes back."""
    item = audit_item(MODIFY, LEAN)

    assert item == {name: value for name, value in audit_item(MODIFY, SETTINGS).items() if name != "old_image"}
    assert with_old_image(item)["old_image"] == {"M": OLD}
    assert stream_record(item) == MODIFY


@pytest.mark.parametrize(
    "record",
    [
        record_of("REMOVE", old=OLD),
        record_of("INSERT", new=NEW),
        without(MODIFY, "NewImage"),
        without(MODIFY, "OldImage"),
        record_of("MODIFY", old=OLD | {"n": {"N": "1.0"}}, new=NEW),
        record_of("MODIFY", old=OLD, new=NEW | {"n": {"N": "1.0"}}),
    ],
    ids=["REMOVE", "INSERT", "no new image", "no old image", "old is not canonical", "new is not canonical"],
)
def test_all_other_records_are_whole(record: dict[str, Any]) -> None:
    """What could not be rebuilt equal in every spelling is stored whole."""
    assert audit_item(record, LEAN) == audit_item(record, SETTINGS)


def test_a_change_of_nothing_comes_back() -> None:
    """A MODIFY whose images are equal has no diff, and its old image is the new one."""
    record = record_of("MODIFY", old=OLD, new=OLD)

    assert "old_image" not in audit_item(record, LEAN)
    assert stream_record(audit_item(record, LEAN)) == record


@pytest.mark.parametrize("form", [Form.GZIP, Form.S3])
def test_a_record_that_moved_comes_back(form: Form) -> None:
    """What went into gzip or S3 is put back first, and rebuilt then."""
    packed = pack(audit_item(MODIFY, LEAN), "trail", form)

    assert stream_record(unpack(packed.item, lambda _uri: packed.body)) == MODIFY


@pytest.mark.parametrize(
    "edit",
    [
        {"new_image": {"M": NEW | {"paid": {"BOOL": False}}}},
        {"new_image": {"M": {}}},
        {"new_image": {"S": "x"}},
        {"diff": {"L": []}},
        {"diff": {"L": [{"S": "x"}]}},
        {"old_image_sha256": {"B": "AAAA"}},
        {"old_image_sha256": {"B": "no base64"}},
        {"old_image_sha256": {"S": "x"}},
    ],
)
def test_an_edited_record_is_not_rebuilt(edit: Image) -> None:
    """Where new image, diff and digest don't agree, no old image is made up."""
    with pytest.raises(MalformedItemError):
        with_old_image(audit_item(MODIFY, LEAN) | edit)


@pytest.mark.usefixtures("aws")
def test_history_shows_the_rebuilt_image() -> None:
    """`trail history` shows the same with and without stored old images."""
    trail = MotoTrail()
    records = [
        numbered_record(1, new=order(123, status="NEW")),
        numbered_record(2, old=order(123, status="NEW"), new=order(123, status="PAID")),
        numbered_record(3, old=order(123, status="PAID")),
    ]
    trail.add(*records)
    whole = history("123").stdout, changes("123")

    trail.settings = replace(trail.settings, image_storage=NEW_AND_DIFF)
    trail.add(*records)

    stored = trail.client.scan(TableName="orders-audit")["Items"]
    assert sum("old_image" in item for item in stored) == 1
    assert (history("123").stdout, changes("123")) == whole
    assert "status: NEW → PAID" in whole[0]


@pytest.mark.usefixtures("aws")
def test_history_says_what_it_cannot_rebuild() -> None:
    """An edited record is marked as unreadable, hides no other, and the exit code is 4: somebody put it there."""
    trail = MotoTrail()
    trail.settings = replace(trail.settings, image_storage=NEW_AND_DIFF)
    trail.add(numbered_record(1, new=order(123, status="NEW")))
    record = numbered_record(2, old=order(123, status="NEW"), new=order(123, status="PAID"))
    trail.put(audit_item(record, trail.settings) | {"new_image": {"M": order(123, status="EDITED")}})

    result = history("123")

    assert result.exit_code == 4
    assert [line.split()[1] for line in result.stdout.splitlines()[1:]] == ["MODIFY", "INSERT"]

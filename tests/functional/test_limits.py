"""Records at the limits of size and depth: every one is stored by DynamoDB's true rules, and read back equal."""

from __future__ import annotations

import base64
import json
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.aws import reading
from audit_trail.core.history import Change
from audit_trail.core.patch import apply, invert
from audit_trail.core.records import audit_item, stream_record
from audit_trail.core.sizes import DEEPEST, LARGEST_ITEM, depth, item_size
from audit_trail.core.spill import Form, pack
from audit_trail.core.values import canonical_image
from tests.tables import image_to_boto
from tests.unit.fakes import SETTINGS, numbered_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from audit_trail.core.records import StreamRecord
    from audit_trail.core.values import AttributeValue, Image
    from tests.functional.live_trail import LiveTrail, TrailOf

KEYS: Image = {"order_id": {"N": "7"}}
NOISE = base64.b64encode(random.Random(3).randbytes(700_000)).decode("ascii")
"""Text that hardly compresses."""


def text(size: int, *, noisy: bool, start: int = 0) -> AttributeValue:
    """Return a text of so many bytes, which compresses well or hardly."""
    return {"S": NOISE[start : start + size] if noisy else "abcdefghi "[start % 10] * size}


def form_of(item: Image) -> str:
    """Return where a stored record's images lie."""
    return str(item["images"]["M"]["encoding"]["S"]) if "images" in item else "inline"


def stored_forms(trail: LiveTrail) -> Counter[str]:
    """Return how many records are stored in each form, as they lie in the table."""
    return Counter(map(form_of, trail.stored()))


def assert_stored(trail: LiveTrail, records: Sequence[StreamRecord]) -> None:
    """Assert that the history of the one item is exactly these records: equal, whole, with diffs that apply."""
    history = trail.history(KEYS)
    expected = [audit_item(record, trail.settings) for record in records]
    # Not by assert's own comparison, which would try to explain megabytes.
    wrong = [
        change.sequence_number
        for change, record, item in zip(history, records, expected, strict=True)
        if not (stream_record(change.item) == record and canonical_image(change.item) == canonical_image(item))
    ]
    assert wrong == []
    for change in history:
        if change.event_name == "MODIFY":
            old, new = canonical_image(change.old_image or {}), canonical_image(change.new_image or {})
            assert (apply(old, change.diff) == new, apply(new, invert(change.diff)) == old) == (True, True)


def deliver(trail: LiveTrail, records: Iterable[StreamRecord]) -> None:
    """Deliver records to the function as Lambda does: at most 6 MB a payload, as JSON."""
    payload: list[StreamRecord] = []
    size = 0
    for record in records:
        length = len(json.dumps(record))
        if payload and size + length > 6_000_000:
            trail.redeliver([dict(one) for one in payload])
            payload, size = [], 0
        payload.append(record)
        size += length
    trail.redeliver([dict(one) for one in payload])


def filled(number: int, size: int, *, noisy: bool) -> StreamRecord:
    """Return the stream record of an insert whose audit record takes exactly so many bytes inline."""

    def record(length: int) -> dict[str, Any]:
        return numbered_record(number, new={**KEYS, "text": text(length, noisy=noisy, start=number)}, keys=KEYS)

    return record(size - item_size(audit_item(record(0), SETTINGS)))


def expected_forms(trail: LiveTrail, records: Iterable[StreamRecord]) -> Counter[str]:
    """Return how many records should be in each form by our own count."""
    packed = (pack(audit_item(record, trail.settings), trail.images.bucket) for record in records)
    return Counter(form_of(one.item) for one in packed)


SIZES = [*range(380_000, 420_001, 2_000), *range(LARGEST_ITEM - 12, LARGEST_ITEM + 13), 409_000, 410_000]


@pytest.mark.parametrize("noisy", [False, True], ids=["compressible", "incompressible"])
def test_no_size_around_the_limit_is_refused(trail_of: TrailOf, noisy: bool) -> None:  # noqa: FBT001  a parameter
    """Records of 380 to 420 KB, every byte around 409,600 among them, are stored and read back, inline while they fit."""
    trail = trail_of()
    records = [filled(number, size, noisy=noisy) for number, size in enumerate(sorted(SIZES))]

    deliver(trail, records)

    fitting = sum(size <= LARGEST_ITEM for size in SIZES)
    assert stored_forms(trail) == {"inline": fitting, "gzip": len(SIZES) - fitting} == expected_forms(trail, records)
    assert_stored(trail, records)


BOTH = [1, 100, 10_000, 130_000, 136_400, 136_600, 180_000, 204_000, 204_500, 205_000, 270_000, 300_000, 399_000]


@pytest.mark.parametrize("noisy", [False, True], ids=["compressible", "incompressible"])
def test_no_pair_of_images_is_refused(trail_of: TrailOf, noisy: bool) -> None:  # noqa: FBT001  a parameter
    """Changes whose two images take from 1 byte to 400 KB, changed a little or altogether, are stored and read back."""
    trail = trail_of()
    records: list[StreamRecord] = []
    for number, size in enumerate(BOTH):
        old = {**KEYS, "text": text(size, noisy=noisy, start=0), "count": {"N": "1"}}
        a_little = {**old, "count": {"N": "2"}}
        altogether = {**KEYS, "text": text(size, noisy=noisy, start=271_113)}
        records += [
            numbered_record(3 * number, old=old, new=a_little, keys=KEYS),
            numbered_record(3 * number + 1, old=old, new=altogether, keys=KEYS),
            numbered_record(3 * number + 2, old=altogether, keys=KEYS),
        ]

    deliver(trail, records)

    forms = stored_forms(trail)
    assert forms == expected_forms(trail, records)
    assert set(forms) == {"inline", "gzip", *(["s3"] if noisy else [])}
    assert len(trail.images.objects) == forms["s3"]
    assert_stored(trail, records)


def test_sizes_grow_through_all_three_forms(trail_of: TrailOf) -> None:
    """As incompressible images grow, records go from inline to compressed to S3, and each form is used."""
    trail = trail_of()
    records: list[StreamRecord] = []
    for number, size in enumerate(range(150_000, 390_001, 10_000)):
        old, new = ({**KEYS, "text": text(size, noisy=True), "n": {"N": str(count)}} for count in (1, 2))
        records.append(numbered_record(number, old=old, new=new, keys=KEYS))

    deliver(trail, records)

    forms = [form_of(item) for item in trail.stored()]
    assert forms == sorted(forms, key=["inline", "gzip", "s3"].index)
    assert set(forms) == {"inline", "gzip", "s3"}
    assert_stored(trail, records)


def changed_in_one_byte(image: Image) -> Image:
    """Return the image with another last byte."""
    body = image["text"]["S"]
    return {**image, "text": {"S": body[:-1] + ("x" if body[-1] != "x" else "y")}}


def changed_in_every_byte(image: Image) -> Image:
    """Return the image with another byte at every place of its text."""
    return {**image, "text": {"S": image["text"]["S"].translate({code: code + 1 for code in range(33, 126)})}}


@pytest.mark.parametrize("noisy", [False, True], ids=["compressible", "incompressible"])
@pytest.mark.parametrize("change", [changed_in_one_byte, changed_in_every_byte])
def test_a_source_item_of_exactly_409_600_bytes(trail_of: TrailOf, change: Any, noisy: bool) -> None:  # noqa: FBT001
    """The largest item that DynamoDB takes, inserted, changed and deleted, is stored and read back through its stream."""
    trail = trail_of()
    bare: Image = {**KEYS, "text": {"S": ""}, "updated_by": {"S": "alice"}}
    old = {**bare, "text": text(LARGEST_ITEM - item_size(bare), noisy=noisy)}
    new = change(old)
    assert (item_size(old), item_size(new), old["text"] != new["text"]) == (LARGEST_ITEM, LARGEST_ITEM, True)
    for image in (old, new):
        trail.dynamodb.put_item(TableName=trail.source, Item=image_to_boto(image))
    trail.dynamodb.delete_item(TableName=trail.source, Key=image_to_boto(KEYS))

    trail.mapping(batch_size=1).run_until_idle()

    history = trail.history(KEYS)
    written = [(None, old), (old, new), (new, None)]
    assert [(change.old_image, change.new_image) == pair for change, pair in zip(history, written, strict=True)] == [
        True
    ] * 3
    assert "inline" not in stored_forms(trail)
    assert trail.destination.objects == {}
    assert_stored(trail, trail.delivered)


def tower(levels: int, innermost: AttributeValue) -> AttributeValue:
    """Return a value in so many levels of maps and lists, in turn."""
    for level in range(levels):
        innermost = {"M": {"a": innermost}} if level % 2 else {"L": [innermost]}
    return innermost


@pytest.mark.parametrize("levels", [27, 28, 29, 30, DEEPEST])
def test_a_source_item_of_any_depth(trail_of: TrailOf, levels: int) -> None:
    """Items as deep as DynamoDB takes, changed at their deepest place and by deep attributes, are stored and read back."""
    trail = trail_of()
    first: Image = {**KEYS, "tower": tower(levels, {"N": "1"})}
    inside: Image = {**KEYS, "tower": tower(levels, {"N": "2"})}
    another: Image = {**inside, "second": tower(levels, {"SS": ["a"]}), "third": tower(levels - 1, {"L": []})}
    images = [first, inside, another, KEYS | {"tower": {"S": "flat"}}]
    assert depth(another) == levels
    for image in images:
        trail.dynamodb.put_item(TableName=trail.source, Item=image_to_boto(image))
    trail.dynamodb.delete_item(TableName=trail.source, Key=image_to_boto(KEYS))

    trail.capture()

    history = trail.history(KEYS)
    assert [(change.old_image, change.new_image) for change in history] == [
        *zip([None, *images], [*images, None], strict=True)
    ]
    assert_stored(trail, trail.delivered)
    forms = [form_of(item) for item in trail.stored()]
    # One level more for old_image, three for the diff, which holds a value that was added.
    inline = levels + 1 <= DEEPEST
    assert forms[:2] == (["inline"] * 2 if inline else ["gzip"] * 2)
    assert forms[2] == ("inline" if levels + 2 <= DEEPEST else "gzip")


def test_the_diff_of_a_deep_item_stays_inline_where_it_can(trail_of: TrailOf) -> None:
    """Of an item 31 levels deep that changes at its deepest place, the images move and the short diff stays inline."""
    trail = trail_of()
    old, new = ({**KEYS, "tower": tower(DEEPEST, {"N": str(count)})} for count in (1, 2))

    deliver(trail, [numbered_record(1, old=old, new=new, keys=KEYS)])

    [item] = trail.stored()
    assert "old_image" not in item
    assert "new_image" not in item
    assert [one.path.count("/") for one in Change.from_item(item).diff] == [DEEPEST + 1]
    assert item["changed_attributes"] == {"SS": ["tower"]}


def test_a_reader_never_notices_where_the_images_lie(trail_of: TrailOf) -> None:
    """The same change, inline, compressed and in S3, is read back as the same change by whoever fetches objects."""
    trail = trail_of()
    record = numbered_record(1, old={**KEYS, "text": {"S": "a"}}, new={**KEYS, "text": {"S": "b"}}, keys=KEYS)
    item = audit_item(record, trail.settings)
    read = []
    for form in Form:
        packed = pack(item, trail.images.bucket, form)
        if packed.body:
            trail.images.put(packed.key, packed.body)
        [outcome] = trail.table.insert([trail.table.encode(packed.item)])
        assert outcome.code == ""
        read += [reading.restored(one, trail.fetch) for one in reading.stored(trail.dynamodb, trail.trail, KEYS)]
        key = {name: image_to_boto(item)[name] for name in (trail.schema.audit_partition_key, "timestamp")}
        trail.dynamodb.delete_item(TableName=trail.audit, Key=key)

    assert read == [item] * 3

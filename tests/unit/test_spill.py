"""Records that don't fit an item: which form they take, and that reading puts back what moved."""

from __future__ import annotations

import base64
import copy
import gzip
import hashlib
import json
import random
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_trail.core.errors import MalformedItemError
from audit_trail.core.records import audit_item
from audit_trail.core.sizes import LARGEST_ITEM, fits, item_size
from audit_trail.core.spill import Form, Packed, movable, pack, unpack
from tests.property.strategies import images
from tests.unit.fakes import SETTINGS, numbered_record, order

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit_trail.core.values import AttributeValue, Image

BUCKET = "trail-bucket"
MOVED = {"old_image", "new_image", "diff", "changed_attributes"}


def noise(seed: int, size: int) -> str:
    """Return text of so many bytes that hardly compresses."""
    return base64.b85encode(random.Random(seed).randbytes(size)).decode("ascii")[:size]


def item(old: Image | None, new: Image | None) -> Image:
    """Return the audit record of a change."""
    return audit_item(numbered_record(1, old=old, new=new), SETTINGS)


SMALL = item(order(1, text="a"), order(1, text="b"))
COMPRESSIBLE = item(order(1, text="a" * 210_000, n="1"), order(1, text="a" * 210_000, n="2"))
TWO_HALVES = item(order(1, text=noise(1, 300_000), n="1"), order(1, text=noise(1, 300_000), n="2"))
ALL_NEW = item(order(1, text=noise(3, 399_000)), order(1, text=noise(4, 399_000)))
"""Here the diff, too, holds both texts."""
NEW_DIFF = item(order(1, n="1"), order(1, text="a" * 250_000))
"""Its image and its diff hold the same text: either could stay."""
DEEP: AttributeValue = {"S": "deep"}
for _ in range(30):
    DEEP = {"M": {"a": DEEP}}
DEEPER = item(order(1), order(1, tower={"L": [DEEP]}))


def nowhere(_uri: str) -> bytes:
    """Fail, for nothing lies in S3."""
    pytest.fail("nothing may be fetched")


def fetcher_of(packed: Packed) -> Callable[[str], bytes]:
    """Return what reads the one object that there is."""
    objects = {f"s3://{BUCKET}/{packed.key}": packed.body}
    return objects.__getitem__


def test_the_first_form_that_fits_is_taken() -> None:
    """A record stays inline where it fits, is compressed where it doesn't, and goes to S3 where that is too large."""
    forms = [pack(one, BUCKET).form for one in (SMALL, COMPRESSIBLE, DEEPER, TWO_HALVES, ALL_NEW)]

    assert forms == [Form.INLINE, Form.GZIP, Form.GZIP, Form.S3, Form.S3]


def test_what_fits_is_left_as_it_is() -> None:
    """An inline record is the very item, with nothing for S3."""
    packed = pack(SMALL, BUCKET)

    assert packed.item is SMALL
    assert (packed.key, packed.body) == ("", b"")


@pytest.mark.parametrize("form", [Form.GZIP, Form.S3])
def test_a_form_can_be_asked_for(form: Form) -> None:
    """A record that would fit inline takes no form before the one that is asked for."""
    packed = pack(SMALL, BUCKET, form)

    assert packed.form is form
    assert "new_image" not in packed.item
    assert unpack(packed.item, fetcher_of(packed)) == SMALL


@pytest.mark.parametrize("one", [COMPRESSIBLE, DEEPER, TWO_HALVES, ALL_NEW, NEW_DIFF])
def test_every_form_fits(one: Image) -> None:
    """Whatever form a record is asked to take, DynamoDB takes it, and nothing outside of what may move has changed."""
    for form in Form:
        packed = pack(one, BUCKET, form)

        assert fits(packed.item)
        assert packed.form >= form
        rest = {name: value for name, value in packed.item.items() if name != "images"}
        assert rest.items() <= one.items()
        assert one.keys() - rest.keys() <= MOVED


@pytest.mark.parametrize("one", [COMPRESSIBLE, TWO_HALVES])
def test_the_diff_stays_where_it_can(one: Image) -> None:
    """Where the images alone make a record too large, the diff and the changed attributes stay inline."""
    packed = pack(one, BUCKET)

    assert packed.item["diff"] == one["diff"]
    assert packed.item["changed_attributes"] == one["changed_attributes"]


@pytest.mark.parametrize("one", [ALL_NEW, DEEPER])
def test_the_diff_moves_where_it_must(one: Image) -> None:
    """Where the diff is too large or too deep as well, it moves with the images."""
    packed = pack(one, BUCKET)

    assert not packed.item.keys() & MOVED
    assert unpack(packed.item, fetcher_of(packed)) == one


def test_compressed_inside_and_in_s3_are_the_same_bytes() -> None:
    """The body inside an item and the object in S3 are the same, where the same attributes moved."""
    inside, outside = pack(COMPRESSIBLE, BUCKET, Form.GZIP), pack(COMPRESSIBLE, BUCKET, Form.S3)

    assert base64.b64decode(inside.item["images"]["M"]["body"]["B"]) == outside.body


def test_the_same_record_makes_the_same_bytes() -> None:
    """A record is packed into the same bytes each time, whatever the order of its attributes and the time."""
    shuffled: Image = json.loads(json.dumps(TWO_HALVES), object_pairs_hook=lambda pairs: dict(reversed(pairs)))

    one, other = pack(TWO_HALVES, BUCKET), pack(shuffled, BUCKET)

    assert (one.key, one.body) == (other.key, other.body)
    assert one.body[4:8] == bytes(4)  # gzip's own time: https://www.rfc-editor.org/rfc/rfc1952#page-5


def test_an_object_is_named_by_its_content() -> None:
    """An object's name is the digest of its bytes, below images/, and the record points at it in its bucket."""
    packed = pack(TWO_HALVES, BUCKET)

    assert packed.key == f"images/{hashlib.sha256(packed.body).hexdigest()}.json.gz"
    assert packed.item["images"] == {"M": {"encoding": {"S": "s3"}, "uri": {"S": f"s3://{BUCKET}/{packed.key}"}}}
    assert json.loads(gzip.decompress(packed.body)) == {name: TWO_HALVES[name] for name in ("old_image", "new_image")}


def test_a_record_of_exactly_the_limit_stays_inline() -> None:
    """A record of 409,600 bytes stays inline, and one of a byte more doesn't."""
    room = LARGEST_ITEM - item_size(item(None, order(1, text="")))

    forms = [pack(item(None, order(1, text="x" * (room + more))), BUCKET).form for more in (0, 1)]

    assert forms == [Form.INLINE, Form.GZIP]


@given(images, images, st.sampled_from(list(Form)))
@settings(max_examples=60)
def test_reading_puts_back_what_moved(old: Image, new: Image, form: Form) -> None:
    """Whatever form a record takes, reading gives the record."""
    record = {**SMALL, "old_image": {"M": old}, "new_image": {"M": new}}
    before = copy.deepcopy(record)

    packed = pack(record, BUCKET, form)

    assert record == before
    assert unpack(packed.item, fetcher_of(packed)) == record


@pytest.mark.parametrize(("name", "expected"), [("old_image", True), ("diff", True), ("keys", False)])
def test_what_can_move(name: str, expected: bool) -> None:  # noqa: FBT001  a table's column
    """A record can move something exactly when it has an image, a diff or changed attributes."""
    assert movable({"timestamp": {"S": "x"}, name: {"M": {}}}) is expected


def test_an_inline_record_asks_s3_for_nothing() -> None:
    """Reading a record whose images are inline or compressed fetches nothing."""
    assert unpack(SMALL, nowhere) is SMALL
    assert unpack(pack(SMALL, BUCKET, Form.GZIP).item, nowhere) == SMALL


BODY = pack(SMALL, BUCKET, Form.S3).body


def images_of(body: bytes) -> AttributeValue:
    """Return compressed images with this body."""
    return {"M": {"encoding": {"S": "gzip"}, "body": {"B": base64.b64encode(body).decode("ascii")}}}


UNREADABLE: dict[str, Any] = {
    "no bytes": images_of(b""),
    "not gzip": images_of(b"text"),
    "cut at the end": images_of(BODY[:-1]),
    "cut in the middle": images_of(BODY[: len(BODY) // 2]),
    "cut after the header": images_of(BODY[:10]),
    "another checksum": images_of(BODY[:-8] + bytes(8)),
    "not JSON": images_of(gzip.compress(b"{")),
    "not UTF-8": images_of(gzip.compress(b'{"old_image":"\xff"}')),
    "no body": {"M": {"encoding": {"S": "gzip"}}},
    "no encoding": {"M": {"body": {"B": ""}}},
    "no URI": {"M": {"encoding": {"S": "s3"}}},
    "no map": {"S": "gzip"},
    "a body of another type": {"M": {"encoding": {"S": "gzip"}, "body": {"N": "1"}}},
    "no base64": {"M": {"encoding": {"S": "gzip"}, "body": {"B": "A"}}},
}


@pytest.mark.parametrize("moved", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_is_said(moved: AttributeValue) -> None:
    """Images that can't be read, cut off or without one of their parts are an error, never half a record."""
    with pytest.raises(MalformedItemError, match="images can't be read"):
        unpack({**pack(SMALL, BUCKET, Form.GZIP).item, "images": moved}, nowhere)


DAMAGED: dict[str, bytes] = {
    "not deflate's": BODY[:10] + b"\xff" * 20 + BODY[30:],
    "a list": gzip.compress(b"[1]"),
    "a number": gzip.compress(b"1"),
}


@pytest.mark.parametrize("body", DAMAGED.values(), ids=DAMAGED.keys())
def test_what_is_damaged_is_said(body: bytes) -> None:
    """A body whose compressed data is damaged, or that holds no JSON object, is an error in one sentence."""
    with pytest.raises(MalformedItemError, match="images can't be read"):
        unpack({**pack(SMALL, BUCKET, Form.GZIP).item, "images": images_of(body)}, nowhere)


def test_an_unknown_encoding_is_said() -> None:
    """Images in an encoding of a later version are an error that says so."""
    moved: AttributeValue = {"M": {"encoding": {"S": "zstd"}, "body": {"B": ""}}}

    with pytest.raises(MalformedItemError, match="encoding that this version does not know"):
        unpack({**SMALL, "images": moved}, nowhere)


@pytest.mark.parametrize(
    "tampered", [BODY + b"\0", BODY[:-1], b"", gzip.compress(gzip.decompress(BODY) + b" ", mtime=0)]
)
def test_an_object_that_was_changed_is_said(tampered: bytes) -> None:
    """An object whose bytes aren't those that its name says is an error, even where it can be read."""
    packed = pack(SMALL, BUCKET, Form.S3)

    with pytest.raises(MalformedItemError, match="the object was changed"):
        unpack(packed.item, lambda _: tampered)


def test_the_largest_record_is_packed_soon() -> None:
    """A record of two images of 400 KB that share nothing, and a diff of both, takes well under a second to pack."""
    started = time.process_time()

    packed = pack(ALL_NEW, BUCKET)

    assert time.process_time() - started < 0.6
    assert packed.form is Form.S3


def test_the_largest_record_of_small_elements_is_packed_soon() -> None:
    """Two images of 400 KB of the smallest elements, 204,000 each and all changed, take less than two seconds to pack."""
    nulls, falses = ({"L": [value] * 204_000} for value in ({"NULL": True}, {"BOOL": False}))
    record = item(order(1, list=nulls), order(1, list=falses))
    started = time.process_time()

    pack(record, BUCKET)

    assert time.process_time() - started < 2

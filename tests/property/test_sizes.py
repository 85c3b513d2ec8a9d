"""What is promised of sizes and forms, whatever the item."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import boto3
from hypothesis import assume, given
from hypothesis import strategies as st

from audit_trail.aws.audit_table import PartiqlAuditTable
from audit_trail.core.records import audit_item
from audit_trail.core.sizes import LARGEST_ITEM, depth, fits, item_size, surely_fits
from audit_trail.core.spill import Form, pack, unpack
from audit_trail.core.values import canonical_image
from tests.property.spellings import respelled
from tests.property.strategies import images, names, pairs, scalars
from tests.unit.fakes import SETTINGS, numbered_record

if TYPE_CHECKING:
    from audit_trail.core.values import AttributeValue, Image

_client = boto3.client("dynamodb", region_name="eu-central-1", aws_access_key_id="test", aws_secret_access_key="test")
TABLE = PartiqlAuditTable(_client, "audit")


@st.composite
def near_the_limits(draw: st.DrawFn) -> Image:
    """Make an item whose JSON takes about 409,600 bytes, or that is about 31 levels deep."""
    item = dict(draw(images))
    if draw(st.booleans()):
        value: AttributeValue = draw(scalars)
        for _ in range(draw(st.integers(27, 34))):
            value = {"L": [value]} if draw(st.booleans()) else {"M": {draw(names): value}}
        return item | {"tower": value}
    filler = draw(st.sampled_from(["x", "é", "😀", '"', "\x00", "\ud83d"]))
    copies: list[AttributeValue] = draw(st.lists(scalars, min_size=1, max_size=3))
    rest = LARGEST_ITEM - item_size(item) + draw(st.integers(-300, 300))
    if draw(st.booleans()):
        # Many small values, which JSON and DynamoDB count most differently.
        return item | {"list": {"L": copies * (rest // sum(len(str(copy)) for copy in copies))}}
    return item | {"text": {"S": filler * (rest // len(filler.encode("utf-8", "surrogatepass")))}}


@given(near_the_limits())
def test_a_cheap_yes_is_always_true(item: Image) -> None:
    """When an item is said to fit without its size being counted, it fits by DynamoDB's own count."""
    sure = surely_fits(item, TABLE.encode(item), shallow=False)

    assert not sure or fits(item)


@given(near_the_limits())
def test_an_insert_is_never_shorter_than_its_item(item: Image) -> None:
    """DynamoDB counts fewer bytes than the insert has."""
    assert item_size(item) <= len(TABLE.encode(item))


@given(images, st.integers(0, 999))
def test_size_and_depth_do_not_depend_on_the_spelling(item: Image, seed: int) -> None:
    """The same item in another spelling, and in its canonical form, is as large and as deep."""
    others = (respelled(item, random.Random(seed)), canonical_image(item))

    assert {item_size(other) for other in others} == {item_size(item)}
    assert {depth(other) for other in others} == {depth(item)}


@given(images, names, scalars)
def test_every_attribute_adds_its_own_size(item: Image, name: str, value: AttributeValue) -> None:
    """An attribute more makes an item larger by what it takes alone."""
    assume(name not in item)

    assert item_size({**item, name: value}) == item_size(item) + item_size({name: value})


@given(pairs(), near_the_limits(), st.sampled_from(list(Form)))
def test_every_record_fits_in_some_form_and_is_read_back(
    pair: tuple[Image, Image], large: Image, at_least: Form
) -> None:
    """A record of any two images takes a form that fits, and reading gives the same record."""
    old, new = (image | {"order_id": {"N": "1"}} for image in (pair[0] | large, pair[1]))
    item = audit_item(numbered_record(1, old=old, new=new), SETTINGS)

    packed = pack(item, "trail-bucket", at_least)

    assert fits(packed.item)
    assert packed.form >= at_least
    assert (packed.form is Form.S3) == bool(packed.body)
    assert unpack(packed.item, {f"s3://trail-bucket/{packed.key}": packed.body}.__getitem__) == item

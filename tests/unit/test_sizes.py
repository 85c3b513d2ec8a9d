"""How large and deep an item is: AWS's rule by example; functional tests hold it against DynamoDB itself."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from audit_trail.core.errors import MalformedValueError
from audit_trail.core.sizes import DEEPEST, LARGEST_ITEM, depth, fits, item_size, surely_fits, value_size
from tests.builders import nested

if TYPE_CHECKING:
    from audit_trail.core.values import AttributeValue, Image


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": ""}, 0),
        ({"S": "abc"}, 3),
        ({"S": "é"}, 2),
        ({"S": "名"}, 3),
        ({"S": "😀"}, 4),
        ({"S": "\x00"}, 1),
        ({"S": "\ud83d"}, 3),
        ({"B": ""}, 0),
        ({"B": "QQ=="}, 1),
        ({"B": "QUJD"}, 3),
        ({"BOOL": True}, 1),
        ({"BOOL": False}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["a", "é", ""]}, 3),
        ({"BS": ["", "QQ==", "QUJD"]}, 4),
        ({"NS": ["1", "123", "0"]}, 2 + 3 + 1),
        ({"L": []}, 3),
        ({"M": {}}, 3),
        ({"L": [{"S": "abc"}]}, 3 + 1 + 3),
        ({"L": [{"L": []}, {"NULL": True}]}, 3 + 2 + 3 + 1),
        ({"M": {"name": {"S": "abc"}}}, 3 + 1 + 4 + 3),
        ({"M": {"é": {"M": {"": {"S": ""}}}}}, 3 + 1 + 2 + 3 + 1),
    ],
)
def test_the_size_of_a_value(value: AttributeValue, size: int) -> None:
    """Texts count in UTF-8, binaries in bytes, lists and maps three bytes and one an element."""
    assert value_size(value) == size


@pytest.mark.parametrize(
    ("number", "size"),
    [
        ("0", 1),
        ("-0", 1),
        ("0.00", 1),
        ("1", 2),
        ("12", 2),
        ("123", 3),
        ("1000", 2),
        ("100", 2),
        ("1E3", 2),
        ("1E125", 2),
        ("1E-130", 2),
        ("-1", 3),
        ("-12", 3),
        ("1.5", 3),
        ("1.10", 3),
        ("12.55", 3),
        ("0.5", 2),
        ("0.05", 2),
        ("0.005", 2),
        ("0.0055", 2),
        ("0.0505", 3),
        ("001", 2),
        ("9" * 38, 20),
        ("9" * 37, 20),
        (f"{'9' * 38}E87", 21),
        (f"-{'9' * 36}", 20),
    ],
)
def test_the_size_of_a_number(number: str, size: int) -> None:
    """A number takes a byte for each pair of digits around its point, one more, and one for a minus."""
    assert value_size({"N": number}) == size
    assert value_size({"NS": [number]}) == size


def test_names_count() -> None:
    """An item is as large as its names, in UTF-8, and its values."""
    assert item_size({}) == 0
    assert item_size({"order_id": {"N": "1"}, "é": {"S": "abc"}, "😀": {"L": []}}) == (8 + 2) + (2 + 3) + (4 + 3)


@pytest.mark.parametrize("value", [{"N": "words"}, {"B": "!"}, {"NS": ["words"]}, {"BS": ["!"]}])
def test_what_has_no_size(value: AttributeValue) -> None:
    """What isn't an attribute value has no size, and says so."""
    with pytest.raises(MalformedValueError):
        item_size({"a": value})


@pytest.mark.parametrize(
    ("item", "levels"),
    [
        ({}, 0),
        ({"a": {"S": "x"}, "b": {"SS": ["x"]}}, 0),
        ({"a": {"M": {}}}, 1),
        ({"a": {"L": []}}, 1),
        ({"a": {"L": [{"S": "x"}, {"M": {}}]}}, 2),
        ({"a": {"M": {"b": {"L": [{"M": {"M": {"S": "x"}}}]}, "c": {"S": "x"}}}}, 3),
        ({"L": {"S": "x"}, "M": {"L": [{"NULL": True}]}}, 1),
        ({"a": nested({"S": "x"}, 31), "b": {"S": "x"}}, 31),
        ({"a": nested({"L": []}, 31)}, 32),
    ],
)
def test_the_depth_of_an_item(item: Image, levels: int) -> None:
    """An item is as deep as it has maps and lists inside each other, empty ones among them."""
    assert depth(item) == levels


def test_what_fits() -> None:
    """An item fits up to 409,600 bytes and 31 levels, and not beyond either."""
    assert fits({"a": {"S": "x" * (LARGEST_ITEM - 1)}})
    assert not fits({"a": {"S": "x" * LARGEST_ITEM}})
    assert fits({"a": nested({"S": "x"}, DEEPEST)})
    assert not fits({"a": nested({"S": "x"}, DEEPEST + 1)})


def encoded(item: Image) -> bytes:
    """Return DynamoDB JSON as it is sent."""
    return json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


@pytest.mark.parametrize(
    ("item", "sure"),
    [
        ({"a": {"S": "x" * 400_000}}, True),
        ({"a": {"S": "x" * LARGEST_ITEM}}, False),
        ({"a": nested({"S": "x"}, DEEPEST)}, True),
        ({"a": nested({"S": "x"}, DEEPEST + 1)}, False),
        ({f"n{number}": {"L": []} for number in range(100)}, True),
    ],
)
def test_a_cheap_look_is_sure_of_most(item: Image, sure: bool) -> None:  # noqa: FBT001  a table's column
    """An item's length as JSON and its depth tell that ordinary ones fit; where they can't be sure, it says no."""
    assert surely_fits(item, encoded(item), shallow=False) is sure


def test_what_is_known_to_be_shallow_is_not_counted() -> None:
    """An item that is said to be shallow fits by its length alone."""
    assert surely_fits({"a": nested({"S": "x"}, DEEPEST + 1)}, b"{}", shallow=True)
    assert not surely_fits({}, b"x" * (LARGEST_ITEM + 1), shallow=True)


def test_the_largest_item_is_counted_soon() -> None:
    """An item of 400 KB in the smallest pieces is counted in well under a second."""
    item: Image = {"a": {"L": [{"N": "1.5"}, {"S": "é"}, {"B": "QQ=="}, {"M": {"b": {"NULL": True}}}] * 25_000}}
    started = time.process_time()

    assert 300_000 < item_size(item) <= LARGEST_ITEM
    assert depth(item) == 2

    assert time.process_time() - started < 0.5

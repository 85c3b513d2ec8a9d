"""Conditional writes of single items, by the true rules of DynamoDB."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from audit_trail.aws.source_items import DynamoDBItems
from audit_trail.batch.restoring import Became, put_back
from audit_trail.core.restore import Marks, Write, plan
from audit_trail.core.values import canonical_image, canonical_text
from audit_trail.ports import ChangedMeanwhileError
from tests.builders import nested
from tests.tables import create_table, image_to_boto
from tests.unit.source_items import ItemsInMemory

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

    from audit_trail.core.values import Image

KEYS: Image = {"order": {"S": "a b"}, "line": {"N": "12345678901234567890123456789012345678"}}
EVERY_TYPE: Image = {
    "empty": {"S": ""},
    "text": {"S": "é 😀 \x00"},
    "number": {"N": "-1.2345678901234567890123456789012345678E-10"},
    "digits": {"N": "99999999999999999999999999999999999999"},
    "binary": {"B": "AAH/"},
    "no bytes": {"B": ""},
    "yes": {"BOOL": True},
    "nothing": {"NULL": True},
    "strings": {"SS": ["", "a", "ü"]},
    "numbers": {"NS": ["-1.5", "2", "12345678901234567890123456789012345678"]},
    "binaries": {"BS": ["", "AA==", "/w=="]},
    "list": {"L": [{"M": {"a/b~c": {"L": []}, " ": {"S": ""}}}, {"SS": ["x"]}, {"NULL": True}]},
    "map": {"M": {"it's": {"BS": ["AQ=="]}, "deep": nested({"N": "1"}, 25)}},
}


@pytest.fixture
def items(dynamodb: DynamoDBClient, table_name: str) -> DynamoDBItems:
    """Give the items of an empty table with a composite key."""
    create_table(dynamodb, table_name, {"order": "S", "line": "N"})
    return DynamoDBItems(dynamodb, table_name)


def put(dynamodb: DynamoDBClient, table: str, image: Image | None) -> None:
    """Make the item stand like this."""
    if image is None:
        dynamodb.delete_item(TableName=table, Key=image_to_boto(KEYS))
    else:
        dynamodb.put_item(TableName=table, Item=image_to_boto(image))


def test_every_type_is_put_back_exactly(items: DynamoDBItems, dynamodb: DynamoDBClient, table_name: str) -> None:
    """Items of all ten types are put back equal, from an emptied item, from another one, from none; and taken away."""
    whole = canonical_image(EVERY_TYPE | KEYS)
    other = canonical_image({name: {"S": "other"} for name in EVERY_TYPE} | KEYS | {"more": {"N": "1"}})
    stands: Image | None = None
    for target in (whole, dict(KEYS), whole, other, whole, None, other, None):
        made = plan(stands, target, KEYS)
        assert made is not None
        assert put_back(items, made).became is Became.RESTORED
        assert items.get(KEYS) == target
        stands = items.get(KEYS)
    put(dynamodb, table_name, whole | {"number": {"N": "2"}})
    marks = {"why": "é", "/map/it's": "mia"}
    made = plan(items.get(KEYS), whole, KEYS, only=["number"], marks=Marks(marks))
    assert made is not None
    assert put_back(items, made).became is Became.RESTORED
    assert items.get(KEYS) == whole | {"why": {"S": "é"}, "map": {"M": whole["map"]["M"] | {"it's": {"S": "mia"}}}}


@pytest.mark.parametrize("count", [149, 151])
def test_what_one_expression_is_said_to_hold_is_taken(
    items: DynamoDBItems, dynamodb: DynamoDBClient, table_name: str, count: int
) -> None:
    """149 attributes of a whole item's size are written at once; more are written where there is no item."""
    old, new = ({f"a{n}": {"S": text * 1_200} for n in range(count)} | KEYS for text in "xy")
    put(dynamodb, table_name, old if count == 149 else None)
    made = plan(items.get(KEYS), new, KEYS)
    assert made is not None
    assert put_back(items, made).became is Became.RESTORED
    assert items.get(KEYS) == new


def test_somebody_else_was_faster(items: DynamoDBItems, dynamodb: DynamoDBClient, table_name: str) -> None:
    """A change of what was shown stops the restore; one beside it stays, and is told."""
    shown, then = canonical_image(KEYS | {"a": {"S": "1"}}), canonical_image(KEYS | {"a": {"S": "2"}})
    for target, meanwhile, became, left in (
        (then, KEYS | {"a": {"S": "x"}}, Became.CHANGED_MEANWHILE, KEYS | {"a": {"S": "x"}}),
        (then, shown | {"b": {"S": "x"}}, Became.DIFFERS, then | {"b": {"S": "x"}}),
        (then, None, Became.CHANGED_MEANWHILE, None),
        (None, shown | {"b": {"S": "x"}}, Became.CHANGED_MEANWHILE, shown | {"b": {"S": "x"}}),
        (None, None, Became.RESTORED, None),
    ):
        for marks in ({}, {"why": "mistake"}):
            put(dynamodb, table_name, shown)
            made = plan(items.get(KEYS), target, KEYS, marks=Marks(marks))
            assert made is not None
            put(dynamodb, table_name, meanwhile)
            assert put_back(items, made).became is became
            explained = {"why": {"S": "mistake"}} if marks and became is Became.DIFFERS else {}
            assert items.get(KEYS) == (None if left is None else canonical_image(left | explained))


def test_the_model_of_the_races_does_as_dynamodb_does(
    items: DynamoDBItems, dynamodb: DynamoDBClient, table_name: str
) -> None:
    """Random writes by plans made of what no longer stands: the model refuses and leaves what DynamoDB does."""
    rng = random.Random(7)
    model = ItemsInMemory()
    values = [*EVERY_TYPE.values(), {"S": "1"}, {"S": "2"}]

    def image() -> Image | None:
        names = rng.sample(("a", "b", "c", "d"), rng.randint(0, 4))
        return canonical_image(KEYS | {name: rng.choice(values) for name in names}) if rng.random() < 0.85 else None

    refused = 0
    for _ in range(300):
        stands, shown, target = image(), image(), image()
        shown = stands if rng.random() < 0.5 else shown
        if stands and shown and rng.random() < 0.5:
            stands = stands | {"beside": {"S": "x"}}
        made = plan(shown, target, KEYS, marks=Marks(rng.choice([{}, {"why": "x"}])))
        if made is None:
            continue
        write = next(iter(made.marks), made.write)
        put(dynamodb, table_name, stands)
        model.items = {} if stands is None else {canonical_text(KEYS): stands}
        outcomes = [written(one, write) for one in (items, model)]
        assert outcomes[0] == outcomes[1]
        assert items.get(KEYS) == model.get(KEYS)
        refused += outcomes[0] == "refused"
    assert 50 < refused < 250


def written(items: DynamoDBItems | ItemsInMemory, write: Write) -> Image | str | None:
    """Make a write; return what it gives."""
    try:
        return items.write(write)
    except ChangedMeanwhileError:
        return "refused"

"""Our count of an item's size and depth, held against DynamoDB's own: to the byte, to the level."""

from __future__ import annotations

import base64
import random
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.aws.audit_table import CLIENT_CONFIG, PartiqlAuditTable
from audit_trail.core.sizes import DEEPEST, LARGEST_ITEM, depth, fits, item_size
from audit_trail.ports import Verdict
from tests import engines
from tests.tables import create_table, image_to_boto

if TYPE_CHECKING:
    from collections.abc import Callable

    from types_boto3_dynamodb import DynamoDBClient

    from audit_trail.core.values import AttributeValue, Image

FULL = 38
"""The most digits that a number has."""
TEXTS = ("", "a", "é", "😀", "e\u0301", "\x00", "x" * 100, "\ufeff")
NAMES = ("n", "ünï", "😀", "a.b", "it's", "__x", "n" * 255, "名前", " ")


def number(rng: random.Random) -> str:
    """Return a number in any spelling and of any magnitude that DynamoDB takes."""
    if rng.random() < 0.2:
        return rng.choice(["0", "-0", "0.00", "1E125", "-1E-130", "9" * 38, f"{'9' * 38}E87", "0.1", "-0.10", "00100"])
    digits = str(rng.randint(1, 10 ** rng.randint(1, 38) - 1))
    digits += "0" * rng.randint(0, 38 - len(digits)) if rng.random() < 0.3 else ""
    sign = rng.choice(["", "+"] if len(digits) == FULL else ["", "+", "-"])  # negative full ones: a test of their own
    spelling = rng.choice(["plain", "exponent", "dotted", "zeros"])
    if spelling == "exponent":
        return f"{sign}{digits}{rng.choice('eE')}{rng.randint(-130, 126 - len(digits))}"
    if spelling == "dotted":
        place = rng.randint(0, len(digits))
        return f"{sign}{digits[:place] or '0'}.{digits[place:] or '0'}"
    return f"{sign}{'0' * rng.randint(1, 5)}{digits}" if spelling == "zeros" else f"{sign}{digits}"


def numbers(rng: random.Random) -> list[str]:
    """Return numbers of different values."""
    return [f"{rng.choice(['', '-'])}{rng.randint(1, 9)}{place}E{place * 3 - 60}" for place in range(rng.randint(1, 9))]


def binary(rng: random.Random) -> str:
    """Return up to nine bytes as base64."""
    return base64.b64encode(rng.randbytes(rng.randint(0, 9))).decode("ascii")


def value(rng: random.Random, levels: int = 4) -> AttributeValue:
    """Return a value of any of the ten types."""
    kinds: dict[str, Callable[[], Any]] = {
        "S": lambda: rng.choice(TEXTS),
        "N": lambda: number(rng),
        "B": lambda: binary(rng),
        "BOOL": lambda: rng.random() < 0.5,
        "NULL": lambda: True,
        "SS": lambda: rng.sample(TEXTS, rng.randint(1, 5)),
        "NS": lambda: numbers(rng),
        "BS": lambda: sorted({binary(rng) for _ in range(rng.randint(1, 5))}),
        "L": lambda: [value(rng, levels - 1) for _ in range(rng.randint(0, 6))],
        "M": lambda: {name: value(rng, levels - 1) for name in rng.sample(NAMES, rng.randint(0, 5))},
    }
    tag = rng.choice(list(kinds)[: 10 if levels else 8])
    return {tag: kinds[tag]()}


def padded(item: Image, size: int) -> Image:
    """Pad an item, with a mixture of what texts are made of, to exactly that size."""
    room = size - item_size(item) - len("padding")
    return item | {"padding": {"S": "é" * (room // 2) + "x" * (room % 2)}}


def item_of(seed: int) -> Image:
    """Return an item of many values of all types, a few kilobytes to tens of them."""
    rng = random.Random(seed)
    return {"order_id": {"N": str(seed)}, **{f"{place}{rng.choice(NAMES)[:250]}": value(rng) for place in range(60)}}


@pytest.fixture
def table(dynamodb: DynamoDBClient, table_name: str) -> str:
    """Give a table whose key is order_id, a number."""
    create_table(dynamodb, table_name, {"order_id": "N"})
    return table_name


def put(client: DynamoDBClient, table: str, item: Image) -> str:
    """Put an item and return why it was refused, or nothing."""
    try:
        client.put_item(TableName=table, Item=image_to_boto(item))
    except client.exceptions.ClientError as error:
        return error.response["Error"].get("Message", "")
    return ""


@pytest.mark.parametrize("seed", range(30))
def test_the_size_is_exact_to_the_byte(dynamodb: DynamoDBClient, table: str, seed: int) -> None:
    """An item of all ten types of exactly 409,600 bytes by our count is accepted, and one byte more is refused."""
    item = item_of(seed)

    assert put(dynamodb, table, padded(item, LARGEST_ITEM)) == ""
    assert "Item size" in put(dynamodb, table, padded(item, LARGEST_ITEM + 1))


SPELLINGS = [
    *("0", "-0", "0E9", "1", "-1", "10", "100", "1000", "-100", "12", "123", "-123", "1.5", "12.5", "12.55", "-0.5"),
    *("0.05", "0.005", "0.0005", "1E125", "1E124", "1E-130", "-1E-129", "9" * 38, "-" + "9" * 38, "9" * 37, "1" * 36),
    *("1E3", "1.10", "00100", "+7", ".5", "5.", "1.234567890123456789E-5", f"1.{'2' * 37}", f"-0.{'3' * 38}"),
    *(f"{'9' * 38}E87", f"{'9' * 38}E-130", "1" + "0" * 37, "1" + "0" * 36 + "1"),
]


def miscounted(client: DynamoDBClient, table: str, kind: str, spellings: list[str]) -> list[str]:
    """Return the spellings that DynamoDB counts otherwise than we do."""
    wrong = []
    for spelling in spellings:
        # Fifty of them, so that a wrong count can't hide.
        copies = {f"{place:02d}": {kind: [spelling] if kind == "NS" else spelling} for place in range(50)}
        item: Image = {"order_id": {"N": "1"}, **copies}
        sizes = (LARGEST_ITEM, LARGEST_ITEM + 1)
        if [put(client, table, padded(item, size)) == "" for size in sizes] != [True, False]:
            wrong.append(spelling)
    return wrong


@pytest.mark.parametrize("kind", ["N", "NS"])
def test_every_spelling_of_a_number_counts_as_dynamodb_counts(dynamodb: DynamoDBClient, table: str, kind: str) -> None:
    """A number takes as many bytes as DynamoDB gives it, whatever its sign, magnitude and spelling."""
    assert miscounted(dynamodb, table, kind, SPELLINGS) == []


def test_a_negative_number_of_all_digits_counts_as_dynamodb_counts(dynamodb: DynamoDBClient, table: str) -> None:
    """A negative number of 38 digits takes 21 bytes, however its digits pair up around the decimal point."""
    spellings = [f"-{'9' * 38}E{exponent}" for exponent in (87, 86, 0, -1, -2, -37, -38, -39, -129)]

    assert miscounted(dynamodb, table, "N", spellings) == []


INNERMOST: list[AttributeValue] = [{"S": "x"}, {"L": []}, {"M": {}}, {"SS": ["x"]}, {"NULL": True}]


def tower(innermost: AttributeValue, levels: int, rng: random.Random) -> Image:
    """Return an item whose deepest place lies below so many maps and lists, with shallow neighbours on the way."""
    top = innermost
    for _ in range(levels - depth({"": innermost})):
        top = rng.choice([{"M": {"a": {"S": ""}, "b": top}}, {"L": [top]}, {"L": [{"N": "1"}, top]}, {"M": {"é": top}}])
    return {"order_id": {"N": "1"}, "shallow": {"M": {"a": {"L": []}}}, "tower": top}


@pytest.mark.parametrize("innermost", INNERMOST, ids=[next(iter(one)) for one in INNERMOST])
def test_the_depth_is_exact_to_the_level(
    dynamodb: DynamoDBClient, dynamodb_endpoint: str, table: str, innermost: AttributeValue
) -> None:
    """31 maps and lists inside each other are accepted by PutItem and our INSERT, 32 refused by PutItem; we count so."""
    inserter: DynamoDBClient = engines.session(dynamodb_endpoint).client("dynamodb", config=CLIENT_CONFIG)
    audit_table = PartiqlAuditTable(inserter, table)
    for seed in range(4):
        deepest, deeper = (tower(innermost, levels, random.Random(seed)) for levels in (DEEPEST, DEEPEST + 1))

        assert (depth(deepest), depth(deeper)) == (31, 32)
        assert put(dynamodb, table, deepest) == ""
        assert "Nesting" in put(dynamodb, table, deeper)
        [outcome] = audit_table.insert([audit_table.encode(deepest | {"order_id": {"N": f"2{seed}"}})])
        assert outcome.verdict is Verdict.STORED
        assert fits(deepest)
        assert not fits(deeper)
    inserter.close()


@pytest.mark.parametrize("seed", range(8))
def test_our_insert_takes_what_put_item_takes(
    dynamodb: DynamoDBClient, dynamodb_endpoint: str, table: str, seed: int
) -> None:
    """The INSERT of an item of exactly 409,600 bytes, of all ten types, is stored; one byte more is refused."""
    inserter: DynamoDBClient = engines.session(dynamodb_endpoint).client("dynamodb", config=CLIENT_CONFIG)
    audit_table = PartiqlAuditTable(inserter, table)
    whole, over = padded(item_of(100 + seed), LARGEST_ITEM), padded(item_of(200 + seed), LARGEST_ITEM + 1)

    outcomes = audit_table.insert([audit_table.encode(whole), audit_table.encode(over)])

    assert [outcome.verdict for outcome in outcomes] == [Verdict.STORED, Verdict.REFUSED]
    stored = dynamodb.get_item(TableName=table, Key={"order_id": whole["order_id"]})["Item"]
    assert stored["padding"] == whole["padding"]
    inserter.close()

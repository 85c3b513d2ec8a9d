"""The adapter against the true rules of DynamoDB: what goes in, what is refused, and that nothing is overwritten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from audit_trail.aws.audit_table import CLIENT_CONFIG, PartiqlAuditTable
from audit_trail.aws.reading import from_client
from audit_trail.ports import Outcome, RequestRefusedError, Verdict
from tests import engines
from tests.tables import create_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from types_boto3_dynamodb import DynamoDBClient

    from audit_trail.core.values import AttributeValue, Image

STORED = Outcome(Verdict.STORED)
DUPLICATE = Outcome(Verdict.DUPLICATE, "DuplicateItem")
INVALID = Outcome(Verdict.REFUSED, "ValidationError")


@pytest.fixture(scope="module")
def inserter(dynamodb_endpoint: str) -> Iterator[DynamoDBClient]:
    """Give a client that is made as the function's is."""
    client: DynamoDBClient = engines.session(dynamodb_endpoint).client("dynamodb", config=CLIENT_CONFIG)
    yield client
    client.close()


@pytest.fixture
def table(dynamodb: DynamoDBClient, inserter: DynamoDBClient, table_name: str) -> PartiqlAuditTable:
    """Give an audit table, empty, of a source table whose key has a quote in its name."""
    create_table(dynamodb, table_name, {"order's id": "N", "timestamp": "S"})
    return PartiqlAuditTable(inserter, table_name)


def item(number: int, **attributes: AttributeValue) -> Image:
    """Return an item with a key of its own."""
    return {"order's id": {"N": "123"}, "timestamp": {"S": f"t#{number:03d}"}, **attributes}


def insert(table: PartiqlAuditTable, *items: Image) -> list[Outcome]:
    """Insert items in one request."""
    return list(table.insert([table.encode(one) for one in items]))


def stored(dynamodb: DynamoDBClient, table_name: str) -> list[Image]:
    """Return what the table has, in the order of the sort key."""
    found = dynamodb.scan(TableName=table_name)["Items"]
    return sorted(
        ({name: from_client(value) for name, value in one.items()} for one in found),
        key=lambda one: str(one["timestamp"]["S"]),
    )


def test_all_ten_types_come_back_as_they_went_in(
    table: PartiqlAuditTable, dynamodb: DynamoDBClient, table_name: str
) -> None:
    """Every type of value, empty ones, 38 digits and lone surrogates included, is read back equal."""
    whole = item(
        1,
        s={"S": "é 😀 \ud800 ' \" \\ \x00"},
        empty={"S": ""},
        n={"N": "-12345678901234567890123456789012345678"},
        b={"B": "AAEC/w=="},
        nothing={"B": ""},
        bool={"BOOL": False},
        null={"NULL": True},
        m={"M": {"a'b": {"L": [{"M": {}}, {"L": []}]}}},
        ss={"SS": ["a", "b"]},
        ns={"NS": ["1", "2.5"]},
        bs={"BS": ["AA==", "/w=="]},
    )

    assert insert(table, whole) == [STORED]
    assert stored(dynamodb, table_name) == [whole]


def test_what_is_there_is_never_overwritten(
    table: PartiqlAuditTable, dynamodb: DynamoDBClient, table_name: str
) -> None:
    """An insert of a key that exists is answered DuplicateItem and changes nothing; its neighbours go in (promise 2)."""
    insert(table, item(1, text={"S": "first"}))

    assert insert(table, item(0), item(1, text={"S": "second"}), item(2)) == [STORED, DUPLICATE, STORED]
    assert stored(dynamodb, table_name) == [item(0), item(1, text={"S": "first"}), item(2)]


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(item(12, text={"S": "x" * 410_000}), id="over 400 KB"),
        pytest.param({"order's id": {"S": "123"}, "timestamp": {"S": "t"}}, id="key of another type"),
        pytest.param({"order_id": {"N": "123"}, "timestamp": {"S": "t"}}, id="another table's key"),
    ],
)
def test_one_bad_item_leaves_twenty_four(
    table: PartiqlAuditTable, dynamodb: DynamoDBClient, table_name: str, bad: Image
) -> None:
    """An item that the table can't take is refused alone: the 24 beside it in the request are stored."""
    items = [item(number) for number in range(25)]
    items[12] = bad

    outcomes = insert(table, *items)

    assert outcomes == [STORED] * 12 + [INVALID] + [STORED] * 12
    assert len(stored(dynamodb, table_name)) == 24


@pytest.mark.parametrize("bad", [item(0, n={"N": "1" * 39}), item(0, x={"UUID": "1"})], ids=["39 digits", "no type"])
def test_a_value_that_is_none_refuses_the_whole_request(
    table: PartiqlAuditTable, dynamodb: DynamoDBClient, table_name: str, bad: Image
) -> None:
    """A value that DynamoDB can't read refuses the request for good, with nothing stored, so that it can be split."""
    with pytest.raises(RequestRefusedError) as refused:
        insert(table, bad, item(1))

    assert (refused.value.code, refused.value.for_good) == ("ValidationException", True)
    assert stored(dynamodb, table_name) == []


def test_a_table_that_is_not_there_is_nobodys_fault(inserter: DynamoDBClient) -> None:
    """Without the table, each insert is to be tried again: a table can come (back)."""
    missing = PartiqlAuditTable(inserter, "no-such-table")

    assert insert(missing, item(1), item(2)) == [Outcome(Verdict.RETRY, "ResourceNotFound")] * 2

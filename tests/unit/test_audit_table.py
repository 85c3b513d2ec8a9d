"""The audit table's adapter: what goes over the wire."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from audit_trail.aws.audit_table import PartiqlAuditTable
from audit_trail.ports import Outcome, RequestFailedError
from tests.unit.fake_endpoint import Answer, FakeEndpoint, Request, fake_endpoint, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit_trail.core.values import Image

ITEM: Image = {"order_id": {"N": "1"}, "timestamp": {"S": "t#1"}}


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[FakeEndpoint, PartiqlAuditTable]]:
    """Give an endpoint and an adapter that talks to it."""
    with fake_endpoint() as endpoint:
        client = endpoint.client()
        yield endpoint, PartiqlAuditTable(client, "audit")
        client.close()


@pytest.fixture
def endpoint(served: tuple[FakeEndpoint, PartiqlAuditTable]) -> FakeEndpoint:
    """Give the endpoint, with no request so far."""
    served[0].requests.clear()
    return served[0]


@pytest.fixture
def table(served: tuple[FakeEndpoint, PartiqlAuditTable]) -> PartiqlAuditTable:
    """Give the adapter."""
    return served[1]


def answers(endpoint: FakeEndpoint, *codes: str | None) -> None:
    """Let the endpoint answer with these codes, a statement each; None is success."""
    responses = [
        {"TableName": "audit"} if code is None else {"Error": {"Code": code, "Message": "m"}} for code in codes
    ]
    endpoint.respond = lambda _: Answer(200, {"Responses": responses})


def insert(table: PartiqlAuditTable, *items: Image) -> list[Outcome]:
    """Insert items in one request."""
    return list(table.insert([table.encode(item) for item in items]))


def test_an_insert_is_one_partiql_statement_with_its_values_as_parameters(
    endpoint: FakeEndpoint, table: PartiqlAuditTable
) -> None:
    """A request is BatchExecuteStatement with an INSERT a record and the attribute values, untouched, as parameters."""
    value = {"M": {"a": {"B": "AAEC/w=="}, "b": {"NS": ["1", "2.50"]}, "c": {"L": [{"NULL": True}, {"BOOL": False}]}}}
    answers(endpoint, None, None)

    insert(table, ITEM | {"new_image": value}, ITEM)

    assert [request.operation for request in endpoint.requests] == ["BatchExecuteStatement"]
    assert endpoint.requests[0].json == {
        "Statements": [
            {
                "Statement": "INSERT INTO \"audit\" VALUE {'order_id':?,'timestamp':?,'new_image':?}",
                "Parameters": [{"N": "1"}, {"S": "t#1"}, value],
            },
            {
                "Statement": "INSERT INTO \"audit\" VALUE {'order_id':?,'timestamp':?}",
                "Parameters": [{"N": "1"}, {"S": "t#1"}],
            },
        ]
    }


def test_quotes_in_an_attributes_name_are_doubled(endpoint: FakeEndpoint, table: PartiqlAuditTable) -> None:
    """A key attribute whose name has quotes or a backslash in it can't end the statement: PartiQL's quote is doubled."""
    answers(endpoint, None)

    insert(table, {'o\'rder "id"\\': {"N": "1"}})

    assert endpoint.requests[0].statements[0]["Statement"] == "INSERT INTO \"audit\" VALUE {'o''rder \"id\"\\':?}"


def test_binaries_are_sent_as_they_came(endpoint: FakeEndpoint, table: PartiqlAuditTable) -> None:
    """The base64 text of B and BS goes out as it came in, not encoded a second time."""
    item = ITEM | {"b": {"B": "+/8="}, "bs": {"BS": ["AA==", "/w=="]}}
    answers(endpoint, None)

    insert(table, item)

    assert endpoint.requests[0].statements[0]["Parameters"][2:] == [{"B": "+/8="}, {"BS": ["AA==", "/w=="]}]


def test_lone_surrogates_go_out_as_escapes(endpoint: FakeEndpoint, table: PartiqlAuditTable) -> None:
    r"""Text with a lone surrogate, which UTF-8 has no bytes for, is sent as \udxxx; other text is sent as UTF-8."""
    answers(endpoint, None)

    insert(table, ITEM | {"text": {"S": "é\ud800😀"}})

    body = endpoint.requests[0].body
    assert r"é\ud80".encode() in body
    assert "😀".encode() in body
    assert json.loads(body)["Statements"][0]["Parameters"][2] == {"S": "é\ud800😀"}


def test_what_is_counted_is_what_is_sent(endpoint: FakeEndpoint, table: PartiqlAuditTable) -> None:
    """The encoded inserts make up the request's body but for 16 bytes and the commas between them."""
    encoded = [table.encode(ITEM | {"text": {"S": "é" * size}}) for size in (1, 10, 1_000)]
    answers(endpoint, None, None, None)

    table.insert(encoded)

    assert len(endpoint.requests[0].body) == sum(map(len, encoded)) + 2 + len('{"Statements":[]}')


def test_each_request_has_its_own_body(endpoint: FakeEndpoint, table: PartiqlAuditTable) -> None:
    """A request after a failed one carries its own statements, not those of the one before."""

    def first_fails(request: Request) -> Answer:
        if len(endpoint.requests) == 1:
            return refusal("InternalServerError", 500)
        return Answer(200, {"Responses": [{} for _ in request.statements]})

    endpoint.respond = first_fails
    with pytest.raises(RequestFailedError):
        insert(table, ITEM)
    insert(table, ITEM | {"text": {"S": "second"}}, ITEM)

    assert [len(request.statements) for request in endpoint.requests] == [1, 2]
    assert endpoint.requests[1].statements[0]["Parameters"][2] == {"S": "second"}

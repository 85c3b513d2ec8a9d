"""The audit table's adapter: what each answer of DynamoDB means."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from botocore.config import Config

from audit_trail.aws.audit_table import CLIENT_CONFIG, PartiqlAuditTable
from audit_trail.ports import Outcome, RequestFailedError, RequestRefusedError, Verdict
from tests.unit.fake_endpoint import Answer, FakeEndpoint, fake_endpoint, refusal

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


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (None, Verdict.STORED),
        ("DuplicateItem", Verdict.DUPLICATE),
        ("ThrottlingError", Verdict.RETRY),
        ("ProvisionedThroughputExceeded", Verdict.RETRY),
        ("RequestLimitExceeded", Verdict.RETRY),
        ("InternalServerError", Verdict.RETRY),
        ("TransactionConflict", Verdict.RETRY),
        ("AccessDenied", Verdict.RETRY),
        ("ResourceNotFound", Verdict.RETRY),
        ("ConditionalCheckFailed", Verdict.RETRY),
        ("CodeOfTomorrow", Verdict.RETRY),
        ("ValidationError", Verdict.REFUSED),
    ],
)
def test_each_statements_code_is_sorted(
    endpoint: FakeEndpoint, table: PartiqlAuditTable, code: str | None, verdict: Verdict
) -> None:
    """Only ValidationError is the record's fault, only DuplicateItem means stored already; the rest is tried again."""
    answers(endpoint, None, code, None)

    stored = Outcome(Verdict.STORED)
    assert insert(table, ITEM, ITEM, ITEM) == [stored, Outcome(verdict, code or ""), stored]


def test_a_message_never_leaves_the_adapter(endpoint: FakeEndpoint, table: PartiqlAuditTable) -> None:
    """What DynamoDB says in a message may quote the item, so that outcomes and errors carry the code alone."""
    endpoint.respond = lambda _: refusal("ValidationException", message="SECRET")

    with pytest.raises(RequestRefusedError) as refused:
        insert(table, ITEM)

    assert "SECRET" not in f"{refused.value!r} {refused.value.args} {refused.value.__cause__!r}"
    assert refused.value.__suppress_context__


@pytest.mark.parametrize("code", ["ValidationException", "SerializationException"])
def test_an_invalid_request_is_refused_for_good(endpoint: FakeEndpoint, table: PartiqlAuditTable, code: str) -> None:
    """A request that is invalid for what is in it is refused for good, and perhaps for one record's sake."""
    endpoint.respond = lambda _: refusal(code)

    with pytest.raises(RequestRefusedError) as refused:
        insert(table, ITEM)

    assert (refused.value.code, refused.value.for_good) == (code, True)


@pytest.mark.parametrize("answer", [Answer(413, {}), refusal("CodeOfTomorrow", 413)], ids=["no code", "a new code"])
def test_a_request_that_is_too_large_is_refused_for_good(
    endpoint: FakeEndpoint, table: PartiqlAuditTable, answer: Answer
) -> None:
    """Status 413 means that the request is too large, whatever is in its body."""
    endpoint.respond = lambda _: answer

    with pytest.raises(RequestRefusedError) as refused:
        insert(table, ITEM)

    assert refused.value.for_good


def test_an_unknown_refusal_is_not_for_good(endpoint: FakeEndpoint, table: PartiqlAuditTable) -> None:
    """A status 400 with a code that nobody knows may be one record's fault, and may pass."""
    endpoint.respond = lambda _: refusal("CodeOfTomorrow")

    with pytest.raises(RequestRefusedError) as refused:
        insert(table, ITEM)

    assert not refused.value.for_good


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("ThrottlingException", 400),
        ("ProvisionedThroughputExceededException", 400),
        ("RequestLimitExceeded", 400),
        ("AccessDeniedException", 400),
        ("ResourceNotFoundException", 400),
        ("UnrecognizedClientException", 400),
        ("ExpiredTokenException", 400),
        ("InternalServerError", 500),
        ("ServiceUnavailable", 503),
        ("ValidationException", 500),
        ("InvalidClientTokenId", 403),
    ],
)
def test_an_outage_is_nobodys_fault_and_tried_once(
    endpoint: FakeEndpoint, table: PartiqlAuditTable, code: str, status: int
) -> None:
    """Throttling, errors of the service and missing permissions blame no record, and the client sends one request only."""
    endpoint.respond = lambda _: refusal(code, status)

    with pytest.raises(RequestFailedError) as failed:
        insert(table, ITEM)

    assert failed.value.code == code
    assert not isinstance(failed.value, RequestRefusedError)
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize("count", [0, 1, 3])
def test_an_answer_with_another_number_of_responses_is_not_believed(
    endpoint: FakeEndpoint, table: PartiqlAuditTable, count: int
) -> None:
    """An answer that doesn't have one response a statement says nothing about any of them: the request failed."""
    answers(endpoint, *[None] * count)

    with pytest.raises(RequestFailedError, match="IncompleteAnswer"):
        insert(table, ITEM, ITEM)


def test_an_answer_that_never_comes_is_a_time_out() -> None:
    """A server that doesn't answer within the read time-out, which is 3 seconds, makes the request fail, once."""
    with fake_endpoint() as endpoint:
        endpoint.respond = lambda _: None
        client = endpoint.client(CLIENT_CONFIG.merge(Config(read_timeout=0.1)))

        with pytest.raises(RequestFailedError, match="ReadTimeoutError"):
            insert(PartiqlAuditTable(client, "audit"), ITEM)

        client.close()
        assert len(endpoint.requests) == 1


def test_a_connection_that_is_refused_is_an_outage() -> None:
    """An endpoint where nobody listens makes the request fail for no fault of a record."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        client = FakeEndpoint(f"http://127.0.0.1:{closed.getsockname()[1]}").client()

        with pytest.raises(RequestFailedError, match="EndpointConnectionError"):
            insert(PartiqlAuditTable(client, "audit"), ITEM)

        client.close()


def test_an_error_without_a_code_is_no_success(endpoint: FakeEndpoint, table: PartiqlAuditTable) -> None:
    """A statement whose error has no code, which AWS allows, is not taken for stored: it is tried again."""
    endpoint.respond = lambda _: Answer(200, {"Responses": [{"Error": {"Message": "m"}}, {"Error": {}}, {}]})
    outcomes = insert(table, ITEM, ITEM, ITEM)
    assert [outcome.verdict for outcome in outcomes] == [Verdict.RETRY, Verdict.RETRY, Verdict.STORED]

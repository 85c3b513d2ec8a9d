"""Objects in the trail's bucket, understood: what Lambda gave up on, and what was quarantined."""

from __future__ import annotations

import json
from typing import Any

import pytest

from audit_trail.core.errors import MalformedFailureError
from audit_trail.core.failures import quarantined, understand
from tests.unit.failed import given_up, lambda_object
from tests.unit.fakes import numbered_record, order

RECORDS = [numbered_record(1, new=order(1, text="é 😀 \ud83d")), numbered_record(2, at=1_795_521_600.25)]
KEY, _ = lambda_object(1)


def body(content: Any) -> bytes:
    """Return an object's body."""
    return json.dumps(content).encode("ascii")


def test_what_lambda_gave_up_on_for_its_age() -> None:
    """Records beyond their age come out as the function gets them, with the condition; there is no responseContext."""
    failure = understand(*lambda_object(1, *RECORDS))

    assert failure.records == RECORDS
    assert failure.reason == "RecordAgeExceeded after about 3 invocations"


def test_what_lambda_gave_up_on_after_an_error() -> None:
    """Where the function failed, the reason says with what kind of error."""
    context = {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}

    failure = understand(*lambda_object(1, RECORDS[0], condition="RetryAttemptsExhausted", responseContext=context))

    assert failure.records == RECORDS[:1]
    assert failure.reason == "RetryAttemptsExhausted after about 3 invocations (function error: Unhandled)"


def test_a_partial_batch_response_is_no_error() -> None:
    """After a partial batch response functionError is null, and isn't mentioned."""
    context = {"statusCode": 200, "executedVersion": "$LATEST", "functionError": None}

    assert "error" not in understand(*lambda_object(1, RECORDS[0], responseContext=context)).reason


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(json.dumps({"Records": RECORDS}), id="escaped text"),
        pytest.param(json.dumps({"Records": RECORDS}, ensure_ascii=False), id="text that is not ASCII"),
        pytest.param({"Records": RECORDS}, id="an object"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_payload_may_be_text_or_an_object(payload: Any, encoding: str) -> None:
    """The payload is understood as the JSON text that AWS documents and as an object, in any encoding that JSON has."""
    content = json.dumps(given_up(payload=payload), ensure_ascii=False).encode(encoding, "surrogatepass")

    assert understand(KEY, content).records == RECORDS


def test_numbers_are_what_the_function_gets() -> None:
    """Numbers come out as Python's json reads them in Lambda: the same types, and so the same audit record."""
    numbers = [1, 1.5, 1_795_521_600.123, 12345678901234567890123]

    failure = understand(KEY, body(given_up(payload=json.dumps({"Records": numbers}))))

    assert [(type(one), one) for one in failure.records] == [(type(one), one) for one in numbers]


@pytest.mark.parametrize("missing", ["requestContext", "DDBStreamBatchInfo", "version", "timestamp"])
def test_what_only_tells_about_the_records_may_be_missing(missing: str) -> None:
    """The records are what counts: without any other part they are put back all the same."""
    content = {name: value for name, value in given_up(*RECORDS).items() if name != missing}

    assert understand(KEY, body(content)).records == RECORDS


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "the object is not JSON"),
        (b"\xff\xfe\xfd", "the object is not JSON"),
        (b"{", "the object is not JSON"),
        (b"[" * 100_000, "the object is not JSON"),
        (b"[]", "the object is not a JSON object"),
        (b"null", "the object is not a JSON object"),
        (body({}), "the object has no payload"),
        (body(given_up(payload=None)), "the object has no payload"),
        (body(given_up(payload="{")), "the object is not JSON"),
        (body(given_up(payload="[]")), "a payload without a list of Records"),
        (body(given_up(payload={"Records": {}})), "a payload without a list of Records"),
        (body(given_up(payload=7)), "a payload without a list of Records"),
    ],
)
def test_what_lambda_never_wrote_is_refused(content: bytes, sentence: str) -> None:
    """An object that is not what Lambda gives to an S3 destination is refused in a sentence, whatever it holds."""
    with pytest.raises(MalformedFailureError, match=sentence):
        understand(KEY, content)


@pytest.mark.parametrize("context", [[], "text", None, {"condition": None}, {"approximateInvokeCount": "3"}])
def test_an_odd_context_hides_no_record(context: Any) -> None:
    """Whatever the context of the failure looks like, there is some reason, and the records come out."""
    failure = understand(KEY, body(given_up(*RECORDS, requestContext=context, responseContext=context)))

    assert (failure.records, bool(failure.reason)) == (RECORDS, True)


def test_what_was_quarantined() -> None:
    """A quarantined record comes out as it went in, with the reason."""
    for record in (*RECORDS, None, "text", [1], {}):
        failure = understand(*quarantined(record, "the reason", "7"))

        assert (failure.records, failure.reason) == ([record], "the reason")


def test_a_record_is_the_same_in_any_order_of_its_fields() -> None:
    """A record whose fields come in another order is the same record, under the same key."""
    record = RECORDS[0]
    turned = {name: record[name] for name in reversed(record)}
    turned["dynamodb"] = {name: record["dynamodb"][name] for name in reversed(record["dynamodb"])}
    assert list(turned) != list(record)

    assert quarantined(turned, "reason", "1")[0] == quarantined(record, "reason", "1")[0]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"schema_version": 2}, "has schema version 2, written by a newer version: upgrade trail"),
        ({"schema_version": None}, "is not a quarantined record"),
        ({"schema_version": "1"}, "is not a quarantined record"),
        ({"reason": None}, "is not a quarantined record"),
        ({"reason": ["x"]}, "is not a quarantined record"),
    ],
)
def test_what_was_never_quarantined_is_refused(change: dict[str, Any], sentence: str) -> None:
    """An object under quarantine/ that this version didn't write is refused, and a newer one's is told apart."""
    key, content = quarantined(RECORDS[0], "the reason", "7")

    with pytest.raises(MalformedFailureError, match=sentence):
        understand(key, body(json.loads(content) | change))


def test_a_quarantined_object_without_its_record_is_refused() -> None:
    """An object under quarantine/ that has no record is refused: there is nothing to put back."""
    key, content = quarantined(RECORDS[0], "the reason", "7")
    without = {name: value for name, value in json.loads(content).items() if name != "record"}

    with pytest.raises(MalformedFailureError, match="no schema_version, reason or record"):
        understand(key, body(without))

"""Floors under what `make bench` measures: counted work where time is too noisy, and one ratio with a wide margin."""

from __future__ import annotations

import json
import math
from collections import Counter
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config
from botocore.validate import ParamValidator

from audit_trail.aws.audit_table import PartiqlAuditTable
from audit_trail.core.records import audit_item
from tests.bench import fresh
from tests.bench.calls import InstantTable, calls, calls_a_record, stored
from tests.bench.corpus import SETTINGS, make
from tests.bench.handlers import imported
from tests.bench.measure import cpu, each
from tests.bench.naive import naive_item
from tests.unit.fake_endpoint import fake_endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.fake_endpoint import FakeEndpoint

CALLS_AT_MOST = {"small": 440, "medium": 9_000, "large": 150_000}
"""Half as many again as `python -m tests.bench.calls` printed."""
RATIO_AT_LEAST = 8.0
"""A third of what `make bench` measured for medium records."""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[FakeEndpoint]:
    """Give an endpoint that stores everything."""
    with fake_endpoint() as running:
        yield running


@pytest.mark.parametrize("records", [1, 25, 26, 100, 240])
def test_requests_are_as_few_as_can_be(endpoint: FakeEndpoint, records: int) -> None:
    """A batch of n records, far from 4 MB, takes n/25 requests, rounded up."""
    client = endpoint.client()
    table = PartiqlAuditTable(client, "audit")
    endpoint.requests.clear()

    stored(table, make("small", records).records)
    client.close()

    assert [request.operation for request in endpoint.requests] == ["BatchExecuteStatement"] * math.ceil(records / 25)
    assert sum(len(request.statements) for request in endpoint.requests) == records


@pytest.mark.parametrize("corpus", ["small", "medium"])
def test_what_is_slow_to_import_is_not(endpoint: FakeEndpoint, corpus: str) -> None:
    """The function stores ordinary batches without ever importing deepdiff or boto3's TypeDeserializer."""
    modules = fresh.run(
        f"{imported.__module__}:{imported.__name__}", corpus, 50, environment={"AWS_ENDPOINT_URL": endpoint.url}
    )

    assert "audit_trail.lambda_function" in modules
    assert [name for name in modules if name.startswith(("deepdiff", "boto3.dynamodb"))] == []


def test_no_parameter_is_validated(endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """The function's client never walks through the parameters of a request to validate them."""

    def validate(*_: Any) -> None:
        raise AssertionError

    client = endpoint.client()
    monkeypatch.setattr(ParamValidator, "validate", validate)

    stored(PartiqlAuditTable(client, "audit"), make("small", 30).records)

    with pytest.raises(AssertionError):
        endpoint.client(Config(parameter_validation=True)).batch_execute_statement(Statements=[])
    client.close()


@pytest.mark.parametrize("corpus", CALLS_AT_MOST)
def test_calls_a_record(corpus: str) -> None:
    """From a stream record to its insert there are no more calls, in Python and C, than half again what was measured."""
    assert calls_a_record(corpus) <= CALLS_AT_MOST[corpus]


def test_calls_are_counted_alike() -> None:
    """Counting the same corpus twice gives the same number, so that a bound means something."""
    assert calls_a_record("small") == calls_a_record("small") > 50


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count how often each string goes through Python's JSON encoder as a value of something larger."""
    counts: Counter[str] = Counter()
    iterencode = json.JSONEncoder.iterencode

    def counting(self: json.JSONEncoder, o: Any, _one_shot: bool = False) -> Any:  # noqa: FBT001, FBT002
        counts.update(_strings(o))
        return iterencode(self, o, _one_shot)

    monkeypatch.setattr(json.JSONEncoder, "iterencode", counting)
    return counts


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)


@pytest.mark.parametrize("corpus", ["small", "medium"])
def test_an_image_is_written_once(encoded: Counter[str], corpus: str) -> None:
    """An image's text is written for its digest and goes into the statement as it is, not through an encoder again."""
    records = make(corpus, 10).records
    table = InstantTable()
    encoded.clear()

    stored(table, records)

    for record, insert in zip(records, table.sent, strict=True):
        images = [image for name, image in record["dynamodb"].items() if name in ("OldImage", "NewImage")]
        mark = images[0]["email"]["S"]  # no change touches it, so it is in no diff
        assert insert.count(f'"{mark}"'.encode()) == len(images)
        assert encoded[mark] == 0


@pytest.mark.parametrize("event_name", ["INSERT", "MODIFY", "REMOVE"])
def test_no_string_is_quoted_twice(event_name: str) -> None:
    """Each name and string of an image is turned into JSON once at most, by whoever writes the image."""
    records = [record for record in make("medium", 20).records if record["eventName"] == event_name]
    images = [
        image for record in records for name, image in record["dynamodb"].items() if name in ("OldImage", "NewImage")
    ]

    quoted = calls(records)[encode_basestring]

    assert 0 < quoted <= sum(_texts({"M": image}) for image in images)


def _texts(value: dict[str, Any]) -> int:
    """Count an attribute value's names, strings and members of string sets."""
    [(tag, body)] = value.items()
    if tag in ("M", "L"):
        return sum(map(_texts, body.values() if tag == "M" else body)) + (len(body) if tag == "M" else 0)
    return len(body) if tag == "SS" else tag == "S"


def test_the_encoder_is_watched(encoded: Counter[str]) -> None:
    """An image that isn't canonical does go through the encoder, and that is seen."""
    record = make("small", 1).records[0]
    for image in ("OldImage", "NewImage"):
        record["dynamodb"][image]["total"] = {"N": "1.50"}

    stored(InstantTable(), [record])

    assert encoded[record["dynamodb"]["NewImage"]["email"]["S"]] > 0


def test_it_stays_far_ahead_of_the_naive_way() -> None:
    """A medium record becomes an audit item many times as fast as the naive handler makes one."""
    event = make("medium", 10).event

    naive, ours = cpu(event, each(naive_item), each(lambda record: audit_item(record, SETTINGS)), rounds=3)

    assert naive.median / ours.median >= RATIO_AT_LEAST

"""The function as Lambda calls it: wired at cold start, against a DynamoDB on loopback."""

from __future__ import annotations

import io
import json
import re
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail import tampering, telemetry
from audit_trail.core.archive import items
from tests.event_source_mapping import LambdaContext, SimulatedClock
from tests.expiry import DELETED, audit_record, by_hand, deletion
from tests.unit.cold_start import ENVIRONMENT, cold_start
from tests.unit.fake_endpoint import Answer, FakeEndpoint, PutRefusal, Request, all_stored, fake_endpoint, refusal
from tests.unit.fakes import named, numbered_record, order

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

SAMPLE = Path(__file__).parents[1] / "events" / "sample.json"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[FakeEndpoint]:
    """Give an endpoint for every service: whatever the function calls arrives there."""
    with fake_endpoint() as served:
        yield served


@pytest.fixture(scope="module")
def function(endpoint: FakeEndpoint) -> Iterator[ModuleType]:
    """Give the function, cold-started once."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in (
            ENVIRONMENT | {"AWS_ENDPOINT_URL": endpoint.url, "AWS_LAMBDA_FUNCTION_VERSION": "42"}
        ).items():
            monkeypatch.setenv(name, value)
        module = cold_start()
        yield module
        module._table._client.close()
        module._s3().close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, function: ModuleType) -> SimulatedClock:
    """Give the clock that the function sleeps on."""
    simulated = SimulatedClock(0.0)
    monkeypatch.setattr(function.time, "sleep", simulated.sleep)
    return simulated


@pytest.fixture(autouse=True)
def calm(endpoint: FakeEndpoint) -> None:
    """Begin with an endpoint that stores everything and was asked for nothing."""
    endpoint.requests.clear()
    endpoint.puts.clear()
    endpoint.respond = all_stored
    endpoint.respond_to_put = lambda _: None


def context(clock: SimulatedClock, seconds: float = 60.0) -> LambdaContext:
    """Return an invocation's context with that many seconds left."""
    arn = "arn:aws:lambda:us-east-1:111122223333:function:orders-audit"
    return LambdaContext("request-1", arn, clock.time() + seconds, clock)


def metrics_of(printed: str) -> dict[str, Any]:
    """Return the one line of metrics among what was printed."""
    [metrics] = [line for line in map(json.loads, printed.splitlines()) if "_aws" in line]
    found: dict[str, Any] = metrics
    return found


def test_the_sample_event_is_stored(function: ModuleType, endpoint: FakeEndpoint, clock: SimulatedClock) -> None:
    """The blog post's own event, an INSERT that carries an OldImage as well, is stored whole and answered with success."""
    event = json.loads(SAMPLE.read_text())

    assert function.handler(event, context(clock)) == {"batchItemFailures": []}

    [request] = endpoint.requests
    [statement] = request.statements
    names = statement["Statement"].removeprefix('INSERT INTO "audit" VALUE {\'').removesuffix("':?}").split("':?,'")
    item = dict(zip(names, statement["Parameters"], strict=True))
    change = event["Records"][0]["dynamodb"]
    assert item["order_id"] == {"N": "123"}
    assert item["timestamp"] == {"S": f"2019-09-23T18:47:41.000Z#{111:040d}"}
    assert (item["old_image"], item["new_image"]) == ({"M": change["OldImage"]}, {"M": change["NewImage"]})


def test_the_answer_names_what_is_not_stored(
    function: ModuleType, endpoint: FakeEndpoint, clock: SimulatedClock, capsys: pytest.CaptureFixture[str]
) -> None:
    """A batch of which nothing can be stored now answers with its first record, and counts what was not stored."""
    endpoint.respond = lambda _: refusal("ThrottlingException")
    records = [numbered_record(number) for number in range(3, 5)]

    assert named(function.handler({"Records": records}, context(clock, seconds=5))) == 3

    metrics = metrics_of(capsys.readouterr().out)
    assert (metrics["ChangesStored"], metrics["ChangesNotStored"], metrics["RecordsQuarantined"]) == ([0], [2], [0])


def malformed(number: int) -> Any:
    """Return a record that can never be stored."""
    record = numbered_record(number)
    del record["dynamodb"]["Keys"]
    return record


def test_what_can_never_be_stored_is_quarantined(
    function: ModuleType, endpoint: FakeEndpoint, clock: SimulatedClock, capsys: pytest.CaptureFixture[str]
) -> None:
    """A record that can never be stored is put into the bucket's quarantine with the function's version, and is done."""
    records = [*map(numbered_record, range(3)), malformed(3), numbered_record(4)]

    assert function.handler({"Records": records}, context(clock)) == {"batchItemFailures": []}

    [put] = endpoint.puts
    assert put.path.startswith("/failures/quarantine/")
    content = json.loads(put.body)
    assert (content["record"], content["function_version"]) == (records[3], "42")
    metrics = metrics_of(capsys.readouterr().out)
    assert (metrics["ChangesStored"], metrics["ChangesNotStored"], metrics["RecordsQuarantined"]) == ([4], [0], [1])


def test_what_cannot_be_quarantined_is_named(
    function: ModuleType, endpoint: FakeEndpoint, clock: SimulatedClock
) -> None:
    """While the bucket takes nothing, a record that can never be stored is named in the answer."""
    endpoint.respond_to_put = lambda _: PutRefusal(503, "SlowDown")

    assert named(function.handler({"Records": [numbered_record(1), malformed(2)]}, context(clock))) == 2


def test_bytes_and_age_are_measured(
    function: ModuleType, endpoint: FakeEndpoint, clock: SimulatedClock, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bytes counted are those of the statements that were stored, and the age is by the clock of now."""
    records = [numbered_record(number, at=time.time() - 100) for number in range(3)]

    function.handler({"Records": records}, context(clock))

    metrics = metrics_of(capsys.readouterr().out)
    [request] = endpoint.requests
    around = len('{"Statements":[]}') + len(",,")
    assert metrics["BytesStored"] == [len(request.body) - around]
    assert 100 <= metrics["OldestRecordAge"][0] < 130


def test_what_nobody_foresaw_is_raised_without_its_message(
    function: ModuleType, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that nobody foresaw fails the invocation, told by its kind and place: its message may quote data."""

    def fail(_: object) -> None:
        raise KeyError("4111-1111")

    monkeypatch.setattr(function._table, "insert", fail)

    with pytest.raises(function.UnexpectedError) as raised:
        function.handler({"Records": [numbered_record(1)]}, context(clock))

    assert str(raised.value).startswith("failed unexpectedly: KeyError at test_lambda_function.py:")
    assert raised.value.__suppress_context__
    assert "4111" not in str(raised.value)


def test_an_empty_batch_is_a_success(function: ModuleType, endpoint: FakeEndpoint, clock: SimulatedClock) -> None:
    """An empty list of Records asks DynamoDB for nothing and is answered with success."""
    assert function.handler({"Records": []}, context(clock)) == {"batchItemFailures": []}
    assert endpoint.requests == []


@pytest.mark.parametrize("event", [{}, {"Records": None}, {"Records": {}}, {"records": []}, [], "Records", None])
def test_an_event_without_records_is_refused_in_a_sentence(
    function: ModuleType, clock: SimulatedClock, event: Any
) -> None:
    """An event that has no list of Records fails and says what to send instead: success would hide a mistake."""
    with pytest.raises(function.EventError, match=r"^the event has no list of Records: send what a DynamoDB stream"):
        function.handler(event, context(clock))


def test_the_time_of_the_invocation_is_kept(
    function: ModuleType, endpoint: FakeEndpoint, clock: SimulatedClock
) -> None:
    """Under throttling that doesn't end, the function answers two seconds before Lambda would stop it."""
    endpoint.respond = lambda _: refusal("ThrottlingException")

    answer = function.handler({"Records": [numbered_record(1)]}, context(clock, seconds=30))

    assert named(answer) == 1
    assert 25 < clock.time() <= 28
    assert len(endpoint.requests) > 10


def test_without_time_the_whole_batch_is_reported(
    function: ModuleType, endpoint: FakeEndpoint, clock: SimulatedClock
) -> None:
    """With less than two seconds left, nothing is sent and the first record is named."""
    answer = function.handler({"Records": [numbered_record(1), numbered_record(2)]}, context(clock, seconds=1.9))

    assert named(answer) == 1
    assert endpoint.requests == []


def test_success_is_said_after_everything_is_stored(
    function: ModuleType, endpoint: FakeEndpoint, clock: SimulatedClock
) -> None:
    """The answer comes when DynamoDB has answered every request, however slowly, and not before."""
    answered: list[int] = []

    def slowly(request: Request) -> Answer:
        threading.Event().wait(0.02)
        answered.append(len(request.statements))
        return all_stored(request)

    endpoint.respond = slowly
    answer = function.handler({"Records": [numbered_record(number) for number in range(60)]}, context(clock))

    assert (answer, answered) == ({"batchItemFailures": []}, [25, 25, 10])


DONE, ONCE_MORE = ([25], None), ([25, 1], None)
"""How many statements each request has, and which sequence number the answer names."""


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("DuplicateItem", DONE),
        ("ThrottlingError", ONCE_MORE),
        ("ProvisionedThroughputExceeded", ONCE_MORE),
        ("InternalServerError", ONCE_MORE),
        ("TransactionConflict", ONCE_MORE),
        ("AccessDenied", ONCE_MORE),
        ("ResourceNotFound", ONCE_MORE),
        ("CodeOfTomorrow", ONCE_MORE),
        ("ValidationError", ONCE_MORE),  # in another form, which the endpoint takes
    ],
)
def test_what_each_statements_code_leads_to(
    function: ModuleType,
    endpoint: FakeEndpoint,
    clock: SimulatedClock,
    code: str,
    expected: tuple[list[int], int | None],
) -> None:
    """A code is met with what it calls for: done, or once more; the neighbours are stored at once."""

    def one_fails_once(request: Request) -> Answer:
        fails = len(endpoint.requests) == 1
        responses = [{"Error": {"Code": code, "Message": "m"}} if fails and at == 7 else {} for at in range(25)]
        return Answer(200, {"Responses": responses[: len(request.statements)]})

    endpoint.respond = one_fails_once
    answer = function.handler({"Records": [numbered_record(number) for number in range(25)]}, context(clock))

    assert ([len(request.statements) for request in endpoint.requests], named(answer)) == expected


def test_the_only_call_is_an_insert(function: ModuleType, endpoint: FakeEndpoint, clock: SimulatedClock) -> None:
    """All that the function ever asks of DynamoDB is BatchExecuteStatement with INSERT, and of S3 to put (promise 3)."""
    operations: list[str] = []
    function._table._client.meta.events.register("before-call.*.*", lambda model, **_: operations.append(model.name))
    answers = iter(
        [
            refusal("ValidationException"),
            Answer(413, {}),
            refusal("InternalServerError", 500),
            refusal("AccessDeniedException"),
            refusal("ResourceNotFoundException"),
            Answer(200, {"Responses": []}),
            *(
                Answer(200, {"Responses": [{"Error": {"Code": code}}]})
                for code in ("ResourceNotFound", "AccessDenied", "DuplicateItem", "ValidationError")
            ),
        ]
    )
    endpoint.respond = lambda request: next(answers, None) or all_stored(request)
    records = [
        numbered_record(1),
        numbered_record(2, old=order(2, total={"N": "1"}), new=order(2, total={"N": "2"})),
        numbered_record(3, old=order(3, total={"N": "1"})),
        {"broken": True},
    ]

    for _ in range(3):
        function.handler({"Records": records}, context(clock))

    assert len(endpoint.requests) > 10
    assert {tuple(put.path.split("/")[1:3]) for put in endpoint.puts} == {("failures", "quarantine")}
    assert set(operations) == {request.operation for request in endpoint.requests} == {"BatchExecuteStatement"}
    assert len(operations) == len(endpoint.requests)
    statements = [statement["Statement"] for request in endpoint.requests for statement in request.statements]
    assert all(statement.startswith("INSERT INTO \"audit\" VALUE {'order_id':?,") for statement in statements)


def test_the_function_uses_short_time_outs_and_one_attempt(function: ModuleType) -> None:
    """The client is made as retrying on our own needs it: 1 and 3 seconds of patience, and no retries of botocore's."""
    config = function._table._client.meta.config

    assert (config.connect_timeout, config.read_timeout) == (1, 3)
    assert config.retries["total_max_attempts"] == 1


def test_what_expired_is_archived(
    function: ModuleType, endpoint: FakeEndpoint, clock: SimulatedClock, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second entry point puts a batch's expired records into the history bucket, and touches no table."""
    record = audit_record(numbered_record(1))

    assert function.archive({"Records": [deletion(record, 9)]}, context(clock)) == {"batchItemFailures": []}

    [put] = endpoint.puts
    assert put.path.startswith("/trail/archive/dt%3D2026-11-24/")
    assert (list(items(put.body, "order_id", "2026-11-24")), endpoint.requests) == ([record], [])
    metrics = metrics_of(capsys.readouterr().out)
    assert (metrics["RecordsArchived"], metrics["RecordsNotArchived"], metrics["BytesArchived"]) == (
        [1],
        [0],
        [len(put.body)],
    )


def test_what_can_not_be_archived_is_named(
    function: ModuleType, endpoint: FakeEndpoint, clock: SimulatedClock, capsys: pytest.CaptureFixture[str]
) -> None:
    """While S3 refuses, the second entry point answers with the first record, and counts what isn't archived."""
    endpoint.respond_to_put = lambda _: PutRefusal(503, "SlowDown")
    records = [deletion(audit_record(numbered_record(number)), 10 + number) for number in range(2)]

    assert named(function.archive({"Records": records}, context(clock, seconds=5))) == 10

    metrics = metrics_of(capsys.readouterr().out)
    assert (metrics["RecordsArchived"], metrics["RecordsNotArchived"]) == ([0], [2])


def test_the_archives_log_holds_no_data(
    function: ModuleType, endpoint: FakeEndpoint, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever becomes of expired records, the log has numbers and reasons, and nothing of what they hold."""
    log = io.StringIO()
    monkeypatch.setattr(telemetry.logger.registered_handler, "stream", log)
    record = audit_record(numbered_record(1, new=order(4711, updated_by="secret-mia", note="secret")))
    odd = deletion(record | {"timestamp": {"S": "secret"}}, 8)
    function.archive({"Records": [deletion(record, 9), odd, by_hand("MODIFY", record, 10)]}, context(clock))
    assert {put.path.split("/")[1]: put.path.split("/")[2] for put in endpoint.puts} == {
        "trail": "archive",
        "failures": "quarantine",
    }
    endpoint.respond_to_put = lambda _: PutRefusal(503, "SlowDown", "secret")
    function.archive({"Records": [deletion(record, 9), odd]}, context(clock, seconds=5))
    written = log.getvalue()
    assert all(
        words in written for words in ("batch archived", "record quarantined", "records ignored", "not archived")
    )
    assert not re.search("secret|4711", written)


def test_the_archive_refuses_an_event_without_records(function: ModuleType, clock: SimulatedClock) -> None:
    """Called with something else than a batch, the second entry point says what it takes."""
    with pytest.raises(function.EventError, match="no list of Records"):
        function.archive({}, context(clock))


def test_changes_by_hand_are_counted_and_their_numbers_logged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The third function counts the records that it is told of, and logs which they are without anything in them."""
    log = io.StringIO()
    monkeypatch.setattr(telemetry.logger.registered_handler, "stream", log)
    record = audit_record(numbered_record(1, new=order(4711, note="secret")))
    batch = [by_hand("MODIFY", record, 7), by_hand("REMOVE", record, 8)]
    handler: Any = tampering.handler
    handler({"Records": batch}, context(SimulatedClock(0.0)))
    assert metrics_of(capsys.readouterr().out)["RecordsTampered"] == [2]
    [line] = map(json.loads, log.getvalue().splitlines())
    assert (line["level"], line["changes"]) == ("ERROR", {"MODIFY": 1, "REMOVE": 1})
    assert (line["first_sequence_number"], line["last_sequence_number"]) == (f"{7:021d}", f"{8:021d}")
    assert not re.search("secret|4711", log.getvalue())


@pytest.mark.parametrize(
    ("expires_at", "early"),
    [
        ({"N": str(DELETED - 1)}, False),
        ({"N": str(DELETED)}, False),
        ({"N": str(DELETED + 86_400)}, True),
        ({"S": "soon"}, True),
        (None, True),
    ],
    ids=["expired", "just now", "tomorrow", "no number", "never"],
)
def test_what_ttl_deletes_before_its_time_is_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], expires_at: Any, *, early: bool
) -> None:
    """With TTL turned to another attribute, deletions before `expires_at`, or of records without one, are counted; expiry itself isn't."""
    log = io.StringIO()
    monkeypatch.setattr(telemetry.logger.registered_handler, "stream", log)
    record = audit_record(numbered_record(1, new=order(4711, note="secret")))
    record = {name: value for name, value in record.items() if name != "expires_at"}
    expiry = {} if expires_at is None else {"expires_at": expires_at}
    handler: Any = tampering.handler
    handler({"Records": [deletion(record | expiry, 9)]}, context(SimulatedClock(0.0)))
    printed = capsys.readouterr().out
    counted = metrics_of(printed) if printed else {}
    assert (counted.get("RecordsExpiredEarly"), counted.get("RecordsTampered")) == ([1] if early else None, None)
    said = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [(line["level"], line["changes"]) for line in said] == ([("ERROR", {"REMOVE": 1})] if early else [])
    assert not re.search("secret|4711", log.getvalue())

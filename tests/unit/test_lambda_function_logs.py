"""No data in logs (promise 6): a secret is put wherever a record can hold one, and everything written is read."""

from __future__ import annotations

import base64
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import audit_trail
from tests.unit.bad_records import BAD_RECORDS
from tests.unit.bad_records import SECRET as BAD_SECRET
from tests.unit.fake_endpoint import Answer, Put, PutRefusal, Request, all_stored, fake_endpoint, refusal
from tests.unit.fakes import numbered_record, order

if TYPE_CHECKING:
    from audit_trail.core.values import Image
    from tests.unit.fake_endpoint import FakeEndpoint

ROOT = Path(__file__).parents[2]
SECRET = "geheim-7f3a"
SECRETS = (SECRET, base64.b64encode(SECRET.encode()).decode(), BAD_SECRET)

# Runs the function as Lambda does, in a process of its own so that all its output is here. Lambda's runtime puts a
# handler on the root logger and gives that the level of the function's application logs. Two scenes break our own code,
# with errors that quote all there is.
DRIVER = """
import json, logging, sys, traceback
logging.basicConfig(level=sys.argv[1])
from audit_trail import lambda_function
from audit_trail.batch import inserts
from tests.event_source_mapping import LambdaContext, SimulatedClock
clock = SimulatedClock(0.0)
lambda_function.time.sleep = clock.sleep
audit_item, insert = inserts.audit_item, lambda_function._table.insert
def broken_audit_item(record, settings):
    if "our code fails" in str(record):
        raise KeyError(str(record))
    return audit_item(record, settings)
def broken_insert(statements):
    if b"our adapter fails" in b"".join(statements):
        raise ValueError(statements)
    return insert(statements)
inserts.audit_item, lambda_function._table.insert = broken_audit_item, broken_insert
answers = []
for event in json.load(sys.stdin):
    context = LambdaContext("request-1", "arn:aws:lambda:us-east-1:111122223333:function:audit", clock.now + 3, clock)
    try:
        answers.append(lambda_function.handler(event, context))
    except Exception:
        traceback.print_exc()
        answers.append(None)
print("answers", json.dumps(answers))
"""
SETTINGS = {
    "AUDIT_TABLE": "audit",
    "PARTITION_KEY": "order_id",
    "TRAIL_BUCKET": "trail",
    "ACTOR_ATTRIBUTE": "updated_by",
    "REASON_ATTRIBUTE": "reason",
    "ACTOR_INDEX_SHARDS": "4",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "PYTHONPATH": f"{Path(audit_trail.__file__).parents[1]}:{ROOT}",
}


def secret_record(number: int, scene: str, noise: int = 0) -> dict[str, Any]:
    """Return a change with the secret in its key, values, names, actor, reason and unknown fields."""
    binary = base64.b64encode(SECRET.encode()).decode()
    before: Image = {
        "order_id": {"S": f"{SECRET}-{number}"},
        "card": {"S": SECRET},
        "photo": {"B": binary},
        "tags": {"SS": [SECRET, "b"]},
        "nested": {"M": {SECRET: {"L": [{"S": SECRET}, {"BS": [binary]}]}}},
        "updated_by": {"S": SECRET},
        "reason": {"S": SECRET},
        "scene": {"S": scene},
        "noise": {"B": base64.b64encode(random.Random(1).randbytes(noise)).decode()},
    }
    after = before | {"card": {"S": f"{SECRET}!"}, "updated_by": {"S": f"{SECRET}?"}, SECRET: {"S": SECRET}}
    after["noise"] = {"B": base64.b64encode(random.Random(2).randbytes(noise)).decode()}
    record = numbered_record(number, old=before, new=after, novelty={"text": SECRET})
    record["eventID"] = scene  # stays inline, whatever form the images take
    record["userIdentity"] = {"type": SECRET, "principalId": SECRET}
    record["dynamodb"]["novelty"] = [SECRET]
    return record


def bad_records() -> list[Any]:
    """Return every kind of record that can never be stored."""
    return [
        spoil(numbered_record(number, new=order(number, card=BAD_SECRET)))
        for number, (name, (spoil, _)) in enumerate(BAD_RECORDS.items(), start=100)
        # A sequence number is an id, which logs may carry.
        if name != "SequenceNumber not digits"
    ]


DONE, REPORTED, RAISED = "done", "reported", "raised"
BAD_AND_BUCKET_DOWN = [numbered_record(1, new={SECRET: "the bucket is down"})]  # type: ignore[dict-item]
EVENTS: dict[str, tuple[Any, str]] = {
    "stored": ({"Records": [secret_record(1, "stored")]}, DONE),
    "from S3": ({"Records": [secret_record(2, "from S3", noise=210_000)]}, DONE),
    "refused alone": ({"Records": [secret_record(3, "refused alone")]}, DONE),
    "refused together": ({"Records": [secret_record(4, "refused together")]}, DONE),
    "throttled": ({"Records": [secret_record(5, "throttled")]}, REPORTED),
    "down": ({"Records": [secret_record(6, "down")]}, REPORTED),
    "denied": ({"Records": [secret_record(7, "denied")]}, REPORTED),
    "cut off": ({"Records": [secret_record(8, "cut off")]}, REPORTED),
    "images refused": ({"Records": [secret_record(9, "images refused", noise=300_000)]}, REPORTED),
    "bad in each way": ({"Records": [*bad_records(), secret_record(99, "stored")]}, DONE),
    "all bad": ({"Records": bad_records()}, REPORTED),
    "bad, and the bucket is down": ({"Records": BAD_AND_BUCKET_DOWN}, REPORTED),
    "our code fails": ({"Records": [secret_record(10, "our code fails"), secret_record(11, "stored")]}, DONE),
    "our adapter fails": ({"Records": [secret_record(12, "our adapter fails")]}, RAISED),
    "no Records": ({"records": [secret_record(13, "stored")]}, RAISED),
    "a list": ([SECRET], RAISED),
    "a text": (SECRET, RAISED),
}
"""Events with the secret in all of them, and what becomes of each."""


def respond(request: Request) -> Answer | None:
    """Answer as the scene in the record asks, and quote the whole request as talkatively as DynamoDB might."""
    text = request.body.decode()
    told = {
        "refused alone": ("ValidationError", 200),
        "refused together": ("ValidationException", 400),
        "throttled": ("ThrottlingException", 400),
        "down": ("InternalServerError", 500),
        "denied": ("AccessDenied", 200),
    }
    for scene, (code, status) in told.items():
        if f'"{scene}"' in text:
            error = {"Code": code, "Message": text, "Item": {"card": {"S": SECRET}}}
            if status == 200:
                return Answer(200, {"Responses": [{"Error": error} for _ in request.statements]})
            return refusal(code, status, message=text)
    return Answer(200, {"Responses": []}) if '"cut off"' in text else all_stored(request)


def respond_to_put(put: Put) -> PutRefusal | None:
    """Refuse what a scene asks for, with the secret in the message."""
    if len(put.body) > 1_000_000:
        return PutRefusal(503, "SlowDown", message=f"{SECRET} {SECRETS[1]}")
    if b"the bucket is down" in put.body:
        return PutRefusal(403, "AccessDenied", message=put.body.decode())
    return None


def run(endpoint: FakeEndpoint, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Start the function and give it all events, in a process of its own."""
    endpoint.respond = respond
    endpoint.respond_to_put = respond_to_put
    return subprocess.run(
        [sys.executable, "-c", DRIVER, environment.get("ROOT_LEVEL", "INFO")],
        input=json.dumps([event for event, _ in EVENTS.values()]),
        capture_output=True,
        text=True,
        env=os.environ | SETTINGS | {"AWS_ENDPOINT_URL": endpoint.url} | environment,
        check=False,
    )


def leaks(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the lines that hold a secret, whichever stream they were written to."""
    lines = (done.stdout + done.stderr).splitlines()
    return [line[:300] for line in lines if any(secret in line for secret in SECRETS)]


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({}, id="as deployed"),
        pytest.param({"POWERTOOLS_LOG_LEVEL": "DEBUG", "ROOT_LEVEL": "DEBUG"}, id="at DEBUG"),
        pytest.param({"POWERTOOLS_LOGGER_LOG_EVENT": "true"}, id="with Powertools told to log events"),
    ],
)
def test_nothing_of_an_item_is_written(environment: dict[str, str]) -> None:
    """Whatever happens, nothing that the function writes or raises has a value, key, actor or reason of a record in it."""
    with fake_endpoint() as endpoint:
        done = run(endpoint, environment)

    assert done.returncode == 0, done.stderr
    sent = b"".join([*(request.body for request in endpoint.requests), *(put.body for put in endpoint.puts)]).decode(
        "utf-8", "replace"
    )
    assert SECRET in sent, "the records must have been sent, or else their absence from the logs proves nothing"
    assert BAD_SECRET in sent, "the bad records must have been quarantined"
    *lines, answers = done.stdout.splitlines()
    became = [
        RAISED if answer is None else REPORTED if answer["batchItemFailures"] else DONE
        for answer in json.loads(answers.partition(" ")[2])
    ]
    assert dict(zip(EVENTS, became, strict=True)) == {scene: expected for scene, (_, expected) in EVENTS.items()}
    logged = [json.loads(line) for line in lines]
    assert sum(line.get("message") == "batch done" for line in logged) == sum(one != RAISED for one in became)
    reasons = {line["reason"].partition(" at ")[0] for line in logged if "reason" in line}
    assert reasons >= {
        "refused by DynamoDB: ValidationError",
        "refused by DynamoDB: ValidationException",
        "not stored in time: ThrottlingException",
        "not stored in time: InternalServerError",
        "not stored in time: AccessDenied",
        "not stored in time: IncompleteAnswer",
        "not stored in time: SlowDown",
        "the record has no Keys",
        "the record has no Keys (as is every other record of the batch: check the function's settings)",
        "failed unexpectedly: KeyError",
    }
    assert any(reason.endswith("(not quarantined: AccessDenied)") for reason in reasons)
    assert "the event has no list of Records" in done.stderr
    assert "failed unexpectedly: ValueError at " in done.stderr
    assert leaks(done) == []


@pytest.mark.parametrize("name", ["RETENTION_DAYS", "TIME_INDEX_SHARDS", "AUDIT_TABLE", "TRAIL_BUCKET"])
def test_a_malformed_setting_is_not_written_out(name: str) -> None:
    """A setting that can't be read is named where the cold start fails, without what it holds."""
    with fake_endpoint() as endpoint:
        done = run(endpoint, {name: f"{SECRET} {SECRET}"})

    assert done.returncode == 1
    assert f"the setting {name} is malformed" in done.stderr
    assert leaks(done) == []

"""No data in logs (promise 6): a secret is put wherever a record can hold one, and everything written is read."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import audit_trail
from tests.unit.bad_records import BAD_RECORDS
from tests.unit.bad_records import SECRET as BAD_SECRET
from tests.unit.fake_endpoint import Answer, Request, all_stored, fake_endpoint, refusal
from tests.unit.fakes import numbered_record, order

if TYPE_CHECKING:
    from audit_trail.core.values import Image

ROOT = Path(__file__).parents[2]
SECRET = "geheim-7f3a"
SECRETS = (SECRET, base64.b64encode(SECRET.encode()).decode(), BAD_SECRET)

# Runs the function as Lambda does, in a process of its own so that all its output is here. Lambda's runtime puts a
# handler on the root logger and gives that the level of the function's application logs.
DRIVER = """
import json, logging, sys, traceback
logging.basicConfig(level=sys.argv[1])
from audit_trail import lambda_function
from tests.event_source_mapping import LambdaContext, SimulatedClock
clock = SimulatedClock(0.0)
lambda_function.time.sleep = clock.sleep
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


def secret_record(number: int, scene: str = "") -> dict[str, Any]:
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
    }
    after = before | {"card": {"S": f"{SECRET}!"}, "updated_by": {"S": f"{SECRET}?"}, SECRET: {"S": SECRET}}
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


SCENES = ("stored", "refused alone", "refused together", "throttled", "down", "denied", "cut off")


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


def events() -> list[Any]:
    """Return events with the secret in all of them."""
    scenes = [{"Records": [secret_record(number, scene)]} for number, scene in enumerate(SCENES)]
    bad = {"Records": [*bad_records(), secret_record(99, "stored")]}
    return [*scenes, bad, {"records": [secret_record(1)]}, [SECRET], SECRET]


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
        endpoint.respond = respond
        settings = {
            "AUDIT_TABLE": "audit",
            "PARTITION_KEY": "order_id",
            "TRAIL_BUCKET": "trail",
            "ACTOR_ATTRIBUTE": "updated_by",
            "REASON_ATTRIBUTE": "reason",
            "ACTOR_INDEX_SHARDS": "4",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": endpoint.url,
            "PYTHONPATH": f"{Path(audit_trail.__file__).parents[1]}:{ROOT}",
        }
        done = subprocess.run(
            [sys.executable, "-c", DRIVER, environment.get("ROOT_LEVEL", "INFO")],
            input=json.dumps(events()),
            capture_output=True,
            text=True,
            env=os.environ | settings | environment,
            check=True,
        )

    sent = b"".join(request.body for request in endpoint.requests).decode()
    assert SECRET in sent, "the records must have been sent, or else their absence from the logs proves nothing"
    *lines, answers = done.stdout.splitlines()
    failed = [answer is None or bool(answer["batchItemFailures"]) for answer in json.loads(answers.partition(" ")[2])]
    assert failed == [False, *[True] * (len(failed) - 1)]
    logged = [json.loads(line) for line in lines]
    assert sum(line.get("message") == "batch done" for line in logged) == len(SCENES) + 1
    assert {line["reason"] for line in logged if "reason" in line} >= {
        "refused by DynamoDB: ValidationError",
        "refused by DynamoDB: ValidationException",
        "not stored in time: ThrottlingException",
        "not stored in time: InternalServerError",
        "not stored in time: AccessDenied",
        "not stored in time: IncompleteAnswer",
    }
    assert "the event has no list of Records" in done.stderr
    leaks = [line[:300] for line in (done.stdout + done.stderr).splitlines() if any(one in line for one in SECRETS)]
    assert leaks == []

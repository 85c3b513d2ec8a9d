"""The model of the event source mapping: the function that it invokes. The model's methods cite AWS's pages."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from tests.event_source_mapping import (
    DeployedFunction,
    Faults,
    FunctionCrashed,
    InProcessFunction,
    InvocationRefused,
    SimulatedClock,
    SystemClock,
)
from tests.event_source_mapping_scene import START, Scene

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

ARN = "arn:aws:lambda:eu-central-1:111122223333:function:audit"


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.mark.parametrize(("faults", "worked"), [(Faults(crashed_before=1.0), 0), (Faults(crashed_after=1.0), 1)])
def test_a_crash_fails_the_batch(scene: Scene, faults: Faults, worked: int) -> None:
    """A crash before or after the work is a function error; only after it is the work done."""
    scene.write([1])
    mapping = scene.mapping(faults=faults, maximum_retry_attempts=0)
    mapping.run_until_idle()
    assert len(scene.delivered) == worked
    assert isinstance(mapping.invocations[0].error, FunctionCrashed)
    assert scene.discarded_numbers() == [[1]]


def test_no_handler_survives_a_crash_in_the_middle(scene: Scene) -> None:
    """A crash inside something that the handler calls isn't caught by its `except Exception`."""
    scene.write([1])
    crashes = iter([FunctionCrashed("in the middle")])
    caught: list[Exception] = []

    def service() -> None:
        for crash in crashes:
            raise crash

    def answer(_: list[int]) -> None:
        try:
            service()
        except Exception as error:  # noqa: BLE001  the handler's own net, which must not catch it
            caught.append(error)

    mapping = scene.mapping(answer)
    mapping.run_until_idle()
    assert [str(entry.error) for entry in mapping.invocations] == ["in the middle", "None"]
    assert not caught


def test_an_answer_past_the_deadline_is_thrown_away(scene: Scene) -> None:
    """What a function answers after its time-out doesn't count, though its work was done."""
    scene.write([1])
    seconds = iter([61.0, 59.0])
    mapping = scene.mapping(lambda _: scene.clock.sleep(next(seconds)))
    mapping.run_until_idle()
    assert scene.delivered == [[1], [1]]
    assert [entry.outcome for entry in mapping.invocations] == ["failed", "succeeded"]
    assert isinstance(mapping.invocations[0].error, TimeoutError)


def test_time_outs_on_demand(scene: Scene) -> None:
    """The time-out fault lets the function finish and then throws its answer away."""
    scene.write([1])
    scene.mapping(faults=Faults(timed_out=1.0), maximum_retry_attempts=1).run_until_idle()
    assert scene.delivered == [[1], [1]]
    assert scene.discarded_numbers() == [[1]]


def test_the_context_tells_the_time_left() -> None:
    """The handler's context counts down to the time-out by the clock."""
    clock = SimulatedClock(START)
    seen: list[int] = []

    def handler(_: object, context: Any) -> None:
        seen.append(context.get_remaining_time_in_millis())
        clock.sleep(20)
        seen.append(context.get_remaining_time_in_millis())

    result = InProcessFunction(handler, clock).invoke('{"Records": []}')
    assert (seen, result.function_error) == ([60_000, 40_000], None)


def test_an_answer_that_is_no_json_is_a_function_error(scene: Scene) -> None:
    """A handler that answers something that JSON can't hold fails, as Lambda's runtime would."""
    scene.write([1])
    answers = iter([{1, 2}, None])
    mapping = scene.mapping(lambda _: next(answers))
    mapping.run_until_idle()
    assert isinstance(mapping.invocations[0].error, TypeError)


def test_the_system_clock_is_the_real_one() -> None:
    """A second on the system clock is a second, and waiting waits."""
    clock = SystemClock()
    before = clock.time()
    clock.sleep(0.01)
    assert 0.01 <= clock.time() - before < 5
    assert abs(clock.time() - time.time()) < 5


@pytest.fixture
def lambda_client() -> LambdaClient:
    client: LambdaClient = boto3.client(
        "lambda", region_name="eu-central-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    return client


def test_a_deployed_function_is_invoked_synchronously(lambda_client: LambdaClient) -> None:
    """The adapter passes the event on and gives the answer, the version and the function error."""
    body = b'{"batchItemFailures": []}'
    answer = {
        "StatusCode": 200,
        "ExecutedVersion": "7",
        "FunctionError": "Unhandled",
        "Payload": StreamingBody(io.BytesIO(body), len(body)),
        "ResponseMetadata": {"RequestId": "request-1"},
    }
    with Stubber(lambda_client) as stub:
        stub.add_response("get_function_configuration", {"FunctionArn": ARN}, {"FunctionName": "audit"})
        stub.add_response("invoke", answer, {"FunctionName": "audit", "Payload": b'{"Records":[]}'})
        function = DeployedFunction(lambda_client, "audit")
        result = function.invoke('{"Records":[]}')
    assert function.arn == ARN
    assert (result.request_id, result.payload, result.executed_version) == ("request-1", body.decode(), "7")
    assert result.function_error == "Unhandled"


def test_a_deployed_function_that_is_throttled_was_not_started(lambda_client: LambdaClient) -> None:
    """An error of Lambda itself is a refusal, not a function error."""
    with Stubber(lambda_client) as stub:
        stub.add_response("get_function_configuration", {"FunctionArn": ARN})
        stub.add_client_error("invoke", "TooManyRequestsException")
        function = DeployedFunction(lambda_client, "audit")
        with pytest.raises(InvocationRefused, match="TooManyRequestsException"):
            function.invoke("{}")

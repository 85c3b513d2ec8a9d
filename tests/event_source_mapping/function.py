"""What the mapping invokes: a handler in this process, with faults on demand, or a deployed function."""

from __future__ import annotations

import json
import random
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from types_boto3_lambda import LambdaClient

    from tests.event_source_mapping.clock import Clock


class FunctionCrashed(BaseException):
    """Kills an invocation wherever it is raised, in a fake of a service for instance: no `except Exception` stops it."""


class InvocationRefused(Exception):  # noqa: N818  the field's word for it
    """The function was never started: throttled, or not there."""


@dataclass(frozen=True)
class InvokeResult:
    """The answer of an invocation. `error` is the exception behind `function_error`, where it is known."""

    request_id: str
    payload: str
    function_error: str | None = None
    status_code: int = 200
    executed_version: str = "$LATEST"
    error: BaseException | None = None


class Function(Protocol):
    """A Lambda function."""

    @property
    def arn(self) -> str:
        """The function's ARN."""

    def invoke(self, payload: str) -> InvokeResult:
        """Run the function on an event (JSON) and wait for its answer.

        Raises:
            InvocationRefused: the function was not started.

        """


@dataclass(frozen=True)
class LambdaContext:
    """The context object that the handler gets.

    AWS: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    aws_request_id: str
    invoked_function_arn: str
    deadline: float
    clock: Clock
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 512
    log_group_name: str = "/aws/lambda/function"
    log_stream_name: str = "stream"

    @property
    def function_name(self) -> str:
        """The function's name."""
        return self.invoked_function_arn.rsplit(":", 1)[-1]

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds left before Lambda stops the function."""
        return max(0, int((self.deadline - self.clock.time()) * 1000))


@dataclass(frozen=True, kw_only=True)
class Faults:
    """How likely each thing goes wrong in an invocation, 0 to 1.

    A crash in the middle of the work is not here: raise `FunctionCrashed` in something that the handler calls.
    """

    throttled: float = 0.0
    crashed_before: float = 0.0
    crashed_after: float = 0.0
    timed_out: float = 0.0


@dataclass
class InProcessFunction:
    """A handler called in this process as Lambda would: event and answer go through JSON, time is limited (seconds).

    Past the deadline the answer is thrown away, whatever the handler did by then.

    AWS: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html (FunctionError: "Unhandled" for an exception, a
    time-out, a crashed process)
    """

    handler: Callable[[dict[str, Any], Any], Any]
    clock: Clock
    timeout: float = 60.0
    arn: str = "arn:aws:lambda:eu-central-1:111122223333:function:audit"
    faults: Faults = field(default_factory=Faults)
    rng: random.Random = field(default_factory=lambda: random.Random(0))

    def invoke(self, payload: str) -> InvokeResult:
        """Run the handler once.

        Raises:
            InvocationRefused: the throttling fault struck.

        """
        if self._strikes(self.faults.throttled):
            raise InvocationRefused("Rate exceeded")
        request_id = str(uuid.UUID(int=self.rng.getrandbits(128), version=4))
        context = LambdaContext(request_id, self.arn, self.clock.time() + self.timeout, self.clock)
        try:
            self._crash_if(self.faults.crashed_before, "before the work")
            answer = json.dumps(self.handler(json.loads(payload), context))
            self._crash_if(self.faults.crashed_after, "after the work")
        except (Exception, FunctionCrashed, SystemExit) as error:  # noqa: BLE001  any of them is a function error
            return InvokeResult(request_id, "null", "Unhandled", error=error)
        if self._strikes(self.faults.timed_out):
            self.clock.sleep(self.timeout + 1)
        if self.clock.time() > context.deadline:
            late = TimeoutError(f"Task timed out after {self.timeout:.2f} seconds")
            return InvokeResult(request_id, "null", "Unhandled", error=late)
        return InvokeResult(request_id, answer)

    def _crash_if(self, probability: float, moment: str) -> None:
        if self._strikes(probability):
            raise FunctionCrashed(moment)

    def _strikes(self, probability: float) -> bool:
        return probability > 0 and self.rng.random() < probability


class DeployedFunction:
    """A function deployed on any engine, invoked synchronously with boto3's `lambda` client."""

    def __init__(self, client: LambdaClient, name: str) -> None:
        self._client = client
        self._name = name
        self._arn = client.get_function_configuration(FunctionName=name)["FunctionArn"]

    @property
    def arn(self) -> str:
        """The function's ARN."""
        return self._arn

    def invoke(self, payload: str) -> InvokeResult:
        """Invoke the function and wait.

        Raises:
            InvocationRefused: Lambda answered with an error instead of running it.

        """
        try:
            answer = self._client.invoke(FunctionName=self._name, Payload=payload.encode("utf-8", "surrogatepass"))
        except ClientError as error:
            raise InvocationRefused(str(error)) from error
        return InvokeResult(
            request_id=answer["ResponseMetadata"]["RequestId"],
            payload=answer["Payload"].read().decode("utf-8"),
            function_error=answer.get("FunctionError"),
            status_code=answer["StatusCode"],
            executed_version=answer.get("ExecutedVersion", "$LATEST"),
        )

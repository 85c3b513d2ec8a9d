"""make invoke: what it prints and how it exits."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from scripts import invoke
from scripts.project import ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from types_boto3_lambda import LambdaClient

EVENT = b'{"Records": []}'


@pytest.fixture
def client() -> Iterator[LambdaClient]:
    """Give a client that never calls anything."""
    made = boto3.client("lambda", aws_access_key_id="test", aws_secret_access_key="test")
    yield made
    made.close()


def _invoke(client: LambdaClient, payload: dict[str, object], **more: str) -> int:
    body = json.dumps(payload).encode()
    with Stubber(client) as stub:
        answer = {"StatusCode": 200, "Payload": StreamingBody(io.BytesIO(body), len(body)), **more}
        stub.add_response("invoke", answer, {"FunctionName": "audit-trail", "Payload": EVENT})
        code = invoke.invoke(client, "audit-trail", EVENT)
        stub.assert_no_pending_responses()
    return code


def test_success(client: LambdaClient, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty partial batch response is printed, and the command succeeds."""
    assert _invoke(client, {"batchItemFailures": []}) == 0
    assert json.loads(capsys.readouterr().out) == {"batchItemFailures": []}


def test_a_record_that_was_not_stored(client: LambdaClient, capsys: pytest.CaptureFixture[str]) -> None:
    """A partial failure fails the command, which names the first record that was not stored."""
    assert _invoke(client, {"batchItemFailures": [{"itemIdentifier": "111"}]}) == 1
    assert "could not store 111" in capsys.readouterr().err


def test_a_function_that_raised(client: LambdaClient, capsys: pytest.CaptureFixture[str]) -> None:
    """A function that raised fails the command, though Lambda answers 200."""
    assert _invoke(client, {"errorMessage": "no such setting"}, FunctionError="Unhandled") == 1
    assert "Unhandled" in capsys.readouterr().err


def test_nothing_deployed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a local deployment or a FUNCTION, a sentence says what to do."""
    monkeypatch.delenv("FUNCTION", raising=False)
    monkeypatch.setattr(invoke, "OUTPUTS", tmp_path / "outputs.json")

    with pytest.raises(ProblemError, match="run `make local-up`, or name a function on AWS"):
        invoke.target()


def test_the_local_function_and_the_one_on_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """After local-up, it's the local function at its endpoint; FUNCTION means AWS, whatever runs here."""
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps({"endpoint": "http://127.0.0.1:4566", "function_name": "local"}), encoding="utf-8")
    monkeypatch.setattr(invoke, "OUTPUTS", outputs)
    monkeypatch.delenv("FUNCTION", raising=False)

    client, name = invoke.target()
    assert (client.meta.endpoint_url, name) == ("http://127.0.0.1:4566", "local")
    client.close()

    monkeypatch.setenv("FUNCTION", "mine")
    client, name = invoke.target()
    assert (client.meta.endpoint_url, name) == ("https://lambda.us-east-1.amazonaws.com", "mine")
    client.close()


def test_nothing_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """When the engine has gone, a sentence says so."""
    monkeypatch.setattr(invoke, "OUTPUTS", tmp_path / "outputs.json")
    (tmp_path / "outputs.json").write_text(
        json.dumps({"endpoint": "http://127.0.0.1:9", "function_name": "local"}), encoding="utf-8"
    )
    monkeypatch.delenv("FUNCTION", raising=False)

    with pytest.raises(ProblemError, match=r"could not be invoked.*is it running"):
        invoke.main()

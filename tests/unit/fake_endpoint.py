"""A DynamoDB endpoint on loopback that answers as a test says, for a real client with real time-outs."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import boto3

from audit_trail.aws.audit_table import CLIENT_CONFIG

if TYPE_CHECKING:
    from botocore.config import Config
    from types_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class Request:
    """What the endpoint was asked."""

    operation: str
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)

    @property
    def statements(self) -> list[dict[str, Any]]:
        """The statements of a BatchExecuteStatement."""
        statements: list[dict[str, Any]] = self.json["Statements"]
        return statements


@dataclass(frozen=True)
class Answer:
    """What the endpoint says."""

    status: int
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Put:
    """An object that was put, as S3 would have got it."""

    path: str
    body: bytes


Respond = Callable[[Request], Answer | None]
"""Decides on an answer; None never answers."""


@dataclass(frozen=True)
class PutRefusal:
    """How S3 refuses a put."""

    status: int
    code: str
    message: str = "no"


RespondToPut = Callable[[Put], PutRefusal | None]
"""Decides on an answer to a put; None is success."""


def all_stored(request: Request) -> Answer:
    """Answer that every statement was carried out."""
    return Answer(200, {"Responses": [{"TableName": "audit"} for _ in request.statements]})


def refusal(code: str, status: int = 400, message: str = "no") -> Answer:
    """Answer as DynamoDB refuses a whole request."""
    return Answer(status, {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message})


class FakeEndpoint:
    """Counts the requests it gets and answers with `respond`, which a test may replace at any time."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[Request] = []
        self.puts: list[Put] = []
        self.respond: Respond = all_stored
        self.respond_to_put: RespondToPut = lambda _: None

    def client(self, config: Config = CLIENT_CONFIG) -> DynamoDBClient:
        """Make a client that talks to it."""
        client: DynamoDBClient = boto3.Session("test", "test", region_name="us-east-1").client(
            "dynamodb", endpoint_url=self.url, config=config
        )
        return client


@contextmanager
def fake_endpoint() -> Iterator[FakeEndpoint]:
    """Serve on a free port of loopback."""
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = Request(self.headers["X-Amz-Target"].partition(".")[2], body)
            endpoint.requests.append(request)
            answer = endpoint.respond(request)
            if answer is None:
                ended.wait()
                self.close_connection = True
                return
            payload = json.dumps(answer.body).encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def do_PUT(self) -> None:
            """Take or refuse an object, as S3 would."""
            put = Put(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            endpoint.puts.append(put)
            refused = endpoint.respond_to_put(put)
            payload = b""
            if refused is not None:
                message = escape(refused.message)
                payload = f"<Error><Code>{refused.code}</Code><Message>{message}</Message></Error>".encode()
            self.send_response(200 if refused is None else refused.status)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name that the base class gave it
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    endpoint = FakeEndpoint(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield endpoint
    finally:
        ended.set()
        server.shutdown()
        thread.join()
        server.server_close()

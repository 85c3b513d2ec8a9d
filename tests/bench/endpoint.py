"""A DynamoDB and S3 endpoint in a process of its own, which answers at once that all went well, and counts.

So a handler can be measured whole, through a real client and real HTTP, and nothing but its own CPU shows. Run as a
program it prints its port and serves until its standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.request
import zlib
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from scripts.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

_COUNTS = "/counts"


class _Server:
    """Speaks as much HTTP/1.1 as botocore does; DELETE counts to start from nothing, GET counts to read them."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests until it ends."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                line, *lines = head.split("\r\n")
                method, path, _ = line.split(" ")
                headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
                if headers.get("expect") == "100-continue":
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                writer.write(_response(self._answer(method, path, headers.get("x-amz-target", ""), body)))
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            writer.close()

    def _answer(self, method: str, path: str, target: str, body: bytes) -> bytes:
        if path == _COUNTS:
            counts = json.dumps(self.counts).encode()
            if method == "DELETE":
                self.counts.clear()
            return counts
        operation = target.partition(".")[2] or f"S3 {method}"
        self.counts[operation] += 1
        if operation == "BatchExecuteStatement":
            statements = json.loads(body)["Statements"]
            self.counts["statements"] += len(statements)
            return json.dumps({"Responses": [{"TableName": "audit"}] * len(statements)}).encode()
        if operation == "PutItem":
            self.counts["statements"] += 1
            return b"{}" if json.loads(body)["Item"] else b""
        return b""


def _response(payload: bytes) -> bytes:
    # DynamoDB sends this checksum, and some of botocore's retry modes check it.
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nx-amzn-RequestId: request\r\n"
        f"x-amz-crc32: {zlib.crc32(payload)}\r\nContent-Length: {len(payload)}\r\n\r\n"
    )
    return head.encode() + payload


class Endpoint:
    """A running endpoint."""

    def __init__(self, url: str) -> None:
        self.url = url

    def take_counts(self) -> Counter[str]:
        """Return how many requests of each operation, and statements in all, it had since the last time."""
        request = urllib.request.Request(f"{self.url}{_COUNTS}", method="DELETE")  # noqa: S310  loopback
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310  loopback
            counts: Counter[str] = Counter(json.load(answer))
        return counts


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    """Run an endpoint on a free port of loopback."""
    command = [sys.executable, "-m", "tests.bench.endpoint"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Endpoint(f"http://127.0.0.1:{int(process.stdout.readline())}")
        finally:
            process.communicate()  # closes its standard input, which ends it


async def _main() -> None:
    # The largest request is 4 MB in one go.
    server = await asyncio.start_server(_Server().serve, "127.0.0.1", 0, limit=1 << 23)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(_main())

"""A server on loopback that remembers what it was asked for."""

from __future__ import annotations

import http.server
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Listener:
    """What was asked for is in `asked`; the answer is always 404."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.asked: list[str] = []


@contextmanager
def listening() -> Iterator[Listener]:
    """Yield a server that listens."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Remember it."""
            listener.asked.append(self.path)
            with suppress(ConnectionError):  # a page that is closed doesn't wait for its answers
                self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        listener = Listener(server.server_port)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield listener
        finally:
            server.shutdown()
            thread.join()

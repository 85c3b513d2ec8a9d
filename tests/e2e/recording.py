"""An endpoint on loopback that passes every request on to an engine, and remembers what was asked for."""

from __future__ import annotations

import http.client
import http.server
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

HOP_BY_HOP = {"connection", "content-length", "date", "keep-alive", "server", "transfer-encoding"}


class Recorder:
    """Each request is in `asked` as its method and its path with the query."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.asked: list[tuple[str, str]] = []

    def objects(self, bucket: str, prefix: str) -> list[str]:
        """Return the keys under a prefix of the objects of a bucket that were fetched, in order."""
        paths = [unquote(urlsplit(path).path) for method, path in self.asked if method == "GET"]
        return sorted(path.removeprefix(f"/{bucket}/") for path in paths if path.startswith(f"/{bucket}/{prefix}"))


@contextmanager
def recording(endpoint: str) -> Iterator[Recorder]:
    """Pass requests on to `endpoint`."""
    engine = urlsplit(endpoint).netloc

    class Handler(http.server.BaseHTTPRequestHandler):
        def _pass_on(self) -> None:
            recorder.asked.append((self.command, self.path))
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            connection = http.client.HTTPConnection(engine, timeout=30)
            try:
                connection.request(self.command, self.path, body, dict(self.headers))
                answer = connection.getresponse()
                content = answer.read()
            finally:
                connection.close()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _pass_on  # noqa: N815  what http.server calls them

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        recorder = Recorder(server.server_port)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield recorder
        finally:
            server.shutdown()
            thread.join()

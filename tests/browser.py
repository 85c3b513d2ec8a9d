"""A headless Chromium, spoken to over a pipe (Chrome DevTools Protocol).

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from tests import chromium_package

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SECONDS = 60
_OPTIONS = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",  # CI is root, or may not make user namespaces; the pages are our own
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--force-device-scale-factor=1",
    "--hide-scrollbars",
)

_KEYS = {"Tab": 9, "Enter": 13, " ": 32, "ArrowUp": 38, "ArrowDown": 40}


@contextmanager
def chromium(directory: Path) -> Iterator[Browser]:
    """Yield a browser of one's own, with its profile and its log in `directory`; end it afterwards."""
    program, environment = chromium_package.command()
    browser = Browser(program, environment, directory)
    try:
        yield browser
    finally:
        browser.close()


class ProtocolError(Exception):
    """Chromium refused a call, or its page went elsewhere meanwhile."""


class Browser:
    """A running Chromium; events that it reports are kept for the tab that they are about."""

    def __init__(self, program: str, environment: dict[str, str], directory: Path) -> None:
        arguments = [program, *_OPTIONS, f"--user-data-dir={directory}/profile", "about:blank"]
        self._log = directory / "chromium.log"
        with self._log.open("wb") as log:
            # Chromium reads from 3 and writes to 4.
            self._process = subprocess.Popen(
                ["sh", "-c", 'exec "$@" 3<&0 4>&1 </dev/null >&2', "sh", *arguments],
                env={"PATH": os.environ["PATH"], "HOME": str(directory), **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
            )
        self._sent = 0
        self._received = b""
        self.events: dict[str, list[dict[str, Any]]] = {}

    def call(self, method: str, session: str = "", **parameters: Any) -> Any:
        """Call a method of the protocol and return its result."""
        self._sent += 1
        message = {
            "id": self._sent,
            "method": method,
            "params": parameters,
            **({"sessionId": session} if session else {}),
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode("ascii") + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._sent:
                if "error" in answer:
                    raise ProtocolError(method, answer["error"])
                return answer["result"]

    def wait_for(self, method: str, session: str) -> None:
        """Wait until a tab has reported an event."""
        while not any(event["method"] == method for event in self.events[session]):
            self._read()

    def tab(self, url: str, look: Look | None = None) -> Tab:
        """Open a page."""
        return Tab(self, url, look or Look())

    def close(self) -> None:
        """End the browser."""
        if self._process.poll() is None:
            self.call("Browser.close")
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        deadline = time.monotonic() + _SECONDS
        while b"\0" not in self._received:
            ready, _, _ = select.select([self._process.stdout], [], [], max(0, deadline - time.monotonic()))
            part = os.read(self._process.stdout.fileno(), 1 << 20) if ready else b""
            assert part, f"Chromium does not answer:\n{self._log.read_text('utf-8', 'replace')[-2000:]}"
            self._received += part
        message, _, self._received = self._received.partition(b"\0")
        read: dict[str, Any] = json.loads(message)
        if "method" in read:
            self.events.setdefault(read.get("sessionId", ""), []).append(read)
        return read


@dataclass(frozen=True)
class Look:
    """How a page is looked at: `scheme` is light or dark, `media` screen or print, `scripts` whether scripts run."""

    width: int = 1280
    height: int = 900
    scheme: str = "light"
    media: str = "screen"
    scripts: bool = True


class Tab:
    """A page, loaded."""

    def __init__(self, browser: Browser, url: str, look: Look) -> None:
        self._browser = browser
        self._target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = browser.call("Target.attachToTarget", targetId=self._target, flatten=True)["sessionId"]
        browser.events[self._session] = []
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")
        size = {"width": look.width, "height": look.height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        features = [{"name": "prefers-color-scheme", "value": look.scheme}]
        self.call("Emulation.setEmulatedMedia", media=look.media, features=features)
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)
        self.call("Emulation.setScriptExecutionDisabled", value=not look.scripts)
        self.url = url
        self.call("Page.navigate", url=url)
        browser.wait_for("Page.loadEventFired", self._session)

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._browser.call("Target.closeTarget", targetId=self._target)

    def call(self, method: str, **parameters: Any) -> Any:
        """Call a method of the protocol on this page."""
        return self._browser.call(method, self._session, **parameters)

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, which runs beside the page's own policy."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, *keys: str) -> None:
        """Press keys, one after the other: Tab, Enter, ArrowDown, a character …; Shift+Tab goes back."""
        for key in keys:
            name = key.removeprefix("Shift+")
            text = {"Enter": "\r"}.get(name, name if len(name) == 1 else "")
            event = {
                "key": name,
                "code": "Space" if name == " " else name,
                "modifiers": 8 if name != key else 0,
                "windowsVirtualKeyCode": _KEYS.get(name) or ord(name.upper()),
            }
            self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **event)
            self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    def picture(self, path: Path, *, whole: bool = True) -> None:
        """Save a picture of the page, or of what its window shows."""
        taken = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(taken["data"]))

    def pdf(self) -> bytes:
        """Print the page, A4."""
        size = {"paperWidth": 8.27, "paperHeight": 11.69}
        return base64.b64decode(
            self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True, **size)["data"]
        )

    def settle(self) -> None:
        """Let the page do what it has under way."""
        self.evaluate("new Promise((done) => setTimeout(done, 100))")

    def events(self, method: str) -> list[dict[str, Any]]:
        """Return the parameters of all events of a kind, so far."""
        return [event["params"] for event in self._browser.events[self._session] if event["method"] == method]

    def requests(self) -> list[str]:
        """Return what was asked for besides the page itself."""
        asked = [event["request"]["url"] for event in self.events("Network.requestWillBeSent")]
        assert asked[0] == self.url
        return asked[1:]

"""Engines are chosen as asked, and only what was started is ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from scripts import engine, localstack, ministack, processes
from scripts.project import ProblemError
from tests.unit.fake_programs import FakeProgram

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
]
# An http server stands in for an emulator: any answer counts as healthy.
SERVER = "import http.server; http.server.HTTPServer(('127.0.0.1', {port}), http.server.BaseHTTPRequestHandler).serve_forever()"


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Start from no choice and no noted engine."""
    for name in ("ENGINE", "ENDPOINT", "LOCALSTACK_AUTH_TOKEN", "LOCALSTACK_IMAGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(engine, "STATE", tmp_path / "state" / "engine.json")


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeProgram:
    """Give a Docker whose daemon answers."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return FakeProgram("docker", folder, monkeypatch)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[processes.Process, int]]:
    """Run a small http server in a process of its own."""
    port = processes.free_port()
    command = [sys.executable, "-c", SERVER.format(port=port)]
    process = processes.start(command, dict(os.environ), tmp_path / "server.log")
    processes.wait_until(
        lambda: processes.http_answers(f"http://127.0.0.1:{port}"), process, "server", tmp_path / "server.log"
    )
    yield process, port
    processes.end(process)


def test_end_ends_what_was_started(tmp_path: Path) -> None:
    """A started process runs until it's ended, and isn't ended twice."""
    process = processes.start(SLEEP, dict(os.environ), tmp_path / "log")

    assert processes.identity(process.pid) == process.identity
    assert processes.end(process)
    assert processes.identity(process.pid) is None
    assert not processes.end(process)


def test_end_insists(tmp_path: Path) -> None:
    """A process that ignores SIGTERM is ended all the same."""
    log = tmp_path / "log"
    process = processes.start(STUBBORN, dict(os.environ), log)
    processes.wait_until(lambda: "up" in log.read_text(encoding="ascii"), process, "stubborn", log)

    assert processes.end(process, seconds=0.3)
    assert processes.identity(process.pid) is None


def test_end_spares_strangers() -> None:
    """A process that isn't the one that was started is left alone, though it has its id."""
    with subprocess.Popen(SLEEP) as stranger:
        assert not processes.end(processes.Process(stranger.pid, "the start time of another"))
        assert stranger.poll() is None
        stranger.send_signal(signal.SIGKILL)


def test_a_server_that_stops_at_once(tmp_path: Path) -> None:
    """A server that ends before it answers gives a sentence that names its log, long before the time is up."""
    started = time.monotonic()
    process = processes.start([sys.executable, "-c", "raise SystemExit(3)"], dict(os.environ), tmp_path / "log")

    with pytest.raises(ProblemError, match=f"the server stopped at once: its log is {tmp_path / 'log'}"):
        processes.wait_until(lambda: False, process, "the server", tmp_path / "log")
    assert time.monotonic() - started < 10


def test_a_server_that_never_answers_is_ended(tmp_path: Path) -> None:
    """A server that doesn't answer in time is not left running."""
    process = processes.start(SLEEP, dict(os.environ), tmp_path / "log")

    with pytest.raises(ProblemError, match="did not answer within 0 s"):
        processes.wait_until(lambda: False, process, "the server", tmp_path / "log", seconds=0.2)
    assert processes.identity(process.pid) is None


@pytest.mark.parametrize(
    ("environment", "prefer_docker", "kind"),
    [
        ({}, False, "ministack"),
        ({}, True, "localstack"),
        ({"ENGINE": "ministack"}, True, "ministack"),
        ({"ENGINE": "localstack"}, False, "localstack"),
        ({"ENGINE": "localstack", "ENDPOINT": "http://127.0.0.1:1"}, True, "external"),
    ],
)
def test_choice(
    monkeypatch: pytest.MonkeyPatch, docker: FakeProgram, environment: dict[str, str], *, prefer_docker: bool, kind: str
) -> None:
    """ENDPOINT comes before ENGINE, and that before the default, which is LocalStack only where Docker is preferred."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert engine.chosen(prefer_docker=prefer_docker) == kind


def test_docker_that_does_not_answer(docker: FakeProgram, tmp_path: Path) -> None:
    """Without a daemon, MiniStack is chosen, and asking for LocalStack gives a sentence."""
    docker.answer("info", "exit 1")

    assert engine.chosen(prefer_docker=True) == "ministack"
    with pytest.raises(ProblemError, match="LocalStack needs Docker"):
        localstack.launch(tmp_path)


def test_an_unknown_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ENGINE that nobody knows is named."""
    monkeypatch.setenv("ENGINE", "floci")

    with pytest.raises(ProblemError, match="ENGINE=floci is not known"):
        engine.chosen()


def test_an_endpoint_where_nothing_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An ENDPOINT that doesn't answer is named before anything is deployed to it."""
    monkeypatch.setenv("ENDPOINT", f"http://127.0.0.1:{processes.free_port()}")

    with pytest.raises(ProblemError, match="nothing answers at ENDPOINT="):
        engine.start("external", tmp_path)


def test_localstack_is_published_on_loopback_and_removed(
    monkeypatch: pytest.MonkeyPatch, docker: FakeProgram, server: tuple[processes.Process, int], tmp_path: Path
) -> None:
    """The pinned image runs on a loopback port, the token goes by name only, and stop removes that container."""
    monkeypatch.setattr(localstack, "free_port", lambda: server[1])
    monkeypatch.setenv("LOCALSTACK_AUTH_TOKEN", "secret")
    docker.answer("run", "echo container-1")

    started = engine.start("localstack", tmp_path)
    started.stop()

    [run] = [call for call in docker.calls if call.startswith("run")]
    assert run.endswith(localstack.IMAGE)
    assert f"--publish 127.0.0.1:{server[1]}:4566" in run
    assert "--env LOCALSTACK_AUTH_TOKEN " in run
    assert "secret" not in run
    assert docker.calls[-1] == "rm --force container-1"


def test_the_noted_engine_is_found_and_ended(server: tuple[processes.Process, int]) -> None:
    """A later command finds the engine that an earlier one noted, and ends it."""
    process, port = server
    noted = engine.Engine("ministack", f"http://127.0.0.1:{port}", process.pid, process.identity)
    engine.note(noted)

    assert engine.running() == noted
    engine.stop_noted()
    assert processes.identity(process.pid) is None
    assert engine.running() is None


def test_an_engine_that_is_someone_else_s_lives_on(server: tuple[processes.Process, int]) -> None:
    """An engine that was only pointed at by ENDPOINT is forgotten, not ended."""
    process, port = server
    engine.note(engine.Engine("external", f"http://127.0.0.1:{port}"))

    engine.stop_noted()

    assert processes.identity(process.pid) == process.identity
    assert engine.running() is None


def test_ministack_sees_nothing_of_this_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """MiniStack, whose functions see all of its environment, gets none of this process's settings, and loopback only."""
    monkeypatch.setenv("AWS_PROFILE", "production")
    program = tmp_path / "python"
    program.write_text(
        f'#!/bin/sh\nenv > {tmp_path}/environment\nexec {sys.executable} -c "{SERVER.format(port="$GATEWAY_PORT")}"\n'
    )
    program.chmod(0o755)
    monkeypatch.setattr(ministack, "python", lambda: program)

    process, endpoint = ministack.launch(tmp_path / "engine", "eu-west-1", settings={"AUTH": "true"})
    processes.end(process)

    seen = dict(line.split("=", 1) for line in (tmp_path / "environment").read_text(encoding="utf-8").splitlines())
    assert "AWS_PROFILE" not in seen
    assert seen["BIND_HOST"] == "127.0.0.1"
    assert endpoint == f"http://127.0.0.1:{seen['GATEWAY_PORT']}"
    assert (seen["MINISTACK_REGION"], seen["AUTH"]) == ("eu-west-1", "true")
    assert seen["TMPDIR"].startswith(str(tmp_path / "engine"))

"""Terraform is fetched only when there is none, and unpacked only when it is the pinned one."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from scripts import install_terraform
from scripts.processes import free_port
from scripts.project import ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VERSION = install_terraform.VERSION


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's own name
        """Print nothing."""


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TF", raising=False)
    return tmp_path / "cache" / "table-trail"


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[bytes]:
    """Serve a release on loopback whose program prints its version."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("LICENSE.txt", "a licence")
        archive.writestr("terraform", f"#!/bin/sh\necho fake {VERSION}\n")
    folder = tmp_path / "releases" / "terraform" / VERSION
    folder.mkdir(parents=True)
    name = f"terraform_{VERSION}_{install_terraform.this_platform()}.zip"
    (folder / name).write_bytes(packed.getvalue())
    handler = partial(_QuietHandler, directory=str(tmp_path / "releases"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("TF_RELEASES_URL", f"http://127.0.0.1:{server.server_port}/")
        yield packed.getvalue()
        server.shutdown()
        thread.join()


def _sums(content: bytes) -> dict[str, str]:
    return {install_terraform.this_platform(): hashlib.sha256(content).hexdigest()}


def test_the_right_sum_is_installed_once(release: bytes, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    """A zip with the pinned sum becomes an executable in the cache, which the next call takes without a network."""
    program = install_terraform.install(_sums(release))

    assert program.is_relative_to(cache)
    assert program.stat().st_mode & 0o111
    monkeypatch.setenv("TF_RELEASES_URL", f"http://127.0.0.1:{free_port()}")
    assert install_terraform.install(_sums(release)) == program


def test_a_wrong_sum_is_refused(release: bytes, cache: Path) -> None:
    """A zip with another sum is refused in a sentence, and nothing of it stays in the cache."""
    with pytest.raises(ProblemError, match="is not the pinned one"):
        install_terraform.install(_sums(release + b"altered"))

    assert [path.name for path in cache.rglob("*") if path.suffix != ".lock"] == []


def test_the_real_pins_are_for_the_real_zips(release: bytes) -> None:
    """Without other sums, the pinned ones are what counts: a release of somebody else's is refused."""
    if install_terraform.this_platform() not in install_terraform.SHA256:
        pytest.skip("no Terraform is pinned for this platform")
    with pytest.raises(ProblemError, match="is not the pinned one"):
        install_terraform.install()


def test_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A releases site that can't be reached gives a sentence that says what to do instead."""
    monkeypatch.setenv("TF_RELEASES_URL", f"http://127.0.0.1:{free_port()}")

    with pytest.raises(ProblemError, match=r"can't be reached.*install Terraform yourself"):
        install_terraform.install(_sums(b""))


def test_a_release_that_is_not_there(release: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A site without this release is named with its answer."""
    monkeypatch.setattr(install_terraform, "VERSION", "0.0.0")

    with pytest.raises(ProblemError, match="answered 404"):
        install_terraform.install(_sums(release))


def test_another_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform without a pinned sum gets a sentence, not an unchecked program."""
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    monkeypatch.setattr("platform.system", lambda: "Linux")

    with pytest.raises(ProblemError, match=f"no Terraform {VERSION} is pinned for linux_riscv64"):
        install_terraform.install()


def test_no_plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only loopback is asked without TLS."""
    monkeypatch.setenv("TF_RELEASES_URL", "http://releases.example")

    with pytest.raises(ProblemError, match="must begin with https"):
        install_terraform.install(_sums(b""))


def test_the_one_on_path_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """TF names the program; without it, a terraform on PATH is used, and nothing is fetched."""
    for name in ("terraform", "tofu"):
        (tmp_path / name).write_text("#!/bin/sh\n", encoding="ascii")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert install_terraform.executable() == "terraform"
    monkeypatch.setenv("TF", "tofu")
    assert install_terraform.executable() == "tofu"
    monkeypatch.setenv("TF", "no-such-program")
    with pytest.raises(ProblemError, match="TF=no-such-program is not on PATH"):
        install_terraform.executable()

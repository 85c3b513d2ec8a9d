"""What the zip holds, and that the same sources make the same bytes."""

from __future__ import annotations

import hashlib
import importlib.util
import marshal
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import boto3
import pytest

from scripts import build_zip, handler_dependencies
from scripts.project import ROOT, ProblemError

OWN = f"python{sys.version_info.major}.{sys.version_info.minor}"
# What Lambda's runtime brings: boto3 and what it imports.
RUNTIME_PACKAGES = ("boto3", "botocore", "s3transfer", "dateutil", "urllib3", "six.py")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the zip with .pyc of this interpreter, which is always there."""
    return build_zip.build(tmp_path_factory.mktemp("zip") / "handler.zip", OWN)


def _names(archive: Path) -> list[str]:
    with zipfile.ZipFile(archive) as opened:
        return opened.namelist()


def test_reproducible(built: Path, tmp_path: Path) -> None:
    """Another process, with other Python settings, hash seed, umask, time zone and folder, gives the same bytes."""
    command = [sys.executable, "-m", "scripts.build_zip", "--runtime", OWN, "--output", str(tmp_path / "again.zip")]
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONOPTIMIZE": "2", "TZ": "Asia/Kathmandu"}
    done = subprocess.run(command, cwd=ROOT, env=environment, umask=0o077, capture_output=True, text=True, check=True)

    assert (tmp_path / "again.zip").read_bytes() == built.read_bytes()
    assert f"{built.stat().st_size:,} bytes" in done.stdout
    assert hashlib.sha256(built.read_bytes()).hexdigest() in done.stdout


def test_small(built: Path) -> None:
    """The zip has at most 2 MB."""
    assert built.stat().st_size <= 2_000_000


def test_only_what_the_function_needs(built: Path) -> None:
    """The entry points are in the zip; the command line, tests and packages' metadata are not."""
    names = _names(built)

    assert {"audit_trail/lambda_function.py", "audit_trail/stream_check.py"} <= set(names)
    assert not [name for name in names if name.startswith("audit_trail/cli/") or "dist-info" in name or "test" in name]
    assert {Path(name).suffix for name in names} == {".py", ".pyc"}


def test_everything_imports_beside_boto3_alone(built: Path, tmp_path: Path) -> None:
    """Every module of the zip imports in an interpreter that has nothing but the zip and boto3."""
    code, runtime = tmp_path / "task", tmp_path / "runtime"
    runtime.mkdir()
    for name in RUNTIME_PACKAGES:
        (runtime / name).symlink_to(Path(boto3.__file__).parent.parent / name)
    with zipfile.ZipFile(built) as opened:
        opened.extractall(code)
    sources = [name for name in _names(built) if name.endswith(".py")]
    modules = [name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in sources]
    # The entry points connect to AWS at import, so they get what Lambda would give them.
    settings = {"AUDIT_TABLE": "audit", "PARTITION_KEY": "order_id", "TRAIL_BUCKET": "bucket"}
    settings |= {"SOURCE_TABLE": "orders", "EVENT_SOURCE_MAPPING": "uuid"}
    settings |= {"ARCHIVE_EVENT_SOURCE_MAPPING": "uuid", "TAMPERING_EVENT_SOURCE_MAPPING": "uuid"}
    settings |= {"AWS_DEFAULT_REGION": "us-east-1", "POWERTOOLS_SERVICE_NAME": "t", "POWERTOOLS_METRICS_NAMESPACE": "t"}
    program = f"import importlib, sys; sys.path[:0] = [{str(code)!r}, {str(runtime)!r}]\n"
    program += "for name in sys.argv[1:]: importlib.import_module(name)\n"
    program += (
        "print([m.__name__ for m in sys.modules.values() if 'site-packages' in (getattr(m, '__file__', '') or '')])"
    )

    done = subprocess.run(
        [sys.executable, "-S", "-s", "-c", program, *modules], env=settings, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    # Resolved links of the runtime's packages aside, nothing of the virtual environment was in reach.
    assert done.stdout.strip() == "[]"
    assert len(modules) > 60


def test_pyc_are_what_the_runtime_takes(built: Path) -> None:
    """Beside each source lies its .pyc: unchecked-hash, of the right interpreter, with a relative path."""
    with zipfile.ZipFile(built) as opened:
        sources = [name for name in opened.namelist() if name.endswith(".py")]
        for name in sources:
            content = opened.read(importlib.util.cache_from_source(name))
            assert content[:4] == importlib.util.MAGIC_NUMBER
            assert int.from_bytes(content[4:8], "little") == 0b01
            assert marshal.loads(content[16:]).co_filename == name  # noqa: S302  # made a moment ago by ourselves


def test_without_the_runtime_s_interpreter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where no interpreter of the runtime's version is found by running it, there's a warning and no .pyc."""
    built = build_zip.build(tmp_path / "handler.zip", "python3.99")

    assert "no python3.99 found" in capsys.readouterr().err
    assert {Path(name).suffix for name in _names(built)} == {".py"}


def test_a_shim_that_leads_nowhere_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An interpreter counts by what it answers when it's run, so a broken or misnamed one is not taken."""
    shims, good = tmp_path / "shims", tmp_path / "pyenv" / "versions" / "3.99.1" / "bin"
    shims.mkdir()
    good.mkdir(parents=True)
    (shims / "python3.99").write_text("#!/bin/sh\nexit 127\n", encoding="ascii")
    (good / "python3.99").write_text("#!/bin/sh\necho cpython 3.99\n", encoding="ascii")
    (shims / "python3.99").chmod(0o755)
    (good / "python3.99").chmod(0o755)
    monkeypatch.setenv("PATH", str(shims))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))

    assert build_zip.find_interpreter("python3.99") == good / "python3.99"
    (good / "python3.99").write_text("#!/bin/sh\necho pypy 3.99\n", encoding="ascii")
    assert build_zip.find_interpreter("python3.99") is None


def test_too_large(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A zip that grows over the bound stops the build."""
    monkeypatch.setattr(build_zip, "MAX_BYTES", 1000)

    with pytest.raises(ProblemError, match="over 1,000"):
        build_zip.build(tmp_path / "handler.zip", "python3.99")


@pytest.mark.parametrize(("name", "content"), [("fast.so", ""), ("fast-1.dist-info/WHEEL", "Root-Is-Purelib: false\n")])
def test_compiled_packages_are_refused(tmp_path: Path, name: str, content: str) -> None:
    """A package that runs on one platform only stops the build, in a sentence that names it."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(content, encoding="ascii")

    with pytest.raises(ProblemError, match=f"{name} is not pure Python"):
        handler_dependencies.refuse_compiled(tmp_path)


@pytest.fixture
def no_index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Have pip find packages in a folder only, and start from an empty cache."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    return wheels


def _wheel(folder: Path, tag: str, *, pure: bool) -> Path:
    wheel = folder / f"tiny-1.0-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny.py", "VALUE = 1\n")
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr(
            "tiny-1.0.dist-info/WHEEL",
            f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: {str(pure).lower()}\nTag: {tag}\n",
        )
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    return wheel


def _pinned(folder: Path, wheel: Path) -> Path:
    requirements = folder / "requirements.txt"
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    requirements.write_text(f"tiny==1.0 --hash=sha256:{digest}\n", encoding="ascii")
    return requirements


def test_another_file_of_the_same_version_is_refused(no_index: Path, tmp_path: Path) -> None:
    """A package of the pinned version with another content stops the build, and nothing of it is kept."""
    wheel = _wheel(no_index, "py3-none-any", pure=True)
    requirements = _pinned(tmp_path, wheel)
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("tiny_extra.py", "import os\n")

    for _ in range(2):
        with pytest.raises(
            ProblemError, match=r"not what requirements\.txt pins by its SHA-256: nothing was installed"
        ):
            handler_dependencies.installed(requirements)


def test_a_package_without_a_hash_is_refused(no_index: Path, tmp_path: Path) -> None:
    """A pin without a hash stops the build."""
    _wheel(no_index, "py3-none-any", pure=True)
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("tiny==1.0\n", encoding="ascii")

    with pytest.raises(ProblemError, match="pip could not install"):
        handler_dependencies.installed(requirements)


def test_the_hashes_are_of_the_pins() -> None:
    """requirements.lock has every pin of requirements.txt, with the SHA-256 of one wheel for all platforms, and no other."""

    def lines(name: str) -> list[str]:
        text = (ROOT / "handler" / name).read_text("utf-8")
        return [line for line in text.splitlines() if line and not line.startswith("#")]

    hashed = [re.fullmatch(r"(\S+==\S+) --hash=sha256:[0-9a-f]{64}", line) for line in lines("requirements.lock")]
    assert [one and one[1] for one in hashed] == lines("requirements.txt")


@pytest.mark.parametrize("script", ["build_zip", "deploy"])
def test_building_and_deploying_need_no_package(script: str) -> None:
    """Both run on the standard library alone, so that CI installs nothing beside what is pinned by hashes."""
    command = [sys.executable, "-S", "-s", "-m", f"scripts.{script}", "--help"]
    done = subprocess.run(command, cwd=ROOT, env={}, capture_output=True, text=True, check=False)
    assert (done.returncode, "usage:" in done.stdout) == (0, True), done.stderr


def test_requirements_are_installed_once(no_index: Path, tmp_path: Path) -> None:
    """Pinned packages are installed into the cache; the next build takes them from there, without pip."""
    wheel = _wheel(no_index, "py3-none-any", pure=True)
    requirements = _pinned(tmp_path, wheel)

    folder = handler_dependencies.installed(requirements)
    wheel.unlink()

    assert (folder / "tiny.py").exists()
    assert handler_dependencies.installed(requirements) == folder


def test_a_platform_s_wheel_is_never_cached(no_index: Path, tmp_path: Path) -> None:
    """A wheel that isn't pure Python stops the build, this time and the next."""
    requirements = _pinned(tmp_path, _wheel(no_index, "py3-none-any", pure=False))

    for _ in range(2):
        with pytest.raises(ProblemError, match=r"tiny-1\.0\.dist-info/WHEEL is not pure Python"):
            handler_dependencies.installed(requirements)


def test_pip_s_failure_is_a_sentence(no_index: Path, tmp_path: Path) -> None:
    """Requirements that pip can't find stop the build, and nothing half-installed is taken for whole afterwards."""
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"no-such-package==1.0 --hash=sha256:{'0' * 64}\n", encoding="ascii")

    for _ in range(2):
        with pytest.raises(ProblemError, match=r"pip could not install requirements\.txt for the zip"):
            handler_dependencies.installed(requirements)

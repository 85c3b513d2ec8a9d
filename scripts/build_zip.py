"""Build build/handler.zip: the same bytes for the same sources, pins, Python minor version and zlib.

The zip's root is what Lambda puts on sys.path: audit_trail without its command line, and the runtime dependencies.
Beside each source lies its .pyc for the runtime's own minor version, unchecked-hash: Lambda's /var/task is read-only,
so without them every cold start compiles. Other versions ignore them.
https://docs.aws.amazon.com/lambda/latest/dg/python-package.html
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from scripts import handler_dependencies
from scripts.project import HANDLER_ZIP, ROOT, ProblemError, exit_code, say

RUNTIME = "python3.13"
MAX_BYTES = 2_000_000
HANDLER = ROOT / "handler"
# The earliest time that the zip format can hold: a fixed one keeps the bytes equal.
EPOCH = (1980, 1, 1, 0, 0, 0)

_COMPILE = """
import importlib.util, py_compile, sys
for name in sys.stdin.read().splitlines():
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    print(py_compile.compile(name, dfile=name, doraise=True, invalidation_mode=mode))
"""


def sources(handler: Path, dependencies: Path) -> dict[str, bytes]:
    """Return name in the zip → bytes, for every source file that the function needs."""
    files = {}
    for path in (handler / "audit_trail").rglob("*.py"):
        name = path.relative_to(handler).as_posix()
        if not name.startswith("audit_trail/cli/"):
            files[name] = path.read_bytes()
    for path in dependencies.rglob("*.py"):
        name = path.relative_to(dependencies).as_posix()
        if handler_dependencies.is_kept(name):
            files[name] = path.read_bytes()
    return dict(sorted(files.items()))


def find_interpreter(runtime: str) -> Path | None:
    """Find a CPython of the `runtime`'s minor version by running the candidates: a shim on PATH may lead nowhere."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser()
    version = runtime.removeprefix("python")
    candidates = [Path(sys.executable), Path(runtime), *sorted(pyenv.glob(f"versions/{version}*/bin/{runtime}"))]
    question = "import sys; print(sys.implementation.name, '%d.%d' % sys.version_info[:2])"
    for candidate in candidates:
        try:
            done = subprocess.run([candidate, "-c", question], capture_output=True, text=True, check=False, timeout=30)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0 and done.stdout.split() == ["cpython", version]:
            return candidate
    return None


def compiled(files: dict[str, bytes], interpreter: Path) -> dict[str, bytes]:
    """Return name → bytes of the .pyc of every source in `files`, with paths relative to the zip's root."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        # Isolated, so that no PYTHON… setting of the user's (PYTHONOPTIMIZE, say) changes the bytes.
        command = [str(interpreter), "-I", "-S", "-c", _COMPILE]
        listing = "\n".join(files)
        done = subprocess.run(command, cwd=folder, input=listing, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ProblemError(f"{interpreter} could not compile the handler: {done.stderr.strip().splitlines()[-1]}")
        return {name: Path(folder, name).read_bytes() for name in done.stdout.splitlines()}


def write_zip(target: Path, files: dict[str, bytes]) -> None:
    """Write `files` to `target` in name order, with fixed times and modes, all or nothing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    with zipfile.ZipFile(partial, "w") as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED, 9)
    partial.replace(target)


def build(target: Path = HANDLER_ZIP, runtime: str = RUNTIME) -> Path:
    """Build the zip at `target` and return it.

    Raises ProblemError when a dependency can't be had, isn't pure Python, or when the zip grows over MAX_BYTES.
    """
    dependencies = handler_dependencies.installed(HANDLER / "requirements.lock")
    files = sources(HANDLER, dependencies)
    interpreter = find_interpreter(runtime)
    if interpreter is None:
        say(f"warning: no {runtime} found, so the zip has no .pyc and cold starts take longer: install {runtime}.")
    else:
        files |= compiled(files, interpreter)
    write_zip(target, files)
    if target.stat().st_size > MAX_BYTES:
        raise ProblemError(f"{target} has {target.stat().st_size:,} bytes, over {MAX_BYTES:,}: leave something out.")
    return target


def main() -> int:
    """Build the zip and print its size and SHA-256."""
    parser = argparse.ArgumentParser(description="Build the Lambda zip.")
    parser.add_argument("--runtime", default=RUNTIME, help="Lambda runtime whose .pyc are shipped (%(default)s)")
    parser.add_argument("--output", type=Path, default=HANDLER_ZIP, help="where to write the zip (%(default)s)")
    arguments = parser.parse_args()
    target = build(arguments.output, arguments.runtime)
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    print(f"{target}: {target.stat().st_size:,} bytes, SHA-256 {digest}")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))

"""make setup: the virtual environment with everything in it, and the names of what this machine lacks."""

from __future__ import annotations

import shutil
import subprocess
import sys

# Nothing but the standard library, and no newer syntax than old Pythons read: this runs first, on any of them.
OLDEST = (3, 11)
NEEDED = {"git": "your system's package manager has it", "make": "your system's package manager has it"}
OPTIONAL = {
    "java": "for DynamoDB Local (make test-functional): a Java runtime, 11 or newer",
    "npm": "for DynamoDB Local (make test-functional): it comes with Node.js",
    "terraform": "fetched when it is needed",
}


def problems() -> list[str]:
    """Return a sentence for each thing without which nothing works."""
    found = [f"{name} is missing: {how}." for name, how in NEEDED.items() if not shutil.which(name)]
    if sys.version_info < OLDEST:
        version = ".".join(map(str, sys.version_info[:2]))
        found.append(f"Python {version} is too old: name one of 3.11 or newer, make setup PYTHON=python3.13.")
    try:
        import ensurepip  # noqa: F401, PLC0415
        import venv  # noqa: F401, PLC0415
    except ImportError:
        found.append("Python's venv is missing: on Debian and Ubuntu, apt-get install python3-venv.")
    return found


def create(folder: str) -> int:
    """Make the virtual environment `folder` with all requirements and `trail`; return pip's exit code."""
    python = f"{folder}/bin/python"
    pip = [python, "-m", "pip", "install", "--quiet"]
    for command in (
        [sys.executable, "-m", "venv", folder],
        [*pip, "--requirement", "requirements.txt"],
        [*pip, "--no-deps", "--editable", "."],
    ):
        code = subprocess.run(command, check=False).returncode
        if code != 0:
            print(f"error: `{' '.join(command)}` failed, see above.", file=sys.stderr)
            return code
    return 0


def main() -> int:
    """Check the machine, then make the virtual environment that is named."""
    found = problems()
    for problem in found:
        print(f"error: {problem}", file=sys.stderr)
    if found:
        return 1
    for name, why in OPTIONAL.items():
        if not shutil.which(name):
            print(f"note: no {name} here; {why}.", file=sys.stderr)
    folder = sys.argv[1]
    print(f"making {folder} with what requirements.txt pins, about a minute.", file=sys.stderr)
    return create(folder)


if __name__ == "__main__":
    sys.exit(main())

"""A headless Chromium from the npm package @sparticuz/chromium, fetched once."""

from __future__ import annotations

import platform
import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING

from scripts.project import ProblemError
from tests.engines import npm_package, unavailable

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = "@sparticuz/chromium@153.0.0"
INTEGRITY = "sha512-jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA=="

# Python's library can't read Brotli; Node's can, and comes with npm.
_INFLATE = """
const { createReadStream, createWriteStream } = require("fs");
const { pipeline } = require("stream/promises");
const { createBrotliDecompress } = require("zlib");
Promise.all(process.argv.slice(1).map((name) => pipeline(
  createReadStream(name), createBrotliDecompress(), createWriteStream(name.slice(0, -".br".length)))));
"""

_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>/usr/share/fonts</dir><dir prefix="relative">fonts</dir><cachedir prefix="xdg">fontconfig</cachedir></fontconfig>
"""

_INSTALLED = (
    "google-chrome",
    "chromium",
    "chromium-browser",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


def _inflated(package: Path) -> Path:
    folder = package / "bin"
    command = ["node", "-e", _INFLATE, *(str(path) for path in folder.glob("*.br"))]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        raise ProblemError(f"node could not unpack {PACKAGE}: is it older than npm needs?")
    for packed in folder.glob("*.br"):
        packed.unlink()
    for packed in folder.glob("*.tar"):
        with tarfile.open(packed) as opened:
            opened.extractall(folder, filter="data")
        packed.unlink()
    (folder / "chromium").chmod(0o755)
    (folder / "fonts.conf").write_text(_FONTS, encoding="utf-8")
    return folder


def command() -> tuple[str, dict[str, str]]:
    """Return a Chromium and the environment that it needs; skip where there is none to be had."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        found = next(filter(None, map(shutil.which, _INSTALLED)), None)
        if found is None:
            unavailable(f"{PACKAGE} is for Linux on x86-64, and no Chrome is installed here")
        return str(found), {}
    for program in ("npm", "node"):
        if shutil.which(program) is None:
            unavailable(f"a headless Chromium needs {program}, which is not on PATH")
    try:
        folder = npm_package(PACKAGE, INTEGRITY, _inflated)
    except ProblemError as problem:
        unavailable(str(problem))
    # Its own libraries serve where the system has none of them.
    return str(folder / "chromium"), {
        "LD_LIBRARY_PATH": str(folder / "lib"),
        "FONTCONFIG_FILE": str(folder / "fonts.conf"),
    }

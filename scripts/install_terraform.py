"""Say which Terraform to run: TF, or the one on PATH, or a pinned one that is fetched once and checked."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sys
import urllib.error
import urllib.request
import zipfile
from typing import TYPE_CHECKING

from scripts.project import ProblemError, cache_dir, exit_code, locked, say

if TYPE_CHECKING:
    from pathlib import Path

VERSION = "1.11.4"
RELEASES_URL = "https://releases.hashicorp.com"
SHA256 = {
    "linux_amd64": "1ce994251c00281d6845f0f268637ba50c0005657eb3cf096b92f753b42ef4dc",
    "linux_arm64": "a43d1d0da9b9bab214a8305a39db0e40869572594ccf50c416a7756499143633",
    "darwin_amd64": "a56d5002b9f7647291faccc3dd1a70350e60fb61e4c45037629508b8fdc2575b",
    "darwin_arm64": "867e0808fa971217043e25b7a792b10720c79b1546f8a68479b74f138be73e18",
}
INSTEAD = "install Terraform yourself, or set TF to the name of your program (TF=tofu)"
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def executable() -> str:
    """Return the program to run. Raises ProblemError when there is none and none can be fetched."""
    wanted = os.environ.get("TF") or "terraform"
    if shutil.which(wanted):
        return wanted
    if wanted != "terraform":
        raise ProblemError(f"TF={wanted} is not on PATH: install it, or leave TF unset.")
    return str(install())


def this_platform() -> str:
    """Return the platform's name as Terraform's releases spell it, linux_amd64 for instance."""
    machine = platform.machine().lower()
    return f"{platform.system().lower()}_{_MACHINES.get(machine, machine)}"


def install(sums: dict[str, str] | None = None) -> Path:
    """Fetch the pinned Terraform into the cache, once, and return its path.

    Nothing is unpacked before the zip's SHA-256 is the pinned one; a refused zip is not kept.
    TF_RELEASES_URL names a mirror of the releases. Raises ProblemError.
    """
    sums = SHA256 if sums is None else sums
    name = this_platform()
    if name not in sums:
        raise ProblemError(f"no Terraform {VERSION} is pinned for {name}: {INSTEAD}.")
    folder = cache_dir() / f"terraform-{VERSION}-{sums[name][:12]}"
    program = folder / "terraform"
    with locked(folder):
        if not program.exists():
            base = (os.environ.get("TF_RELEASES_URL") or RELEASES_URL).rstrip("/")
            content = _fetch(f"{base}/terraform/{VERSION}/terraform_{VERSION}_{name}.zip")
            if hashlib.sha256(content).hexdigest() != sums[name]:
                raise ProblemError(f"the Terraform from {base} is not the pinned one (its SHA-256 differs): {INSTEAD}.")
            _unpack(content, folder)
    return program


def _fetch(url: str) -> bytes:
    if not url.startswith(("https://", "http://127.0.0.1:")):
        raise ProblemError(f"TF_RELEASES_URL must begin with https://: {url} does not.")
    say(f"fetching {url}")
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310  # https or loopback, see above
            content: bytes = answer.read()
    except urllib.error.HTTPError as refused:
        refused.close()
        raise ProblemError(f"{url} answered {refused.code}: {INSTEAD}.") from None
    except OSError as failed:
        raise ProblemError(f"{url} can't be reached ({failed}): {INSTEAD}.") from None
    return content


def _unpack(content: bytes, folder: Path) -> None:
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    archive = partial / "terraform.zip"
    archive.write_bytes(content)
    with zipfile.ZipFile(archive) as opened:
        opened.extract("terraform", partial)
    archive.unlink()
    (partial / "terraform").chmod(0o755)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def main() -> int:
    """Print the program to run."""
    print(executable())
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))

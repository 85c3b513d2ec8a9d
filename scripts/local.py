"""make local-up and local-down: the example on an engine of this machine, and .local/env that points clients at it."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from typing import Any

from scripts import build_zip, engine, install_terraform
from scripts.local_deployment import LocalDeployment, exports
from scripts.project import LOCAL, exit_code, say

DIRECTORY = LOCAL / "deployment"
ENVIRONMENT = LOCAL / "env"
OUTPUTS = LOCAL / "outputs.json"


def up() -> tuple[str, dict[str, Any]]:
    """Start an engine with fresh state, deploy to it, write .local/env; return its endpoint and the outputs."""
    install_terraform.executable()  # before anything is started or ended: there may be none
    down()
    handler_zip = build_zip.build()
    started = time.monotonic()
    running = engine.start(engine.chosen(), LOCAL / "engine")
    engine.note(running)
    say(f"{running.kind} runs at {running.endpoint}; Terraform deploys to it.")
    try:
        outputs = LocalDeployment(DIRECTORY, running.endpoint).up(handler_zip)
    except BaseException:
        engine.stop_noted()
        raise
    ENVIRONMENT.write_text(exports(running.endpoint, outputs), encoding="utf-8")
    OUTPUTS.write_text(json.dumps({"endpoint": running.endpoint, **outputs}), encoding="utf-8")
    say(f"deployed in {time.monotonic() - started:.0f} s.")
    return running.endpoint, outputs


def down() -> None:
    """End the engine; one that others started lives on, so what was deployed to it is destroyed first."""
    running = engine.running()
    if running is not None and running.kind == "external" and DIRECTORY.exists():
        LocalDeployment(DIRECTORY, running.endpoint).down()
    engine.stop_noted()
    ENVIRONMENT.unlink(missing_ok=True)
    OUTPUTS.unlink(missing_ok=True)
    shutil.rmtree(DIRECTORY, ignore_errors=True)


def main() -> int:
    """Carry out `up` or `down`."""
    parser = argparse.ArgumentParser(description="The whole example on this machine.")
    parser.add_argument("command", choices=["up", "down"])
    if parser.parse_args().command == "down":
        down()
        return 0
    up()
    say(f"Point your shell at it:  . {ENVIRONMENT.relative_to(LOCAL.parent)}")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))

"""Keep the state that this version's root makes, so that later versions are planned against it: docs/upgrading.md.

VERSION names the file in tests/terraform/states. It deploys to a MiniStack of its own, and needs no AWS.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from scripts import build_zip, engine
from scripts.local_deployment import LocalDeployment
from scripts.project import ROOT, exit_code, say

STATES = ROOT / "tests" / "terraform" / "states"
# Whatever of the machine that deployed it is in a state. The rest is the emulator's, of account 000000000000.
OF_THIS_MACHINE = ("filename", "source_code_hash", "code_sha256")
DEFAULTS = {"deletion_protection": "null", "force_destroy": "null", "failures": "{}"}
"""Variables of the root with which `LocalDeployment` deploys as `make deploy` does, but for alarms."""
EVERYTHING = {
    **DEFAULTS,
    "retention_days": "365",
    "archive": '{ object_lock = { mode = "GOVERNANCE", days = 30 }, glue = true, '
    'transitions = [{ days = 30, storage_class = "STANDARD_IA" }] }',
    "actor_attribute": "updated_by",
    "reason_attribute": "reason",
    "time_index": "{}",
    "actor_index": "{}",
    "alarms": "{}",
    "dashboard": "true",
}
"""Those with which each resource is there that the root can have."""


def kept(state: dict[str, Any]) -> dict[str, Any]:
    """Return `state` without what it says of the machine that it was made on."""
    for resource in state["resources"]:
        for instance in resource["instances"]:
            for name in OF_THIS_MACHINE:
                if name in instance["attributes"]:
                    instance["attributes"][name] = "handler.zip"
    return {**state, "serial": 1, "lineage": "00000000-0000-4000-8000-000000000000"}


def main() -> int:
    """Deploy, keep the state, and end the engine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version")
    path = STATES / f"{parser.parse_args().version}.json"
    with tempfile.TemporaryDirectory() as scratch:
        started = engine.start("ministack", Path(scratch) / "engine")
        try:
            deployed = LocalDeployment(Path(scratch) / "deployment", started.endpoint)
            deployed.up(build_zip.build(), EVERYTHING)
            state = json.loads(deployed.terraform.run("state", "pull", quiet=True))
        finally:
            started.stop()
    path.write_text(json.dumps(kept(state), indent=1) + "\n", "utf-8")
    say(f"kept: {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))

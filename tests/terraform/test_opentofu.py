"""The modules keep to the language that OpenTofu 1.8 knows; where `tofu` is installed, it is asked itself.

Which version of OpenTofu brought what: https://github.com/opentofu/opentofu/blob/main/CHANGELOG.md
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from scripts.project import ROOT
from scripts.terraform_check import configurations

if TYPE_CHECKING:
    from pathlib import Path

    from tests.terraform.conftest import Checkout

CONFIGURATIONS = configurations(ROOT / "terraform")
LACKING = {
    r'^ephemeral "': "ephemeral resources came with 1.11",
    r"^  ephemeral\s+=": "ephemeral variables and outputs came with 1.11",
    r"^ +\w+_wo(_version)?\s+=": "write-only attributes came with 1.11",
    r"\bephemeralasnull\(": "the function came with 1.11",
    r"\bterraform\.applying\b": "Terraform's alone",
    r'^(action|list) "': "Terraform's alone",
    r"^removed \{\n(?:  .*\n|\n)*?  lifecycle \{": "lifecycle in a removed block came with 1.10",
    r"^import \{\n(?:  .*\n|\n)*?  identity\b": "Terraform's alone",
}
"""What Terraform knows and OpenTofu 1.8 doesn't, as patterns over files as `terraform fmt` writes them."""


def lacking(text: str) -> list[str]:
    """Return why OpenTofu 1.8 would refuse a file."""
    found = [why for pattern, why in LACKING.items() if re.search(pattern, text, re.MULTILINE)]
    for name, body in re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL):
        for validation in re.findall(r"^  validation \{\n(.*?)^  \}", body, re.MULTILINE | re.DOTALL):
            others = set(re.findall(r"\b(?:var|local|data|module)\.\w+", validation)) - {f"var.{name}"}
            if others:
                found.append(f"{name} is validated by {sorted(others)}: that came with 1.9")
    return found


@pytest.mark.parametrize("folder", CONFIGURATIONS, ids=lambda folder: folder.name)
def test_nothing_is_used_that_opentofu_lacks(folder: Path) -> None:
    """No file of a module, of the root or of an example has what OpenTofu 1.8 doesn't know."""
    found = {path.name: why for path in folder.glob("*.tf") if (why := lacking(path.read_text("utf-8")))}
    assert found == {}


@pytest.mark.parametrize("folder", CONFIGURATIONS, ids=lambda folder: folder.name)
def test_the_version_that_is_asked_for_lets_opentofu_in(folder: Path) -> None:
    """Modules ask for 1.8 or newer, so that OpenTofu 1.8, which compares its own version, may use them."""
    text = "".join(path.read_text("utf-8") for path in folder.glob("*.tf"))
    [lowest] = re.findall(r'required_version = ">= (1\.\d+)"', text)
    assert lowest == "1.8" or "modules" not in folder.parts


@pytest.mark.parametrize(
    "text",
    [
        'ephemeral "aws_secret" "x" {\n}\n',
        'variable "x" {\n  ephemeral = true\n}\n',
        'resource "aws_db_instance" "x" {\n  password_wo = "x"\n}\n',
        'locals {\n  x = ephemeralasnull("x")\n}\n',
        "locals {\n  x = terraform.applying\n}\n",
        'action "aws_lambda_invoke" "x" {\n}\n',
        "removed {\n  from = aws_s3_bucket.x\n\n  lifecycle {\n    destroy = false\n  }\n}\n",
        "import {\n  to = aws_s3_bucket.x\n  identity = {\n  }\n}\n",
        'variable "x" {\n  validation {\n    condition = var.x > var.y\n  }\n}\n',
    ],
)
def test_what_opentofu_lacks_is_found(text: str) -> None:
    """Each of the things that OpenTofu 1.8 lacks is found where it's used."""
    assert len(lacking(text)) == 1


def test_opentofu_itself_takes_every_configuration(checkout: Checkout) -> None:
    """Where `tofu` is installed, `tofu validate` has nothing to say of any configuration."""
    if shutil.which("tofu") is None:
        pytest.skip("no tofu on PATH: only the language was compared")
    for folder in CONFIGURATIONS:
        terraform = checkout.terraform(str(folder.relative_to(ROOT)))
        environment = {**terraform.environment, "TF_DATA_DIR": f"{terraform.environment['TF_DATA_DIR']}-tofu"}
        tofu = replace(terraform, executable="tofu", environment=environment)
        tofu.run("init", "-backend=false", "-no-color", quiet=True)
        assert json.loads(tofu.call("validate", "-json", quiet=True).stdout)["diagnostics"] == [], folder.name

"""What `make lint` finds in Terraform's files: what isn't valid, what checkov minds, and skips without a reason."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from scripts import terraform_check
from scripts.project import ROOT, ProblemError
from scripts.terraform_check import checkov, configurations, no_checkov, validate

if TYPE_CHECKING:
    from pathlib import Path

TERRAFORM = ROOT / "terraform"
BUCKET = 'resource "aws_s3_bucket" "x" {\n  bucket = "x"\n}\n'


@pytest.fixture
def sources(tmp_path: Path, needs_terraform: None) -> Path:
    """Make a folder with a configuration, and a module in it."""
    (tmp_path / "modules" / "one").mkdir(parents=True)
    (tmp_path / "main.tf").write_text('module "one" {\n  source = "./modules/one"\n}\n', "utf-8")
    (tmp_path / "modules" / "one" / "main.tf").write_text('output "x" {\n  value = 1\n}\n', "utf-8")
    return tmp_path


def test_every_configuration_is_looked_at() -> None:
    """The root, the bootstrap and every module are among what lint validates."""
    assert {TERRAFORM, TERRAFORM / "bootstrap", *(TERRAFORM / "modules").iterdir()} <= set(configurations(TERRAFORM))


def test_lint_runs_every_check() -> None:
    """`make lint` compares the READMEs' tables, and validates and scans what it formats."""
    run = subprocess.run(["make", "--dry-run", "lint"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for command in ("scripts.terraform fmt -check", "scripts.terraform_docs --check", "scripts.terraform_check"):
        assert f"-m {command}" in run


def test_what_is_not_valid_is_named(sources: Path) -> None:
    """A configuration that isn't valid is named with Terraform's own words, and nothing is left among the sources."""
    assert validate(sources) == []
    (sources / "modules" / "one" / "main.tf").write_text('output "x" {\n  value = var.none\n}\n', "utf-8")
    found = validate(sources)
    assert {one.partition(":")[0] for one in found} == {"terraform", "terraform/modules/one"}
    assert all("undeclared input variable" in one for one in found)
    assert sorted(path.name for path in sources.rglob("*")) == ["main.tf", "main.tf", "modules", "one"]


def test_checkov_s_findings_fail_unless_they_are_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A finding fails the check and is named; skipped beside its resource it doesn't, and no setting of the user counts."""
    if reason := no_checkov():
        pytest.skip(reason)
    monkeypatch.setenv("CKV_IGNORED_DIRECTORIES", str(tmp_path))
    (tmp_path / "main.tf").write_text(BUCKET, "utf-8")
    done = checkov(tmp_path)
    assert done.returncode == 1
    found = set(re.findall(r"^Check: (CKV\w+):", done.stdout, re.MULTILINE))
    assert "CKV_AWS_18" in found

    skips = "".join(f"  # checkov:skip={one}: this is a test.\n" for one in sorted(found))
    (tmp_path / "main.tf").write_text(BUCKET.replace("{\n", "{\n" + skips, 1), "utf-8")
    assert checkov(tmp_path).returncode == 0


def test_every_skip_has_a_reason() -> None:
    """Each finding of checkov that is skipped has a sentence beside it that says why, and none is skipped elsewhere."""
    skips = [
        line.strip()
        for path in TERRAFORM.rglob("*.tf")
        for line in path.read_text("utf-8").splitlines()
        if "checkov:skip" in line
    ]
    assert len(skips) > 10
    assert [line for line in skips if not re.fullmatch(r"# checkov:skip=CKV2?_AWS_\d+: \w.{20,}\.", line)] == []
    assert not list(ROOT.glob(".checkov*"))
    assert "skip" not in re.sub(r"--skip-download|:skip=", "", _options())


def _options() -> str:
    [line] = re.findall(r"options = \[.*\]", (ROOT / "scripts" / "terraform_check.py").read_text("utf-8"))
    return str(line)


def test_lint_fails_with_what_was_found(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make lint` fails when a configuration isn't valid, and names it."""
    (sources / "main.tf").write_text("locals {\n  x = var.none\n}\n", "utf-8")
    monkeypatch.setattr(terraform_check, "SOURCES", sources)
    with pytest.raises(ProblemError, match="undeclared input variable"):
        terraform_check.main()


def test_a_python_that_is_too_new_for_checkov_is_said(
    sources: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a Python that checkov isn't known to run on, lint says that it was skipped, and still validates."""
    monkeypatch.setattr(terraform_check, "NEWEST", (3, 10))
    monkeypatch.setattr(terraform_check, "SOURCES", sources)
    assert terraform_check.main() == 0
    assert "skipped: checkov (checkov==" in capsys.readouterr().err

"""The workflows that others run on GitHub: valid, pinned, and stingy with permissions."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.project import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
DEPLOY = ROOT / ".github" / "workflows" / "deploy.yml"
RELEASE = ROOT / ".github" / "workflows" / "release.yml"
MAY_WRITE = {"deploy.yml": {"id-token"}, "release.yml": {"id-token", "contents", "attestations"}}
"""What each workflow needs: a token for AWS; a release and a signed attestation."""


def jobs(text: str) -> dict[str, str]:
    """Return each job's own lines, by its name."""
    body = text.split("\njobs:\n", 1)[1]
    parts = re.split(r"^  (\w+):\n", body, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_workflows_follow_githubs_schema() -> None:
    """Each workflow is one that GitHub would accept."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    done = subprocess.run([*command, *map(str, WORKFLOWS)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(WORKFLOWS) >= 2


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned(path: object) -> None:
    """Every action is pinned by a commit's whole SHA, with its version beside it."""
    text = (ROOT / str(path)).read_text("utf-8")
    used = re.findall(r"uses: (.*)", text)
    assert used
    assert [line for line in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_permissions_are_the_least(path: object) -> None:
    """No workflow runs with the repository's default permissions, writes more than it needs, or keeps git's credentials."""
    text = (ROOT / str(path)).read_text("utf-8")
    may_write = MAY_WRITE.get(Path(str(path)).name, set())
    assert re.search(r"^permissions:( \{\}|\n  contents: read)$", text, re.MULTILINE)
    assert set(re.findall(r"^ *([\w-]+): write\b", text, re.MULTILINE)) == may_write
    assert text.count("persist-credentials: false") == text.count("actions/checkout@")
    assert "pull_request_target" not in text
    assert "secrets." not in text


def test_ci_runs_what_people_run_on_every_python() -> None:
    """CI runs `make pr`, and the tests that depend on Python on each Python that the function can run on."""
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    runtimes = (ROOT / "terraform" / "modules" / "audit_trail" / "variables.tf").read_text("utf-8")
    [supported] = re.findall(r"contains\(\[(.*?)\], var\.runtime\)", runtimes)
    [tested] = re.findall(r"python: \[(.*?)\]", text)
    assert tested.replace('"', "") == supported.replace('"', "").replace("python", "")
    assert "run: make pr\n" in text
    assert "run: make pr-python\n" in text


@pytest.mark.parametrize(
    ("schema", "pattern"),
    [("vendor.dependabot", "dependabot.yml"), ("vendor.github-issue-forms", "ISSUE_TEMPLATE/[bf]*.yml")],
)
def test_what_else_github_reads_follows_its_schemas(schema: str, pattern: str) -> None:
    """GitHub accepts the configuration of Dependabot and the issue forms."""
    files = sorted((ROOT / ".github").glob(pattern))
    assert files
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_expression_reaches_a_shell() -> None:
    """Shell lines take values from the environment, so that no value can become a command."""
    for path in WORKFLOWS:
        steps = re.split(r"^      - ", path.read_text("utf-8"), flags=re.MULTILINE)
        scripts = [
            script for step in steps for script in re.findall(r"^ *run: (.*(?:\n {10,}.*)*)", step, re.MULTILINE)
        ]
        assert scripts
        assert [script for script in scripts if "${{" in script] == []


def test_forks_get_no_credentials() -> None:
    """Only pushes, and pull requests from this repository itself, ever ask AWS for credentials."""
    parts = jobs(DEPLOY.read_text("utf-8"))
    assert parts.keys() == {"plan", "apply"}
    assert "github.event.pull_request.head.repo.full_name == github.repository" in parts["plan"].split("steps:")[0]
    assert "if: github.event_name == 'push' && github.ref == 'refs/heads/main'" in parts["apply"]


@pytest.mark.parametrize("path", [DEPLOY, RELEASE], ids=lambda path: path.name)
def test_nothing_unpinned_runs_beside_credentials(path: Path) -> None:
    """Where a job can have a token of AWS's or write to the repository, it installs nothing but what is pinned by hashes."""
    text = path.read_text("utf-8")
    assert re.findall(r"\bmake \w|\.venv|pip install|npm ", re.sub("#.*", "", text)) == []
    assert "python -m scripts.build_zip" in text


def test_a_plan_stays_out_of_reach_of_pull_requests() -> None:
    """A pull request takes the role that reads alone, keeps no plan, and shares no artifact and no cache with a push."""
    text = DEPLOY.read_text("utf-8")
    plan = jobs(text)["plan"]
    role = "github.event_name == 'push' && vars.AWS_PLAN_ROLE_ARN || vars.AWS_PULL_REQUEST_ROLE_ARN"
    assert re.findall(r"role-to-assume: \$\{\{ (.*) \}\}", text) == [role, "vars.AWS_DEPLOY_ROLE_ARN"]
    [step] = [one for one in re.split(r"^      - ", plan, flags=re.MULTILINE) if "aws s3 cp" in one]
    assert "if: github.event_name == 'push'" in step
    assert re.findall("artifact@|cache@|cache:", text) == []


def test_the_approved_plan_is_what_is_applied() -> None:
    """The apply job waits for an environment's reviewers and applies the saved plan after comparing checksums."""
    apply = jobs(DEPLOY.read_text("utf-8"))["apply"]
    assert "needs: plan" in apply
    assert "environment: production" in apply
    assert apply.index("scripts.build_zip") < apply.index("sha256sum --check") < apply.index("scripts.deploy deploy")
    assert apply.count("scripts.build_zip") == 1
    assert "terraform apply" not in apply


def test_the_state_is_locked_and_encrypted() -> None:
    """Both jobs give the backend's settings by file: S3's own lock, and encryption."""
    for name, job in jobs(DEPLOY.read_text("utf-8")).items():
        assert "use_lockfile = true" in job, name
        assert "encrypt = true" in job, name


def test_a_release_is_what_the_tag_says() -> None:
    """Only a version's tag makes a release, and only where pyproject.toml and the changelog have that version."""
    text = RELEASE.read_text("utf-8")
    assert re.search(r'^on:\n  push:\n    tags: \["v\[0-9\]\+\.\[0-9\]\+\.\[0-9\]\+"\]\n\n', text, re.MULTILINE)
    version = re.findall(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert len(version) == 1, "the line that the workflow looks for"
    [release] = jobs(text).values()
    assert (
        release.index("pyproject.toml")
        < release.index("CHANGELOG.md")
        < release.index("run: python -m scripts.build_zip")
    )


def test_what_is_released_is_what_was_built_and_attested() -> None:
    """The zip comes from what `make package` runs alone, is attested before it's published, and has its SHA-256 beside it."""
    [release] = jobs(RELEASE.read_text("utf-8")).values()
    order = [
        "run: python -m scripts.build_zip",
        "cp build/handler.zip",
        "sha256sum",
        "attest-build-provenance@",
        "gh release create",
    ]
    positions = [release.index(step) for step in order]
    assert positions == sorted(positions)
    assert "subject-path: release/*.zip" in release
    assert "release/*.zip release/SHA256SUMS release/sha256.base64" in release
    # What Terraform compares with: filebase64sha256 of the same file.
    assert re.search(r"openssl dgst -sha256 -binary \S+ \| base64 > sha256.base64", release)
    assert [line for line in release.splitlines() if "upload-artifact" in line or "cache" in line] == []


def run_step(name: str, folder: Path, tag: str) -> int:
    """Run a step of the release as GitHub does, in `folder`; return its exit code."""
    [script] = re.findall(rf"- name: {name}\n +run: \|\n((?: {{10}}.*\n)+)", RELEASE.read_text("utf-8"))
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    settings = {"PATH": os.environ["PATH"], "GITHUB_REF_NAME": tag}
    return subprocess.run(command, cwd=folder, env=settings, capture_output=True, check=False).returncode


@pytest.mark.parametrize(
    ("tag", "changes", "code"),
    [("v1.2.3", "## [1.2.3] - 2026-11-24", 0), ("v1.2.4", "## [1.2.4]", 1), ("v1.2.3", "## Unreleased", 1)],
)
def test_a_tag_that_fits_neither_file_releases_nothing(tmp_path: Path, tag: str, changes: str, code: int) -> None:
    """A tag other than pyproject.toml's version, or one without a section in the changelog, ends the release."""
    (tmp_path / "pyproject.toml").write_text('name = "x"\nversion = "1.2.3"\n', "utf-8")
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n{changes}\n", "utf-8")
    assert run_step("the tag is the version in pyproject.toml, and the changelog has it", tmp_path, tag) == code


def test_the_published_sums_are_the_zips(tmp_path: Path) -> None:
    """The sums that a release publishes are the zip's: for sha256sum, and in base64 as handler_s3 takes it."""
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "handler.zip").write_bytes(b"the zip")
    assert run_step("name it by its version, and sum it up", tmp_path, "v1.2.3") == 0
    digest = hashlib.sha256(b"the zip").digest()
    release = tmp_path / "release"
    assert (release / "table-trail-v1.2.3.zip").read_bytes() == b"the zip"
    assert (release / "SHA256SUMS").read_text("ascii") == f"{digest.hex()}  table-trail-v1.2.3.zip\n"
    assert (release / "sha256.base64").read_text("ascii").strip() == base64.b64encode(digest).decode()

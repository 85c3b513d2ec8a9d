"""The workflows that others run on GitHub: valid, pinned, and stingy with permissions."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from scripts.project import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
DEPLOY = ROOT / ".github" / "workflows" / "deploy.yml"


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
    """No workflow runs with the repository's default permissions, writes anything, or keeps git's credentials."""
    text = (ROOT / str(path)).read_text("utf-8")
    assert re.search(r"^permissions:( \{\}|\n  contents: read)$", text, re.MULTILINE)
    assert set(re.findall(r"^ +([\w-]+): write$", text, re.MULTILINE)) <= {"id-token"}
    assert text.count("persist-credentials: false") == text.count("actions/checkout@")
    assert "pull_request_target" not in text
    assert "secrets." not in text


def test_ci_runs_what_people_run_on_every_python() -> None:
    """CI runs `make pr` on each Python that the function can run on."""
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    runtimes = (ROOT / "terraform" / "modules" / "audit_trail" / "variables.tf").read_text("utf-8")
    [supported] = re.findall(r"contains\(\[(.*?)\], var\.runtime\)", runtimes)
    [tested] = re.findall(r"python: \[(.*?)\]", text)
    assert tested.replace('"', "") == supported.replace('"', "").replace("python", "")
    assert "run: make pr\n" in text


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


def test_the_approved_plan_is_what_is_applied() -> None:
    """The apply job waits for an environment's reviewers and applies the saved plan after comparing checksums."""
    apply = jobs(DEPLOY.read_text("utf-8"))["apply"]
    assert "needs: plan" in apply
    assert "environment: production" in apply
    assert apply.index("make package") < apply.index("sha256sum --check") < apply.index("scripts.deploy deploy")
    assert apply.count("run: make") == 1
    assert "terraform apply" not in apply


def test_the_state_is_locked_and_encrypted() -> None:
    """Both jobs give the backend's settings by file: S3's own lock, and encryption."""
    for name, job in jobs(DEPLOY.read_text("utf-8")).items():
        assert "use_lockfile = true" in job, name
        assert "encrypt = true" in job, name

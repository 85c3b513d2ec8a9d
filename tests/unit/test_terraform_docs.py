"""The tables in the READMEs of terraform/ come from the code, and say all of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from scripts import terraform_docs
from scripts.project import ROOT, ProblemError
from scripts.terraform_docs import BEGIN, END, blocks, folders, table, written

if TYPE_CHECKING:
    from pathlib import Path

TERRAFORM = ROOT / "terraform"
VARIABLES = """
variable "capacity" {
  description = "Either \\"a\\" | $${b}."
  nullable    = false
  default     = {}
  type = object({
    mode = optional(string, "on")
    most = optional(number)
  })

  validation {
    condition     = var.capacity.mode == "on"
    error_message = "description = none"
  }
}

variable "names" {
  description = "Names."
  type        = list(string)
  default = [
    "a",
    "b",
  ]
}

variable "size" {
  description = "Size."
  type        = number
}
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """Make a module with three inputs and an output, whose README has a place for both tables."""
    (tmp_path / "variables.tf").write_text(VARIABLES, "utf-8")
    (tmp_path / "outputs.tf").write_text('output "arn" {\n  description = "ARN."\n  value       = "x"\n}\n', "utf-8")
    places = "\n".join(f"{BEGIN.format(kind=kind)}old\n{END.format(kind=kind)}" for kind in ("inputs", "outputs"))
    (tmp_path / "README.md").write_text(f"# Module\n{places}\nlast\n", "utf-8")
    return tmp_path


@pytest.mark.parametrize("folder", folders(TERRAFORM), ids=lambda folder: folder.name)
def test_the_tables_are_those_of_the_code(folder: Path) -> None:
    """Each README's tables are what its module's code says today."""
    assert (folder / "README.md").read_text("utf-8") == written(folder)


def test_every_module_has_tables() -> None:
    """The root, each module and the bootstrap are among the folders that must have tables."""
    names = {str(folder.relative_to(TERRAFORM)) for folder in folders(TERRAFORM)}
    assert names >= {".", "bootstrap", *(f"modules/{path.name}" for path in (TERRAFORM / "modules").iterdir())}


@pytest.mark.parametrize("kind", ["variable", "output"])
@pytest.mark.parametrize("folder", folders(TERRAFORM), ids=lambda folder: folder.name)
def test_no_block_is_overlooked(folder: Path, kind: str) -> None:
    """The parser finds as many inputs and outputs as the text has lines that begin one."""
    lines = [line for path in folder.glob("*.tf") for line in path.read_text("utf-8").splitlines()]
    begun = [line.split('"')[1] for line in lines if line.startswith(f'{kind} "')]
    assert sorted(blocks(folder, kind)) == sorted(begun)


def test_types_defaults_and_descriptions(module: Path) -> None:
    """An input's row has its type, its default on one line, and its description as Terraform would read it."""
    assert table(module, "inputs").splitlines()[2:] == [
        r'| `capacity` | object | `{}` | Either "a" \| ${b}. |',
        '| `names` | list(string) | `[ "a", "b", ]` | Names. |',
        "| `size` | number | required | Size. |",
    ]


def test_only_the_tables_are_written(module: Path) -> None:
    """What stands around the tables stays, what stood in them goes, and writing again changes nothing."""
    text = written(module)
    assert text.startswith("# Module\n")
    assert text.endswith("\nlast\n")
    assert "old" not in text
    (module / "README.md").write_text(text, "utf-8")
    assert written(module) == text


@pytest.mark.parametrize(
    ("line", "instead", "problem"),
    [
        ('  description = "Size."\n', "", "size needs a description that is one quoted string"),
        ('  description = "Size."\n', "  description = local.size\n", "size needs a description"),
        ("  type        = number\n", "", "size has no type"),
    ],
)
def test_an_input_that_says_too_little_is_named(module: Path, line: str, instead: str, problem: str) -> None:
    """An input without a type, or without a description that can be shown, is refused by name."""
    (module / "variables.tf").write_text(VARIABLES.replace(line, instead), "utf-8")
    with pytest.raises(ProblemError, match=re.escape(problem)):
        table(module, "inputs")


def test_a_readme_without_a_place_is_named(module: Path) -> None:
    """A README that has no place for a table is named, with the line that it needs."""
    (module / "README.md").write_text("# Module\n", "utf-8")
    with pytest.raises(ProblemError, match="needs one line <!-- inputs: written by"):
        written(module)


def test_check_changes_nothing_and_fails(
    module: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --check a stale table is an error that names the README and the command, and nothing is written."""
    monkeypatch.setattr(terraform_docs, "folders", lambda _: [module])
    monkeypatch.setattr(terraform_docs, "ROOT", module)
    monkeypatch.setattr("sys.argv", ["terraform_docs", "--check"])
    before = (module / "README.md").read_text("utf-8")
    with pytest.raises(ProblemError, match=r"out of date: README.md. Run .*scripts.terraform_docs"):
        terraform_docs.main()
    assert (module / "README.md").read_text("utf-8") == before

    monkeypatch.setattr("sys.argv", ["terraform_docs"])
    assert terraform_docs.main() == 0
    monkeypatch.setattr("sys.argv", ["terraform_docs", "--check"])
    assert terraform_docs.main() == 0
    assert "as in the code" in capsys.readouterr().err

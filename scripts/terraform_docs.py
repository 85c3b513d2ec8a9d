"""Write the tables of inputs and outputs in the READMEs of terraform/ from the code; `--check` only compares."""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING

from scripts.project import ROOT, ProblemError, exit_code, say

if TYPE_CHECKING:
    from pathlib import Path

BEGIN, END = "<!-- {kind}: written by scripts/terraform_docs.py -->\n", "<!-- end of {kind} -->\n"
HEADS = {
    "inputs": "| input | type | default | |\n|---|---|---|---|\n",
    "outputs": "| output | |\n|---|---|\n",
}
_ESCAPES = {r"\"": '"', r"\\": "\\", "$${": "${", "%%{": "%{"}


def folders(terraform: Path) -> list[Path]:
    """Return the root, its modules and bootstrap: what must have the tables. Others may have them."""
    wanted = [terraform, *sorted((terraform / "modules").iterdir()), terraform / "bootstrap"]
    others = {readme.parent for readme in terraform.rglob("README.md") if "<!-- inputs:" in readme.read_text("utf-8")}
    return wanted + sorted(others - set(wanted))


def blocks(folder: Path, kind: str) -> dict[str, dict[str, str]]:
    """Return every `variable` or `output` of a module, in its files' order: name → attribute → its expression.

    It reads what `terraform fmt` writes: a block begins and ends at the margin, its attributes are two spaces in.
    """
    text = "\n".join(path.read_text("utf-8") for path in sorted(folder.glob("*.tf")))
    found = re.findall(rf'^{kind} "(\w+)" \{{\n(.*?)^\}}', text, re.MULTILINE | re.DOTALL)
    attribute = re.compile(r"^  (\w+) += (.*(?:\n(?:    .*|  [)\]}]+.*))*)", re.MULTILINE)
    return {name: dict(attribute.findall(body)) for name, body in found}


def table(folder: Path, kind: str) -> str:
    """Return the table of a module's inputs or outputs. Raises ProblemError for one that says too little."""
    rows = []
    for name, attributes in blocks(folder, kind.removesuffix("s").replace("input", "variable")).items():
        described = _text(attributes.get("description", ""), f"{folder.name}: {name}")
        cells = [f"`{name}`"]
        if kind == "inputs":
            if "type" not in attributes:
                raise ProblemError(f"{folder.name}: {name} has no type.")
            default = attributes.get("default")
            cells += [_kind_of(attributes["type"]), "required" if default is None else f"`{_one_line(default)}`"]
        rows.append(f"| {' | '.join([*cells, described])} |\n")
    return HEADS[kind] + "".join(rows)


def _text(literal: str, where: str) -> str:
    quoted = re.fullmatch(r'"((?:[^"\\]|\\.)+)"', literal)
    if quoted is None:
        raise ProblemError(f"{where} needs a description that is one quoted string.")
    text = re.sub(r'\\["\\]|[$%]{2}\{', lambda found: _ESCAPES[found[0]], quoted[1])
    return text.replace("|", r"\|")


def _kind_of(expression: str) -> str:
    return re.sub(r"object\(\{.*\}\)", "object", _one_line(expression))


def _one_line(expression: str) -> str:
    return re.sub(r"\s+", " ", expression)


def written(folder: Path) -> str:
    """Return a README as it should be. Raises ProblemError when it has no place for a table."""
    readme = folder / "README.md"
    text = readme.read_text("utf-8") if readme.is_file() else ""
    for kind in HEADS:
        begin, end = BEGIN.format(kind=kind), END.format(kind=kind)
        if text.count(begin) != 1 or text.count(end) != 1:
            raise ProblemError(f"{readme} needs one line {begin.strip()}, and one {end.strip()} below it.")
        before, _, rest = text.partition(begin)
        text = before + begin + table(folder, kind) + end + rest.partition(end)[2]
    return text


def main() -> int:
    """Write the READMEs, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 where a table is out of date")
    check = parser.parse_args().check
    stale = []
    for folder in folders(ROOT / "terraform"):
        text, readme = written(folder), folder / "README.md"
        if readme.read_text("utf-8") != text:
            stale.append(str(readme.relative_to(ROOT)))
            if not check:
                readme.write_text(text, "utf-8")
    if check and stale:
        raise ProblemError(f"out of date: {', '.join(stale)}. Run `.venv/bin/python -m scripts.terraform_docs`.")
    say(f"tables of inputs and outputs: {', '.join(stale) + ' written' if stale else 'as in the code'}")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))

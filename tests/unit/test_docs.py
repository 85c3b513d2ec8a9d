"""The documents' links lead somewhere."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest

from scripts.project import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "terraform").rglob("README.md")])


def anchors(document: Path) -> set[str]:
    """Return a document's anchors, by GitHub's rule for headings."""
    headings = re.findall(r"^#+ (.*)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    """Each relative link of a document is a file or folder of the repository, and its anchor one of that file's headings."""
    lost = []
    for path, anchor in re.findall(r"\]\((?!https?://)([^)#\s]*)#?([^)\s]*)\)", document.read_text("utf-8")):
        target = (document.parent / path).resolve() if path else document
        if anchor and target.is_dir():
            target /= "README.md"  # GitHub shows it below the folder's files
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(f"{path}#{anchor}")
    assert lost == []


def test_sizing_gives_an_index_shards_for_its_load() -> None:
    """Each row of docs/sizing.md has shards for its load and, while the module takes so many, for five times as much."""
    text = (ROOT / "docs" / "sizing.md").read_text("utf-8")
    rows = [
        line.strip("|").split("|") for line in re.findall(r"^\| (?:up to some )?[\d,]+ .*$", text, re.MULTILINE)[:3]
    ]
    loads = [int(re.sub(r"\D", "", row[0])) for row in rows]
    shards = [int(found[0]) for row in rows if (found := re.findall(r"^ (\d+)", row[5]))]
    assert loads == [100, 1000, 100000]
    most, a_shard_takes, burst = 100, 1000, 5
    for load, count in zip(loads, shards, strict=True):
        assert min(most, load * burst / a_shard_takes) <= count <= most


def test_whatever_holds_history_is_in_the_blocks_for_detaching() -> None:
    """Each table, bucket and setting of them that the module makes is kept by the README's blocks for detaching."""
    module = ROOT / "terraform" / "modules" / "audit_trail"
    written = "".join(path.read_text("utf-8") for path in module.glob("*.tf"))
    made = re.findall(r'^resource "(aws_(?:dynamodb|s3)_\w+)" "(\w+)"', written, re.MULTILINE)
    section = (module / "README.md").read_text("utf-8").partition("## Taking it away\n")[2]
    named = re.findall(r"`(aws_\w+\.\w+)`", section)
    assert sorted(named) == sorted(".".join(resource) for resource in made)
    # The example has neither an archive nor `append_only`.
    example = (ROOT / "terraform" / "examples" / "existing_tables" / "README.md").read_text("utf-8")
    optional = {name for name in named if name.endswith((".archive", "resource_policy.audit"))}
    assert set(re.findall(r"^  from = module\.audit\.(\S+)$", example, re.MULTILINE)) == set(named) - optional


def test_whatever_holds_history_is_imported_again() -> None:
    """The page on attaching again has an `import` for everything that the blocks for detaching keep."""
    readme = (ROOT / "terraform" / "modules" / "audit_trail" / "README.md").read_text("utf-8")
    kept = set(re.findall(r"`(aws_\w+\.\w+)`", readme.partition("## Taking it away\n")[2]))
    page = (ROOT / "docs" / "attaching.md").read_text("utf-8").partition("## Attach again\n")[2].partition("\n## ")[0]
    [parts] = re.findall(r"^  for part in (.*); do$", page, re.MULTILINE)
    of_each = re.findall(r'^    block "aws_s3_bucket\$part\.(\w+)"', page, re.MULTILINE)
    made = {f"aws_s3_bucket{part}.{name}" for part in shlex.split(parts) for name in of_each}
    made |= set(re.findall(r"block '?(aws_\w+\.\w+)", page))
    assert made == kept

"""The documents' links lead somewhere."""

from __future__ import annotations

import re
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

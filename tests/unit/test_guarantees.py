"""docs/guarantees.md can't drift: what it names is there."""

from __future__ import annotations

import ast
import re

import pytest

from audit_trail.core.checks import Check
from scripts.project import ROOT

PAGE = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
TESTS = sorted(set(re.findall(r"`(tests/[a-z_/]+\.py)::(\w+)`", PAGE)))
PROMISES = re.findall(r"^## (\d)\. (.+?)\n(.*?)(?=^## )", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("path", "function"), TESTS, ids=lambda word: word)
def test_each_test_exists(path: str, function: str) -> None:
    """Every test that the page names is a test of that file."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_each_promise_says_all_there_is_to_say() -> None:
    """Each of the seven promises says how, what it rests on, which tests check it, how a breach shows and what is left."""
    assert [number for number, _, _ in PROMISES] == list("1234567")
    for _, title, body in PROMISES:
        for part in ("**How.**", "**Rests on.**", "**Tested by.**", "**A breach shows as**", "**What is left.**"):
            assert body.count(part) == 1, (title, part)
        tested = body.partition("**Tested by.**")[2].partition("\n")[0]
        assert re.search(r"`tests/[a-z_/]+\.py::\w+`", tested), title
        rests = body.partition("**Rests on.**")[2].partition("\n")[0]
        assert "https://docs.aws.amazon.com/" in rests, title


def test_each_check_is_named() -> None:
    """The page says of every check that verify makes what shows in it."""
    assert {check for check in Check if f"`{check}`" in PAGE} == set(Check)

"""How the tests themselves are kept."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]


def unpromising(source: str) -> list[str]:
    """Return the names of test functions that don't say what they promise."""
    functions = [
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return [
        node.name for node in functions if node.name.startswith("test_") and not (ast.get_docstring(node) or "").strip()
    ]


def test_every_test_makes_a_promise() -> None:
    """Every test function has a docstring: the promise that it checks."""
    modules = sorted(TESTS.rglob("test_*.py"))
    assert Path(__file__).resolve() in modules
    found = [f"{path.relative_to(TESTS)}: {name}" for path in modules for name in unpromising(path.read_text("utf-8"))]
    assert not found, "tests without a docstring:\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("def test_a(): pass", ["test_a"]),
        ("async def test_a(): pass", ["test_a"]),
        ("class TestA:\n    def test_b(self): '   '", ["test_b"]),
        ("def test_a(): 'A promise.'", []),
        ("def helper(): pass", []),
    ],
)
def test_a_missing_promise_is_found(source: str, names: list[str]) -> None:
    """The check finds functions without a docstring, in classes and async ones too."""
    assert unpromising(source) == names


def test_the_reference_stands_apart() -> None:
    """The second implementation of the canonical form shares no code with the first."""
    tree = ast.parse((TESTS / "canonical_reference.py").read_text("utf-8"))
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    modules += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert "hashlib" in modules
    assert not [name for name in modules if name.startswith(("audit_trail", "handler", "base64", "json", "decimal"))]

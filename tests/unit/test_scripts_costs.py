"""The calculator of costs, and the page that shows what it comes to."""

from __future__ import annotations

import math
import re

import pytest

from scripts import costs
from scripts.project import ROOT

PAGE = (ROOT / "docs" / "costs.md").read_text("utf-8")


def test_the_page_has_the_table_as_it_comes_out_today() -> None:
    """docs/costs.md has the table that the script prints, and the date of its prices."""
    assert costs.table() in PAGE
    assert costs.PRICES_OF in PAGE


def test_the_items_are_as_large_as_asked_for() -> None:
    """The sample's items are what DynamoDB counts, and both images make the record over twice as large."""
    for size in (200, 1_024, 10_000):
        sizes = costs.sizes_of(size)
        assert 2 * size < sizes.record < 2.1 * size + 1_000
        assert 0 < sizes.archived < sizes.record


def test_the_arithmetic_comes_to_the_amount() -> None:
    """For writes and storage, what a line says can be worked out to what it comes to."""
    lines = {row.what: row for row in costs.rows(2_000_000, costs.Sizes(record=2_049, index=100, archived=500))}
    assert lines["capture: writes"].dollars == pytest.approx(2 * 3 * 0.625)
    assert lines["capture: writes"].arithmetic.endswith("; 2 million × 3 × 0.625 a million")  # noqa: RUF001
    assert lines["a month in the table"].dollars == pytest.approx(2 * 2.149 * 0.45 + 2 * 0.2 * 0.25)
    assert lines["a year in the archive, STANDARD"].dollars == pytest.approx(1.0 * 0.023 * 12)
    for row in lines.values():
        assert math.isfinite(row.dollars)
        assert re.search("[0-9]", row.arithmetic)


def test_more_changes_cost_more() -> None:
    """Twice the changes cost twice as much, but for one item's history."""
    sizes = costs.sizes_of(1_024)
    for one, two in zip(costs.rows(10**6, sizes), costs.rows(2 * 10**6, sizes), strict=True):
        assert two.dollars == pytest.approx(one.dollars * (1 if "history" in one.what else 2))

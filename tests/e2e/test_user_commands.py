"""What make demo does to a deployment. It runs after test_pipeline.py, which counts every record of the tables."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console

from scripts import demo

if TYPE_CHECKING:
    import pytest

    from tests.e2e.conftest import Deployment


def test_the_demo_ends_with_the_history_of_its_order(deployment: Deployment, capfd: pytest.CaptureFixture[str]) -> None:
    """Three changes of an order are audited one by one, and `trail history` shows all of them, and who made them."""
    console = Console(file=io.StringIO())
    dynamodb = deployment.client("dynamodb")

    demo.change_order(dynamodb, console, deployment.source_table, deployment.audit_table)
    code = demo.show_history(deployment.engine.endpoint, deployment.audit_table)

    shown = capfd.readouterr()
    assert code == 0, shown.err
    for word in ("checkout", "payments", "warehouse", "created", "paid", "shipped"):
        assert word in shown.out

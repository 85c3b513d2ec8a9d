"""Starts the function as Lambda does."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

ENVIRONMENT = {
    "AUDIT_TABLE": "audit",
    "PARTITION_KEY": "order_id",
    "TRAIL_BUCKET": "trail",
    "FAILURES_BUCKET": "failures",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def cold_start() -> ModuleType:
    """Import the function's module afresh, as a cold start does."""
    return importlib.reload(importlib.import_module("audit_trail.lambda_function"))

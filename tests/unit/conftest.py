"""What tests of the command line can ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from tests.unit.moto_failures import FailedTrail

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let AWS be moto, and be signed in."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield


@pytest.fixture
def trail(aws: None, monkeypatch: pytest.MonkeyPatch) -> FailedTrail:
    """Give a trail in moto, with its bucket."""
    return FailedTrail(monkeypatch)

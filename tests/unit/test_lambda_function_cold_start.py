"""What the function needs to start, and what it says when that is missing."""

from __future__ import annotations

import pytest

from audit_trail.settings import SettingsError
from tests.unit.cold_start import ENVIRONMENT, cold_start


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have everything that is needed."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def test_with_all_settings_it_starts() -> None:
    """With the three settings that must be there, the function starts, and asks nobody for anything."""
    function = cold_start()

    function._table._client.close()


@pytest.mark.parametrize("name", ["AUDIT_TABLE", "PARTITION_KEY", "TRAIL_BUCKET"])
def test_a_missing_setting_stops_it(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Without a setting that must be there the function doesn't start, and says which one is missing."""
    monkeypatch.delenv(name)

    with pytest.raises(SettingsError, match=f"^the setting {name} is missing"):
        cold_start()


def test_a_malformed_setting_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a setting that can't be read the function doesn't start, and says which one it is."""
    monkeypatch.setenv("RETENTION_DAYS", "for ever")

    with pytest.raises(SettingsError, match=r"^the setting RETENTION_DAYS is malformed"):
        cold_start()

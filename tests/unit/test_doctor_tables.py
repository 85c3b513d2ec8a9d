"""What `trail doctor` says of the audit table and of the source table's stream."""

from __future__ import annotations

from dataclasses import replace

import pytest

from audit_trail.core.doctor.facts import Expiry
from tests.unit.doctor_facts import SETTINGS, SOURCE, TABLE, finding, verdict_and_section

GONE_AFTER_90_DAYS = SETTINGS | {"RETENTION_DAYS": "90"}
KEPT_90_DAYS = GONE_AFTER_90_DAYS | {"ARCHIVE": "audit-archive"}


@pytest.mark.parametrize(("status", "verdict"), [("ACTIVE", "ok"), ("UPDATING", "ok"), ("DELETING", "problem")])
def test_an_audit_table_that_takes_no_records(status: str, verdict: str) -> None:
    """An audit table is written to while it's ACTIVE or UPDATING; any other status is a problem."""
    assert finding("audit-table", table=replace(TABLE, status=status)).verdict == verdict


def test_an_inaccessible_audit_table_is_a_problem_whatever_its_tags_say() -> None:
    """The status is told where it is wrong, by its name."""
    found = finding("audit-table", table=replace(TABLE, status="INACCESSIBLE_ENCRYPTION_CREDENTIALS"))
    assert "audit is INACCESSIBLE_ENCRYPTION_CREDENTIALS" in found.sentence


def test_a_stream_that_is_off() -> None:
    """A stream that is off is a problem, with what to turn on."""
    source = replace(SOURCE, stream=replace(SOURCE.stream, enabled=False, view_type=None))
    assert verdict_and_section("source-stream", source=source) == ("problem", "stream-mismatch")
    assert finding("source-stream", source=source).sentence == (
        "the source table's stream is off: turn it on with NEW_AND_OLD_IMAGES, then `make deploy`"
    )


def test_a_stream_without_images() -> None:
    """A stream of another view type is a problem that names it."""
    source = replace(SOURCE, stream=replace(SOURCE.stream, view_type="KEYS_ONLY"))
    assert finding("source-stream", source=source).verdict == "problem"
    assert "KEYS_ONLY" in finding("source-stream", source=source).sentence


def test_a_source_table_that_is_gone() -> None:
    """A source table that was deleted is a problem, and nobody is told to turn its stream on."""
    found = finding("source-stream", source=None)
    assert (found.verdict, found.sentence) == ("problem", "the source table is gone: nothing is left to audit")


def test_no_backups() -> None:
    """Without point-in-time recovery there is a warning."""
    assert verdict_and_section("backups", point_in_time_recovery=False) == ("warning", "trail-doctor")


def test_no_deletion_protection() -> None:
    """Without deletion protection there is a warning."""
    table = replace(TABLE, deletion_protection=False)
    assert verdict_and_section("deletion-protection", table=table) == ("warning", "trail-doctor")


@pytest.mark.parametrize(
    ("expiry", "verdict"),
    [
        (Expiry("ENABLED", "expires_at"), "ok"),
        (Expiry("ENABLING", "expires_at"), "ok"),
        (Expiry("DISABLED", None), "problem"),
        (Expiry("DISABLING", "expires_at"), "problem"),
    ],
)
def test_records_that_should_expire(expiry: Expiry, verdict: str) -> None:
    """Where records have a retention, TTL must be on for the attribute that they have."""
    assert finding("expiry", settings=KEPT_90_DAYS, expiry=expiry).verdict == verdict


@pytest.mark.parametrize("settings", [SETTINGS, GONE_AFTER_90_DAYS, KEPT_90_DAYS])
@pytest.mark.parametrize("status", ["ENABLED", "ENABLING"])
def test_ttl_by_another_attribute(settings: dict[str, str], status: str) -> None:
    """TTL by any other attribute deletes history, with a retention or without: a problem, and the section is tampering's."""
    found = finding("expiry", settings=settings, expiry=Expiry(status, "approximate_creation_date_time"))
    assert (found.verdict, found.section) == ("problem", "records-tampered")
    assert "by the attribute approximate_creation_date_time instead of expires_at" in found.sentence


def test_records_that_expire_into_nothing() -> None:
    """Where records expire and there is no archive, there is a warning."""
    found = finding("expiry", settings=GONE_AFTER_90_DAYS)
    assert (found.verdict, found.section) == ("warning", "trail-doctor")
    assert "gone for good after 90 days" in found.sentence


def test_records_that_never_expire_need_no_ttl() -> None:
    """Without a retention, it doesn't matter whether TTL is on."""
    found = finding("expiry", expiry=Expiry("DISABLED", None))
    assert (found.verdict, found.sentence) == ("ok", "records are kept for ever")

"""What `trail doctor` says of the buckets, of what waits in them, and of the alarms."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from audit_trail.core.doctor.alarms import ALWAYS
from audit_trail.core.doctor.facts import Alarm, Bucket, LifecycleRule, Waiting
from tests.unit.doctor_facts import NOW, SETTINGS, finding, verdict_and_section


@pytest.mark.parametrize(
    ("bucket", "verdict", "section"),
    [
        (None, "problem", "destination-failures"),
        (Bucket("Enabled", blocks_public_access=True, policy_is_public=False), "ok", ""),
        (Bucket("Suspended", blocks_public_access=True, policy_is_public=False), "warning", "trail-doctor"),
        (Bucket("off", blocks_public_access=True, policy_is_public=False), "warning", "trail-doctor"),
        (Bucket("Enabled", blocks_public_access=False, policy_is_public=False), "warning", "trail-doctor"),
        (Bucket("Enabled", blocks_public_access=False, policy_is_public=True), "problem", "trail-doctor"),
        (Bucket("Enabled", blocks_public_access=True, policy_is_public=True), "ok", ""),
    ],
)
def test_each_bucket(bucket: Bucket | None, verdict: str, section: str) -> None:
    """A bucket that is gone or public is a problem; one without versions, or that could become public, a warning."""
    assert verdict_and_section("bucket", bucket=bucket) == (verdict, section)
    assert verdict_and_section("bucket", failures_bucket=bucket) == (verdict, section)
    one_bucket = {name: value for name, value in SETTINGS.items() if name != "FAILURES_BUCKET"}
    assert verdict_and_section("bucket", bucket=bucket, failures_bucket=None, settings=one_bucket) == (verdict, section)


def test_the_worse_of_two_buckets_is_told() -> None:
    """Of a bucket with a problem and one with a warning, the problem is told, with that bucket's name."""
    odd = Bucket("off", blocks_public_access=True, policy_is_public=False)
    for name, facts in {
        "trail-bucket": {"bucket": None, "failures_bucket": odd},
        "failures-bucket": {"bucket": odd, "failures_bucket": None},
    }.items():
        found = finding("bucket", **facts)
        assert (found.verdict, name in found.sentence) == ("problem", True)


@pytest.mark.parametrize(
    ("rule", "lost"),
    [
        (LifecycleRule("r", enabled=True, prefix="", deletes=True), "archive/, images/, aws/lambda/, quarantine/"),
        (LifecycleRule("r", enabled=True, prefix="archive/dt=2026", deletes=True), "archive/"),
        (LifecycleRule("r", enabled=True, prefix="im", deletes=True), "images/"),
        (LifecycleRule("r", enabled=True, prefix="aws/lambda/", deletes=True), "aws/lambda/"),
        (LifecycleRule("r", enabled=True, prefix="quarantine/", deletes=True), "quarantine/"),
        (LifecycleRule("r", enabled=True, prefix="redriven/", deletes=True), ""),
        (LifecycleRule("r", enabled=False, prefix="", deletes=True), ""),
        (LifecycleRule("r", enabled=True, prefix="", deletes=False), ""),
    ],
)
def test_lifecycle_rules(rule: LifecycleRule, lost: str) -> None:
    """An enabled rule that deletes history, or what waits, is a problem that names both; what was put back may go."""
    found = finding("lifecycle", lifecycle=(rule,))
    assert found.verdict == ("problem" if lost else "ok")
    assert (f": r deletes {lost};" in found.sentence) == bool(lost)


def test_what_was_put_back_may_expire() -> None:
    """Of the failures bucket, a rule that deletes what waits is a problem; one for the versions that a redrive left isn't."""
    rule = LifecycleRule("r", enabled=True, prefix="quarantine/", deletes=True)
    found = finding("lifecycle", failures_lifecycle=(rule,))
    assert (found.verdict, "failures-bucket" in found.sentence) == ("problem", True)
    assert finding("lifecycle", failures_lifecycle=(replace(rule, only_noncurrent=True),)).verdict == "ok"
    assert finding("lifecycle", lifecycle=(replace(rule, only_noncurrent=True),)).verdict == "problem"


def test_lifecycle_of_a_bucket_that_is_gone() -> None:
    """Of a bucket that is gone, the rules are unknown: the problem is told once."""
    assert verdict_and_section("lifecycle", lifecycle=None) == ("unknown", "destination-failures")
    assert verdict_and_section("lifecycle", failures_lifecycle=None) == ("unknown", "destination-failures")


@pytest.mark.parametrize(
    ("check", "fact", "section"),
    [("given-up", "given_up", "batches-given-up"), ("quarantined", "quarantined", "records-quarantined")],
)
def test_what_waits_to_be_put_back(check: str, fact: str, section: str) -> None:
    """What waits is a problem, with its count, the age of the oldest, and the commands that put it back."""
    found = finding(check, **{fact: Waiting(3, more=False, oldest=NOW - timedelta(days=40))})
    assert (found.verdict, found.section) == ("problem", section)
    assert found.sentence.endswith(
        " wait in the failures bucket: 3, for up to 40 d; `trail failures`, then `trail redrive`"
    )


def test_more_waits_than_was_counted() -> None:
    """Where there is more than was counted, that is said."""
    found = finding("given-up", given_up=Waiting(1_000, more=True, oldest=NOW))
    assert ": 1,000 or more, for up to 0 s;" in found.sentence


def alarms(*keys: str, ringing: tuple[str, ...] = (), silent: tuple[str, ...] = ()) -> tuple[Alarm, ...]:
    """Return these alarms, some of which ring or call nobody."""
    return tuple(
        Alarm(key, "ALARM" if key in ringing else "INSUFFICIENT_DATA", calls_somebody=key not in silent) for key in keys
    )


def test_alarms_that_ring() -> None:
    """Alarms that ring are a problem, whatever else is wrong with them; the first one's section is named."""
    found = finding("alarms", alarms=alarms("changes-dropped", "silence", ringing=("changes-dropped", "silence")))
    assert (found.verdict, found.section) == ("problem", "changes-dropped")
    assert "in alarm: changes-dropped, silence" in found.sentence


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (alarms(), "there are no alarms"),
        (alarms("silence"), "there are no alarms"),
        (alarms(*ALWAYS[2:]), f"alarms are missing: {ALWAYS[0]}, {ALWAYS[1]};"),
        (alarms(*ALWAYS, silent=ALWAYS), "nobody is called by any alarm: "),
        (alarms(*ALWAYS, "silence", silent=("silence",)), "nobody is called by silence: "),
    ],
)
def test_alarms_that_call_nobody(found: tuple[Alarm, ...], words: str) -> None:
    """Alarms that are missing, or call nobody, are a warning that names them."""
    said = finding("alarms", alarms=found)
    assert (said.verdict, said.section) == ("warning", "trail-doctor")
    assert words in said.sentence


def test_alarms_without_data_are_well() -> None:
    """An alarm that has no data yet is well, and so is one that was asked for beside the others."""
    assert finding("alarms", alarms=alarms(*ALWAYS, "silence")).sentence == "12 alarms watch, and none rings"

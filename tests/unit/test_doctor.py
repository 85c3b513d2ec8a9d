"""What `trail doctor` judges as a whole: a trail that is well, and one that can't be looked at."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import Any

import pytest

from audit_trail.core.doctor import CHECKS, examine
from audit_trail.core.doctor.facts import Facts, Unseen
from audit_trail.core.doctor.findings import Section
from audit_trail.core.durations import lasting
from scripts.project import ROOT
from tests.unit.doctor_facts import WELL, finding

DENIED = Unseen("service:SeeThis", "AccessDenied", denied=True)
NEEDED = {
    "settings": {
        "audit-table",
        "mapping-settings",
        "function-settings",
        "bucket",
        "lifecycle",
        "index-shards",
        "expiry",
    },
    "point_in_time_recovery": {"backups"},
    "expiry": {"expiry"},
    "source": {"source-stream", "mapping"},
    "mapping": {"mapping", "mapping-settings", "last-result"},
    "function": {"function", "function-settings", "role-permissions"},
    "denied_to_role": {"role-permissions"},
    "source_readers": {"stream-readers"},
    "bucket": {"bucket"},
    "lifecycle": {"lifecycle"},
    "failures_bucket": {"bucket"},
    "failures_lifecycle": {"lifecycle"},
    "given_up": {"given-up"},
    "quarantined": {"quarantined"},
    "alarms": {"alarms"},
    "minutes": {"lag", "errors", "not-stored", "index-shards"},
    "fortnight": {"last-change", "index-shards"},
    "archive_function": set(),  # there is no archive
    "archive_mapping": set(),
    "tampering_function": set(),
    "tampering_mapping": set(),
    "audit_readers": set(),
}


def test_a_trail_that_is_well() -> None:
    """Of a trail that is well, every check says so in one sentence, and sends nobody to the runbook."""
    found = dict(examine(WELL))

    assert list(found) == list(CHECKS)
    assert {name: (one.verdict, one.section) for name, one in found.items()} == dict.fromkeys(CHECKS, ("ok", None))
    assert all(one.sentence and "\n" not in one.sentence for one in found.values())


@pytest.mark.parametrize(("fact", "checks"), NEEDED.items())
def test_what_could_not_be_looked_at_is_unknown(fact: str, checks: set[str]) -> None:
    """A permission that is missing is named by the checks that need it, and all others say what they said."""
    differing: dict[str, Any] = {fact: DENIED}
    found = dict(examine(replace(WELL, **differing)))

    assert {name for name, one in found.items() if one.verdict == "unknown"} == checks
    assert {name for name, one in found.items() if one.verdict == "ok"} == CHECKS.keys() - checks
    for name in checks:
        assert found[name].sentence == (
            "these credentials may not do service:SeeThis: attach the doctor policy that Terraform outputs"
        )


def test_every_fact_may_be_unseen() -> None:
    """What is said of missing permissions is said of every fact but the audit table's own description."""
    assert NEEDED.keys() == {field.name for field in fields(Facts)} - {"now", "table"}


def test_what_aws_could_not_say_is_no_missing_permission() -> None:
    """Where AWS failed for another reason, that reason is told, and no policy is asked for."""
    unseen = Unseen("iam:SimulatePrincipalPolicy", "ServiceFailure", denied=False)
    assert finding("role-permissions", denied_to_role=unseen).sentence == (
        "AWS could not say: iam:SimulatePrincipalPolicy failed with ServiceFailure"
    )


def test_every_section_that_a_check_names_is_in_the_runbook() -> None:
    """The sections that the checks know are those of docs/runbook.md, by GitHub's rule for anchors."""
    headings = re.findall(r"^## (.*)$", (ROOT / "docs" / "runbook.md").read_text("utf-8"), re.MULTILINE)
    assert set(Section) == {heading.lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-1, "0 s"), (0, "0 s"), (119.9, "119 s"), (120, "2 min"), (7_199, "119 min"), (7_200, "2 h"), (172_800, "2 d")],
)
def test_a_duration_in_words(seconds: float, words: str) -> None:
    """A duration is told in the largest unit that it has at least two of, rounded down."""
    assert lasting(seconds) == words

"""What `trail doctor` says of the archive: the audit table's own stream, and the two functions that read it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.core.doctor import ARCHIVE_CHECKS, CHECKS, examine, traffic
from audit_trail.core.doctor.alarms import ALWAYS, OF_ARCHIVE
from audit_trail.core.doctor.archive import EXPIRED, TAMPERED
from audit_trail.core.doctor.facts import Alarm, Unseen
from audit_trail.core.stream_health import Mapping
from tests.unit import doctor_facts
from tests.unit.doctor_facts import (
    ARCHIVE_MAPPING,
    ARCHIVING,
    AUDIT_STREAM,
    FUNCTION,
    TAMPERING_MAPPING,
    WELL,
    series,
)

if TYPE_CHECKING:
    from audit_trail.core.doctor.facts import MappingSettings
    from audit_trail.core.doctor.findings import Finding

NEWER = AUDIT_STREAM.replace("2026-11-24", "2026-11-25")
DENIED = Unseen("lambda:SeeThis", "AccessDenied", denied=True)
MAPPINGS = {"archive": ARCHIVE_MAPPING, "tampering": TAMPERING_MAPPING}


def finding(check: str, **differing: Any) -> Finding:
    """Return what a check says of a trail whose archive is well but for these facts."""
    return doctor_facts.finding(check, ARCHIVING, **differing)


def reading(mapping: MappingSettings, stream: str = AUDIT_STREAM, state: str = "Enabled") -> MappingSettings:
    """Return a mapping of another stream or state."""
    return replace(mapping, mapping=Mapping(stream, state))


def test_an_archive_that_is_well() -> None:
    """Of a trail whose archive is well, every check says so, the archive's after all others."""
    found = dict(examine(ARCHIVING))
    assert list(found) == [*CHECKS, *ARCHIVE_CHECKS]
    assert {name: one.sentence for name, one in found.items() if one.verdict != "ok" or one.section} == {}
    assert found["expiry"].sentence == "records expire after 90 days, and go into the archive"


def test_a_trail_without_an_archive_is_asked_for_none() -> None:
    """Without an archive, or where the tags can't be seen, there is no line of one."""
    assert list(dict(examine(WELL))) == list(CHECKS)
    assert list(dict(examine(replace(ARCHIVING, settings=DENIED)))) == list(CHECKS)


@pytest.mark.parametrize(
    ("differing", "words"),
    [
        ({"enabled": False, "view_type": None}, "the audit table's stream is off: `make deploy`"),
        (
            {"view_type": "KEYS_ONLY"},
            "the view type of the audit table's stream is KEYS_ONLY, not OLD_IMAGE: `make deploy`",
        ),
    ],
)
def test_a_stream_that_does_not_carry_what_expires(differing: dict[str, Any], words: str) -> None:
    """A stream that is off, or without old images, is a problem."""
    table = replace(ARCHIVING.table, stream=replace(ARCHIVING.table.stream, **differing))
    found = finding("archive-stream", table=table)
    assert (found.verdict, found.section) == ("problem", "archive-stream-mismatch")
    assert found.sentence.startswith(words)


@pytest.mark.parametrize("name", MAPPINGS)
@pytest.mark.parametrize(
    ("stream", "state", "todo"),
    [(AUDIT_STREAM, "Disabled", "update-event-source-mapping --uuid"), (NEWER, "Enabled", "`make deploy`")],
)
def test_a_mapping_that_does_not_read(name: str, stream: str, state: str, todo: str) -> None:
    """A mapping that is disabled, or reads another stream, is a problem, with what to do."""
    mapping: Any = {f"{name}_mapping": reading(MAPPINGS[name], stream, state)}
    found = finding(f"{name}-mapping", **mapping)
    assert (found.verdict, found.section) == ("problem", "archive-stream-mismatch")
    assert todo in found.sentence


@pytest.mark.parametrize("name", MAPPINGS)
def test_a_mapping_that_is_gone(name: str) -> None:
    """Without a mapping that is a problem, told once."""
    gone: Any = {f"{name}_mapping": None}
    found = dict(examine(replace(ARCHIVING, **gone)))
    assert (found[f"{name}-mapping"].verdict, found[f"{name}-mapping"].section) == (
        "problem",
        "archive-stream-mismatch",
    )
    unknown = {check for check, one in found.items() if one.verdict == "unknown"}
    assert unknown == ({"archive-settings", "archive-last-result"} if name == "archive" else set())


@pytest.mark.parametrize(
    ("differing", "words"),
    [
        ({"response_types": ()}, "no ReportBatchItemFailures"),
        ({"bisects": False}, "does not bisect"),
        ({"most_retries": 3}, "after 3 retries"),
        ({"record_age": -1}, "maximum record age is -1 seconds"),
        ({"destination": None}, "destination is None, not the bucket failures-bucket"),
        ({"filters": ()}, "its filters are gone"),
        ({"filters": TAMPERED}, "its filters are "),
        ({"filters": ("no JSON",)}, "its filters are no JSON"),
    ],
)
def test_settings_by_which_records_are_lost(differing: dict[str, Any], words: str) -> None:
    """Each setting by which expired records could be lost is a problem, and named."""
    found = finding("archive-settings", archive_mapping=replace(ARCHIVE_MAPPING, **differing))
    assert (found.verdict, found.section) == ("problem", "trail-doctor")
    assert words in found.sentence


@pytest.mark.parametrize(
    ("differing", "words"),
    [
        ({"most_retries": 3}, "after 3 retries"),
        ({"record_age": 64_801}, "maximum record age is 64801 seconds"),
        ({"filters": TAMPERED[:1]}, "its filters are "),
    ],
)
def test_settings_by_which_tampering_is_not_seen(differing: dict[str, Any], words: str) -> None:
    """Each setting by which what is done by hand could go unseen is a problem, and named."""
    found = finding("tampering-mapping", tampering_mapping=replace(TAMPERING_MAPPING, **differing))
    assert (found.verdict, found.section) == ("problem", "trail-doctor")
    assert words in found.sentence


def test_filters_are_compared_by_what_they_mean() -> None:
    """A filter's white space and order of names, and the order of filters, don't matter."""
    spaced = tuple(json.dumps(json.loads(pattern), indent=2, sort_keys=True) for pattern in reversed(TAMPERED))
    assert finding("tampering-mapping", tampering_mapping=replace(TAMPERING_MAPPING, filters=spaced)).verdict == "ok"
    spaced = (json.dumps(json.loads(EXPIRED[0]), indent=1),)
    assert finding("archive-settings", archive_mapping=replace(ARCHIVE_MAPPING, filters=spaced)).verdict == "ok"


def test_what_lambda_met() -> None:
    """What Lambda met when it last read the stream for the archive is told."""
    failed = replace(ARCHIVE_MAPPING, last_result="PROBLEM: Function call failed")
    found = finding("archive-last-result", archive_mapping=failed)
    assert (found.verdict, found.section) == ("problem", "archive-errors")


@pytest.mark.parametrize(("name", "section"), [("archive", "archive-errors"), ("tampering", "tampering-unseen")])
def test_a_function_that_is_gone_or_failed(name: str, section: str) -> None:
    """A function that is gone, or Failed, is a problem, by its name."""
    for function in (None, replace(FUNCTION, state="Failed")):
        differing: Any = {f"{name}_function": function}
        found = finding(f"{name}-function", **differing)
        assert (found.verdict, found.section) == ("problem", section)
        assert f"audit-{name} is " in found.sentence


@pytest.mark.parametrize(
    ("check", "metric", "value", "verdict", "section"),
    [
        ("archive-lag", traffic.ARCHIVE_ITERATOR_AGE, 3_600_000, "ok", None),
        ("archive-lag", traffic.ARCHIVE_ITERATOR_AGE, 3_601_000, "warning", "archive-late"),
        ("archive-lag", traffic.ARCHIVE_ITERATOR_AGE, 10_801_000, "problem", "archive-late"),
        ("archive-errors", traffic.ARCHIVE_ERRORS, 1, "warning", "archive-errors"),
        ("archive-errors", traffic.ARCHIVE_THROTTLES, 6, "problem", "archive-errors"),
        ("not-archived", traffic.NOT_ARCHIVED, 1, "warning", "records-not-archived"),
    ],
)
def test_what_is_counted(check: str, metric: str, value: float, verdict: str, section: str | None) -> None:
    """Lag, errors and refusals of the archive are judged as the function's are."""
    assert not isinstance(ARCHIVING.minutes, Unseen)
    found = finding(check, minutes={**ARCHIVING.minutes, metric: series((2, value))})
    assert (found.verdict, found.section) == (verdict, section)


def test_nothing_that_expired_lately() -> None:
    """That nothing expired lately is well."""
    assert not isinstance(ARCHIVING.minutes, Unseen)
    quiet = {**ARCHIVING.minutes, traffic.ARCHIVE_ITERATOR_AGE: series()}
    assert finding("archive-lag", minutes=quiet).sentence == "no expired record in the last 15 minutes"


def test_alarms_of_the_archive_that_are_missing() -> None:
    """Where there is an archive, its alarms must be there as well."""
    found = finding("alarms", alarms=tuple(Alarm(key, "OK", calls_somebody=True) for key in ALWAYS))
    assert found.verdict == "warning"
    assert found.sentence == f"alarms are missing: {', '.join(OF_ARCHIVE)}; `make deploy`"


@pytest.mark.parametrize(
    ("fact", "checks"),
    [
        ("archive_function", {"archive-function"}),
        ("archive_mapping", {"archive-mapping", "archive-settings", "archive-last-result"}),
        ("tampering_function", {"tampering-function"}),
        ("tampering_mapping", {"tampering-mapping"}),
    ],
)
def test_what_could_not_be_looked_at_is_unknown(fact: str, checks: set[str]) -> None:
    """A permission that is missing makes unknown what needs it, and nothing else."""
    differing: dict[str, Any] = {fact: DENIED}
    found = dict(examine(replace(ARCHIVING, **differing)))
    assert {name for name, one in found.items() if one.verdict != "ok"} == checks
    assert {found[name].verdict for name in checks} == {"unknown"}

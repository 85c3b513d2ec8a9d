"""What `trail doctor` says of what CloudWatch has counted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from audit_trail.core.doctor import traffic
from audit_trail.core.doctor.facts import Unseen
from tests.unit.doctor_facts import FORTNIGHT, MAPPING, MINUTES, SETTINGS, finding, series

if TYPE_CHECKING:
    from audit_trail.core.doctor.facts import Series
    from audit_trail.core.doctor.findings import Finding


def by_minutes(check: str, **differing: Series) -> Finding:
    """Return what a check says where these metrics of the last hour differ."""
    return finding(check, minutes=MINUTES | differing)


@pytest.mark.parametrize(
    ("seconds", "verdict"), [(0, "ok"), (3_600, "ok"), (3_601, "warning"), (10_800, "warning"), (10_801, "problem")]
)
def test_lag(seconds: int, verdict: str) -> None:
    """A lag beyond an hour is a warning, beyond half of what Lambda retries for a problem."""
    found = by_minutes("lag", iterator_age=series((14, 1_000 * seconds), (2, 0)))
    assert found.verdict == verdict
    assert f"up to {seconds} s of the 21600 s" in found.sentence


def test_lag_is_measured_by_the_mappings_own_record_age() -> None:
    """With a short record age, a lag of half of it is a problem already; one that is unknown counts as the default."""
    minutes = MINUTES | {traffic.ITERATOR_AGE: series((2, 301_000))}
    short = replace(MAPPING, record_age=600)
    assert finding("lag", minutes=minutes, mapping=short).verdict == "problem"
    assert finding("lag", minutes=minutes).verdict == "ok"
    endless = replace(MAPPING, record_age=-1)
    unseen = Unseen("lambda:ListEventSourceMappings", "AccessDeniedException", denied=True)
    for mapping in (endless, unseen, None):
        assert "of the 21600 s" in finding("lag", minutes=minutes, mapping=mapping).sentence


def test_an_old_lag_is_over() -> None:
    """A lag that is more than 15 minutes past counts no more."""
    assert by_minutes("lag", iterator_age=series((16, 9e9), (2, 0))).verdict == "ok"


@pytest.mark.parametrize(
    ("written", "verdict"),
    [
        (series(), "ok"),
        (series((10, 0)), "ok"),
        (series((10, 1)), "warning"),
        (series((16, 1)), "ok"),  # longer ago
        (series((4, 1)), "ok"),  # too soon to tell
    ],
)
def test_no_batch_lately(written: Series, verdict: str) -> None:
    """Where no batch came, that is well unless the source table was written to, 5 to 15 minutes ago."""
    found = by_minutes("lag", iterator_age=series(), written=written)
    assert (found.verdict, found.section) == (verdict, "silence" if verdict == "warning" else None)


@pytest.mark.parametrize(
    ("failed", "throttled", "verdict", "section"),
    [
        (0, 0, "ok", None),
        (1, 0, "warning", "function-errors"),
        (0, 5, "warning", "function-throttled"),
        (2, 3, "warning", "function-errors"),
        (3, 3, "problem", "function-errors"),
        (0, 6, "problem", "function-throttled"),
    ],
)
def test_errors_and_throttles(failed: int, throttled: int, verdict: str, section: str | None) -> None:
    """Some errors or throttles are a warning; more than half as many as invocations, a problem."""
    found = by_minutes("errors", errors=series((55, failed)), throttles=series((2, throttled)))
    assert (found.verdict, found.section) == (verdict, section)
    assert "10 invocations" in found.sentence


def test_a_function_that_is_only_throttled() -> None:
    """Throttles without a single invocation are a problem."""
    assert by_minutes("errors", invocations=series(), throttles=series((2, 1))).verdict == "problem"


@pytest.mark.parametrize(
    ("stored", "refused", "verdict"), [(0, 0, "ok"), (100, 0, "ok"), (100, 1, "warning"), (0, 1, "problem")]
)
def test_changes_that_could_not_be_stored(stored: int, refused: int, verdict: str) -> None:
    """Changes that failed are a warning while others are stored, and a problem while none is."""
    found = by_minutes("not-stored", stored=series((50, stored)), not_stored=series((50, refused)))
    assert (found.verdict, found.section) == (verdict, None if verdict == "ok" else "changes-not-stored")
    assert f"{stored} changes stored" in found.sentence


@pytest.mark.parametrize(
    ("stored", "written", "verdict"),
    [
        (series((180, 1)), series((180, 1)), "ok"),
        (series((180, 1)), series((150, 1)), "ok"),
        (series((180, 1)), series((149, 1)), "warning"),
        (series((180, 1), (5, 0)), series((5, 1)), "warning"),
        (series(), series((5, 1)), "warning"),
        (series((180, 1)), series(), "ok"),
        (series((5, 0)), series(), "unknown"),
        (series(), series(), "unknown"),
    ],
)
def test_the_last_change(stored: Series, written: Series, verdict: str) -> None:
    """A write of half an hour or more after the last change stored is a warning; without either, nothing is known."""
    assert finding("last-change", fortnight={traffic.STORED: stored, traffic.WRITTEN: written}).verdict == verdict


def test_when_the_last_change_was() -> None:
    """The last change that was stored is told with its age."""
    assert finding("last-change", fortnight=FORTNIGHT).sentence == "the last change was stored 3 min ago"
    late = {traffic.STORED: series((600, 1)), traffic.WRITTEN: series((6, 1))}
    assert finding("last-change", fortnight=late).sentence.startswith(
        "the last change stored was 10 h ago, the last write to the source table 6 min ago: "
    )


@pytest.mark.parametrize(
    ("minute", "five_minutes", "peak", "shards"),
    [
        (120_000, 0, "", 0),
        (0, 600_000, "", 0),
        (150_000, 0, "2,500", 5),
        (0, 900_300, "3,001", 7),
        (60_000_000, 0, "1,000,000", 100),
    ],
)
def test_index_shards_against_the_write_load(minute: float, five_minutes: float, peak: str, shards: int) -> None:
    """Over half of 1,000 write units a second and shard, in the busiest minute or five, is a warning with the shards to set."""
    found = finding(
        "index-shards",
        settings=SETTINGS | {"TIME_INDEX_SHARDS": "4"},
        minutes=MINUTES | {"time_index_written": series((9, 1), (3, minute)), "time_index_throttled": ()},
        fortnight=FORTNIGHT | {"time_index_written": series((9_000, five_minutes))},
    )
    if not shards:
        assert found.verdict == "ok"
        return
    assert (found.verdict, found.section) == ("warning", "audit-table-throttled")
    assert f"took up to {peak} write units a second of the 4,000 that its shards take" in found.sentence
    assert f"set `time_index = {{ shards = {shards} }}`" in found.sentence


@pytest.mark.parametrize(
    ("throttled", "todo"),
    [
        ((0, 0), ""),
        ((0, 3), "set `actor_index = { shards = 4 }`"),
        ((5, 3), "set `time_index = { shards = 8 }` and `actor_index = { shards = 4 }`"),
    ],
)
def test_index_shards_that_are_throttled(throttled: tuple[int, int], todo: str) -> None:
    """An index that is throttled is a warning however little it takes on average, and twice its shards are to be set."""
    names = ("time_index_throttled", "actor_index_throttled")
    found = finding(
        "index-shards",
        settings=SETTINGS | {"TIME_INDEX_SHARDS": "4", "ACTOR_INDEX_SHARDS": "2"},
        minutes=MINUTES
        | {name: series((3, count)) for name, count in zip(names, throttled, strict=True)}
        | {"time_index_written": series((3, 60))},
        fortnight=FORTNIGHT | {"time_index_written": ()},
    )
    assert found.verdict == ("warning" if todo else "ok")
    assert todo in found.sentence
    assert ("actor_index was throttled 3 times in the last hour" in found.sentence) == bool(todo)

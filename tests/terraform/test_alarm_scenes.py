"""Each alarm in a day's scenes: it rings at what it's for, and not at what is normal or passes by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.terraform.emitted import (
    ANOTHER,
    ANOTHER_OF_AUDIT_TABLE,
    ARCHIVED,
    GOOD,
    POISON,
    READ,
    REFUSED,
    THROTTLED,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.cloudwatch import Alarm, Samples
    from tests.terraform.emitted import Emitted

MINUTE, HOUR = 60, 3600
BEGIN, END, LATER, DAY = 2 * HOUR, 6 * HOUR, 8 * HOUR, 24 * HOUR
"""When trouble begins, when it ends, when everybody must have forgotten it."""


def every(seconds: int, value: float, begin: int = 0, until: int = DAY) -> list[tuple[float, float]]:
    """Return a sample of `value` every so many seconds, from `begin` to before `until`."""
    return [(time, value) for time in range(begin, until, seconds)]


def during(seconds: int, well: float, ill: float) -> Samples:
    """Return samples of a metric that is ill from BEGIN to END."""
    return every(seconds, well, until=BEGIN) + every(seconds, ill, BEGIN, END) + every(seconds, well, END)


def outside(seconds: int, value: float) -> Samples:
    """Return samples of a metric that isn't there from BEGIN to END."""
    return every(seconds, value, until=BEGIN) + every(seconds, value, END)


def at_times(value: float, *times: int, among: Samples = ()) -> Samples:
    """Return single samples of a value, among others."""
    return sorted([*among, *((float(time), value) for time in times)])


@dataclass(frozen=True)
class Scene:
    """What an alarm must ring at, at the latest so many minutes after BEGIN, and what it must not ring at."""

    crossing: Sequence[Samples]
    within: int
    quiet: Sequence[Samples]


@pytest.fixture(scope="session")
def scenes(storing: Emitted, checking: Emitted, archiving: Emitted, tampering: Emitted) -> dict[str, Scene]:
    """Give each alarm's scene; where the metric is ours, of values that were really emitted."""
    own, checked = storing, checking
    quarantined, none_quarantined = (own.value(batch, "RecordsQuarantined") for batch in (POISON, GOOD))
    not_stored, none_left = (own.value(batch, "ChangesNotStored") for batch in (THROTTLED, GOOD))
    nothing_stored, stored = (own.value(batch, "ChangesStored") for batch in (THROTTLED, GOOD))
    not_archived, all_archived = (archiving.value(batch, "RecordsNotArchived") for batch in (REFUSED, ARCHIVED))
    tampered, early = tampering.value(0, "RecordsTampered"), tampering.value(0, "RecordsExpiredEarly")
    mismatch, match = (checked.value(finding, "StreamMismatch") for finding in (ANOTHER, READ))
    archives = [checked.value(finding, "ArchiveStreamMismatch") for finding in (ANOTHER_OF_AUDIT_TABLE, READ)]
    assert archives == [mismatch, match]

    zeros = every(MINUTE, 0)
    once = Scene([at_times(3, BEGIN), at_times(1, BEGIN, among=zeros)], 5, [[], zeros])
    lasting = Scene(
        [during(MINUTE, 0, 1), every(3 * MINUTE, 1, BEGIN, END)],
        15,
        [[], zeros, at_times(1, BEGIN, END), at_times(1, BEGIN, END, among=zeros)],
    )
    blocked = [(float(time), 1000.0 * (time - BEGIN)) for time in range(BEGIN, END, 40)]
    punctual = every(15 * MINUTE, match)
    mismatching = Scene(
        # It finds something; it doesn't run.
        [during(15 * MINUTE, match, mismatch), outside(15 * MINUTE, match)],
        75,
        # All is well; EventBridge isn't punctual; one run is lost; one saw the mapping being updated.
        [
            punctual,
            every(15 * MINUTE + 1, match),
            [sample for sample in punctual if sample[0] != BEGIN],
            at_times(mismatch, BEGIN + 10, among=punctual),
        ],
    )
    return {
        "iterator-age": Scene([[*every(10, 800, until=BEGIN), *blocked]], 16, [[], every(20, 599_000)]),
        "function-errors": lasting,
        "function-throttled": lasting,
        "near-time-out": Scene(
            [during(MINUTE, 300, 811_000)], 15, [[], every(MINUTE, 809_000), at_times(900_000, BEGIN, END)]
        ),
        "records-quarantined": Scene(
            [at_times(quarantined, BEGIN), at_times(quarantined, BEGIN, among=every(MINUTE, none_quarantined))],
            5,
            [[], every(MINUTE, none_quarantined)],
        ),
        "changes-not-stored": Scene(
            [during(MINUTE, none_left, not_stored)],
            15,
            [[], every(MINUTE, none_left), at_times(not_stored, BEGIN, END, among=every(MINUTE, none_left))],
        ),
        "batches-given-up": once,
        "changes-dropped": once,
        "destination-failures": once,
        # DynamoDB writes it only when it throttles.
        "audit-table-throttled": Scene([every(20, 4, BEGIN, END)], 15, [[], at_times(40, BEGIN, END)]),
        "stream-mismatch": mismatching,
        "archive-stream-mismatch": mismatching,
        "archive-late": Scene([[*every(10, 800, until=BEGIN), *blocked]], 16, [[], every(20, 599_000)]),
        "archive-errors": lasting,
        "records-not-archived": Scene(
            [during(MINUTE, all_archived, not_archived)],
            15,
            [
                [],
                every(MINUTE, all_archived),
                at_times(not_archived, BEGIN, END, among=every(MINUTE, all_archived)),
            ],
        ),
        "archive-given-up": once,
        "archive-dropped": once,
        "records-tampered": Scene([at_times(tampered, BEGIN)], 5, [[]]),
        "records-expired-early": Scene([at_times(early, BEGIN)], 5, [[]]),
        "tampering-unseen": lasting,
        "silence": Scene(
            # Nothing comes; nothing can be stored.
            [outside(5 * MINUTE, stored), during(5 * MINUTE, stored, nothing_stored)],
            92,
            [every(89 * MINUTE, stored)],
        ),
    }


KEYS = (
    *("audit-table-throttled", "batches-given-up", "changes-dropped", "changes-not-stored", "destination-failures"),
    *("function-errors", "function-throttled", "iterator-age", "near-time-out", "records-quarantined", "silence"),
    *("archive-dropped", "archive-errors", "archive-given-up", "archive-late", "records-not-archived"),
    *("archive-stream-mismatch", "records-expired-early", "records-tampered", "stream-mismatch", "tampering-unseen"),
)


def assert_rings(alarm: Alarm, scene: Scene) -> None:
    assert scene.crossing
    assert scene.within <= 2 * MINUTE, "long before the stream forgets"
    for samples in scene.crossing:
        rings = [now for now, state in alarm.states(samples, until=DAY - HOUR) if state == "ALARM"]
        assert rings, "it must ring"
        assert BEGIN <= rings[0] <= BEGIN + scene.within * MINUTE
        assert rings[-1] < LATER


def assert_quiet(alarm: Alarm, scene: Scene) -> None:
    assert scene.quiet
    for samples in scene.quiet:
        assert {state for _, state in alarm.states(samples, until=DAY - HOUR)} == {"OK"}


def test_every_alarm_has_its_scenes(alarms: dict[str, Alarm], scenes: dict[str, Scene]) -> None:
    """No alarm is left without a crossing and a quiet case."""
    assert set(KEYS) == scenes.keys() == alarms.keys()


@pytest.mark.parametrize("key", KEYS)
def test_an_alarm_rings_in_time_and_ends(alarms: dict[str, Alarm], scenes: dict[str, Scene], key: str) -> None:
    """In its crossing case each alarm is quiet before, rings soon after the trouble begins, and is over when that is."""
    assert_rings(alarms[key], scenes[key])


@pytest.mark.parametrize("key", KEYS)
def test_an_alarm_is_quiet_when_all_is_well(alarms: dict[str, Alarm], scenes: dict[str, Scene], key: str) -> None:
    """In its quiet cases, of what is normal or passes by itself, no alarm rings at any minute of a day."""
    assert_quiet(alarms[key], scenes[key])


def test_an_index_that_is_throttled_rings_like_its_table(of_indexes: list[Alarm], scenes: dict[str, Scene]) -> None:
    """The alarm of each index rings and is quiet in the scenes of the audit table's."""
    for alarm in of_indexes:
        assert_rings(alarm, scenes["audit-table-throttled"])
        assert_quiet(alarm, scenes["audit-table-throttled"])


def test_only_what_must_be_heard_of_rings_when_it_falls_silent(alarms: dict[str, Alarm]) -> None:
    """Without any data, the check of the streams and the alarm on silence ring, and no other."""
    silent = {key for key, alarm in alarms.items() if alarm.states([], until=DAY)[-1][1] == "ALARM"}
    assert silent == {"stream-mismatch", "archive-stream-mismatch", "silence"}


def test_each_of_the_two_streams_rings_alone(checking: Emitted) -> None:
    """A mismatch of one table's stream is counted by that table's metric, and the other's stays 0."""
    counted = [
        (checking.value(finding, "StreamMismatch"), checking.value(finding, "ArchiveStreamMismatch"))
        for finding in (READ, ANOTHER, ANOTHER_OF_AUDIT_TABLE)
    ]
    assert counted == [(0, 0), (1, 0), (0, 1)]

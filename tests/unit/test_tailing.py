"""`trail tail`'s polls: nothing lost, nothing twice, however late records come."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.aws.reader import TrailReader
from audit_trail.aws.tailing import USUAL, WIDE, WIDE_EVERY, follow
from audit_trail.core.filters import Filter
from audit_trail.core.keys import KeySchema
from audit_trail.core.records import RecordSettings, audit_item
from tests.builders import NOON
from tests.unit import paged_client
from tests.unit.fakes import numbered_record, order
from tests.unit.paged_client import PagedClient

if TYPE_CHECKING:
    from audit_trail.core.values import Image

SETTINGS = RecordSettings(KeySchema("order_id"), actor_attribute="updated_by", time_index_shards=paged_client.SHARDS)
EVERYTHING = Filter()
NOON_UTC = datetime.fromtimestamp(NOON, UTC)


@dataclass
class Scene:
    """A trail whose records come at their times, and a clock that moves two seconds from poll to poll."""

    now: datetime = NOON_UTC
    coming: list[tuple[float, Image]] = field(default_factory=list)
    """Records, and how many seconds after noon each comes."""
    client: PagedClient = field(default_factory=lambda: PagedClient([]))

    def record(self, number: int, *, changed: float, comes: float, **attributes: Any) -> None:
        """Let a record come, of a change so many seconds after noon."""
        record = numbered_record(number, new=order(number, **attributes), at=int(NOON + changed))
        self.coming.append((comes, audit_item(record, SETTINGS)))

    def polls(self, count: int, *, since: float = 0, wanted: Filter = EVERYTHING, step: float = 2) -> list[list[int]]:
        """Return the numbers that each poll shows."""
        with self.reader() as reader:
            index = reader.index(EVERYTHING)
            begin = datetime.fromtimestamp(NOON + since, UTC)
            shown = []
            for changes in islice(follow(reader, index, wanted, begin, lambda: self.now), count):
                shown.append([change.sequence_number for change in changes])
                self.now += timedelta(seconds=step)
            return shown

    def reader(self) -> TrailReader:
        """Return a reader of what has come by the time it looks."""
        scene = self

        class Coming(PagedClient):
            def query(self, **request: Any) -> dict[str, Any]:
                past = (scene.now - NOON_UTC).total_seconds()
                scene.client = PagedClient((item for comes, item in scene.coming if comes <= past), page=50)
                answer = scene.client.query(**request)
                self._note("query", request)
                return answer

            def batch_get_item(self, **request: Any) -> dict[str, Any]:
                return scene.client.batch_get_item(**request)

        self.asked = Coming([], page=50)
        client: Any = self.asked
        return TrailReader(client, paged_client.trail(), _no_object)


def _no_object(uri: str) -> bytes:
    raise AssertionError(uri)


def test_changes_are_shown_once_as_they_come() -> None:
    """Each record is shown by the first poll after it comes, and by no other, the oldest first."""
    scene = Scene()
    scene.record(2, changed=1, comes=1)
    scene.record(1, changed=1, comes=1)
    scene.record(3, changed=3, comes=3)
    assert scene.polls(4) == [[], [1, 2], [3], []]


def test_what_was_there_before_is_not_shown() -> None:
    """Changes from before the beginning are not shown, unless it is set before them."""
    for since, first in ((0, []), (-60, [1]), (-7_200, [9, 1])):
        scene = Scene()
        scene.record(9, changed=-3_700, comes=-3_699)
        scene.record(1, changed=-30, comes=-29)
        scene.record(2, changed=1, comes=1)
        assert scene.polls(WIDE_EVERY + 2, since=since)[:2] == [first, [2]]


def test_a_record_that_comes_late_is_shown() -> None:
    """A record that comes within a minute of its change is shown by the next poll, one within 15 minutes within 30 s."""
    scene = Scene()
    scene.record(1, changed=-50, comes=3)
    scene.record(2, changed=-800, comes=5)
    shown = scene.polls(2 * WIDE_EVERY)
    assert shown[2] == [1]
    assert [numbers for numbers in shown if numbers] == [[1], [2]]


@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_lost_and_nothing_doubled(seed: int) -> None:
    """Hundreds of records, each up to 14 minutes late, on either side of midnight: all are shown, none twice."""
    rng = random.Random(seed)
    scene = Scene()
    midnight = 12 * 3_600
    for number in range(1, 201):
        changed = midnight + rng.uniform(-900, 900)
        scene.record(number, changed=changed, comes=changed + rng.choice((0, 1, 30, 59, 300, 840)) * rng.random())
    scene.now += timedelta(seconds=midnight - 1_000)
    # The last may come 1,740 s after midnight, and is found 150 s after that.
    shown = scene.polls(300, since=midnight - 1_000, step=10)
    assert sorted(number for numbers in shown for number in numbers) == list(range(1, 201))


def test_a_clock_that_is_behind_loses_nothing() -> None:
    """Where AWS's clock is minutes ahead of this machine's, changes are shown all the same, across midnight too."""
    scene = Scene()
    scene.now += timedelta(seconds=12 * 3_600 - 60)
    for number in range(1, 4):
        scene.record(number, changed=12 * 3_600 + 300 + number, comes=12 * 3_600 - 60 + number)
    assert [number for numbers in scene.polls(4, since=12 * 3_600 - 60) for number in numbers] == [1, 2, 3]


def test_a_clock_that_steps_back_doubles_nothing() -> None:
    """When this machine's clock steps back, nothing that was shown, or was there before, is shown again."""
    scene = Scene()
    scene.record(1, changed=-1_000, comes=-999)
    scene.record(2, changed=1, comes=1)
    with scene.reader() as reader:
        index = reader.index(EVERYTHING)
        shown = []
        following = follow(reader, index, EVERYTHING, NOON_UTC, lambda: scene.now)
        for poll, changes in enumerate(islice(following, 2 * WIDE_EVERY)):
            shown += [change.sequence_number for change in changes]
            scene.now += timedelta(seconds=-600 if poll == 3 else 2)
    assert shown == [2]


def test_filters_hold() -> None:
    """Only what is asked for is shown."""
    scene = Scene()
    scene.record(1, changed=1, comes=1, updated_by="mia")
    scene.record(2, changed=1, comes=1, updated_by="noah")
    assert scene.polls(2, wanted=Filter(actors=frozenset({"noah"}))) == [[], [2]]


def test_a_poll_reads_a_minute_and_seldom_more() -> None:
    """A poll asks for the minute before the last one, each 15th for the 15 minutes before the last such, by one day's shards."""
    scene = Scene()
    scene.polls(2 * WIDE_EVERY + 1)
    asked = [one["ExpressionAttributeValues"] for one in scene.asked.asked("query")]
    begins = [
        (datetime.fromisoformat(one[":since"]["S"]) - NOON_UTC).total_seconds() for one in asked[:: paged_client.SHARDS]
    ]
    usual = [2 * (poll - 1) - USUAL.total_seconds() for poll in range(2 * WIDE_EVERY + 1)]
    wide = {0: -WIDE.total_seconds(), WIDE_EVERY: -WIDE.total_seconds(), 2 * WIDE_EVERY: 30 - WIDE.total_seconds()}
    assert begins == [wide.get(poll, seconds) for poll, seconds in enumerate(usual)]
    assert {one[":bucket"]["S"] for one in asked} == {f"2026-11-24#{shard:02d}" for shard in range(4)}


def test_what_was_seen_is_forgotten_in_time() -> None:
    """What is remembered of records goes when no poll can meet them again: hours of following fill no memory."""
    scene = Scene()
    for number in range(1, 1_001):
        scene.record(number, changed=10 * number, comes=10 * number)
    with scene.reader() as reader:
        following: Any = follow(reader, reader.index(EVERYTHING), EVERYTHING, NOON_UTC, lambda: scene.now)
        remembered = []
        for _ in islice(following, 300):
            scene.now += timedelta(seconds=30)
            remembered.append(len(following.gi_frame.f_locals["seen"]))
    assert max(remembered) <= (2 * WIDE).total_seconds() / 10

"""How items stood, against a model that knows every change, and how many requests it takes to tell."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.aws.reader import TrailReader
from audit_trail.aws.timeline import Timeline
from audit_trail.core.copies import Copy, Found, joined
from audit_trail.core.records import audit_item
from audit_trail.core.states import ExpiredError
from tests.builders import NOON
from tests.unit.fakes import SETTINGS, numbered_record, order
from tests.unit.paged_client import PagedClient, trail

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from audit_trail.aws.archive import Between
    from audit_trail.core.values import AttributeValue, Image

START = datetime.fromtimestamp(NOON, UTC)
CHANGES, ITEMS, MOMENTS = 10_000, 100, 1_000


def reader_of(client: Any) -> TrailReader:
    """Return a reader of records in memory."""
    return TrailReader(client, trail(), lambda _uri: b"")


def keys(number: int) -> Image:
    """Return an item's key."""
    return {"order_id": {"N": str(number)}}


def test_every_moment_is_as_the_model_has_it() -> None:
    """At 1,000 moments of 10,000 changes with deletions, re-creations and clocks that step back, each item is as it was."""
    rng = random.Random(9)
    known: dict[int, list[tuple[int, int, Image | None]]] = {number: [] for number in range(ITEMS)}
    records = []
    at = NOON
    for sequence in range(1, CHANGES + 1):
        number = rng.randrange(ITEMS)
        at += rng.choice([0, 0, 1, 1, 2, 60])
        # A second or more back: what DynamoDB's many clocks may do to the records of one item.
        time = at - rng.choice([0, 0, 0, 1, 1, 2, 40])
        old = known[number][-1][2] if known[number] else None
        new = None if old is not None and rng.random() < 0.2 else order(number, n={"N": str(sequence)})
        known[number].append((time, sequence, new))
        records.append(audit_item(numbered_record(sequence, old=old, new=new, keys=keys(number), at=time), SETTINGS))
    client = PagedClient(records, page=370)
    outcomes = {"image": 0, "deleted": 0, "not yet": 0}
    with reader_of(client) as reader:
        for _ in range(MOMENTS):
            number, moment = rng.randrange(ITEMS), rng.randint(NOON - 3_000, at)
            before = len(client.requests)
            state = reader.state(keys(number), datetime.fromtimestamp(moment + 1, UTC))
            assert len(client.requests) - before <= 2
            past = [(sequence, image) for time, sequence, image in known[number] if time <= moment]
            expected = max(past, key=lambda one: one[0])[1] if past else None
            assert state is not None
            assert (state.image, state.inferred) == (expected, not past)
            outcomes["image" if expected else "deleted" if past else "not yet"] += 1
    assert min(outcomes.values()) > 5


@dataclass
class ArchivedInMemory:
    """Archived records, some of them twice, which note whether anybody asked."""

    copies: list[Copy]
    asked: bool = False
    unreadable: list[str] = field(default_factory=list)

    def records(
        self, partition: AttributeValue, between: Between | None = None, *, oldest_first: bool = False
    ) -> Iterator[Found]:
        """Yield one item's."""
        self.asked = True
        low, high = between or ("", "~")
        its = [one for one in self.copies if one.item["order_id"] == partition and low <= one.timestamp <= high]
        its.sort(key=lambda one: one.timestamp, reverse=not oldest_first)
        return joined(its, oldest_first=oldest_first)

    def reaches(self, timestamp: str) -> bool:
        """Tell whether anything is archived of that day or before."""
        self.asked = True
        return any(one.timestamp[:10] <= timestamp[:10] for one in self.copies)


DAY = 86_400
DAYS, KEPT, LIVES, ASKED = 40, 10, 60, 12


@dataclass
class Life:
    """One item's whole history, and where its records are today."""

    known: list[tuple[int, Image | None]]
    left: list[Image]
    archived: list[Copy]

    @classmethod
    def random(cls, rng: random.Random) -> Life:
        """Let an item live. What is older than its retention has expired, or waits for TTL, which goes in no order."""
        known: list[tuple[int, Image | None]] = []
        records = []
        changes = sorted(rng.randrange(DAYS * DAY) for _ in range(rng.randint(0, 8)))
        for sequence, second in enumerate(changes, start=1):
            at = NOON + second - second % 70 + sequence * 70
            old = known[-1][1] if known else None
            new = None if old is not None and rng.random() < 0.4 else order(1, n={"N": str(rng.randrange(2))})
            if new != old:
                # At first, records were kept for ever.
                settings = replace(SETTINGS, retention_days=None if second < 5 * DAY else KEPT)
                record = numbered_record(sequence, old=old, new=new, keys=keys(1), at=at)
                records.append(dict(audit_item(record, settings)))
                known.append((at, new))
        now = NOON + DAYS * DAY
        expired = [one for one in records if int(one.get("expires_at", {"N": now})["N"]) < now and rng.random() < 0.9]
        copies = [Copy(one, f"object {number}") for one in expired for number in range(rng.randint(1, 2))]
        # Another item's record, older than anything: the archive was on from the beginning.
        early = dict(audit_item(numbered_record(900, new=order(2), at=NOON - 9 * DAY), SETTINGS))
        return cls(known, [one for one in records if one not in expired], [*copies, Copy(early, "object 4")])

    def at(self, moment: int) -> Image | None:
        """Return how it stood."""
        return next((image for at, image in reversed(self.known) if at <= moment), None)


def test_across_the_border_every_moment_is_as_the_model_has_it() -> None:
    """With an archive each answer is the model's, whatever has expired; without, it's the model's or a refusal.

    What the table alone can tell is told without asking the archive.
    """
    rng = random.Random(15)
    today = datetime.fromtimestamp(NOON + DAYS * DAY, UTC)
    kept = replace(trail(), retention=timedelta(days=KEPT), archived=True)
    counts = Counter[str]()
    for _ in range(LIVES):
        life = Life.random(rng)
        for _ in range(ASKED):
            moment = NOON + rng.randrange(-DAY, DAYS * DAY)
            archive = ArchivedInMemory(life.archived)
            told: list[Any] = []
            for asked in (archive, None):
                client: Any = PagedClient(life.left)
                timeline = Timeline(client, kept, asked, now=lambda: today)
                with TrailReader(client, kept, lambda _uri: b"", timeline) as it:
                    try:
                        state = it.state(keys(1), datetime.fromtimestamp(moment + 1, UTC))
                    except ExpiredError:
                        told.append("refused")
                    else:
                        told.append(None if state is None else state.image)
            expected = life.at(moment)
            assert told[0] == expected
            if life.left:
                assert told[1] == ("refused" if archive.asked else expected)
                counts[f"asked {archive.asked}, there {expected is not None}"] += 1
    assert (len(counts), min(counts.values()) > LIVES / 4) == (4, True), counts


class MegabytePages(PagedClient):
    """Ends its pages where DynamoDB does: at 1 MB; each record counts so many bytes."""

    record = 1

    def query(self, **request: Any) -> dict[str, Any]:
        """Return a page of at most 1 MB."""
        self.page = 1_048_576 // self.record
        return super().query(**request)


def history(count: int, spacing: float) -> Iterable[Image]:
    """Return the records of an item that changes so often, in seconds."""
    images = [order(1, n={"N": str(number)}) for number in range(count + 1)]
    for number in range(1, count + 1):
        old = images[number - 1] if number > 1 else None
        record = numbered_record(number, old=old, new=images[number], at=NOON + int(number * spacing))
        yield audit_item(record, SETTINGS)


@pytest.mark.parametrize(
    ("count", "spacing", "size", "most"),
    [
        (5_000, 61, 409_600, 2),
        (5_000, 20, 409_600, 4),
        (5_000, 1, 2_800, 2),
        (5_000, 0.2, 2_800, 2),
        (300, 0.1, 409_600, 152),
    ],
    ids=["large", "three a minute", "each second", "five a second", "large ones ten a second"],
)
def test_two_queries_tell_whatever_the_length(count: int, spacing: float, size: int, most: int) -> None:
    """Two Query calls tell, however long the history and large its records; more only where a minute has over 1 MB."""
    client = MegabytePages(list(history(count, spacing)))
    client.record = size
    with reader_of(client) as reader:
        for back in (0, count * spacing / 2, count * spacing + 1):
            client.requests.clear()
            end = START + timedelta(seconds=int(count * spacing - back) + 1)
            state = reader.state(keys(1), end)
            assert state is not None
            last = max((n for n in range(1, count + 1) if START + timedelta(seconds=int(n * spacing)) < end), default=0)
            assert state.image == (order(1, n={"N": str(last)}) if last else None)
            assert len(client.requests) <= most

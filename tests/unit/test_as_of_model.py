"""How items stood, against a model that knows every change, and how many requests it takes to tell."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.aws.reader import TrailReader
from audit_trail.core.records import audit_item
from tests.builders import NOON
from tests.unit.fakes import SETTINGS, numbered_record, order
from tests.unit.paged_client import PagedClient, trail

if TYPE_CHECKING:
    from collections.abc import Iterable

    from audit_trail.core.values import Image

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

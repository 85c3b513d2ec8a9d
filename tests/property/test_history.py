"""What holds for every history."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from audit_trail.aws.reader import TrailReader
from audit_trail.core.history import Change, Order, newest_first
from tests import builders
from tests.unit import paged_client
from tests.unit.paged_client import PagedClient

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

ARNS = tuple(f"{builders.ARN}-{number}" for number in range(3))


@st.composite
def histories(draw: st.DrawFn) -> list[Change]:
    """Make changes of one item in true order, with a clock that is up to 60 seconds late."""
    steps = st.tuples(st.integers(0, 90), st.integers(0, 60), st.sampled_from(ARNS))
    now, made = 0, []
    for sequence, (passed, late, arn) in enumerate(draw(st.lists(steps, max_size=30))):
        now += passed
        made.append(builders.change(now - late, sequence, arn=arn))
    return made


def arriving(changes: Sequence[Change]) -> list[Change]:
    return sorted(changes, key=lambda change: change.timestamp, reverse=True)


@given(changes=histories())
def test_the_order_of_each_stream(changes: list[Change]) -> None:
    """Each stream's changes come out in its own order, each exactly once, however late the clock was."""
    found = list(newest_first(arriving(changes)))
    assert arriving(found) == arriving(changes)
    for arn in ARNS:
        numbers = [change.sequence_number for change in found if change.event_source_arn == arn]
        assert numbers == sorted(numbers, reverse=True)


@given(times=st.lists(st.integers(0, 1000), max_size=30))
def test_the_order_of_time(times: list[int]) -> None:
    """Whatever the sequence numbers say, a change never comes before one that is more than 60 seconds newer."""
    changes = [builders.change(seconds, number) for number, seconds in enumerate(times)]
    found = list(newest_first(arriving(changes)))
    for place, change in enumerate(found):
        assert all((later.moment - change.moment).total_seconds() <= 60 for later in found[place + 1 :])


@given(changes=histories())
def test_no_more_is_held_back_than_a_minute(changes: list[Change]) -> None:
    """Whenever a change is asked for, those held back lie within 60 seconds of the last: no history fills the memory."""
    held: list[Change] = []

    def reading() -> Iterator[Change]:
        for change in arriving(changes):
            assert all((one.moment - held[-1].moment).total_seconds() <= 60 for one in held)
            held.append(change)
            yield change

    for change in newest_first(reading()):
        held.remove(change)


@st.composite
def crowded(draw: st.DrawFn) -> list[Change]:
    """Make changes of one item in true order, many a second, of several streams and BASELINEs, with clocks that step back."""
    fraction = draw(st.sampled_from((0, 0, 0, 0.5)))
    steps = st.tuples(
        st.sampled_from((0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 61)),
        st.sampled_from((0, 0, 0, 0, 0, 0, 1, 2, 30, 60, fraction)),
        st.sampled_from((*ARNS[:1] * 4, ARNS[1], "")),
    )
    now, made = 0, []
    for sequence, (passed, late, arn) in enumerate(
        draw(st.lists(steps, min_size=draw(st.sampled_from((0, 20))), max_size=60)), start=1
    ):
        now += passed
        made.append(baseline(now) if not arn else builders.change(now - late, sequence, arn=arn))
    return list({change.timestamp: change for change in made}.values())


def baseline(seconds: int) -> Change:
    """Make a BASELINE: of no stream, with a sequence number of zeros."""
    item = builders.change(seconds, 0).item
    return Change.from_item(
        {n: v for n, v in item.items() if n != "event_source_arn"} | {"event_name": {"S": "BASELINE"}}
    )


def by_the_promise(changes: Sequence[Change]) -> list[Change]:
    """Order changes by the very words: of those within 60 seconds of the newest time, its stream's highest number first."""
    left, found = arriving(changes), []
    while left:
        near = [
            one
            for one in left
            if one.event_source_arn == left[0].event_source_arn and (left[0].moment - one.moment).total_seconds() <= 60
        ]
        found.append(max(near, key=lambda one: one.sequence_number))
        left.remove(found[-1])
    return found


@given(changes=crowded())
def test_the_order_is_as_promised(changes: list[Change]) -> None:
    """Whatever the clocks, streams and BASELINEs, the order is the one that the promise's words give."""
    assert list(newest_first(arriving(changes))) == by_the_promise(changes)


@given(changes=crowded(), every=st.integers(1, 5), above=st.integers(0, 2))
def test_what_is_given_early_is_in_order(changes: list[Change], every: int, above: int) -> None:
    """Given what may still come, exactly or a bit too high, changes come early, and in the same order."""
    order = Order[Change](newest=True)
    found: list[Change] = []
    ahead = arriving(changes)
    for place, change in enumerate(ahead, start=1):
        found += order.push(change)
        if place % every == 0:

            def highest(since: datetime, rest: list[Change] = ahead[place:]) -> int:
                return max((one.sequence_number + above for one in rest if one.moment >= since), default=-1)

            found += order.ahead(highest)
            assert above or not found or found == by_the_promise(changes)[: len(found)]
    assert [*found, *order.rest()] == by_the_promise(changes)


@given(changes=crowded(), page=st.sampled_from((1, 5, 6, 9)), shown=st.integers(0, 60))
def test_a_crowded_history_is_read_in_order(changes: list[Change], page: int, shown: int) -> None:
    """However the pages are cut, a history that is shown before all of its minute is read is in the promised order."""
    client = PagedClient([change.item for change in changes], page)
    with TrailReader(client, paged_client.trail(), lambda _uri: b"") as reader:  # type: ignore[arg-type]
        history = reader.history({"order_id": {"N": "123"}})
        found = [change.timestamp for change in islice(history, shown)]
        assert found == [change.timestamp for change in by_the_promise(changes)][:shown]
        found += [change.timestamp for change in history]
    assert found == [change.timestamp for change in by_the_promise(changes)]

"""What holds for every history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from audit_trail.core.history import newest_first
from tests import builders

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from audit_trail.core.history import Change

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

"""The simulation behind docs/sizing.md: nothing is lost in it, and where the answer can be calculated it is that."""

from __future__ import annotations

import math

import pytest

from scripts.project import ROOT
from tests.bench.iterator_age import outcome, tables
from tests.bench.plans import MEASURED, PLANS, Plan
from tests.bench.simulation import (
    PAYLOAD_BYTES,
    POLL,
    Invocation,
    Lane,
    Load,
    caught_up,
    iterator_age,
    simulate,
    stored_after,
)


def lane(**changes: float) -> Lane:
    """Return a lane with one vCPU whose numbers are round: 100 records take 0.25 s, 400 a second."""
    known = {
        "memory": 1_769,
        "batch_size": 100,
        "overhead": 0.01,
        "request": 0.01,
        "cpu": 0.002,
        "stream_bytes": 1_000,
        "event_bytes": 1_000,
    }
    return Lane(**{**known, **changes})  # type: ignore[arg-type]


LOADS = {
    "steady": Load(((60.0, 37.0),)),
    "more than it can do": Load(((60.0, 900.0),)),
    "burst": Load(((30.0, 50.0), (30.0, 700.0), (30.0, 0.0), (10.0, 3.0))),
    "fractions": Load(((100.0, 0.3), (7.0, 1 / 3))),
}


@pytest.mark.parametrize("window", [0.0, 0.4, 5.0])
@pytest.mark.parametrize("load", LOADS.values(), ids=LOADS.keys())
def test_nothing_is_lost(load: Load, window: float) -> None:
    """Every change is in exactly one batch, in order, after it was made; batches don't overlap and aren't too large."""
    one = lane(window=window)

    invocations = simulate(load, one, (20.0, 45.0))

    assert [each.first for each in invocations[1:]] == [each.first + each.count for each in invocations[:-1]]
    assert sum(each.count for each in invocations) == load.records > 0
    for before, each in zip([Invocation(0, 0, 0, 0), *invocations], invocations, strict=False):
        assert before.end <= each.start
        assert 1 <= each.count <= one.most
        assert iterator_age(load, each) >= 0
        assert each.end - each.start == pytest.approx(one.seconds(each.count))
        assert not 20.0 <= each.start < 45.0


def test_a_load_comes_evenly() -> None:
    """Changes are made one after the other at their rate, and what arrived by a time is those made until then."""
    load = Load(((10.0, 2.0), (10.0, 0.0), (10.0, 4.0)))

    assert load.records == 60
    assert [load.arrival(index) for index in (0, 19, 20, 59)] == [0.5, 10.0, 20.25, 30.0]
    for index in range(60):
        assert load.arrived(load.arrival(index)) == index + 1
        assert load.arrived(load.arrival(index) - 0.01) == index


def test_one_change_waits_for_a_read_and_its_request() -> None:
    """A change alone is stored after the next read of the shard and one invocation, and with a window after that."""
    load = Load(((1.0, 1.0),))  # made at second 1, when a read is due

    [straight] = simulate(load, lane())
    [windowed] = simulate(load, lane(window=2.0))

    assert stored_after(load, straight) == pytest.approx(0.01 + 0.01 + 0.002)
    assert stored_after(load, windowed) == pytest.approx(2.0 + 0.022)


def test_a_full_batch_does_not_wait_for_its_window() -> None:
    """A batch that is full goes off at the read that filled it."""
    load = Load(((1.0, 400.0),))

    invocations = simulate(load, lane(window=60.0))

    assert [each.count for each in invocations] == [100] * 4
    assert invocations[0].start == 0.25


def test_beyond_its_rate_the_age_grows_by_what_is_left_over() -> None:
    """A lane that gets a third more than it can do falls behind by a quarter of the time, while it lasts."""
    one = lane()
    assert one.rate == pytest.approx(400.0)
    load = Load(((600.0, 1.25 * one.rate),))

    late = [each for each in simulate(load, one) if each.start > 500]

    assert iterator_age(load, late[0]) == pytest.approx(500 * (1 - 1 / 1.25), abs=2)


def test_after_an_outage_the_spare_rate_decides() -> None:
    """What an outage held up is worked off by the rate that the load leaves over."""
    one = lane()
    load = Load(((4_000.0, 100.0),))

    invocations = simulate(load, one, (100.0, 700.0))

    assert max(stored_after(load, each) for each in invocations) == pytest.approx(600, abs=1)
    expected = 600 * 100 / (one.rate - 100)
    assert caught_up(load, one, invocations, 700.0) == pytest.approx(expected, abs=3)


def test_reads_bound_what_a_lane_can_do() -> None:
    """A shard gives no more than a megabyte or 1,000 records at each of its four reads a second, to all its lanes."""
    quick = {"cpu": 1e-6, "request": 0.0, "overhead": 0.001, "batch_size": 10_000}

    assert lane(**quick).rate == pytest.approx(1_000 / POLL)
    assert lane(**quick, factor=4).rate == pytest.approx(250 / POLL)
    assert lane(**quick, stream_bytes=10_000).rate == pytest.approx(100 / POLL)
    load = Load(((10.0, 10_000.0),))
    assert simulate(load, lane(**quick))[-1].end == pytest.approx(100_000 / 4_000, abs=1)


def test_a_batch_stops_at_six_megabytes() -> None:
    """A batch holds no more records than a payload of 6 MB does."""
    assert lane(batch_size=1_000, event_bytes=10_000).most == PAYLOAD_BYTES // 10_000


def test_memory_buys_cpu_up_to_one_core() -> None:
    """Half of 1,769 MB doubles what the CPU takes; more than that changes nothing, nor does it quicken DynamoDB."""
    whole, half, double = (lane(memory=memory).seconds(100) for memory in (1_769, 884.5, 3_538))

    assert whole == double == pytest.approx(0.01 + 4 * 0.01 + 0.2)
    assert half == pytest.approx(0.01 + 4 * 0.01 + 0.4)


def test_a_plan_has_the_shards_that_its_burst_needs() -> None:
    """A table that takes five times its load has a partition for each 1,000 write units of that, one at the least."""
    assert Plan("small", 10, 512, 100, 0, 1).shards == 1
    assert Plan("small", 1_000, 512, 100, 0, 1).shards == 5
    assert Plan("medium", 1_000, 512, 100, 0, 1).shards == 20


@pytest.mark.parametrize("plan", PLANS, ids=str)
def test_every_plan_keeps_up(plan: Plan) -> None:
    """Every deployment that docs/sizing.md names stores a steady load within seconds and has more than twice its rate."""
    found = outcome(plan, MEASURED[plan.item])

    assert found["steady"] < plan.window + 1
    assert found["spare"] > 2
    assert math.isclose(found["audit_units"], plan.rate * MEASURED[plan.item].stored_units)


def test_the_document_has_these_tables() -> None:
    """docs/sizing.md has the simulation's tables as they come out today."""
    document = (ROOT / "docs" / "sizing.md").read_text(encoding="utf-8")

    assert tables(MEASURED) in document

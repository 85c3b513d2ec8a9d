"""Whatever goes wrong between a change and its record: nothing is lost, nothing is twice, and it ends in order."""

from __future__ import annotations

import os
import random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.property.delivery_world import Trouble, World, heavy

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
WORLDS = 500 if NIGHTLY else 10
MUTATIONS = 2_000 if NIGHTLY else 500
"""Of each world: 1,000,000 in a nightly run, 5,000 in any other."""


class Delivery(RuleBasedStateMachine):
    """What may happen, in any order."""

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        """Start with a world without trouble."""
        self.world = World(random.Random(seed))

    @rule(count=st.integers(1, 60), poisonous=st.sampled_from((0.0, 0.02, 0.1)))
    def write(self, count: int, poisonous: float) -> None:
        """Change items."""
        self.world.write(count, poisonous=poisonous)

    @rule(invocations=st.integers(1, 30))
    def deliver(self, invocations: int) -> None:
        """Invoke the function."""
        self.world.deliver(invocations)

    @rule()
    def split_a_shard(self) -> None:
        """Split a shard."""
        self.world.split_a_shard()

    @rule()
    def trouble(self) -> None:
        """Let things go wrong."""
        self.world.trouble = heavy(self.world.rng)

    @rule(table_gone=st.booleans(), bucket_down=st.booleans())
    def outage(self, *, table_gone: bool, bucket_down: bool) -> None:
        """Take the audit table or the bucket away."""
        self.world.trouble = Trouble(table_gone=table_gone, bucket_down=bucket_down)

    @rule()
    def recover(self) -> None:
        """End all trouble."""
        self.world.trouble = Trouble()

    @rule(hours=st.floats(0.1, 4))
    def wait(self, hours: float) -> None:
        """Let hours pass."""
        self.world.wait(hours)

    def teardown(self) -> None:
        """Settle and check."""
        if hasattr(self, "world"):
            self.world.settle()


def test_any_sequence_of_changes_and_troubles_ends_well() -> None:
    """For any sequence of writes, faults, outages and splits: all is stored once it's over, in order, exactly once."""
    examples = 500 if NIGHTLY else 40
    run_state_machine_as_test(Delivery, settings=settings(max_examples=examples, stateful_step_count=30))


def test_long_runs_end_well() -> None:
    """The same for thousands of changes in a row under ever changing trouble, and what was quarantined is the poison."""
    given_up = quarantined = 0
    for seed in range(WORLDS):
        world = World(random.Random(seed))
        while len(world.written) < MUTATIONS:
            happen(world)
        quarantined += sum(key.startswith("quarantine/") for key in world.bucket.objects)
        given_up += sum(key.startswith("aws/lambda/") for key in world.bucket.objects)
        world.settle()
    # Otherwise the troubles were none.
    assert quarantined >= WORLDS
    assert given_up >= WORLDS


def happen(world: World) -> None:
    """Let one thing happen."""
    rng = world.rng
    what = rng.random()
    if what < 0.4:
        world.write(rng.randint(1, 60), poisonous=rng.choice((0, 0.01, 0.05)))
    elif what < 0.8:
        world.deliver(rng.randint(1, 40))
    elif what < 0.83:
        world.split_a_shard()
    elif what < 0.9:
        world.trouble = heavy(rng)
    elif what < 0.94:
        world.trouble = Trouble(table_gone=rng.random() < 0.5, bucket_down=rng.random() < 0.3)
    elif what < 0.97:
        world.trouble = Trouble()
    else:
        world.wait(rng.uniform(0.1, 7))

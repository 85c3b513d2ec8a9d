"""Whole lives of items: what they were after each change, the records of that, and how they are now."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from audit_trail.core.chain import Chain, Circumstances, Live
from audit_trail.core.checks import Finding, Outcome, known_image
from audit_trail.core.history import Change, Order
from audit_trail.core.records import RecordSettings, audit_item
from tests.builders import ARN, NOON, ORDER
from tests.unit.fakes import numbered_record, order

if TYPE_CHECKING:
    import random

    from audit_trail.core.values import Image

SETTINGS = RecordSettings(ORDER)
KEYS = {"order_id": {"N": "1"}}


def moment(epoch_seconds: float) -> datetime:
    return datetime.fromtimestamp(epoch_seconds, UTC)


def random_image(rng: random.Random) -> Image:
    """Make an order; few of them, so that many changes lead back to what was before."""
    lines = [
        {"M": {"sku": {"S": rng.choice("abc")}, "qty": {"N": str(rng.randint(1, 2))}}} for _ in range(rng.randint(0, 3))
    ]
    return order(1, status=rng.choice(("NEW", "PAID")), tags={"SS": ["x", "y"]}, lines={"L": lines})


@dataclass
class Life:
    """An item's states, one a change, the first before any; its records; and how it is now."""

    states: list[Image | None]
    times: list[int]
    settings: RecordSettings = SETTINGS
    items: list[Image] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the records."""
        self.items = [
            dict(audit_item(numbered_record(n, old=old, new=new, keys=KEYS, at=self.times[n - 1]), self.settings))
            for n, (old, new) in enumerate(pairwise(self.states), start=1)
        ]

    @property
    def now(self) -> Image | None:
        """How the item is."""
        return self.states[-1]


def random_life(rng: random.Random, *, changes: int | None = None, settings: RecordSettings = SETTINGS) -> Life:
    """Make a life of some changes with deletions and re-creations, of which none changes nothing."""
    states: list[Image | None] = [None]
    for _ in range(changes or rng.randint(2, 9)):
        choices: list[Image | None] = [random_image(rng) for _ in range(3)] + [None]
        states.append(
            next(one for one in [*rng.sample(choices, 4), order(1, n={"N": str(rng.random())})] if one != states[-1])
        )
    at = NOON
    times = []
    for _ in states[1:]:
        at += rng.choice((0, 1, 1, 30, 600, 100_000))
        times.append(at - rng.choice((0, 0, 1)))
    return Life(states, times, settings)


def verified(
    items: list[Image], now: Image | None, *, read_at: float, circumstances: Circumstances | None = None
) -> list[Finding]:
    """Return what doesn't hold of stored records, in whatever order, and an item as it was read."""
    known = None if now is None else known_image(now)
    live = Live(None if known is None else known.digest, moment(read_at))
    told = circumstances or Circumstances(now=moment(read_at), stream=ARN, schema=ORDER)
    chain, ordered = Chain(told, live), Order[Change]()
    found: list[Finding] = []
    for item in sorted(items, key=lambda one: one["timestamp"]["S"]):
        for change in ordered.push(Change.from_item(item)):
            found += chain.add(change)
    for change in ordered.rest():
        found += chain.add(change)
    return [one for one in [*found, *chain.end()] if one.outcome is not Outcome.HOLDS]


def broken(found: list[Finding]) -> list[Any]:
    """Return what is called broken."""
    return [one for one in found if one.outcome is Outcome.BROKEN]

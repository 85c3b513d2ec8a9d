"""`trail verify` with the archive tells of a history that is spread over table and archive what it tells of it whole."""

from __future__ import annotations

import copy
import json
import os
import random
from typing import TYPE_CHECKING

import pytest

from tests.property.expiring import AUDIT, World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from audit_trail.core.values import Image

EACH = 2_000 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 40
ITEMS = 4


class InterruptedRunError(Exception):
    """Somebody pulled the plug."""


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing."""
    monkeypatch.setattr("audit_trail.cli.verifying.time.sleep", lambda _seconds: None)


def tampered(rng: random.Random, records: list[Image]) -> list[Image]:
    """Return records of which one was taken out, or edited, or none."""
    left = list(records)
    place = rng.randrange(len(left))
    kind = rng.choice(("deleted", "digest", "name", "none"))
    if kind == "deleted":
        del left[place]
    elif kind != "none":
        left[place] = copy.deepcopy(left[place])
        left[place] |= (
            {"event_name": {"S": "REMOVE"}}
            if kind == "name"
            else {"new_image_sha256": {"B": "AAAA"}, "old_image_sha256": {"B": "AAAA"}}
        )
    return left


def spread(rng: random.Random, retention: int | None = None) -> tuple[World, list[str], list[Image]]:
    """Make a world whose older records are archived, some more than once or still in the table, too.

    Return it with what verify says where all of them are in the table, and those that are.
    """
    world = World(retention)
    records = tampered(rng, world.live(rng, ITEMS))
    for item in records:
        world.put(AUDIT, item)
    told = world.verify(archive=False)
    border = rng.choice(records)["timestamp"]["S"]
    expired = [item for item in records if item["timestamp"]["S"] <= border or rng.random() < 0.1]
    world.archive(rng, expired)
    world.archive(rng, rng.sample(expired, len(expired) // 2))
    for item in expired:
        if rng.random() < 0.8:
            world.expire(item)
    world.under_way = []
    return world, told, list(world.tables[AUDIT].values())


@pytest.mark.parametrize("retention", [None, 5])
def test_what_is_told_of_the_whole_is_told_of_the_parts(retention: int | None) -> None:
    """Cut anywhere, with duplicates and tampered with or not, table and archive give the findings and counts of the whole."""
    rng = random.Random("cut")
    broken = 0
    for _ in range(EACH):
        world, told, _ = spread(rng, retention)
        assert world.verify(archive=True) == told
        broken += any(json.loads(one).get("outcome") == "broken" for one in told)
    assert EACH / 10 < broken < EACH


@pytest.mark.parametrize("retention", [None, 5])
def test_what_expires_meanwhile_is_found_where_it_went(monkeypatch: pytest.MonkeyPatch, retention: int | None) -> None:
    """Records that leave the table while it's read or suspects are, and are archived within --settle, are all verified."""
    rng = random.Random("meanwhile")
    for _ in range(EACH):
        world, told, left = spread(rng, retention)
        leaving = rng.sample(left, rng.randint(0, len(left)))
        at_once = rng.random() < 0.5

        def meanwhile(
            operation: str, world: World = world, leaving: list[Image] = leaving, *, at_once: bool = at_once
        ) -> None:
            if operation.startswith("read"):
                for _ in range(min(rng.choice((0, 1, 3, 100)), len(leaving))):
                    world.expire(leaving.pop())
                if at_once:
                    world.arrive(rng)

        def settled(_seconds: float, world: World = world, leaving: list[Image] = leaving) -> None:
            leaving.clear()
            world.arrive(rng)

        world.meanwhile = meanwhile
        monkeypatch.setattr("audit_trail.cli.verifying.time.sleep", settled)
        assert world.verify(archive=True) == told


def test_an_interrupted_run_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    """Interrupted at any requests, and gone on with after more has expired, it finds and counts what one run does."""
    rng = random.Random("interrupted")
    for number in range(EACH):
        world, told, left = spread(rng)
        state = tmp_path / str(number)
        for _ in range(3):
            world.meanwhile = interrupting(rng.randrange(30))
            try:
                assert world.verify(archive=True, state=state) == told
            except InterruptedRunError:
                assert state.exists()
                for item in rng.sample(left, rng.randint(0, len(left))):
                    world.expire(item)
                world.arrive(rng)
            else:
                break
        world.meanwhile = lambda _operation: None
        assert world.verify(archive=True, state=state) == told
        assert not state.exists()


def interrupting(after: int) -> Callable[[str], None]:
    """Return what raises after so many requests."""
    left = iter(range(after))

    def interrupt(_operation: str) -> None:
        if next(left, None) is None:
            raise InterruptedRunError

    return interrupt


def test_a_resumed_run_opens_each_object_once(tmp_path: Path) -> None:
    """What was read of the archive before an interruption isn't read again."""
    rng = random.Random("once")
    world, told, _ = spread(rng)
    opened: list[str] = []

    def interrupted_scan(operation: str) -> None:
        opened.append(operation)
        if operation == f"read {AUDIT}":
            raise InterruptedRunError

    world.meanwhile = interrupted_scan
    with pytest.raises(InterruptedRunError):
        world.verify(archive=True, state=tmp_path / "state")
    world.meanwhile = opened.append
    assert world.verify(archive=True, state=tmp_path / "state") == told
    assert opened.count("get_object") == len(world.objects) > 1

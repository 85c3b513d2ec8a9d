"""Restores and writers of one item at the same time."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from audit_trail.batch.restoring import Became, Restored, put_back
from audit_trail.core.restore import Marks, plan
from audit_trail.core.values import canonical_text
from tests.unit.fakes import order
from tests.unit.interleaving import Turns
from tests.unit.source_items import ItemsInMemory

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit_trail.core.values import Image

KEYS: Image = {"order_id": {"N": "123"}}
NAME = canonical_text(KEYS)
WRITER = 2
INTERLEAVINGS = 1_000  # of each of nine scenes
ITEMS = [order(status="NEW", total={"N": "1"}), order(status="PAID", total={"N": "2"}, paid="yes"), None]
Found = tuple[int, "Image | None", "Image | None"]
"""Who wrote, what there was before, and what after."""


class Scene:
    """Two restores and a writer of one item, whose calls take turns as a seed says."""

    def __init__(self, seed: int, now: Image | None, then: Image | None) -> None:
        self.rng = random.Random(seed)
        self.turns = Turns(self.rng)
        self.log: list[Found] = []
        self.items = ItemsInMemory({} if now is None else {NAME: now})
        self.items.before = lambda _call: self.turns.wait()
        self.items.wrote = lambda old, new: self.log.append((self.turns.now, old, new))
        self.then = [then, self.rng.choice([then, *ITEMS])]
        texts = self.rng.choice([("", ""), ("one", "other"), ("one", ""), ("the same", "the same")])
        if now is not None and seed % 5 < 2:
            # One of them says what stands there already.
            now = now | {"why": {"S": texts[0] or "one"}}
            self.items.items[NAME] = now
        self.marks = [{"why": text} if text else {} for text in texts]
        # Whose a text is that both write can't be told: one may take back the other's, and the rest of the item stays.
        self.untold = {"why"} if texts[0] == "the same" else set()
        self.shown: dict[int, Image | None] = {}
        self.done: dict[int, Restored | None] = {}

    def run(self) -> None:
        """Let all three act."""
        self.turns.run([self.restorer(0), self.restorer(1), self.writer])

    def restorer(self, number: int) -> Callable[[], None]:
        """Return somebody who restores, with a reason or without."""

        def restore() -> None:
            now = self.shown[number] = self.items.get(KEYS)
            made = plan(now, self.then[number], KEYS, marks=Marks(self.marks[number]))
            self.done[number] = None if made is None else put_back(self.items, made)

        return restore

    def writer(self) -> None:
        """Change the item as applications do, without asking what was there."""
        for count in range(self.rng.randint(1, 3)):
            self.turns.wait()
            old = self.items.items.get(NAME)
            new: Image | None = (old or KEYS) | {"extra": {"S": f"{count}"}}
            match self.rng.randrange(4):
                case 0:
                    new = None
                case 1:
                    new = order(status=f"W{count}")
                case 2:
                    new = (old or KEYS) | {"status": {"S": f"W{count}"}, "why": {"S": "the writer's"}}
            self.items.items.pop(NAME, None)
            if new is not None:
                self.items.items[NAME] = new
            if new != old:
                self.log.append((WRITER, old, new))


def unseen(scene: Scene, number: int) -> list[str]:
    """Return the attributes that a restore's writes changed though they weren't as it had shown them."""
    shown = scene.shown[number] or {}
    ours: dict[str, object] = {}
    found = []
    for who, old, new in scene.log:
        if who != number:
            continue
        for name in (old or {}).keys() | (new or {}).keys():
            before, after = (old or {}).get(name), (new or {}).get(name)
            if before != after and before != ours.get(name, shown.get(name)):
                found.append(name)
            if before != after:
                ours[name] = after
    return found


@pytest.mark.parametrize("then", ITEMS, ids=["to new", "to paid", "to nothing"])
@pytest.mark.parametrize("now", ITEMS, ids=["from new", "from paid", "from nothing"])
def test_nothing_is_overwritten_unseen(now: Image | None, then: Image | None) -> None:
    """In every order of their calls, a restore changes nothing but what it showed, or takes it back and says so."""
    became: Counter[str] = Counter()
    for seed in range(INTERLEAVINGS):
        scene = Scene(seed, now, then)
        scene.run()
        for number, done in scene.done.items():
            mine = [(old, new) for who, old, new in scene.log if who == number]
            if done is None:
                assert not mine
                continue
            became[done.became] += 1
            taken = set(unseen(scene, number)) - scene.untold
            if done.became is Became.RESTORED:
                assert not taken, (seed, number)
            elif done.became is Became.CHANGED_MEANWHILE:
                assert not set(left_behind(scene, number)) - scene.untold, (seed, number)
            elif taken:
                assert done.lost is not None, (seed, number)
                assert taken <= done.lost.keys(), (seed, number)
    assert became[Became.RESTORED] > INTERLEAVINGS // 10 or now == then
    assert became[Became.CHANGED_MEANWHILE] or now == then


def left_behind(scene: Scene, number: int) -> list[str]:
    """Return the attributes that stand as a restore wrote them, and stood otherwise before it."""
    before_us: dict[str, object] = {}
    ours: dict[str, object] = {}
    for who, old, new in scene.log:
        for name in (old or {}).keys() | (new or {}).keys():
            before, after = (old or {}).get(name), (new or {}).get(name)
            if before == after:
                continue
            if who == number:
                before_us.setdefault(name, before)
                ours[name] = after
            else:
                before_us.pop(name, None)
                ours.pop(name, None)
    # A mark may come back by somebody else's hand, who deleted it and put it back: to take it away then is right.
    mark = {"S": scene.marks[number].get("why")}
    return [name for name, value in ours.items() if value != before_us[name] and before_us[name] != mark]


def test_what_the_mark_finds_out_stops_the_deletion() -> None:
    """What was added before the reason is written is seen by its answer: the item is never deleted, the reason goes."""
    shown, added = order(status="NEW"), {"extra": {"S": "x"}}
    made = plan(shown, None, KEYS, marks=Marks({"why": "mistake"}))
    assert made is not None
    items = ItemsInMemory({NAME: shown | added})
    left: list[Image | None] = []
    items.wrote = lambda _old, new: left.append(new)
    assert put_back(items, made).became is Became.CHANGED_MEANWHILE
    assert left == [shown | added | {"why": {"S": "mistake"}}, shown | added]


@pytest.mark.parametrize("then", [None, order(status="PAID")], ids=["a deletion", "an update"])
def test_what_is_refused_leaves_no_mark(then: Image | None) -> None:
    """Where a restore's last write is refused, the name and the reason that were written ahead of it are taken back."""
    shown = order(status="NEW", why="mistake")
    made = plan(shown, then, KEYS, marks=Marks({"why": "mistake"}))
    assert made is not None
    items = ItemsInMemory({NAME: shown})
    calls: list[str] = []

    def refuse(what: str) -> None:
        calls.append(what)
        if len(calls) == len(made.marks) + 1:
            raise PermissionError

    items.before = refuse
    with pytest.raises(PermissionError):
        put_back(items, made)
    assert items.items[NAME] == shown
    assert len(calls) > len(made.marks) + 1

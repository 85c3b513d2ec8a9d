"""The bench's own check of what lies in the audit table after an end-to-end run: it finds what is wrong."""

from __future__ import annotations

import copy
import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.core.history import Change
from audit_trail.core.records import audit_item
from tests.bench.chains import item_faults
from tests.bench.corpus import SETTINGS, changed, item
from tests.unit.fakes import numbered_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit_trail.core.values import Image

    History = list[Change]


def images() -> list[Image | None]:
    """Return an order's states: made, changed twice, deleted, made again, changed."""
    rng = random.Random("chains")
    first, second = item(rng, "small", 7), item(rng, "small", 7)
    middle = changed(rng, first)
    return [first, middle, changed(rng, middle), None, second, changed(rng, second)]


def history(states: list[Image | None]) -> History:
    """Return the records of these states."""
    records = [
        numbered_record(number, old=old, new=new, keys={"order_id": {"N": "7"}})
        for number, (old, new) in enumerate(zip([None, *states[:-1]], states, strict=True), start=1)
    ]
    return [Change.from_item(dict(audit_item(json.loads(json.dumps(one)), SETTINGS))) for one in records]


def test_a_whole_history_has_no_fault() -> None:
    """A history that is what was written has no fault."""
    assert item_faults(history(images()), images()) == []


def _edit(position: int, attribute: str, value: Any) -> Callable[[History], History]:
    def edit(whole: History) -> History:
        broken = copy.deepcopy(whole)
        broken[position].item[attribute] = value
        return broken

    return edit


@pytest.mark.parametrize(
    ("break_", "fault"),
    [
        (lambda whole: whole[1:], "5 records of 6 changes"),
        (lambda whole: whole[:-1], "5 records of 6 changes"),
        (lambda whole: [*whole[:2], *whole[1:]], "7 records of 6 changes"),
        (lambda whole: [*whole[:2], *whole[1:5]], "change 2 has other images than were written"),
        (lambda whole: [whole[1], whole[0], *whole[2:]], "change 0 has other images than were written"),
        (_edit(2, "new_image", {"M": {"order_id": {"N": "7"}}}), "change 2 has other images than were written"),
        (_edit(1, "old_image_sha256", {"B": "AA=="}), "change 1 breaks the chain of digests"),
        (_edit(5, "new_image_sha256", {"B": "AA=="}), "change 5 breaks the chain of digests"),
        (_edit(1, "diff", {"L": []}), "change 1 has a diff that doesn't lead from image to image"),
    ],
    ids=["first lost", "last lost", "twice", "one for another", "order", "image", "old digest", "new digest", "diff"],
)
def test_what_is_broken_is_found(break_: Callable[[History], History], fault: str) -> None:
    """A record that is lost, there twice, out of order or edited is found, and named by its place."""
    assert fault in item_faults(break_(history(images())), images())

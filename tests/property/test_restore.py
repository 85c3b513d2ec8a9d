"""Putting items back, for every pair of items."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_trail.batch.restoring import Became, put_back
from audit_trail.core.restore import Marks, RestoreError, marked, plan
from audit_trail.core.values import canonical_image, canonical_text
from tests.property.strategies import pairs
from tests.unit.source_items import ItemsInMemory

if TYPE_CHECKING:
    from audit_trail.core.values import Image

KEYS: Image = {"the key": {"S": "k"}, "the sort key": {"N": "1"}}


@given(pairs(), st.sampled_from(["both", "now", "then"]), st.sampled_from([{}, {"why": "because"}]), st.data())
def test_the_item_stands_as_planned(
    pair: tuple[Image, Image], there: str, marks: dict[str, str], data: st.DataObject
) -> None:
    """Whatever differs, and wherever it's missing, what is written leaves the item as it was, with its reason."""
    first, second = (canonical_image(image | KEYS) for image in pair)
    now, then = (first if there != "then" else None), (second if there != "now" else None)
    names = sorted({*first, *second} - KEYS.keys())
    only = data.draw(st.lists(st.sampled_from(names), unique=True)) if names and there == "both" else []
    items = ItemsInMemory({canonical_text(KEYS): now} if now is not None else {})
    states: list[Image | None] = []
    items.wrote = lambda _old, new: states.append(new)

    made = plan(now, then, KEYS, only=only, marks=Marks(marks))

    target = then
    if only and now is not None and then is not None:
        target = {name: then[name] for name in then if name in only} | {n: v for n, v in now.items() if n not in only}
    if made is None:
        assert now is None if target is None else now is not None and marked(now, marks) == marked(target, marks)
        return
    assert put_back(items, made).became is Became.RESTORED
    found = items.get(KEYS)
    assert found == (None if target is None else canonical_image(marked(target, marks)))
    assert not marks or any(state is not None and state["why"] == {"S": "because"} for state in states)
    assert plan(found, then, KEYS, only=only, marks=Marks(marks)) is None


@given(pairs())
def test_a_refusal_comes_before_anything_is_written(pair: tuple[Image, Image]) -> None:
    """A reason that finds no map to go into stops the plan itself."""
    first, second = (canonical_image(image | KEYS) for image in pair)
    if "meta" in first or "meta" in second or first == second:
        return
    with pytest.raises(RestoreError, match="no map"):
        plan(first, second, KEYS, marks=Marks({"/meta/by": "mia"}))

"""What holds for the checks of every history."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import assume, given
from hypothesis import strategies as st

from audit_trail.core.canonical import Texts, canonical_form
from audit_trail.core.chain import check
from audit_trail.core.checks import Check, Outcome
from audit_trail.core.diff import diff
from audit_trail.core.history import Change
from audit_trail.core.patch import apply_canonical
from audit_trail.core.records import NEW_AND_DIFF, OLD_AND_NEW, RecordSettings, audit_item, with_old_image
from audit_trail.core.values import canonical_image, canonical_text
from tests.builders import NOON, ORDER
from tests.property.strategies import images, mutations
from tests.unit.fakes import numbered_record

if TYPE_CHECKING:
    from audit_trail.core.values import Image

KEYS = {"order_id": {"N": "1"}}


@st.composite
def lives(draw: st.DrawFn) -> list[Image | None]:
    """Make what an item is after each of its changes, beginning before the first; None is no item."""
    life: list[Image | None] = [None]
    for _ in range(draw(st.integers(1, 6))):
        last = life[-1]
        gone = last is not None and draw(st.sampled_from((False, False, True)))
        life.append(None if gone else draw(images if last is None else mutations(last)))
    return life


def stored(life: list[Image | None], storage: str = OLD_AND_NEW) -> list[Image]:
    settings = RecordSettings(ORDER, image_storage=storage)
    steps = enumerate(pairwise(life), start=1)
    records = [numbered_record(step, old=old, new=new, keys=KEYS, at=NOON + step) for step, (old, new) in steps]
    return [with_old_image(dict(audit_item(record, settings))) for record in records]


def outcomes(items: list[Image]) -> set[tuple[Check, Outcome]]:
    return {(found.check, found.outcome) for found in check(map(Change.from_item, items))}


@given(life=lives(), storage=st.sampled_from((OLD_AND_NEW, NEW_AND_DIFF)))
def test_what_the_handler_stored_holds(life: list[Image | None], storage: str) -> None:
    """Whatever happens to an item, of whatever values, no check raises a false alarm or gives up."""
    assert {outcome for _, outcome in outcomes(stored(life, storage))} == {Outcome.HOLDS}


@given(life=st.lists(images, min_size=1, max_size=3), data=st.data())
def test_what_images_have_in_common_is_written_once_and_right(life: list[Image], data: st.DataObject) -> None:
    """Texts of images that diffs led to are the canonical ones, whatever was written before them."""
    texts = Texts()
    image = canonical_image(life[0])
    for fresh in life:
        for target in [fresh, *(data.draw(st.lists(mutations(fresh), max_size=4)))]:
            form = texts.form(image)
            assert form.image == image
            assert form.text == canonical_text(canonical_image(image))
            image = apply_canonical(image, diff(image, canonical_image(target)))


@given(life=lives(), data=st.data())
def test_a_run_that_is_missing_shows(life: list[Image | None], data: st.DataObject) -> None:
    """Records missing between two others break the chain, unless they led back to the image before them."""
    items = stored(life)
    assume(len(items) > 2)
    first = data.draw(st.integers(1, len(items) - 2))
    last = data.draw(st.integers(first, len(items) - 2))
    left = [None if image is None else canonical_form(image)[1] for image in (life[first], life[last + 1])]
    assume(left[0] != left[1])
    del items[first : last + 1]

    assert (Check.CHAIN, Outcome.BROKEN) in outcomes(items)


@given(life=lives(), data=st.data())
def test_an_image_that_was_edited_shows(life: list[Image | None], data: st.DataObject) -> None:
    """An image that was edited, in whatever way, doesn't match its digest."""
    items = stored(life)
    places = [(item, name) for item in items for name in ("old_image", "new_image") if name in item]
    item, name = data.draw(st.sampled_from(places))
    before = item[name]["M"]
    after = data.draw(mutations(copy.deepcopy(before)))
    assume(canonical_form(before)[1] != canonical_form(after)[1])
    item[name] = {"M": after}

    assert (Check.DIGEST, Outcome.BROKEN) in outcomes(items)


@given(life=lives(), data=st.data())
def test_a_diff_that_was_edited_shows(life: list[Image | None], data: st.DataObject) -> None:
    """A diff that lost an entry doesn't lead to the new image."""
    items = [item for item in stored(life) if "diff" in item]
    assume(items)
    item = data.draw(st.sampled_from(items))
    entries = item["diff"]["L"]
    lost = data.draw(st.sampled_from(entries))
    item["diff"] = {"L": [one for one in entries if one is not lost]}

    assert (Check.DIFF, Outcome.BROKEN) in outcomes(items)

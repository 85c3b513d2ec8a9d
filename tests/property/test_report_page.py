"""What holds for the page of every history."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import example, given
from hypothesis import strategies as st

from tests.builders import NOON
from tests.property.strategies import images, mutations, texts
from tests.report_pages import read, stored
from tests.unit.fakes import numbered_record

if TYPE_CHECKING:
    from audit_trail.core.values import Image
    from tests.html_document import Element

KEYS = {"order_id": {"N": "1"}}
HOSTILE = ("<script>x()</script>", "</script>", '"><img src=x onerror=x()>', "<!--", "&amp;", "]]>", "javascript:x()")


@st.composite
def lives(draw: st.DrawFn) -> list[Image | None]:
    """Make what an item is after each of its changes, with names and values that look like markup among them."""
    words = st.sampled_from(HOSTILE) | texts
    strings = words.map(lambda text: {"S": text})
    hostile = st.dictionaries(words, strings, max_size=3)
    lifted = st.fixed_dictionaries({}, optional={"updated_by": strings, "why": strings})
    first = draw(images) | draw(hostile) | draw(lifted)
    life: list[Image | None] = [None, first]
    for _ in range(draw(st.integers(0, 2))):
        life.append(draw(mutations(life[-1] or {})))
    return [*life, None] if draw(st.booleans()) else life


def shape(element: Element) -> set[tuple[str, tuple[str, ...]]]:
    return {(one.tag, tuple(one.attributes)) for one in element.all()}


@given(life=lives())
@example(life=[None, {text: {"S": text} for text in HOSTILE}, None])
def test_no_value_changes_how_the_page_is_built(life: list[Image | None]) -> None:
    """Whatever is stored, the page is well-formed, built of the same elements, and has each stream record, equal."""
    steps = enumerate(pairwise(life), start=1)
    records = [numbered_record(step, old=old, new=new, keys=KEYS, at=NOON + step) for step, (old, new) in steps]

    root = read(stored(records), key=KEYS)

    found = [json.loads(one.text) for one in root.all("pre")]
    assert found[::-1] == records
    assert shape(root) <= PLAIN_SHAPE


PLAIN = [
    numbered_record(1, new={"a": {"S": "b"}, "updated_by": {"S": "c"}, "why": {"S": "d"}}),
    numbered_record(2, old={"a": {"S": "one two three four five"}}, new={"a": {"S": "one two three four six"}}),
    numbered_record(3, old={"a": {"S": "x" * 2_000}}, new={"a": {"N": "1"}}),
    numbered_record(4, old={"a": {"S": "b"}}),
]
"""Changes of every kind, none of them hostile."""
PLAIN_SHAPE = shape(read(stored(PLAIN)))

"""What holds for every item and every change of it: one generated pair checks all of it."""

from __future__ import annotations

import json
import os
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deepdiff import DeepDiff
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_trail.core.canonical import canonical_forms, value_text
from audit_trail.core.comparison import Comparison
from audit_trail.core.diff import diff
from audit_trail.core.images import digest
from audit_trail.core.patch import apply, invert
from audit_trail.core.pointers import tokens
from audit_trail.core.records import audit_item, entries, stream_record
from audit_trail.core.values import canonical_bytes, canonical_image, canonical_text, utf8
from tests import builders, canonical_reference
from tests.property import strategies
from tests.property.spellings import respelled

if TYPE_CHECKING:
    from audit_trail.core.values import AttributeValue, Image

EXAMPLES = 50_000 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 500
SETTINGS = replace(
    builders.SETTINGS,
    retention_days=30,
    actor_attribute="a",
    reason_attribute="/b/0",
    time_index_shards=10,
    actor_index_shards=10,
)


@settings(max_examples=EXAMPLES)
@given(pair=strategies.pairs(), chance=st.integers(0, 999).map(random.Random))
def test_an_item_and_its_mutation(pair: tuple[Image, Image], chance: random.Random) -> None:
    """For any two images, the diff leads from each to the other, the digests tell them apart, the record is whole."""
    old, new = pair
    the_canonical_form_is_that_of_the_reference(old)
    the_canonical_form_is_that_of_the_reference(new)
    the_texts_of_a_pair_are_those_of_each_alone(old, new)
    the_diff_leads_from_each_to_the_other(old, new)
    the_diff_is_empty_exactly_when_the_images_are_equal(old, new)
    the_changed_attributes_are_those_that_changed(old, new)
    spellings_mean_nothing(old, new, chance)
    the_record_is_whole(old, new, chance)


def the_canonical_form_is_that_of_the_reference(image: Image) -> None:
    assert canonical_bytes(canonical_image(image)) == canonical_reference.image_bytes(image)
    assert digest(image) == canonical_reference.digest(image)


def the_texts_of_a_pair_are_those_of_each_alone(old: Image, new: Image) -> None:
    # Without an object in common.
    one, other = json.loads(json.dumps([canonical_image(old), canonical_image(new)]))
    forms = canonical_forms(one, other, Comparison())
    assert [form.image is image for form, image in zip(forms, (one, other), strict=True)] == [True, True]
    assert [utf8(form.text) for form in forms] == [canonical_reference.image_bytes(image) for image in (old, new)]
    for value in one.values():
        assert value_text(value) == canonical_text(value)


def the_diff_leads_from_each_to_the_other(old: Image, new: Image) -> None:
    found = diff(old, new)
    assert apply(old, found) == canonical_image(new)
    assert apply(new, invert(found)) == canonical_image(old)


def the_diff_is_empty_exactly_when_the_images_are_equal(old: Image, new: Image) -> None:
    equal = canonical_reference.image_bytes(old) == canonical_reference.image_bytes(new)
    assert (diff(old, new) == []) == equal
    assert (digest(old) == digest(new)) == equal
    assert (not DeepDiff(decoded({"M": old}), decoded({"M": new}), ignore_private_variables=False)) == equal


def decoded(value: AttributeValue) -> Any:
    """Return what DeepDiff can compare without loss: its sets can hash neither lone surrogates nor binaries."""
    [(tag, body)] = value.items()
    if tag == "M":
        return {"M": {name: decoded(one) for name, one in body.items()}}
    if tag == "L":
        return {"L": [decoded(one) for one in body]}
    if tag in {"SS", "NS", "BS"}:
        return {tag: {comparable(tag[0], one) for one in body}}
    return {tag: comparable(tag, body)}


def comparable(tag: str, body: Any) -> Any:
    if tag == "N":
        return canonical_reference.number_text(body)
    if tag == "B":
        return canonical_reference.binary(body).hex()
    return body.encode("utf-16", "surrogatepass").hex() if tag == "S" else body


def the_changed_attributes_are_those_that_changed(old: Image, new: Image) -> None:
    written = [{name: canonical_reference.value_bytes(one) for name, one in image.items()} for image in (old, new)]
    names = {name for name in old.keys() | new.keys() if written[0].get(name) != written[1].get(name)}
    assert Comparison().changed_names(canonical_image(old), canonical_image(new)) == sorted(names)
    assert {tokens(entry.path)[0] for entry in diff(old, new)} == names


def spellings_mean_nothing(old: Image, new: Image, chance: random.Random) -> None:
    respelled_old, respelled_new = ({n: respelled(v, chance) for n, v in i.items()} for i in (old, new))
    assert digest(respelled_old) == digest(old)
    assert diff(respelled_old, respelled_new) == diff(old, new)


def the_record_is_whole(old: Image, new: Image, chance: random.Random) -> None:
    record = builders.stream_record("MODIFY", old=old, new=new)
    item = audit_item(record, SETTINGS)
    stored = json.loads(json.dumps(item))
    assert entries(stored) == diff(old, new)
    assert stream_record(stored) == record
    canonical_image(item)
    assert json.dumps(audit_item(reordered(record, chance), SETTINGS), sort_keys=True) == json.dumps(
        item, sort_keys=True
    )


def reordered(value: Any, chance: random.Random) -> Any:
    """Return the same JSON with the members of its objects in another order."""
    if isinstance(value, dict):
        return {name: reordered(value[name], chance) for name in chance.sample(list(value), len(value))}
    return [reordered(one, chance) for one in value] if isinstance(value, list) else value

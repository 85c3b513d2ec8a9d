"""The canonical form in one pass agrees with the slow way, and takes it where it must."""

from __future__ import annotations

from typing import Any

import pytest

from audit_trail.core.canonical import canonical_form, canonical_forms
from audit_trail.core.comparison import Comparison
from audit_trail.core.errors import MalformedValueError
from audit_trail.core.records import audit_item
from audit_trail.core.sizes import DEEPEST, depth
from audit_trail.core.values import canonical_image, canonical_text
from tests.builders import SETTINGS, nested, stream_record

CANONICAL: list[Any] = [
    {},
    {"a": {"S": ""}, "b": {"N": "-1.5"}, "c": {"BOOL": False}, "d": {"NULL": True}},
    {"m": {"M": {}}, "l": {"L": []}, "deep": {"L": [{"M": {"x": {"L": [{"S": "y"}]}}}]}},
    {"é": {"SS": ["a", "b", "é"]}, "\ud800": {"S": '\u2028\x00\x7f"\\'}},
]
SPELLED_OTHERWISE: list[Any] = [
    {"a": {"N": "1.50"}},
    {"a": {"N": "-0"}},
    {"a": {"N": "1E3"}},
    {"a": {"SS": ["b", "a"]}},
    {"a": {"L": [{"N": "01"}]}},
]
ONLY_THE_SLOW_WAY: list[Any] = [{"a": {"B": "AP8="}}, {"a": {"NS": ["1", "2"]}}, {"a": {"BS": ["AA==", "AP8="]}}]
MALFORMED: list[Any] = [
    {"a": {}},
    {"a": {"S": "x", "N": "1"}},
    {"a": {"S": 1}},
    {"a": {"N": 1}},
    {"a": {"X": "1"}},
    {"a": {"BOOL": "true"}},
    {"a": {"NULL": False}},
    {"a": {"M": [{"S": "x"}]}},
    {"a": {"M": []}},
    {"a": {"M": ""}},
    {"a": {"L": {"0": {"S": "x"}}}},
    {"a": {"SS": []}},
    {"a": {"SS": ["a", "a"]}},
    {"a": {"SS": ["a", 1]}},
    {"a": {"SS": [1]}},
    {"a": "S"},
    {"a": None},
]


@pytest.mark.parametrize("image", CANONICAL + ONLY_THE_SLOW_WAY)
def test_a_canonical_image_is_passed_through(image: Any) -> None:
    """An image that is canonical already comes back as the very same object, with the same text as the slow way's."""
    canonical, text, _ = canonical_form(image)
    assert canonical is image
    assert text == canonical_text(canonical_image(image))


@pytest.mark.parametrize("image", SPELLED_OTHERWISE)
def test_another_spelling_is_made_canonical(image: Any) -> None:
    """An image that spells a value otherwise comes back in canonical form, and the given one stays as it is."""
    before = repr(image)
    canonical, text, _ = canonical_form(image)
    assert canonical == canonical_image(image) != image
    assert text == canonical_text(canonical)
    assert repr(image) == before


@pytest.mark.parametrize("image", MALFORMED)
def test_what_is_no_image_is_refused(image: Any) -> None:
    """What isn't a map of names to attribute values is refused, as the slow way does."""
    with pytest.raises(MalformedValueError):
        canonical_form(image)


@pytest.mark.parametrize("inner", [{"M": {}}, {"L": []}], ids=["map", "list"])
def test_shallow_is_said_only_of_what_fits_into_a_record(inner: dict[str, Any]) -> None:
    """Whether an image is alone or one of a pair, it's called shallow up to 29 levels: a record's diff adds two."""
    for levels in (28, 29):
        image, other = ({"a": nested(inner, levels)} for _ in range(2))
        other["b"] = {"S": "x"}
        deep = levels + 1 > 29
        assert canonical_form(image).shallow is not deep
        assert [form.shallow for form in canonical_forms(image, other, Comparison())] == [not deep] * 2
        changed = {"a": nested({"S": "x"}, levels)}
        assert [form.shallow for form in canonical_forms(image, changed, Comparison())] == [not deep, True]
        item = audit_item(stream_record("MODIFY", old=image, new=changed), SETTINGS)
        assert depth(item) <= DEEPEST or not item.shallow

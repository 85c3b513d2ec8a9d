"""`trail history KEY`: how keys are typed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.fakes import numbered_record, order
from tests.unit.moto_trail import MotoTrail, changes, lines

pytestmark = pytest.mark.usefixtures("aws")


@pytest.mark.parametrize("word", ["123", "123.0", "1.23E2", "+123"])
def test_a_number_is_found_however_it_is_written(word: str) -> None:
    """A key of type N is found by its value."""
    MotoTrail().add(numbered_record(1, new=order(123, status="NEW")))

    assert len(lines(word)) == 1


def test_a_negative_number_is_found() -> None:
    """A negative number is a key like any other, not an option."""
    MotoTrail().add(numbered_record(1, new=order(-5, status="NEW")))

    assert len(lines("-5")) == 1


def test_a_string_key_stays_a_string() -> None:
    """A key of type S is taken as it is typed, even if it looks like a number."""
    MotoTrail({"sku": "S"}).add(
        numbered_record(1, keys={"sku": {"S": "007"}}), numbered_record(2, keys={"sku": {"S": "7"}})
    )

    assert [change["keys"] for change in changes("007")] == [{"sku": "007"}]


def test_a_binary_key_is_typed_as_base64() -> None:
    """A key of type B is given as base64."""
    MotoTrail({"digest": "B"}).add(numbered_record(1, keys={"digest": {"B": "AAH/"}}))

    assert [change["keys"] for change in changes("AAH/")] == [{"digest": "AAH/"}]


@pytest.mark.parametrize(
    ("types", "words"),
    [
        (("S", "N"), ("a#b%", "1.50")),
        (("N", "B"), ("1E2", "AA==")),
        (("B", "S"), ("/w==", "ü #")),
        (("S", "S"), ("x" * 1_500, "y" * 1_000)),
    ],
)
def test_a_composite_key_is_two_words(types: tuple[Any, Any], words: tuple[str, str]) -> None:
    """An item with a partition and a sort key is found by both, whatever is in them and however long they are."""
    trail = MotoTrail({"customer": types[0], "order": types[1]})
    keys = {"customer": {types[0]: words[0]}, "order": {types[1]: words[1]}}
    trail.add(numbered_record(1, keys=keys, new={**keys, "status": {"S": "NEW"}}))

    assert len(changes(*words)) == 1


def test_two_composite_keys_never_meet() -> None:
    """Keys that would be the same text when joined have a history each."""
    trail = MotoTrail({"customer": "S", "order": "S"})
    trail.add(numbered_record(1, keys={"customer": {"S": "a#b"}, "order": {"S": "c"}}))
    trail.add(numbered_record(2, keys={"customer": {"S": "a"}, "order": {"S": "b#c"}}))

    assert [change["keys"] for change in changes("a", "b#c")] == [{"customer": "a", "order": "b#c"}]

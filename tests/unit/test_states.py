"""How an item stood, from its records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.core.history import Change
from audit_trail.core.records import audit_item
from audit_trail.core.states import State, StateUnknownError, StateUnreadableError, after, before
from tests.builders import NOON
from tests.unit.fakes import SETTINGS, numbered_record, order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit_trail.core.values import Image

NEW, PAID = order(1, status="NEW"), order(1, status="PAID")


def change(number: int, old: Image | None, new: Image | None, at: float = NOON) -> Change:
    """Make a change."""
    return Change.from_item(audit_item(numbered_record(number, old=old, new=new, at=at), SETTINGS))


def bare(whole: Change, *lost: str) -> Change:
    """Return a change whose record lacks some attributes."""
    return Change.from_item({name: value for name, value in whole.item.items() if name not in lost})


def test_a_change_leaves_its_new_image_or_nothing() -> None:
    """After an INSERT or MODIFY the item is its new image; after a REMOVE it doesn't exist."""
    inserted, removed = change(1, None, NEW), change(3, PAID, None)
    assert after(inserted) == State(NEW, inserted)
    assert after(removed) == State(None, removed)


def test_before_an_insert_there_was_nothing() -> None:
    """Before its INSERT the item did not exist."""
    oldest = change(1, None, NEW)
    assert before([oldest, change(2, NEW, PAID, NOON + 90)]) == State(None, oldest, inferred=True)


@pytest.mark.parametrize("new", [PAID, None])
def test_before_a_modify_or_remove_there_was_its_old_image(new: Image | None) -> None:
    """An item that was there before its first record was as that record's old image."""
    oldest = change(1, NEW, new)
    assert before([oldest]) == State(NEW, oldest, inferred=True)


def test_a_baseline_tells_what_was_there() -> None:
    """Before a BASELINE the item was as it found it, as far as anyone knows."""
    item: Any = change(0, None, NEW).item | {"event_name": {"S": "BASELINE"}}
    baseline = Change.from_item(item)
    assert before([baseline]) == State(NEW, baseline, inferred=True)


def test_the_oldest_is_the_one_with_the_lowest_sequence_number() -> None:
    """Within a minute, sequence numbers tell which record is the oldest, whatever their times say."""
    first, second = change(1, None, NEW, NOON + 30), change(2, NEW, PAID, NOON)
    assert before([second, first]) == State(None, first, inferred=True)


def test_no_more_is_read_than_a_minute() -> None:
    """Of a long history, only the records within a minute of the oldest are read, and one more."""
    read = []

    def arriving() -> Iterator[Change]:
        for number in range(100):
            read.append(number)
            yield change(number + 1, NEW, PAID, NOON + 20 * number)

    before(arriving())
    assert read == [0, 1, 2, 3, 4]


def test_nothing_is_known_without_records() -> None:
    """Without any record there is no state to tell."""
    assert before([]) is None


def test_images_that_the_stream_lacks() -> None:
    """Where the record has no image, that is said instead of passing for an item that doesn't exist."""
    lost = {"old_image", "old_image_sha256", "new_image", "new_image_sha256"}
    keys_only = bare(change(1, NEW, PAID), *lost)
    for tell in (after, lambda one: before([one])):
        with pytest.raises(StateUnknownError, match="has no image that tells"):
            tell(keys_only)


def test_images_that_cannot_be_read() -> None:
    """Where the image is there and can't be read, the error says that it is so."""
    unreadable = bare(change(1, NEW, PAID), "old_image", "new_image", "diff")
    for tell in (after, lambda one: before([one])):
        with pytest.raises(StateUnreadableError, match=r"of 2026-11-24T12:00:00.000Z can't be read"):
            tell(unreadable)

"""Whole records by their keys: in order, in batches, again where the table gives only some, and as soon as they are there."""

from __future__ import annotations

import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.aws.reading import RefusedError, from_client
from audit_trail.aws.records import getter, whole
from audit_trail.core.listing import Listed
from tests.tables import image_to_boto

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from audit_trail.core.values import Image

KEY = {"B": base64.b64encode(b"\x00\xff").decode()}


def listed(number: int) -> Listed:
    """Return what an index lists of a record with a binary key."""
    stamp = f"2026-11-24T12:00:00.000Z#{number:040d}"
    return Listed.from_item({"digest": KEY, "timestamp": {"S": stamp}}, "digest")


class Table:
    """Gives so many of the records that it is asked for at a time, in no order; ``gone`` are not there."""

    def __init__(self, at_once: int = 100, gone: Sequence[int] = ()) -> None:
        self.at_once = at_once
        self.gone = gone
        self.requests: list[int] = []

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803  boto3's name
        """Answer a request."""
        keys = RequestItems["audit"]["Keys"]
        assert all(key["digest"]["B"] == b"\x00\xff" for key in keys)
        self.requests.append(len(keys))
        given, left = keys[: self.at_once], keys[self.at_once :]
        items = [{name: from_client(value) for name, value in key.items()} for key in reversed(given)]
        found = [item for item in items if int(item["timestamp"]["S"][-3:]) not in self.gone]
        return {
            "Responses": {"audit": [image_to_boto(item) for item in found]},
            "UnprocessedKeys": {"audit": {"Keys": left}} if left else {},
        }


def get(table: Any, numbers: Sequence[int], pauses: list[float] | None = None) -> list[int]:
    """Return the numbers of the records that the table gives."""
    waited: list[float] = [] if pauses is None else pauses
    found = getter(table, "audit", waited.append)([listed(number) for number in numbers])
    return [int(item["timestamp"]["S"][-3:]) for item in found]


def test_records_come_in_the_order_in_which_they_are_listed() -> None:
    """Whatever order DynamoDB answers in, the records are in the order of the list, and those that are gone are left out."""
    assert get(Table(gone=[5]), [3, 1, 5, 2]) == [3, 1, 2]


def test_what_the_table_did_not_give_is_asked_again() -> None:
    """Keys that come back unprocessed are asked for again, without a pause as long as it gets on."""
    table = Table(at_once=2)
    pauses: list[float] = []
    assert get(table, range(7), pauses) == list(range(7))
    assert (table.requests, pauses) == ([7, 5, 3, 1], [])


def test_a_table_that_gives_nothing_is_waited_for() -> None:
    """While nothing at all comes, pauses grow; when it gives again, all is there."""
    table: Any = Table(at_once=0)
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        table.at_once = 0 if len(pauses) < 4 else 2

    found = getter(table, "audit", pause)([listed(1), listed(2)])
    assert (len(found), pauses) == (2, [0.05, 0.1, 0.2, 0.4])


def test_a_table_that_throttles_for_long_is_given_up() -> None:
    """After eleven seconds without a single record the reading ends, with a sentence that says why."""
    pauses: list[float] = []
    with pytest.raises(RefusedError, match="throttles"):
        get(Table(at_once=0), [1], pauses)
    assert 10 < sum(pauses) < 12


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Give threads."""
    with ThreadPoolExecutor(8) as pool:
        yield pool


def item(one: Listed) -> Image:
    return {"timestamp": {"S": one.timestamp}}


def test_all_records_come_in_order(pool: ThreadPoolExecutor) -> None:
    """Thousands of records come in the order of the list, none twice, with some that nobody wants in between."""
    wanted = [None if number % 3 == 0 else listed(number) for number in range(1_000)]
    sizes = []

    def read(batch: Sequence[Listed]) -> list[Image]:
        sizes.append(len(batch))
        return [item(one) for one in batch]

    assert list(whole(pool, read, wanted)) == [item(one) for one in wanted if one is not None]
    assert max(sizes) <= 25


def test_the_first_record_waits_for_no_other(pool: ThreadPoolExecutor) -> None:
    """What is found first comes as soon as it's read, though a long run of what nobody wants comes behind it."""
    read = threading.Event()

    def reading(batch: Sequence[Listed]) -> list[Image]:
        read.set()
        return [item(one) for one in batch]

    passed = 0

    def listing() -> Iterator[Listed | None]:
        nonlocal passed
        yield listed(1)
        assert read.wait(20)
        while passed < 1_000_000:
            passed += 1
            yield None

    assert next(whole(pool, reading, listing())) == item(listed(1))
    assert passed < 100_000


def test_few_batches_are_on_their_way(pool: ThreadPoolExecutor) -> None:
    """However fast the list comes, no more than five batches are held at a time."""
    asked = given = 0

    def reading(batch: Sequence[Listed]) -> list[Image]:
        nonlocal asked
        asked += len(batch)
        return [item(one) for one in batch]

    for _ in whole(pool, reading, map(listed, range(5_000))):
        given += 1
        assert asked - given <= 6 * 25
    assert given == 5_000

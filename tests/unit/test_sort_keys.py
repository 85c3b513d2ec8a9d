"""Times, sort keys and shards of audit records, by example."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from audit_trail.core.errors import MalformedRecordError
from audit_trail.core.keys import iso_time, shard, sort_key

SECRET = "4111-1111"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        ("0", "1970-01-01T00:00:00.000Z"),
        ("1795521600", "2026-11-24T12:00:00.000Z"),
        ("1795521600.5", "2026-11-24T12:00:00.500Z"),
        ("1795521600.0009", "2026-11-24T12:00:00.000Z"),
        ("1795521600.9999", "2026-11-24T12:00:00.999Z"),
        ("1.7955216E9", "2026-11-24T12:00:00.000Z"),
        ("253402300799.999", "9999-12-31T23:59:59.999Z"),
        ("1.99999999999999999999999999999999", "1970-01-01T00:00:01.999Z"),
        ("253402300799.99999999999999999999", "9999-12-31T23:59:59.999Z"),
    ],
)
def test_times(seconds: str, text: str) -> None:
    """A time is UTC with milliseconds, of fixed width, rounded down."""
    assert iso_time(Decimal(seconds)) == text


@pytest.mark.parametrize("seconds", ["-1", "-0.001", "253402300800", "1E99"])
def test_times_out_of_range(seconds: str) -> None:
    """A time outside the years 1970 to 9999 is refused: its text would have another width."""
    with pytest.raises(MalformedRecordError, match="1970 to 9999"):
        iso_time(Decimal(seconds))


def test_sort_keys() -> None:
    """A sort key is the time and the sequence number, padded to 40 digits; longer ones are kept whole."""
    assert sort_key(Decimal(1), "7") == "1970-01-01T00:00:01.000Z#" + "0" * 39 + "7"
    assert sort_key(Decimal(1), "9" * 40) == "1970-01-01T00:00:01.000Z#" + "9" * 40
    assert sort_key(Decimal(1), "1" * 41) == "1970-01-01T00:00:01.000Z#" + "1" * 41
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z#\d{40}", sort_key(Decimal("1795521600.25"), "111"))


def test_changes_within_one_second_have_their_own_keys() -> None:
    """Changes of the same second never overwrite each other, and sort by sequence number (losing changes, no. 1)."""
    keys = [sort_key(Decimal(1795521600), str(sequence)) for sequence in range(5, 405)]
    assert len(set(keys)) == 400
    assert keys == sorted(keys)


@pytest.mark.parametrize("number", ["", "-1", "+1", "1.5", "1e3", "0x1", "x", " 1", "1_0", "٣", "²", SECRET])
def test_sequence_numbers_are_digits(number: str) -> None:
    """A sequence number that is not a string of digits is refused."""
    with pytest.raises(MalformedRecordError, match="string of digits") as error:
        sort_key(Decimal(1), number)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    ("value", "shards", "expected"),
    [
        ({"N": "123"}, 10, "05"),
        ({"S": "a"}, 10, "08"),
        ({"S": "customer-7#order-9"}, 100, "56"),
        ({"B": "AP8="}, 1, "00"),
    ],
)
def test_shards_stay_for_ever(value: dict[str, str], shards: int, expected: str) -> None:
    """A shard is two digits, the same in every version: what was written once is found by readers."""
    assert shard(value, shards) == expected


def test_shards_know_no_spelling() -> None:
    """One item lies in one shard, however its number is spelled."""
    assert shard({"N": "1.50"}, 97) == shard({"N": "15E-1"}, 97)


def test_shards_are_even() -> None:
    """A thousand items spread over ten shards within a factor of two (losing changes, no. 11)."""
    shards = [shard({"N": str(number)}, 10) for number in range(1000)]
    assert {f"{number:02d}" for number in range(10)} == set(shards)
    assert all(50 <= shards.count(one) <= 200 for one in set(shards))

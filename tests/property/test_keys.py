"""What holds for every key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from audit_trail.core.keys import KeySchema, shard, sort_key
from tests.canonical_reference import value_bytes
from tests.property import strategies
from tests.property.spellings import respelled

if TYPE_CHECKING:
    from decimal import Decimal

    from audit_trail.core.values import AttributeValue

COMPOSITE = KeySchema("pk", "sk")
tricky = st.text("ab#%235", max_size=5) | strategies.texts
parts = st.one_of(
    tricky.map(lambda text: {"S": text}),
    strategies.numbers.map(lambda text: {"N": text}),
    strategies.binaries.map(lambda text: {"B": text}),
)


@given(one=st.tuples(parts, parts), other=st.tuples(parts, parts))
def test_two_items_share_no_history(one: tuple[AttributeValue, ...], other: tuple[AttributeValue, ...]) -> None:
    """Two keys of one table have the same partition exactly when they're the same key (losing changes, no. 7)."""
    types = [[next(iter(part)) for part in key] for key in (one, other)]
    same = list(map(value_bytes, one)) == list(map(value_bytes, other))
    first, second = (COMPOSITE.audit_partition_value({"pk": key[0], "sk": key[1]}) for key in (one, other))
    if types[0] == types[1]:  # a table's keys have one type each
        assert (first == second) == same
    assert len(first["S"].encode("utf-8", "surrogatepass")) <= 2_048


@given(name=st.text(min_size=1, max_size=300), sort=st.none() | st.text(min_size=1, max_size=300))
def test_names_fit(name: str, sort: str | None) -> None:
    """The audit table's partition key has a name that DynamoDB takes and that begins as the source's does."""
    found = KeySchema(name, sort).audit_partition_key
    assert 1 <= len(found.encode()) <= 255
    whole = name if sort is None else f"{name}#{sort}"
    assert whole.startswith(found) or f"source#{name}".startswith(found)


@given(
    changes=st.lists(
        st.tuples(st.decimals(0, 253402300799, places=3), st.integers(0, 10**40 - 1)), min_size=2, max_size=6
    )
)
def test_sort_keys_sort(changes: list[tuple[Decimal, int]]) -> None:
    """Sort keys have one width and sort as text like time and sequence number do as numbers."""
    keys = {change: sort_key(change[0], str(change[1])) for change in changes}
    assert sorted(keys.values()) == [keys[change] for change in sorted(keys)]
    assert all(re.fullmatch(r"[0-9-]{10}T[0-9:.]{12}Z#[0-9]{40}", key) for key in keys.values())


@given(value=parts, shards=st.integers(1, 100), chance=st.randoms(use_true_random=False))
def test_shards(value: AttributeValue, shards: int, chance: object) -> None:
    """A shard is one of those that there are, in two digits, and knows no spelling."""
    found = shard(value, shards)
    assert found in {f"{number:02d}" for number in range(shards)}
    assert found == shard(respelled(value, chance), shards)  # type: ignore[arg-type]  # a hypothesis Random

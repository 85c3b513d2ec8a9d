"""Many queries read at the same time and merged: in order, within bounds, and no more than is asked for."""

from __future__ import annotations

import threading
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.aws import paging

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Give threads."""
    with ThreadPoolExecutor(16) as pool:
        yield pool


class AtOnce(Executor):
    """Does what it is given at once, so that it shows what is asked when."""

    def submit(self, call: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call it."""
        done: Future[Any] = Future()
        done.set_result(call(*args, **kwargs))
        return done


class Queries:
    """Answers queries named by a day and a shard, each with so many items, newest first."""

    def __init__(self, items: int) -> None:
        self.items = items
        self.asked: list[tuple[str, int, int]] = []

    def query(self, *, day: str, shard: int, Limit: int, ExclusiveStartKey: int = 0) -> dict[str, Any]:  # noqa: N803  boto3's names
        """Return a page."""
        self.asked.append((day, shard, ExclusiveStartKey))
        end = min(self.items, ExclusiveStartKey + Limit)
        times = [f"{day}T{self.items - number:06d}.{shard}" for number in range(ExclusiveStartKey, end)]
        return {
            "Items": [{"timestamp": {"S": time}} for time in times],
            **({"LastEvaluatedKey": end} if end < self.items else {}),
        }


def groups(days: int, shards: int) -> Iterator[list[dict[str, Any]]]:
    """Return the queries of some days, the newest first."""
    for day in range(days, 0, -1):
        yield [{"day": f"{day:04d}", "shard": shard} for shard in range(shards)]


def times(items: Iterator[Any]) -> list[str]:
    """Return the timestamps."""
    return [item["timestamp"]["S"] for item in items]


@pytest.mark.parametrize("items", [0, 1, 99, 100, 101, 7_000])
def test_everything_comes_once_and_in_order(pool: ThreadPoolExecutor, items: int) -> None:
    """All items of all pages of all queries come, each once, from the newest to the oldest."""
    queries = Queries(items)
    found = times(paging.newest_first(pool, queries.query, groups(3, 4)))
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == len(found) == 3 * 4 * items


def test_a_page_that_is_empty_is_not_the_last(pool: ThreadPoolExecutor) -> None:
    """A page without items that has a next one, as filters and AWS itself make them, doesn't end its query."""

    def query(*, Limit: int, ExclusiveStartKey: int = 0) -> dict[str, Any]:  # noqa: N803  boto3's names
        if ExclusiveStartKey < 3:
            return {"Items": [], "LastEvaluatedKey": ExclusiveStartKey + 1}
        return {"Items": [{"timestamp": {"S": "t"}}]}

    assert times(paging.newest_first(pool, query, [[{}]])) == ["t"]


def test_the_queries_of_a_day_are_made_at_the_same_time(pool: ThreadPoolExecutor) -> None:
    """All shards of a day are asked before any of them has answered."""
    together = threading.Barrier(4, timeout=20)

    def query(**_: Any) -> dict[str, Any]:
        together.wait()
        return {"Items": []}

    assert list(paging.newest_first(pool, query, groups(1, 4))) == []


def test_who_wants_little_reads_little() -> None:
    """For the first few items, the first page of the newest day's shards is read, and nothing else."""
    queries = Queries(1_000)
    assert len(list(islice(paging.newest_first(AtOnce(), queries.query, groups(30, 4)), 10))) == 10
    assert sorted(queries.asked) == [("0030", shard, 0) for shard in range(4)]


def test_days_are_read_ahead_the_longer_it_takes() -> None:
    """The first day is read alone; then days are asked ahead of their turn, up to sixteen partitions at a time."""
    queries = Queries(1)
    ahead = []
    for day, item in enumerate(islice(paging.newest_first(AtOnce(), queries.query, groups(30, 4)), None, None, 4)):
        assert item["timestamp"]["S"].startswith(f"{30 - day:04d}")
        ahead.append(len({asked for asked, _, _ in queries.asked}) - day)
    assert ahead[:4] == [1, 2, 4, 4]
    assert max(ahead) == 4


def test_the_next_page_is_read_while_this_one_is_shown() -> None:
    """Halfway through a page the next one is on its way, and not before."""
    queries = Queries(200)
    found = paging.newest_first(AtOnce(), queries.query, [[{"day": "1", "shard": 0}]])
    list(islice(found, 50))
    assert [start for _, _, start in queries.asked] == [0]
    next(found)
    assert [start for _, _, start in queries.asked] == [0, 100]


def test_what_is_held_is_bounded(pool: ThreadPoolExecutor) -> None:
    """The pages of a day's hundred shards together hold no more than some ten thousand items."""
    sizes = []

    def query(*, shard: int, day: str, Limit: int, ExclusiveStartKey: int = 0) -> dict[str, Any]:  # noqa: N803  boto3's names
        sizes.append(Limit)
        return Queries(1_000).query(day=day, shard=shard, Limit=Limit, ExclusiveStartKey=ExclusiveStartKey)

    assert len(list(paging.newest_first(pool, query, groups(1, 100)))) == 100_000
    assert max(sizes) * 100 <= 10_000


def test_an_error_of_any_page_is_raised(pool: ThreadPoolExecutor) -> None:
    """What goes wrong in a thread reaches whoever reads."""

    def query(**_: Any) -> dict[str, Any]:
        raise PermissionError("no")

    with pytest.raises(PermissionError):
        list(paging.newest_first(pool, query, groups(1, 2)))

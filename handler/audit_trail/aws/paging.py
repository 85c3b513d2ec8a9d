"""Pages read at the same time, within bounds, and merged in the order of their timestamps."""

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from itertools import islice
from operator import itemgetter
from typing import Any

Request = Mapping[str, Any]
Call = Callable[..., Any]
"""A client's ``query`` or ``scan``."""

_FIRST = 100  # items: what is shown first needn't wait for a whole megabyte
_HELD = 10_000  # items: what the pages of one group hold together at most, but for their first ones
_OPEN = 16  # partitions that are read at the same time


def newest_first(pool: Executor, call: Call, groups: Iterable[Sequence[Request]]) -> Iterator[Any]:
    """Yield the items of queries, from the newest timestamp to the oldest.

    Each query yields its own in that order, and those of a group are all newer than those of the next one. The
    queries of a group are made at the same time; the further it goes, the more groups are begun before their turn.
    """
    waiting = iter(groups)
    begun: deque[list[Iterator[Any]]] = deque()
    ahead = 1
    while True:
        for group in islice(waiting, ahead - len(begun)):
            begun.append([_items(pool, call, request, max(_FIRST, _HELD // len(group))) for request in group])
        if not begun:
            return
        ahead = min(2 * ahead, max(1, _OPEN // len(begun[0])))
        timestamp = itemgetter("timestamp")
        yield from heapq.merge(*begun.popleft(), key=lambda item: str(timestamp(item)["S"]), reverse=True)


def _items(pool: Executor, call: Call, request: Request, most: int) -> Iterator[Any]:
    first = pool.submit(call, **request, Limit=_FIRST)

    def rest(page: Mapping[str, Any]) -> Future[Any] | None:
        start = page.get("LastEvaluatedKey")
        return pool.submit(call, **request, Limit=most, ExclusiveStartKey=start) if start else None

    return _pages(first, rest)


def _pages(upcoming: Future[Any] | None, rest: Callable[[Mapping[str, Any]], Future[Any] | None]) -> Iterator[Any]:
    while upcoming is not None:
        page = upcoming.result()
        upcoming = None
        items = page["Items"]
        for position, item in enumerate(items):
            if position == len(items) // 2:  # not before: whoever wants few items pays for no more
                upcoming = rest(page)
            yield item
        if not items:
            upcoming = rest(page)

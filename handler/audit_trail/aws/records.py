"""Reads whole records by their keys, many at a time: BatchGetItem.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any

from audit_trail.aws.reading import RefusedError, item_from_client, item_to_client
from audit_trail.core.listing import Listed
from audit_trail.core.values import Image

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_BATCH = 25  # records: of the largest, they are 10 MB
_AHEAD = 4  # batches that are read at the same time
_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0)  # seconds, while a table gives nothing of what it is asked for

Get = Callable[[Sequence[Listed]], list[Image]]


def getter(client: "DynamoDBClient", audit_table: str, pause: Callable[[float], None] = time.sleep) -> Get:
    """Return what reads whole records, in the order in which they are listed; those that are gone are left out.

    It raises RefusedError where the table throttles for long.
    """

    def get(listed: Sequence[Listed]) -> list[Image]:
        wanted: Any = [item_to_client(one.key) for one in listed]
        found: dict[tuple[str, str], Image] = {}
        pauses = iter(_PAUSES)
        while wanted:
            answer = client.batch_get_item(RequestItems={audit_table: {"Keys": wanted}})
            items = map(item_from_client, answer["Responses"].get(audit_table, []))
            found |= {_identity(item, listed[0]): item for item in items}
            unprocessed = answer["UnprocessedKeys"]
            left = unprocessed[audit_table]["Keys"] if audit_table in unprocessed else []
            if len(left) < len(wanted):
                pauses = iter(_PAUSES)
            elif (seconds := next(pauses, None)) is not None:
                pause(seconds)
            else:
                raise RefusedError(f"{audit_table} gives no more records for now (it throttles): try again later")
            wanted = left
        return [found[identity] for one in listed if (identity := _identity(one.key, one)) in found]

    return get


def _identity(item: Image, like: Listed) -> tuple[str, str]:
    [partition_key] = like.key.keys() - {"timestamp"}
    return Listed.from_item(item, partition_key).history, item["timestamp"]["S"]


def whole(pool: Executor, get: Get, listed: Iterable[Listed | None]) -> Iterator[Image]:
    """Yield the whole records of what is listed, in its order, as soon as they are there.

    None in place of a record says that there was one that nobody wants: a moment to pass on what has come meanwhile.
    Whenever nothing is on its way, what there is goes out at once, however little; else in batches.
    """
    coming: deque[Future[list[Image]]] = deque()
    batch: list[Listed] = []
    for one in listed:
        while coming and (coming[0].done() or len(coming) > _AHEAD):
            yield from coming.popleft().result()
        if one is not None:
            batch.append(one)
        if batch and (not coming or len(batch) == _BATCH):
            coming.append(pool.submit(get, batch))
            batch = []
    if batch:
        coming.append(pool.submit(get, batch))
    while coming:
        yield from coming.popleft().result()

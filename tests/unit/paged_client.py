"""What `trail` reads of DynamoDB, in memory: a few records a page, every request counted, made as boto3's client is."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from audit_trail.aws.reading import Index, Trail, from_client
from audit_trail.core.keys import KeySchema
from audit_trail.core.listing import PROJECTED
from audit_trail.core.values import canonical_text
from tests.tables import INDEXES, image_to_boto

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from audit_trail.core.values import Image

AUDIT_TABLE, SOURCE_TABLE = "orders-audit", "orders"
SHARDS = 4


def trail(*, shards: int = SHARDS) -> Trail:
    """Return the trail that the client has, with both indexes on."""
    by_time, by_actor = (Index(name, shards, ready=True) for name in INDEXES)
    return Trail(AUDIT_TABLE, SOURCE_TABLE, KeySchema("order_id"), {"order_id": "N"}, "updated_by", by_time, by_actor)


@dataclass
class PagedClient:
    """Answers from records that are given to it."""

    records: Iterable[Image]
    page: int = 3
    """Records a page."""
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    before: Callable[[str, dict[str, Any]], None] = lambda _name, _request: None
    """Called with each request, before anything is done; may raise."""

    def __post_init__(self) -> None:
        """Put the records where they are found."""
        self._lock = Lock()
        self._by: dict[tuple[str, str], list[Image]] = defaultdict(list)
        self._all = sorted(self.records, key=lambda item: str(item["timestamp"]["S"]))
        for item in self._all:
            for attribute in ("order_id", *INDEXES.values()):
                if attribute in item:
                    self._by[attribute, canonical_text(item[attribute])].append(item)

    def asked(self, name: str) -> list[dict[str, Any]]:
        """Return the requests of one kind."""
        return [request for one, request in self.requests if one == name]

    def get_paginator(self, name: str) -> PagedClient:
        """Return what pages through queries."""
        assert name == "query"
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        """Yield the pages of a query as they are asked for."""
        start: dict[str, Any] = {}
        while True:
            page = self.query(**request, **start)
            yield page
            if "LastEvaluatedKey" not in page:
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def query(self, **request: Any) -> dict[str, Any]:
        """Return a page of the table, or of an index."""
        self._note("query", request)
        values = {name: from_client(value) for name, value in request["ExpressionAttributeValues"].items()}
        attribute = INDEXES[request["IndexName"]] if "IndexName" in request else "order_id"
        found = self._by[attribute, canonical_text(values.get(":bucket") or values[":partition"])]
        times = [item["timestamp"]["S"] for item in found]
        if "BETWEEN" in request["KeyConditionExpression"]:
            lowest, highest = (
                values.get(name) or values[other] for name, other in ((":lowest", ":since"), (":highest", ":until"))
            )
            cut = slice(bisect_left(times, lowest["S"]), bisect_right(times, highest["S"]))
            found, times = found[cut], times[cut]
        if start := request.get("ExclusiveStartKey"):
            at = start["timestamp"]["S"]
            found = found[bisect_right(times, at) :] if request["ScanIndexForward"] else found[: bisect_left(times, at)]
        in_order = found if request["ScanIndexForward"] else found[::-1]
        kept = {"order_id", "timestamp", attribute, *PROJECTED} if "IndexName" in request else None
        return self._page(in_order[: min(self.page, request.get("Limit", self.page)) + 1], request, kept)

    def scan(self, **request: Any) -> dict[str, Any]:
        """Return a page of a segment of the table."""
        self._note("scan", request)
        start = request.get("ExclusiveStartKey", {"timestamp": {"S": ""}})["timestamp"]["S"]
        segment = self._all[request["Segment"] :: request["TotalSegments"]]
        left = [item for item in segment if item["timestamp"]["S"] > start]
        page = self._page(left[: self.page + 1], request, {"order_id", "timestamp", *PROJECTED})
        since, until = (request["ExpressionAttributeValues"][name]["S"] for name in (":since", ":until"))
        found = [item for item in page["Items"] if since <= item["timestamp"]["S"] <= until]
        return page | {"Items": found, "ScannedCount": len(page["Items"])}

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        """Return whole records, in no order."""
        self._note("batch_get_item", request)
        [(table, keys)] = request["RequestItems"].items()
        found = []
        for key in keys["Keys"]:
            history = self._by["order_id", canonical_text(from_client(key["order_id"]))]
            found += [item for item in history if item["timestamp"]["S"] == key["timestamp"]["S"]]
        return {"Responses": {table: [image_to_boto(item) for item in reversed(found)]}, "UnprocessedKeys": {}}

    def _note(self, name: str, request: dict[str, Any]) -> None:
        self.before(name, request)
        with self._lock:
            self.requests.append((name, request))

    def _page(self, items: list[Image], request: dict[str, Any], kept: set[str] | None) -> dict[str, Any]:
        size = min(self.page, request.get("Limit", self.page))
        page = [image_to_boto({n: v for n, v in item.items() if kept is None or n in kept}) for item in items[:size]]
        more = {"LastEvaluatedKey": {"timestamp": page[-1]["timestamp"]}} if len(items) > size else {}
        return {"Items": page, **more}

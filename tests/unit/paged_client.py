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
    from collections.abc import Callable, Iterable

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
        self._one: dict[tuple[str, str], Image] = {}
        self._segments: dict[tuple[int, int], list[Image]] = {}
        self._all = sorted(self.records, key=_time)
        for item in self._all:
            self._one[canonical_text(item["order_id"]), _time(item)] = item
            for attribute in ("order_id", *INDEXES.values()):
                if attribute in item:
                    self._by[attribute, canonical_text(item[attribute])].append(item)

    def asked(self, name: str) -> list[dict[str, Any]]:
        """Return the requests of one kind."""
        return [request for one, request in self.requests if one == name]

    def query(self, **request: Any) -> dict[str, Any]:
        """Return a page of the table, or of an index."""
        self._note("query", request)
        values = {name: from_client(value) for name, value in request["ExpressionAttributeValues"].items()}
        attribute = INDEXES[request["IndexName"]] if "IndexName" in request else "order_id"
        found = self._by[attribute, canonical_text(values.get(":bucket") or values[":partition"])]
        low, high = 0, len(found)
        if "BETWEEN" in request["KeyConditionExpression"]:
            lowest, highest = (
                values.get(name) or values[other] for name, other in ((":lowest", ":since"), (":highest", ":until"))
            )
            low, high = (
                bisect_left(found, lowest["S"], key=_time),
                bisect_right(found, highest["S"], key=_time),
            )
        start = request.get("ExclusiveStartKey", {}).get("timestamp", {}).get("S")
        size = min(self.page, request.get("Limit", self.page)) + 1
        if request["ScanIndexForward"]:
            low = bisect_right(found, start, key=_time) if start else low
            in_order = found[low : min(high, low + size)]
        else:
            high = bisect_left(found, start, key=_time) if start else high
            in_order = found[max(low, high - size) : high][::-1]
        kept = {"order_id", "timestamp", attribute, *PROJECTED} if "IndexName" in request else None
        return self._page(in_order, request, kept)

    def scan(self, **request: Any) -> dict[str, Any]:
        """Return a page of a segment of the table."""
        self._note("scan", request)
        start = request.get("ExclusiveStartKey", {"timestamp": {"S": ""}})["timestamp"]["S"]
        segment = self._segments.setdefault(
            (request["Segment"], request["TotalSegments"]), self._all[request["Segment"] :: request["TotalSegments"]]
        )
        first = bisect_right(segment, start, key=_time)
        page = self._page(segment[first : first + self.page + 1], request, {"order_id", "timestamp", *PROJECTED})
        since, until = (request["ExpressionAttributeValues"][name]["S"] for name in (":since", ":until"))
        found = [item for item in page["Items"] if since <= item["timestamp"]["S"] <= until]
        return page | {"Items": found, "ScannedCount": len(page["Items"])}

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        """Return whole records, in no order."""
        self._note("batch_get_item", request)
        [(table, keys)] = request["RequestItems"].items()
        names = [(canonical_text(from_client(key["order_id"])), key["timestamp"]["S"]) for key in keys["Keys"]]
        found = [self._one[name] for name in names if name in self._one]
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


def _time(item: Image) -> str:
    time: str = item["timestamp"]["S"]
    return time

"""A trail in memory of which records expire, before `trail verify` reads it and while it does."""

from __future__ import annotations

import contextlib
import io
import json
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from email.utils import format_datetime
from itertools import pairwise
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import typer

from audit_trail.aws.archive import Archive
from audit_trail.aws.reading import item_to_client
from audit_trail.cli import verifying
from audit_trail.core import archive as lines
from audit_trail.core.records import RecordSettings, audit_item
from audit_trail.core.spill import Form, pack
from tests.builders import ARN, NOON, ORDER
from tests.expiry import deletion
from tests.property.lives import moment, random_image
from tests.unit.fakes import numbered_record

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from audit_trail.cli.options import TrailOptions
    from audit_trail.core.values import Image

SOURCE, AUDIT, BUCKET = "orders", "orders-audit", "trail-bucket"
READ_AT = NOON + 1_000_000
_PAGE = 3
_KEYS = {SOURCE: ("order_id",), AUDIT: ("order_id", "timestamp")}


def images(rng: random.Random, number: int) -> list[Image | None]:
    """Return what an item was, one state a change, of which none changes nothing."""
    states: list[Image | None] = [None]
    for version in range(rng.randint(1, 7)):
        image = random_image(rng) | {"order_id": {"N": str(number)}, "version": {"N": str(rng.choice((1, 2, version)))}}
        states.append(None if states[-1] is not None and rng.random() < 0.2 else image)
    return [states[0], *(new for old, new in pairwise(states) if old != new)]


@dataclass
class World:
    """Both tables, the archive's objects, and what isn't there any more but not yet here."""

    retention: int | None = None
    tables: dict[str, dict[tuple[str, ...], Image]] = field(default_factory=lambda: {SOURCE: {}, AUDIT: {}})
    objects: dict[str, bytes] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    under_way: list[Image] = field(default_factory=list)
    meanwhile: Callable[[str], None] = lambda _operation: None
    """Is called before each request is answered."""
    lock: Any = field(default_factory=threading.RLock)
    meta: Any = field(default_factory=lambda: SimpleNamespace(events=SimpleNamespace(register=lambda *_: None)))

    def live(self, rng: random.Random, items: int) -> list[Image]:
        """Let items live, and return all of their records, some with images in the bucket."""
        settings = RecordSettings(ORDER, retention_days=self.retention)
        records = []
        for number in range(1, items + 1):
            states, at = images(rng, number), NOON
            for position, (old, new) in enumerate(pairwise(states), start=1):
                at += rng.choice((0, 1, 50, 100_000))
                keys = {"order_id": {"N": str(number)}}
                record = numbered_record(number * 100 + position, old=old, new=new, keys=keys, at=at)
                packed = pack(dict(audit_item(record, settings)), BUCKET, rng.choice((Form.INLINE, Form.S3)))
                self.bodies[f"s3://{BUCKET}/{packed.key}"] = packed.body
                records.append(packed.item)
            if states[-1] is not None:
                self.put(SOURCE, states[-1])
        return records

    def put(self, table: str, item: Image) -> None:
        """Put an item."""
        self.tables[table][_key(table, item)] = item

    def archive(self, rng: random.Random, items: Sequence[Image]) -> None:
        """Archive records in some batches."""
        batches = defaultdict(list)
        for number, item in enumerate(items):
            one = lines.line(deletion(item, 900 + number))
            batches[one.day, rng.randrange(2)].append(one)
        self.objects.update(map(lines.object_of, batches.values()))

    def expire(self, item: Image) -> None:
        """Let a record leave the table; it comes into the archive when that is its turn."""
        if self.tables[AUDIT].pop(_key(AUDIT, item), None) is not None:
            self.under_way.append(item)

    def arrive(self, rng: random.Random) -> None:
        """Let what is under way come into the archive."""
        self.archive(rng, self.under_way)
        self.under_way = []

    def verify(self, *, archive: bool, state: Path | None = None) -> list[str]:
        """Verify the whole table; return what is broken, and all counts.

        What can't be told is counted, but named only of those items that were looked at closely.
        """
        options = SimpleNamespace(
            audit_table=AUDIT,
            connection=SimpleNamespace(dynamodb=lambda _config: self, images=lambda _buckets: self.bodies.__getitem__),
            archive=lambda _trail: Archive(lambda: cast("Any", self), BUCKET, "order_id"),
        )
        how = verifying.How(30, None, state, strict=False, as_json=True, include_archive=archive)
        told = io.StringIO()
        with contextlib.redirect_stdout(told), contextlib.suppress(typer.Exit):
            verifying.run(cast("TrailOptions", options), [], how)
        found = [json.loads(line) for line in told.getvalue().splitlines()]
        unknown = [one for one in found if one.get("outcome") == "unknown"]
        assert len(unknown) <= found[-1]["unknown"]
        return sorted(json.dumps(one) for one in found if one not in unknown)

    def describe_table(self, TableName: str) -> dict[str, Any]:  # noqa: N803  boto3's names
        """Describe a table."""
        table = {"TableName": TableName, "TableArn": TableName, "LatestStreamArn": ARN}
        keys = [
            {"AttributeName": name, "KeyType": kind}
            for name, kind in zip(_KEYS[TableName], ("HASH", "RANGE"), strict=False)
        ]
        types = [
            {"AttributeName": "order_id", "AttributeType": "N"},
            {"AttributeName": "timestamp", "AttributeType": "S"},
        ]
        return _dated(Table=table | {"KeySchema": keys, "AttributeDefinitions": types})

    def get_item(self, *, TableName: str, Key: Image, **_: Any) -> dict[str, Any]:  # noqa: N803
        """Return an item."""
        item = self.tables[TableName].get(_key(TableName, Key))
        return _dated(**({} if item is None else {"Item": item_to_client(item)}))

    def query(self, *, ExpressionAttributeValues: Any, **request: Any) -> dict[str, Any]:  # noqa: N803
        """Return a page of a partition."""
        wanted = ExpressionAttributeValues[":partition"]["N"]
        items, last = self._page(request, lambda key: key[0] == wanted)
        return _dated(Items=[item_to_client(item) for item in items], **last)

    def scan(self, *, Segment: int, TotalSegments: int, **request: Any) -> dict[str, Any]:  # noqa: N803
        """Return a page of a segment, as `give_bodies` makes it."""
        items, last = self._page(request, lambda key: int(key[0]) % TotalSegments == Segment)
        return {"Body": json.dumps({"Items": items} | last)}

    def get_object(self, *, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        """Return an object."""
        self.meanwhile("get_object")
        return {"Body": io.BytesIO(self.objects[Key])}

    def get_paginator(self, operation: str) -> Any:
        """Return what lists tags, folders or objects."""

        def paginate(Prefix: str = "", Delimiter: str = "", **_: Any) -> list[dict[str, Any]]:  # noqa: N803
            if operation == "list_tags_of_resource":
                tags = {"source-table": SOURCE} | ({"retention-days": str(self.retention)} if self.retention else {})
                return [{"Tags": [{"Key": f"table-trail:{key}", "Value": value} for key, value in tags.items()]}]
            self.meanwhile("list_objects")
            with self.lock:
                keys = [key for key in self.objects if key.startswith(Prefix)]
            if Delimiter:
                folders = {key[: key.index("/", len(Prefix)) + 1] for key in keys}
                return [{"CommonPrefixes": [{"Prefix": one} for one in folders]}]
            return [{"Contents": [{"Key": key} for key in keys]}]

        return SimpleNamespace(paginate=paginate)

    def _page(self, request: dict[str, Any], belongs: Callable[[tuple[str, ...]], bool]) -> tuple[list[Image], Any]:
        table = request["TableName"]
        with self.lock:
            self.meanwhile(f"read {table}")
            start = _key(table, request["ExclusiveStartKey"]) if "ExclusiveStartKey" in request else ()
            found = sorted(key for key in self.tables[table] if belongs(key) and key > start)
            items = [self.tables[table][key] for key in found[:_PAGE]]
        if len(found) <= _PAGE:
            return items, {}
        return items, {"LastEvaluatedKey": {name: items[-1][name] for name in _KEYS[table]}}


def _key(table: str, item: Image) -> tuple[str, ...]:
    return tuple(next(iter(item[name].values())) for name in _KEYS[table])


def _dated(**answer: Any) -> dict[str, Any]:
    date = format_datetime(moment(READ_AT), usegmt=True)
    return answer | {"ResponseMetadata": {"HTTPHeaders": {"date": date}}}

"""What a trail costs: one million changes captured, kept in the table, kept in the archive, and asked for.

`PYTHONPATH=handler python -m scripts.costs` prints the table of docs/costs.md; `--size BYTES` calculates for items of
another size, `--changes N` for another number of changes.
"""

# ruff: noqa: RUF001  the table multiplies with a real sign

from __future__ import annotations

import argparse
import hashlib
import math
import random
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audit_trail.core import archive
from audit_trail.core.keys import KeySchema
from audit_trail.core.records import RecordSettings, audit_item
from audit_trail.core.sizes import item_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit_trail.core.values import Image

PRICES_OF = "2026-11-24"
"""When the prices were written down: us-east-1, on demand, US$."""
WRITE_UNITS, READ_UNITS = 0.625e-6, 0.125e-6
TABLE_GB, BACKUP_GB = 0.25, 0.20  # a month
LAMBDA_GB_SECOND, LAMBDA_REQUEST = 13.3334e-6, 0.20e-6  # arm64
S3_GB = {"STANDARD": 0.023, "STANDARD_IA": 0.0125, "GLACIER_IR": 0.004}  # a month
S3_PUT, S3_GET = 5e-6, 0.4e-6
TRANSFER_GB = 0.09
ATHENA_TB = 5.0

GB = 10**9
BATCH, SECONDS, MEMORY_GB = 100, 0.3, 0.5
"""Changes, duration and memory of one invocation."""
OBJECT = 25
"""Expired records in one object: what expires in a minute, where a million changes are spread over a month."""
SETTINGS = RecordSettings(KeySchema("order_id"), retention_days=90, actor_attribute="updated_by", time_index_shards=4)
_SAMPLE = 200
_OVERHEAD = 100  # bytes that DynamoDB charges for each item and index entry


@dataclass(frozen=True)
class Sizes:
    """Bytes of one change."""

    record: int
    index: int
    archived: int
    """Compressed, to whole tens: what gzip makes of it differs a little between its versions."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    arithmetic: str
    dollars: float


def sizes_of(size: int) -> Sizes:
    """Measure a MODIFY of one attribute of an item so large, by the function's own code."""
    rng = random.Random(size)  # noqa: S311  sample data
    items = [dict(audit_item(_change(rng, number, size), SETTINGS)) for number in range(_SAMPLE)]
    index = ("order_id", "timestamp", "time_bucket", "event_name", "changed_attributes", "actor", "reason")
    lines = [archive.line(_deletion(item, number)) for number, item in enumerate(items)]
    bodies = [archive.object_of(lines[first : first + OBJECT])[1] for first in range(0, _SAMPLE, OBJECT)]
    return Sizes(
        record=round(sum(map(item_size, items)) / _SAMPLE),
        index=round(sum(item_size({name: one[name] for name in index if name in one}) for one in items) / _SAMPLE),
        archived=round(sum(map(len, bodies)) / _SAMPLE / 10) * 10,
    )


def rows(changes: int, sizes: Sizes) -> Iterator[Row]:
    """Calculate each line for so many changes."""
    millions = f"{changes / 1e6:g} million"
    units, index_units = (math.ceil(size / 1024) for size in (sizes.record, sizes.index))
    yield Row(
        "capture: writes",
        f"a record of {sizes.record:,} bytes is {units} write units; {millions} × {units} × 0.625 a million",
        changes * units * WRITE_UNITS,
    )
    invocations = changes / BATCH
    yield Row(
        "capture: Lambda",
        f"{invocations:,.0f} invocations × ({SECONDS} s × {MEMORY_GB} GB × 0.0000133334 + 0.0000002)",
        invocations * (SECONDS * MEMORY_GB * LAMBDA_GB_SECOND + LAMBDA_REQUEST),
    )
    yield Row(
        "capture: index by_time",
        f"{sizes.index} bytes are {index_units} write unit; {millions} × {index_units} × 0.625 a million",
        changes * index_units * WRITE_UNITS,
    )
    stored, indexed = (changes * (size + _OVERHEAD) / GB for size in (sizes.record, sizes.index))
    yield Row(
        "a month in the table",
        f"{stored:.2f} GB ({_OVERHEAD} bytes more for each) × (0.25 + 0.20 for backups) + {indexed:.2f} GB of index × 0.25",
        stored * (TABLE_GB + BACKUP_GB) + indexed * TABLE_GB,
    )
    objects = math.ceil(changes / OBJECT)
    yield Row(
        "into the archive",
        f"TTL's deletions cost nothing; {objects:,} objects × 0.005 a thousand, and as many invocations of {SECONDS} s",
        objects * (S3_PUT + SECONDS * MEMORY_GB * LAMBDA_GB_SECOND + LAMBDA_REQUEST),
    )
    archived = changes * sizes.archived / GB
    for storage_class, price in S3_GB.items():
        yield Row(
            f"a year in the archive, {storage_class}",
            f"{sizes.archived} bytes a change are {archived:.2f} GB; × {price:g} × 12",
            archived * price * 12,
        )
    read = math.ceil(100 * sizes.record / 4096) / 2
    yield Row(
        "one item's history, 100 changes, from the table",
        f"{100 * sizes.record / 1024:.0f} KB are {read:g} read units × 0.125 a million",
        read * READ_UNITS,
    )
    yield Row(
        "all of it from the archive, by `trail archive`",
        f"{objects:,} reads × 0.0004 a thousand, and {archived:.2f} GB × 0.09 to outside of the region",
        objects * S3_GET + archived * TRANSFER_GB,
    )
    yield Row(
        "all of it from the archive, by Athena",
        f"{archived:.2f} GB × 5 a TB, and the same reads",
        archived / 1000 * ATHENA_TB + objects * S3_GET,
    )


def table(changes: int = 10**6, size: int = 1024) -> str:
    """Return the table in Markdown."""
    lines = [f"| {changes:,} changes of {size:,}-byte items | arithmetic | US$ |", "|---|---|---:|"]
    lines += [f"| {row.what} | {row.arithmetic} | {_dollars(row.dollars)} |" for row in rows(changes, sizes_of(size))]
    return "\n".join(lines) + "\n"


def _dollars(amount: float) -> str:
    return f"{amount:.2f}" if amount >= 0.01 else f"{amount:.6f}"  # noqa: PLR2004  a cent


def _order(rng: random.Random, number: int, size: int) -> Image:
    image: Image = {"order_id": {"N": str(number)}, "updated_by": {"S": "checkout"}, "status": {"S": "paid"}}
    while (left := size - item_size(image)) > 0:
        name = f"attribute_{len(image):02d}"
        text = "".join(rng.choices(string.ascii_lowercase + "    ", k=min(60, max(1, left - len(name)))))
        image[name] = {"S": text}
    return image


def _change(rng: random.Random, number: int, size: int) -> dict[str, Any]:
    old = _order(rng, number, size)
    return _stream_record("MODIFY", {"order_id": old["order_id"]}, number, old, old | {"status": {"S": "sent"}})


def _deletion(item: Image, number: int) -> dict[str, Any]:
    return _stream_record("REMOVE", {name: item[name] for name in ("order_id", "timestamp")}, number, item, None)


def _stream_record(event_name: str, keys: Image, number: int, old: Image, new: Image | None) -> dict[str, Any]:
    change = {
        "ApproximateCreationDateTime": 1_795_521_600 + number,
        "Keys": keys,
        "OldImage": old,
        "SequenceNumber": f"{10**20 + number}",
        "SizeBytes": 2 * item_size(old),
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    return {
        "eventID": hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest(),
        "eventName": event_name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-11-24T00:00:00.000",
        "dynamodb": change | ({} if new is None else {"NewImage": new}),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="What a trail costs, in US$.")
    parser.add_argument("--size", type=int, default=1024, help="bytes of an item, by DynamoDB's count (default: 1024)")
    parser.add_argument("--changes", type=int, default=10**6, help="how many changes (default: 1000000)")
    given = parser.parse_args()
    print(table(given.changes, given.size), end="")


if __name__ == "__main__":
    main()

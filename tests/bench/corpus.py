"""The corpora: stream records of small, medium and large items, the same ones every time."""

import json
import random
import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from audit_trail.core.keys import KeySchema
from audit_trail.core.records import RecordSettings

SETTINGS = RecordSettings(KeySchema("order_id"), actor_attribute="updated_by", reason_attribute="reason")

_Image = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Stream records of one size of item: 60 % MODIFY, 30 % INSERT, 10 % REMOVE."""

    name: str
    records: list[dict[str, Any]]

    @property
    def bytes_an_item(self) -> int:
        """Mean size of an image as DynamoDB JSON."""
        sizes = [
            len(json.dumps(image, separators=(",", ":")))
            for record in self.records
            for name, image in record["dynamodb"].items()
            if name in ("OldImage", "NewImage")
        ]
        return sum(sizes) // len(sizes)


def corpora(records: int = 200) -> list[Corpus]:
    """Make all three; the large one has a tenth of the records."""
    return [
        make("small", _small, records),
        make("medium", _medium, records),
        make("large", _large, max(10, records // 10)),
    ]


def make(name: str, build: Callable[[random.Random, int], _Image], count: int) -> Corpus:
    """Make a corpus of so many records with a fixed seed."""
    rng = random.Random(f"table-trail {name}")
    records = []
    for number in range(count):
        event_name = ("MODIFY",) * 6 + ("INSERT",) * 3 + ("REMOVE",)
        records.append(_record(rng, number, event_name[number % 10], build))
    return Corpus(name, records)


def _record(
    rng: random.Random, number: int, event_name: str, build: Callable[[random.Random, int], _Image]
) -> dict[str, Any]:
    image = build(rng, number)
    change: dict[str, Any] = {
        "ApproximateCreationDateTime": 1_790_000_000 + number,
        "Keys": {"order_id": image["order_id"]},
        "SequenceNumber": str(100_000_000_000_000_000_000 + number),
        "SizeBytes": 400,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    if event_name != "INSERT":
        change["OldImage"] = image
    if event_name == "INSERT":
        change["NewImage"] = image
    if event_name == "MODIFY":
        change["NewImage"] = _changed(rng, image)
    # Through JSON, as Lambda does it: no object is shared between the images.
    record: dict[str, Any] = json.loads(
        json.dumps(
            {
                "eventID": f"{number:032x}",
                "eventName": event_name,
                "eventVersion": "1.1",
                "eventSource": "aws:dynamodb",
                "awsRegion": "eu-west-1",
                "dynamodb": change,
                "eventSourceARN": "arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000",
            },
        ),
    )
    return record


def _changed(rng: random.Random, image: _Image) -> _Image:
    """Change what an order's step changes: its status, who did it, one line, and sometimes a line more."""
    new: _Image = json.loads(json.dumps(image))
    new["status"] = {"S": rng.choice(["PAID", "PACKED", "SHIPPED", "RETURNED"])}
    new["updated_by"] = {"S": _text(rng, 12)}
    if "lines" in new:
        rng.choice(new["lines"]["L"])["M"]["qty"] = {"N": str(rng.randint(100, 999))}
        if rng.random() < 0.3:
            new["lines"]["L"].insert(1, _line(rng))
    return new


def _text(rng: random.Random, length: int) -> str:
    return "".join(rng.choices(string.ascii_letters + "   ", k=length))


def _small(rng: random.Random, number: int) -> _Image:
    return {
        "order_id": {"N": str(number)},
        "status": {"S": "NEW"},
        "updated_by": {"S": _text(rng, 12)},
        "customer": {"S": _text(rng, 24)},
        "total": {"N": f"{rng.randint(1, 99_999)}.{rng.randint(1, 9)}"},
        "currency": {"S": "EUR"},
        "express": {"BOOL": rng.random() < 0.5},
        "note": {"S": _text(rng, 120)},
    }


def _line(rng: random.Random) -> dict[str, Any]:
    return {
        "M": {
            "sku": {"S": _text(rng, 12)},
            "title": {"S": _text(rng, 40)},
            "qty": {"N": str(rng.randint(1, 9))},
            "price": {"N": f"{rng.randint(1, 999)}.{rng.randint(1, 9)}"},
            "options": {"M": {"colour": {"S": _text(rng, 6)}, "gift": {"BOOL": False}}},
        },
    }


def _medium(rng: random.Random, number: int) -> _Image:
    return _small(rng, number) | {
        "lines": {"L": [_line(rng) for _ in range(12)]},
        "address": {"M": {name: {"S": _text(rng, 20)} for name in ("street", "city", "country")}},
        "tags": {"SS": sorted({_text(rng, 6) for _ in range(4)})},
    }


def _large(rng: random.Random, number: int) -> _Image:
    return _medium(rng, number) | {
        "lines": {"L": [_line(rng) for _ in range(350)]},
        "document": {"S": _text(rng, 25_000)},
    }

"""The corpora: stream records of small, medium and large orders, the same ones every time.

Sizes are DynamoDB's own count (names and values, `audit_trail.core.sizes`): 0.4, 3.4 and 100 KB. What an item costs to
compare goes by its leaves (strings, numbers, booleans) and not by its bytes, so these matter as much: names of 3 to 11
letters and values of 1 to 60, as an order has them, come to 20 bytes a leaf in the small and the medium items. The large
one is a third a document in a single string, else more of the same lines, and comes to 30.
"""

import json
import random
import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from audit_trail.core.keys import KeySchema
from audit_trail.core.records import RecordSettings

SETTINGS = RecordSettings(KeySchema("order_id"), actor_attribute="updated_by", reason_attribute="reason")
EVENT_NAMES = ("MODIFY", "INSERT", "MODIFY", "MODIFY", "INSERT", "MODIFY", "REMOVE", "MODIFY", "INSERT", "MODIFY")
"""60 % MODIFY, 30 % INSERT, 10 % REMOVE."""

_LETTERS = string.ascii_letters + "    "
_Image = dict[str, Any]
_Build = Callable[[random.Random, int], _Image]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Stream records of one size of item, by EVENT_NAMES."""

    name: str
    records: list[dict[str, Any]]

    @property
    def images(self) -> list[_Image]:
        """All images, old and new."""
        changes = [record["dynamodb"] for record in self.records]
        return [change[name] for change in changes for name in ("OldImage", "NewImage") if name in change]

    @property
    def event(self) -> str:
        """All records as one event's JSON text."""
        return json.dumps({"Records": self.records}, separators=(",", ":"))


def corpora(records: int = 100) -> list[Corpus]:
    """Make all three; the large one has a tenth of the records."""
    return [make("small", records), make("medium", records), make("large", max(10, records // 10))]


def make(name: str, count: int) -> Corpus:
    """Make a corpus of so many records with a fixed seed."""
    rng = random.Random(f"table-trail {name}")
    build = _BUILDS[name]
    return Corpus(name, [_record(rng, number, EVENT_NAMES[number % 10], build) for number in range(count)])


def item(rng: random.Random, name: str, number: int) -> _Image:
    """Make one order of a corpus's size, as DynamoDB JSON."""
    return _BUILDS[name](rng, number)


def changed(rng: random.Random, image: _Image) -> _Image:
    """Change what a step of an order changes: status, who and when, a line's quantity, and sometimes a line more.

    A new line comes last, as list_append puts it, or, as often, anywhere.
    """
    new: _Image = json.loads(json.dumps(image))
    new["status"] = {"S": rng.choice(["PAID", "PACKED", "SHIPPED", "RETURNED"])}
    new["updated_by"] = {"S": _text(rng, 10)}
    new["updated_at"] = {"S": _time(rng)}
    new["version"] = {"N": str(int(image["version"]["N"]) + 1)}
    if "lines" in new:
        lines = new["lines"]["L"]
        rng.choice(lines)["M"]["qty"] = {"N": str(rng.randint(100, 999))}
        if rng.random() < 0.3:
            lines.insert(len(lines) if rng.random() < 0.5 else rng.randrange(len(lines)), _line(rng))
    return new


def _record(rng: random.Random, number: int, event_name: str, build: _Build) -> dict[str, Any]:
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
    if event_name != "REMOVE":
        change["NewImage"] = image if event_name == "INSERT" else changed(rng, image)
    return {
        "eventID": f"{number:032x}",
        "eventName": event_name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": change,
        "eventSourceARN": "arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000",
    }


def _text(rng: random.Random, length: int) -> str:
    return "".join(rng.choices(_LETTERS, k=length))


def _time(rng: random.Random) -> str:
    return f"2026-11-{rng.randint(10, 30)}T{rng.randint(10, 23)}:{rng.randint(10, 59)}:{rng.randint(10, 59)}Z"


def _price(rng: random.Random) -> dict[str, Any]:
    return {"N": f"{rng.randint(1, 999)}.{rng.randint(0, 9)}{rng.randint(1, 9)}"}


def _small(rng: random.Random, number: int) -> _Image:
    return {
        "order_id": {"N": str(number)},
        "status": {"S": "NEW"},
        "version": {"N": "1"},
        "created_at": {"S": _time(rng)},
        "updated_at": {"S": _time(rng)},
        "updated_by": {"S": _text(rng, 10)},
        "customer_id": {"S": _text(rng, 14)},
        "email": {"S": _text(rng, 24)},
        "currency": {"S": "EUR"},
        "total": _price(rng),
        "tax": _price(rng),
        "shipping": _price(rng),
        "channel": {"S": "web"},
        "express": {"BOOL": rng.random() < 0.5},
        "address": {
            "M": {
                "street": {"S": _text(rng, 20)},
                "zip": {"S": str(rng.randint(10_000, 99_999))},
                "city": {"S": _text(rng, 12)},
                "country": {"S": "DE"},
            },
        },
        "note": {"S": _text(rng, 102)},
    }


def _line(rng: random.Random) -> dict[str, Any]:
    return {
        "M": {
            "sku": {"S": _text(rng, 12)},
            "title": {"S": _text(rng, 60)},
            "qty": {"N": str(rng.randint(1, 9))},
            "price": _price(rng),
            "tax_rate": {"N": "19"},
            "discount": _price(rng),
            "warehouse": {"S": _text(rng, 8)},
            "options": {"M": {"colour": {"S": _text(rng, 6)}, "size": {"S": "XL"}, "gift": {"BOOL": False}}},
        },
    }


def _medium(rng: random.Random, number: int) -> _Image:
    return _small(rng, number) | {
        "lines": {"L": [_line(rng) for _ in range(16)]},
        "tags": {"SS": sorted({_text(rng, 6) for _ in range(4)})},
    }


def _large(rng: random.Random, number: int) -> _Image:
    return _medium(rng, number) | {
        "lines": {"L": [_line(rng) for _ in range(350)]},
        "document": {"S": _text(rng, 36_000)},
    }


_BUILDS: dict[str, _Build] = {"small": _small, "medium": _medium, "large": _large}

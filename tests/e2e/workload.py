"""Random writers, and what they must have left in the history."""

from __future__ import annotations

import base64
import random
import string
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from audit_trail.aws.reading import to_client
from audit_trail.core.values import canonical_image

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

    from audit_trail.core.values import AttributeValue, Image

NAMES = ("status", "total", "lines", "tags", "a.b", "x/y", "til~de", "__dunder", "emoji 🎁", "diff", "timestamp")


def random_value(rng: random.Random, levels: int = 3, *, binary: bool = True) -> AttributeValue:
    """Make an attribute value of any of the ten types, or of the eight that aren't binary."""
    text = "".join(rng.choices(string.printable + "äß🎁", k=rng.randint(0, 12)))
    number = f"{rng.randint(-(10**12), 10**12)}{rng.choice(['', '.5', '.000001', 'E5', 'E-7'])}"
    raw = rng.randbytes(rng.randint(1, 12))
    makers: dict[str, Any] = {
        "S": lambda: text,
        "N": lambda: number,
        "B": lambda: base64.b64encode(raw).decode(),
        "BOOL": lambda: rng.random() < 0.5,
        "NULL": lambda: True,
        "SS": lambda: sorted({f"{text}{one}" for one in range(rng.randint(1, 4))}),
        "NS": lambda: [str(rng.randint(0, 9) * 10 + one) for one in range(rng.randint(1, 4))],
        "BS": lambda: [base64.b64encode(raw + bytes([one])).decode() for one in range(rng.randint(1, 4))],
        "M": lambda: {
            name: random_value(rng, levels - 1, binary=binary) for name in rng.sample(NAMES, rng.randint(0, 4))
        },
        "L": lambda: [random_value(rng, levels - 1, binary=binary) for _ in range(rng.randint(0, 4))],
    }
    without = {*(() if levels else ("M", "L")), *(() if binary else ("B", "BS"))}
    tag = rng.choice([tag for tag in makers if tag not in without])
    return {tag: makers[tag]()}


@dataclass
class Item:
    """One item and the images that it went through, oldest first; None where it doesn't exist."""

    table: str
    keys: Image
    images: list[Image | None] = field(default_factory=lambda: [None])
    lock: Lock = field(default_factory=Lock)
    binary: bool = True
    """It may have binary values."""

    def change(self, dynamodb: DynamoDBClient, rng: random.Random) -> None:
        """Put, update or delete it; a write that changes nothing makes no stream record, so it isn't made."""
        with self.lock:
            image = self.images[-1]
            kind = rng.choice(["put", "update", "update", "update", "delete"]) if image is not None else "put"
            if kind == "delete":
                dynamodb.delete_item(TableName=self.table, Key=_to_client(self.keys))
                self.images.append(None)
            elif kind == "put" or image is None:
                names = rng.sample(NAMES, rng.randint(1, 6))
                new = self.keys | {name: random_value(rng, binary=self.binary) for name in names}
                if image is None or canonical_image(image) != canonical_image(new):
                    dynamodb.put_item(TableName=self.table, Item=_to_client(new))
                    self.images.append(new)
            else:
                self._update(dynamodb, rng, image)

    def _update(self, dynamodb: DynamoDBClient, rng: random.Random, image: Image) -> None:
        name = rng.choice(NAMES)
        new = {other: value for other, value in image.items() if other != name}
        call: dict[str, Any] = {"UpdateExpression": "REMOVE #name"}
        if name not in image or rng.random() < 0.7:
            new[name] = random_value(rng, binary=self.binary)
            values = {":value": _to_client(new)[name]}
            call = {"UpdateExpression": "SET #name = :value", "ExpressionAttributeValues": values}
        if canonical_image(image) == canonical_image(new):
            return
        dynamodb.update_item(
            TableName=self.table, Key=_to_client(self.keys), ExpressionAttributeNames={"#name": name}, **call
        )
        self.images.append(new)


def run(dynamodb: DynamoDBClient, items: list[Item], changes: int, *, writers: int, seed: int) -> None:
    """Have so many writers make so many changes in all, at the same time, each to random items."""

    def write(writer: int) -> None:
        rng = random.Random(f"{seed} {writer}")
        while sum(len(item.images) - 1 for item in items) < changes:
            rng.choice(items).change(dynamodb, rng)

    with ThreadPoolExecutor(writers) as pool:
        for done in [pool.submit(write, writer) for writer in range(writers)]:
            done.result()


def _to_client(image: Image) -> Any:
    return {name: _value_to_client(value) for name, value in image.items()}


def _value_to_client(value: AttributeValue) -> Any:
    [(tag, body)] = value.items()
    if tag == "M":
        return {"M": _to_client(body)}
    if tag == "L":
        return {"L": [_value_to_client(one) for one in body]}
    return {"BS": [base64.b64decode(one) for one in body]} if tag == "BS" else to_client(value)

"""Writes random changes to a table and remembers what each was."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from audit_trail.core.values import canonical_image
from tests.tables import image_to_boto, to_boto

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Mapping

    from types_boto3_dynamodb import DynamoDBClient

    from audit_trail.core.values import AttributeValue, Image

Written = tuple["Image | None", "Image | None"]
"""One change: the image before and the image after."""

NAMES = ("status", "total", "it's", "a/b~c", "updated_by", "ünï")


class Writer:
    """Puts, updates and deletes `items` items with all ten types; changes that change nothing are not made."""

    def __init__(
        self, client: DynamoDBClient, table: str, keys: Mapping[str, str], rng: random.Random, items: int
    ) -> None:
        self._client = client
        self._table = table
        self._rng = rng
        self._keys = [{name: _key_value(kind, number) for name, kind in keys.items()} for number in range(items)]
        self._written: dict[int, list[Written]] = {number: [] for number in range(items)}

    def items(self) -> Iterable[tuple[Image, list[Written]]]:
        """Return each item's keys and its changes, oldest first, in canonical form."""
        return ((self._keys[number], written) for number, written in self._written.items())

    def write(self, count: int) -> None:
        """Make that many changes."""
        while count:
            number = self._rng.randrange(len(self._keys))
            old = self._written[number][-1][1] if self._written[number] else None
            new = self._rng.choice((self._put, self._update, self._update, self._delete))(self._keys[number], old)
            if new != old:
                self._written[number].append((old, new))
                count -= 1

    def _put(self, keys: Image, _old: Image | None) -> Image:
        image = {name: self._value() for name in self._rng.sample(NAMES, self._rng.randint(0, len(NAMES)))} | keys
        self._client.put_item(TableName=self._table, Item=image_to_boto(image))
        return canonical_image(image)

    def _update(self, keys: Image, old: Image | None) -> Image:
        added, removed = self._rng.sample(NAMES, 2)
        value = self._value()
        self._client.update_item(
            TableName=self._table,
            Key=image_to_boto(keys),
            UpdateExpression="SET #added = :added REMOVE #removed",
            ExpressionAttributeNames={"#added": added, "#removed": removed},
            ExpressionAttributeValues={":added": to_boto(value)},
        )
        image = (old or keys) | {added: value}
        image.pop(removed, None)
        return canonical_image(image)

    def _delete(self, keys: Image, _old: Image | None) -> None:
        self._client.delete_item(TableName=self._table, Key=image_to_boto(keys))

    def _value(self, depth: int = 0) -> AttributeValue:
        rng = self._rng
        kinds: dict[str, Any] = {
            "S": lambda: rng.choice(["", "NEW", "PAID", "é 😀 \x00", "'\"\\"]),
            "N": lambda: rng.choice(["0", "-1.5", "12345678901234567890123456789012345678", str(rng.randint(0, 9))]),
            "B": lambda: _base64(rng.randbytes(rng.randint(0, 5))),
            "BOOL": lambda: rng.random() < 0.5,
            "NULL": lambda: True,
            "SS": lambda: sorted(rng.sample(["a", "b", "c", "ü"], rng.randint(1, 4))),
            "NS": lambda: sorted(rng.sample(["1", "2", "3"], rng.randint(1, 3))),
            "BS": lambda: sorted(rng.sample(["AA==", "AQ==", "Ag=="], rng.randint(1, 3))),
            "L": lambda: [self._value(depth + 1) for _ in range(rng.randint(0, 4))],
            "M": lambda: {name: self._value(depth + 1) for name in rng.sample(NAMES, rng.randint(0, 3))},
        }
        tag = rng.choice(list(kinds)[: 8 if depth > 2 else 10])
        return {tag: kinds[tag]()}


def _key_value(kind: str, number: int) -> AttributeValue:
    if kind == "N":
        return {"N": ["1", "-1", "0.5", "1" * 38, "100"][number % 5]}
    text = ["a", "a#b", "%23", "ü 😀", "x" * 900][number % 5] + (str(number // 5) if number >= 5 else "")
    return {"S": text} if kind == "S" else {"B": _base64(text.encode())}


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")

"""The source table's items in memory: DynamoDB's conditional writes, read from the very expressions that it would get.

A functional test holds it to DynamoDB Local.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from audit_trail.core.restore import Write, request
from audit_trail.core.values import canonical_image, canonical_text
from audit_trail.ports import ChangedMeanwhileError

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit_trail.core.values import Image

_TERM = re.compile(r"(?:attribute_not_exists\((#\w+)\)|(#\w+) = (:\w+))")


@dataclass
class ItemsInMemory:
    """One table; every call does what it does at once, after ``before`` was called."""

    items: dict[str, Image] = field(default_factory=dict)
    before: Callable[[str], None] = lambda _what: None
    wrote: Callable[[Image | None, Image | None], None] = lambda _old, _new: None
    """Called with what a write found and what it left."""

    def get(self, keys: Image) -> Image | None:
        """Return an item as it stands."""
        self.before("get")
        return self.items.get(canonical_text(keys))

    def write(self, write: Write) -> Image | None:
        """Make a write if its condition holds."""
        self.before("write")
        parameters = request(write)
        found = self.items.get(canonical_text(write.keys))
        if not holds(found, parameters):
            raise ChangedMeanwhileError
        if write.result is None:
            del self.items[canonical_text(write.keys)]
            self.wrote(found, None)
            return found
        left = canonical_image(updated(found or write.keys, parameters) if write.shown is not None else write.result)
        self.items[canonical_text(write.keys)] = left
        self.wrote(found, left)
        return left


def holds(found: Image | None, parameters: dict[str, Any]) -> bool:
    """Tell whether a condition holds for an item."""
    names, values = parameters["ExpressionAttributeNames"], parameters.get("ExpressionAttributeValues", {})
    for term in parameters["ConditionExpression"].split(" AND "):
        parsed = _TERM.fullmatch(term)
        assert parsed, term
        absent, name, value = parsed.groups()
        if (found or {}).get(names[absent or name]) != (None if absent else values[value]):
            return False
    return True


def updated(found: Image, parameters: dict[str, Any]) -> Image:
    """Return what an update leaves of an item."""
    names, values = parameters["ExpressionAttributeNames"], parameters.get("ExpressionAttributeValues", {})
    sets, _, removes = f" {parameters['UpdateExpression']}".partition(" REMOVE ")
    item = dict(found)
    for one in sets.strip().removeprefix("SET ").split(", ") if sets.strip() else ():
        name, _, value = one.partition(" = ")
        item[names[name]] = values[value]
    for name in removes.split(", ") if removes else ():
        item.pop(names[name], None)
    return item

"""Looks at one item closely: how it is now is read first, then all of its records, both consistently."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from audit_trail.aws.reading import Trail
from audit_trail.aws.verifying import Items, opened
from audit_trail.cli.tally import Tally
from audit_trail.core.chain import Chain, Circumstances, Live
from audit_trail.core.checks import Check, Finding, Outcome, known_image
from audit_trail.core.errors import ForeignItemError, NewerRecordError, TableTrailError
from audit_trail.core.history import Change, Order
from audit_trail.core.values import AttributeValue, Image, canonical_value


@dataclass(slots=True)
class Examined:
    """What came out."""

    tally: Tally
    bad: list[Finding] = field(default_factory=list)
    live: Live | None = None
    keys: Image | None = None

    @property
    def broken(self) -> bool:
        """Whether anything doesn't hold."""
        return any(found.outcome is Outcome.BROKEN for found in self.bad)


class Examiner:
    """Looks at items, from any thread."""

    def __init__(self, items: Items, trail: Trail, fetch: Callable[[str], bytes], circumstances: Circumstances) -> None:
        self._items = items
        self._trail = trail
        self._fetch = fetch
        self._circumstances = circumstances

    def examine(self, partition: AttributeValue, keys: Image | None, live: Live | None = None) -> Examined:
        """Check an item's records and the item itself; ``live`` is how it was the last time, where it's looked at again.

        :raises NewerRecordError: a newer version of Table Trail wrote one of the records.
        """
        keys = self._own(partition, keys)
        if live is None and keys is not None:
            image, at = self._items.live(keys)
            known = None if image is None else known_image(image)
            live = Live(None if known is None else known.digest, at)
        circumstances = self._circumstances if live is None else replace(self._circumstances, now=live.read_at)
        chain, order = Chain(circumstances, live), Order[Change]()
        examined = Examined(Tally(items=1), live=live, keys=keys)

        def note(findings: Any) -> None:
            examined.bad += examined.tally.note(findings)

        def check(change: Change) -> None:
            item, spoiled = opened(change.item, self._fetch)
            examined.tally.records += 1
            note(chain.add(replace(change, item=item), spoiled))

        for item in self._items.records(partition):
            try:
                change = Change.from_item(item)
            except NewerRecordError:
                raise
            except ForeignItemError as error:
                why = f"it is no audit record: {error.why}"
                note([Finding(Check.RECORD, Outcome.BROKEN, str(item.get("timestamp", {}).get("S", "")), why)])
                continue
            for one in order.push(change):
                check(one)
        for one in order.rest():
            check(one)
        note(chain.end())
        return examined

    def _own(self, partition: AttributeValue, keys: Image | None) -> Image | None:
        """Return the key of the item whose records lie in a partition, whatever the records say."""
        schema = self._trail.key_schema
        if schema.sort_key is None:
            return {schema.partition_key: partition}
        try:
            if keys is not None and canonical_value(schema.audit_partition_value(keys)) == canonical_value(partition):
                return keys
        except (TableTrailError, KeyError, TypeError, AttributeError, ValueError):
            pass
        return None

"""One item of which a Scan brings the records, one after the other."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from audit_trail.cli.ledger import identity
from audit_trail.cli.tally import Tally
from audit_trail.core.archive import timestamp_of
from audit_trail.core.chain import Live
from audit_trail.core.checks import Finding, Outcome
from audit_trail.core.copies import Copy, Differing, Found, agreed
from audit_trail.core.errors import MalformedItemError, NewerRecordError
from audit_trail.core.history import Change, Order
from audit_trail.core.values import AttributeValue, Image

if TYPE_CHECKING:
    from audit_trail.cli.whole_table import WholeTable


class Passing:
    """Checks an item's records, given in the order of their timestamps, between its archived ones where there are any."""

    def __init__(self, table: "WholeTable", partition: AttributeValue, read_at: Live) -> None:
        self._table = table
        self._partition = partition
        self._identity = identity(partition)
        self._order: Order[Change] = Order()
        self._chain = table.chain(self._identity, read_at)
        self._tally = Tally(items=1)
        self._keys: Image | None = None
        self._well = True
        self._archived = table.archived(self._identity)
        self._waiting = next(self._archived, None)

    def take(self, item: Image) -> None:
        """Take the next record of the audit table; one that is archived, too, counts once."""
        found: Found = Copy(item, self._table.audit_table)
        while self._waiting is not None and self._waiting.timestamp <= timestamp_of(item):
            if self._waiting.timestamp == timestamp_of(item):
                found = agreed([found, self._waiting])
            else:
                self._take(self._waiting)
            self._waiting = next(self._archived, None)
        self._take(found)

    def end(self) -> None:
        """End it: the table has no more records of it."""
        while self._waiting is not None:
            self._take(self._waiting)
            self._waiting = next(self._archived, None)
        for one in self._order.rest():
            self._check(one)
        self._note(self._chain.end())
        self._table.through(self._identity, self._partition, self._keys, self._tally, well=self._well)

    def _take(self, found: Found) -> None:
        if isinstance(found, Differing):
            self._well = False
            return
        try:
            change = Change.from_item(found.item)
        except NewerRecordError:
            raise  # what it proves isn't known here
        except MalformedItemError:
            self._well = False
            return
        for one in self._order.push(change):
            self._check(one)

    def _check(self, change: Change) -> None:
        whole, spoiled = self._table.opened(change)
        self._keys = self._keys or whole.item.get("keys", {}).get("M")
        self._tally.records += 1
        self._note(self._chain.add(whole, spoiled))

    def _note(self, findings: Iterator[Finding]) -> None:
        for found in self._tally.note(findings):
            if found.outcome is Outcome.BROKEN:
                self._well = False

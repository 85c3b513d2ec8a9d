"""Pages of `trail report`, made of stream records without any AWS."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from audit_trail.aws.reading import Trail
from audit_trail.cli.page import Page
from audit_trail.core.history import Change, newest_first
from audit_trail.core.records import RecordSettings, audit_item
from tests.builders import NOON, ORDER
from tests.html_document import parse
from tests.unit.fakes import numbered_record, order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit_trail.core.values import Image
    from tests.html_document import Element

SETTINGS = RecordSettings(ORDER, actor_attribute="updated_by", reason_attribute="why")
MADE = datetime(2026, 12, 1, 8, 30, tzinfo=UTC)
NEW = order(status="NEW", updated_by="checkout")
PAID = order(status="PAID", updated_by="billing", why="invoice 7")
RECORDS = [
    numbered_record(1, new=NEW, at=NOON),
    numbered_record(2, old=NEW, new=PAID, at=NOON + 61),
    numbered_record(3, old=PAID, at=NOON + 100_000),
]
MINUS, STEP = "\N{MINUS SIGN}", "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"


def stored(records: Sequence[dict[str, Any]]) -> list[Image]:
    """Return the audit records of stream records, for each test to spoil."""
    return [dict(audit_item(copy.deepcopy(record), SETTINGS)) for record in records]


def page(items: Sequence[Image], key: Image | None = None, table: str = "orders") -> Page:
    """Return the page of audit records."""
    changes = sorted(map(Change.from_item, items), key=lambda change: change.timestamp, reverse=True)
    trail = Trail(f"{table}-audit", table, ORDER, {"order_id": "N"}, "updated_by")
    return Page(trail, key or {"order_id": {"N": "123"}}, list(newest_first(changes)), MADE)


def written(items: Sequence[Image], **about: Any) -> str:
    """Return the page's HTML."""
    return b"".join(page(items, **about).chunks()).decode("utf-8")


def read(items: Sequence[Image], **about: Any) -> Element:
    """Return the page as it is parsed; it must be well-formed."""
    return parse(written(items, **about))


def change(old: Image | None, new: Image | None, **fields: Any) -> Element:
    """Return how the page shows one change."""
    return read(stored([numbered_record(1, old=old, new=new, **fields)])).one("article")


def rows(article: Element) -> list[list[str]]:
    """Return a change's table: the mark and the path, before, after."""
    cells = [[*row.all("th"), *row.all("td")] for row in article.one("tbody").all("tr")]
    return [[cell.words for cell in row] for row in cells]

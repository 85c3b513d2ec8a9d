"""Every command reads every page, and shows what it has before it asks for the next: thousands of pages, a real time."""

from __future__ import annotations

import io
import json
import re
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.aws import reading
from audit_trail.cli.context import Connection
from audit_trail.cli.main import app
from audit_trail.core.keys import KeySchema
from audit_trail.core.records import RecordSettings, audit_item
from tests.builders import NOON
from tests.unit import paged_client
from tests.unit.fakes import numbered_record, order
from tests.unit.paged_client import AUDIT_TABLE, PagedClient

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PAGES, PAGE = 2_000, 3
SETTINGS = RecordSettings(
    KeySchema("order_id"), actor_attribute="updated_by", time_index_shards=4, actor_index_shards=4
)
MINUTE = 60


class Output(io.StringIO):
    """Remembers how many pages were read when each line came."""

    def __init__(self, read: Callable[[], int]) -> None:
        super().__init__()
        self._read = read
        self.pages: list[int] = []

    def write(self, text: str) -> int:
        """Take text."""
        self.pages += [self._read()] * text.count("\n")
        return super().write(text)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> PagedClient:
    """Let the trail have thousands of changes, each two minutes after the one before: of one order, or of many."""
    monkeypatch.setattr("audit_trail.cli.clock.now", lambda: datetime(2026, 11, 24, 18, 0, tzinfo=UTC))
    changes = PAGES * PAGE
    records = []
    for number in range(1, changes + 1):
        at = NOON - 2 * MINUTE * (changes - number)
        new = order(123, n={"N": str(number)}, updated_by="mia")
        old = order(123, n={"N": str(number - 1)}, updated_by="mia") if number > 1 else None
        records.append(audit_item(numbered_record(number, old=old, new=new, at=at), SETTINGS))
    made = PagedClient(records, PAGE)
    found = replace(paged_client.trail(), approximate_records=changes)
    monkeypatch.setattr(Connection, "dynamodb", lambda *_: made)
    monkeypatch.setattr(reading, "find_trail", lambda *_: found)
    return made


def run(client: PagedClient, *words: str) -> tuple[list[dict[str, Any]], list[int]]:
    """Return what a command prints as JSON Lines, and how many pages were read when each line came."""
    output = Output(lambda: len(client.asked("query")) + len(client.asked("scan")))
    with redirect_stdout(output):
        app([*words, "--json", "--audit-table", AUDIT_TABLE], standalone_mode=False)
    return [json.loads(line) for line in output.getvalue().splitlines()], output.pages


def values(changes: list[dict[str, Any]]) -> list[int]:
    """Return the values that changes left."""
    return [change["new_image"]["n"] for change in changes]


def test_history(client: PagedClient) -> None:
    """`history` shows all changes of thousands of pages in order, the first after one page, and holds few back."""
    changes, pages = run(client, "history", "123")
    assert values(changes) == list(range(PAGES * PAGE, 0, -1))
    assert (pages[0], len(client.requests)) == (1, PAGES)
    assert all(read * PAGE - shown <= 2 * PAGE for shown, read in enumerate(pages))


@pytest.fixture
def hot(client: PagedClient, monkeypatch: pytest.MonkeyPatch) -> PagedClient:
    """Let one order have 1,000 changes within a minute, 200 records a page, but for the first small one."""
    records = []
    for number in range(1, 1_001):
        new = order(123, n={"N": str(number)})
        old = order(123, n={"N": str(number - 1)}) if number > 1 else None
        records.append(audit_item(numbered_record(number, old=old, new=new, at=NOON + number * 59 // 1_000), SETTINGS))
    made = PagedClient(records, 200)
    monkeypatch.setattr(Connection, "dynamodb", lambda *_: made)
    return made


def records_read(client: PagedClient) -> int:
    """Return how many records a client's queries may have read."""
    return sum(request.get("Limit", client.page) for request in client.asked("query"))


def test_a_hot_item_s_first_line_needs_one_small_page(hot: PagedClient) -> None:
    """Of 1,000 changes within a minute, the first comes after a page of 25 and one record a second, and no line waits."""
    output = Output(lambda: records_read(hot))
    with redirect_stdout(output):
        app(["history", "123", "--json", "--audit-table", AUDIT_TABLE], standalone_mode=False)
    assert [one["new_image"]["n"] for one in map(json.loads, output.getvalue().splitlines())] == list(
        range(1_000, 0, -1)
    )
    assert output.pages[0] <= 25 + 61
    assert all(read <= shown + 25 + 200 + 130 for shown, read in enumerate(output.pages))


def test_a_limit_reads_no_more_of_a_hot_item_than_it_needs(hot: PagedClient) -> None:
    """With --limit 5, of 1,000 changes within a minute a page of 25 is read, and one record of each second of a minute."""
    changes, _ = run(hot, "history", "123", "--limit", "5")
    assert values(changes) == [1_000, 999, 998, 997, 996]
    assert records_read(hot) <= 25 + 61
    assert all(request["Limit"] in (1, 25) for request in hot.asked("query"))


def test_history_stops_at_its_limit(client: PagedClient) -> None:
    """With --limit no page is read that isn't needed."""
    changes, _ = run(client, "history", "123", "--limit", "4")
    assert values(changes) == list(range(PAGES * PAGE, PAGES * PAGE - 4, -1))
    assert len(client.requests) == 2


def test_history_within_a_range(client: PagedClient) -> None:
    """A range reads the pages of that range, and no others."""
    changes, _ = run(client, "history", "123", "--since", "2026-11-24T11:00", "--until", "2026-11-24T11:20")
    assert len(changes) == 11
    assert len(client.requests) <= 5


def test_show(client: PagedClient) -> None:
    """`show` finds a change in the midst of thousands of pages by reading one."""
    [change], _ = run(client, "show", "123", "2026-11-24T10:00")
    assert change["timestamp"].startswith("2026-11-24T10:00:00.000Z")
    assert len(client.requests) == 1


def test_diff(client: PagedClient) -> None:
    """`diff` finds both moments in the midst of thousands of pages by reading one or two for each."""
    [line], _ = run(client, "diff", "123", "2026-11-20", "2026-11-24T10:00")
    assert line["a"]["exists"]
    assert len(client.requests) <= 4


def test_report(client: PagedClient, tmp_path: Path) -> None:
    """`report` has all changes of thousands of pages in order, each page read once."""
    file = tmp_path / "page.html"
    app(["report", "123", "-o", str(file), "--audit-table", AUDIT_TABLE], standalone_mode=False)
    page = file.read_text(encoding="utf-8")
    numbers = [int(number) for number in re.findall(r'<article[^>]* id="[^"]*?([0-9]+)"', page)]
    assert numbers == list(range(PAGES * PAGE, 0, -1))
    assert len(client.requests) == PAGES


def test_search(client: PagedClient) -> None:
    """`search` shows all changes of thousands of pages in order, the first of them after the first few."""
    changes, pages = run(client, "search", "--since", "30d")
    assert values(changes) == list(range(PAGES * PAGE, 0, -1))
    assert pages[0] <= 4 * 2
    assert len(client.asked("query")) >= PAGES
    assert all(read * PAGE - shown < 500 for shown, read in enumerate(pages) if shown < PAGES * PAGE // 2)


def test_search_that_finds_little(client: PagedClient) -> None:
    """A search that finds one change in thousands of pages shows it as soon as it is found, not when all are read."""
    changes, pages = run(client, "search", "--since", "30d", "--attribute", "n", "--operation", "INSERT")
    assert values(changes) == [1]
    assert len(client.asked("batch_get_item")) == 1
    client.requests.clear()
    changes, pages = run(
        client, "search", "--since", "30d", "--attribute", "/n", "--operation", "MODIFY", "--limit", "1"
    )
    assert (values(changes), len(client.asked("query"))) == ([PAGES * PAGE], pages[0])
    assert pages[0] <= 4 * 2


def test_search_by_actor(client: PagedClient) -> None:
    """By actor it's the same, without a query for each day."""
    changes, pages = run(client, "search", "--since", "30d", "--actor", "mia")
    assert values(changes) == list(range(PAGES * PAGE, 0, -1))
    assert pages[0] <= 4 * 2
    assert all(request["IndexName"] == "by_actor" for request in client.asked("query"))


def test_search_by_scan(client: PagedClient) -> None:
    """A scan reads every page of every segment, and shows all in order."""
    changes, _ = run(client, "search", "--since", "30d", "--scan")
    assert values(changes) == list(range(PAGES * PAGE, 0, -1))
    assert PAGES <= len(client.asked("scan")) <= PAGES + 8
    assert not client.asked("query")


def test_tail(client: PagedClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """`tail` reads every page of what it begins with, and shows all of it, the oldest first."""
    changes, _ = run(client, "tail", "--since", "2026-11-18", "--limit", "4500")
    first = values(changes)[0]
    assert values(changes) == list(range(first, first + 4_500))
    assert changes[0]["timestamp"].startswith("2026-11-18T00:00:00.000Z")

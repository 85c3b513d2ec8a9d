"""The page of `trail report` in a headless Chromium: its filters work, and everybody can read it, on paper too."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import Look
from tests.builders import NOON
from tests.report_pages import NEW, PAID, RECORDS, stored, written
from tests.unit.fakes import numbered_record, order

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser import Browser

DARK, PHONE, PAPER = Look(scheme="dark"), Look(width=320), Look(width=703, scheme="dark", media="print")
"""WCAG asks for 320 pixels without scrolling sideways; A4 less the page's margins is 703 wide."""

TEXT = "0123456789" * 50
HISTORY = [
    *RECORDS[:2],
    numbered_record(3, old=PAID, new=PAID | {"note": {"S": "ring twice at the second floor"}}, at=NOON + 62),
    numbered_record(
        4,
        old=PAID | {"note": {"S": "ring twice at the second floor"}},
        new=order(note="ring twice at the third floor", tags={"SS": ["a"]}) | {TEXT: {"S": TEXT}},
        at=NOON + 63,
    ),
    numbered_record(5, old=PAID, at=NOON + 100_000),
    numbered_record(6, new=NEW, at=NOON + 200_000),
]
"""Every operation, mark and outcome; the chain is broken before change 5."""

CONTRASTS = """(() => {
  const channels = (color) => { const found = color.match(/[\\d.]+/g).map(Number); return found.length < 4 ? [...found, 1] : found; };
  const behind = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) layers.push(channels(getComputedStyle(one).backgroundColor));
    return layers.reverse().reduce((under, [r, g, b, a]) => [r, g, b].map((top, i) => top * a + under[i] * (1 - a)), [255, 255, 255]);
  };
  const light = (color) => color.slice(0, 3).map((one) => one / 255)
    .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4))
    .reduce((sum, one, i) => sum + one * [0.2126, 0.7152, 0.0722][i], 0);
  const ratio = (one, other) => { const [low, high] = [light(one), light(other)].sort((a, b) => a - b); return (high + 0.05) / (low + 0.05); };
  const found = {};
  const note = (kind, element, color, under) => {
    const key = `${kind} ${element.tagName} ${element.className} in ${element.parentElement.className}`;
    found[key] = Math.min(found[key] ?? 99, ratio(channels(color), under));
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (texts.currentNode.data.trim() && element.checkVisibility())
      note("text", element, getComputedStyle(element).color, behind(element));
  }
  for (const element of document.querySelectorAll(".quoted"))
    note("quote", element, getComputedStyle(element, "::before").color, behind(element));
  for (const element of document.querySelectorAll("select, button"))
    note("border", element, getComputedStyle(element).borderTopColor, behind(element.parentElement));
  for (const element of document.querySelectorAll("a, summary, select, button, input, pre")) {
    if (!element.checkVisibility()) continue;
    element.focus();
    note("focus", element, getComputedStyle(element).outlineColor, behind(element.parentElement));
  }
  return found;
})()"""

SHOWN = "[...document.querySelectorAll('article')].filter((one) => one.checkVisibility()).map((one) => one.id)"
STATUS = "document.querySelector('[role=status]').textContent"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the address of a page."""
    path: Path = tmp_path_factory.mktemp("report") / "page.html"
    path.write_text(written(stored(HISTORY)), encoding="utf-8")
    return path.as_uri()


def ids(*numbers: int) -> list[str]:
    """Return the ids of changes."""
    return [f"change-{number}" for number in numbers]


def test_the_filters_work_from_the_keyboard(browser: Browser, address: str) -> None:
    """Keys alone filter by operation, attribute and actor, together too, and take all of it back."""
    with browser.tab(address) as tab:
        assert tab.evaluate(SHOWN) == ids(6, 5, 4, 3, 2, 1)
        focus_on(tab, "input")
        tab.press(" ")
        assert (tab.evaluate(SHOWN), tab.evaluate(STATUS)) == (
            ids(5, 4, 3, 2),
            "4 of 6 changes match the filters; times are UTC.",
        )
        focus_on(tab, "attribute")
        tab.press("n")
        assert tab.evaluate(SHOWN) == ids(4, 3)
        focus_on(tab, "actor")
        tab.press("b")
        assert tab.evaluate(SHOWN) == ids(3)
        assert tab.evaluate("[...document.querySelectorAll('h3')].filter((one) => one.checkVisibility()).length") == 1
        focus_on(tab, "button")
        tab.press("Enter")
        tab.settle()
        assert (tab.evaluate(SHOWN), tab.evaluate(STATUS)) == (
            ids(6, 5, 4, 3, 2, 1),
            "6 changes, newest first; times are UTC.",
        )


def focus_on(tab: Any, what: str) -> None:
    """Press Tab until the focus is on a control, by its id or its element's name."""
    at = "[document.activeElement.id, document.activeElement.localName]"
    for _ in range(100):
        if what in tab.evaluate(at):
            return
        tab.press("Tab")
    pytest.fail(f"Tab never leads to {what}")


def test_changes_that_name_nobody_can_be_asked_for(browser: Browser, address: str) -> None:
    """The actor's filter finds the changes that name nobody."""
    with browser.tab(address) as tab:
        focus_on(tab, "actor")
        tab.press("n")
        assert tab.evaluate(SHOWN) == ids(5, 4)


def test_a_change_that_may_have_touched_anything_is_never_hidden(browser: Browser, tmp_path: Path) -> None:
    """Where it isn't known what a change touched, a filter by attribute leaves it visible."""
    unknown = numbered_record(2, old=NEW, new=PAID, at=NOON + 1)
    del unknown["dynamodb"]["OldImage"], unknown["dynamodb"]["NewImage"]
    path = tmp_path / "page.html"
    path.write_text(written(stored([RECORDS[0], unknown, numbered_record(3, new=order(zip="1"))])), encoding="utf-8")

    with browser.tab(path.as_uri()) as tab:
        focus_on(tab, "attribute")
        tab.press("z")
        assert sorted(tab.evaluate(SHOWN)) == ids(2, 3)


def test_a_link_leads_to_a_change_that_filters_hide(browser: Browser, address: str) -> None:
    """A finding's link shows its change, whatever the filters were."""
    with browser.tab(address) as tab:
        tab.evaluate("document.querySelectorAll('input').forEach((box) => box.click())")
        assert tab.evaluate(SHOWN) == []
        tab.evaluate("document.querySelector('.reason a').click()")
        tab.settle()
        assert tab.evaluate(SHOWN) == ids(6, 5, 4, 3, 2, 1)
        assert tab.evaluate("document.querySelector('article:target').getBoundingClientRect().top < innerHeight")


def test_every_control_is_reached_and_shows_it(browser: Browser, address: str) -> None:
    """Tab reaches every link, control and record in the page's order, and what has the focus is outlined."""
    every = "[...document.querySelectorAll('a, input, select, button, summary')]"
    with browser.tab(address) as tab:
        wanted = tab.evaluate(f"{every}.map((one, place) => (one.dataset.place = place, one.outerHTML))")
        reached = []
        for _ in wanted:
            tab.press("Tab")
            reached.append(tab.evaluate("Number(document.activeElement.dataset.place)"))
            outline = tab.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline == "solid", tab.evaluate("document.activeElement.outerHTML")
    assert reached == list(range(len(wanted)))


def test_a_record_opens_and_scrolls_by_keys(browser: Browser, address: str) -> None:
    """Enter on a change's summary opens its record, and Tab leads into it, so that keys scroll it."""
    with browser.tab(address) as tab:
        focus_on(tab, "summary")
        tab.press("Enter")
        assert tab.evaluate("document.querySelector('details').open")
        tab.press("Tab")
        assert tab.evaluate("document.activeElement.localName") == "pre"
        assert "record of change 6" in tab.evaluate("document.activeElement.getAttribute('aria-label')")


@pytest.mark.parametrize("look", [Look(), DARK, PHONE, PAPER], ids=["light", "dark", "narrow", "print"])
def test_everything_has_contrast(browser: Browser, address: str, look: Look) -> None:
    """Every text has a contrast of 4.5 to 1 on what lies behind it, borders of controls and the focus 3 to 1 (AA)."""
    with browser.tab(address, look) as tab:
        tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        contrasts = tab.evaluate(CONTRASTS)

    assert len(contrasts) > 30
    assert {kind.split(" ", 1)[0] for kind in contrasts} >= {"text", "quote", "border", "focus"}
    poor = {
        kind: ratio for kind, ratio in contrasts.items() if ratio < (4.5 if kind.startswith(("text", "quote")) else 3)
    }
    assert poor == {}


@pytest.mark.parametrize("look", [Look(), PHONE, PAPER], ids=["wide", "narrow", "print"])
def test_nothing_is_wider_than_the_page(browser: Browser, address: str, look: Look) -> None:
    """No name and no value, however long, makes the page scroll sideways, on a phone and on paper neither."""
    wide = (
        "[...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > innerWidth + 1)"
    )
    with browser.tab(address, look) as tab:
        tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert tab.evaluate("document.documentElement.scrollWidth") <= look.width
        assert tab.evaluate(f"{wide}.map((one) => one.outerHTML.slice(0, 200))") == []


@pytest.mark.parametrize("look", [Look(), PHONE], ids=["wide", "narrow"])
def test_before_and_after_stand_side_by_side(browser: Browser, address: str, look: Look) -> None:
    """Both sides of a difference are equally wide and beside each other, at the same place in every change."""
    heads = "[...document.querySelectorAll('thead')].map((one) => [...one.querySelectorAll('th')].slice(1).map({}))"
    with browser.tab(address, look) as tab:
        places = tab.evaluate(heads.format("(cell) => Math.round(cell.getBoundingClientRect().left)"))
        widths = tab.evaluate(heads.format("(cell) => Math.round(cell.getBoundingClientRect().width)"))

    assert len({tuple(one) for one in places}) == 1
    assert places[0][0] + widths[0][0] == pytest.approx(places[0][1], abs=1)
    assert widths[0][0] == pytest.approx(widths[0][1], abs=1)


def test_without_scripts_every_change_shows(browser: Browser, address: str) -> None:
    """Where scripts don't run, all changes show, the filters don't, and records open all the same."""
    visible = "[...document.querySelectorAll('{}')].map((one) => one.checkVisibility())"
    with browser.tab(address, Look(scripts=False)) as tab:
        assert tab.evaluate(visible.format("article, article table, summary")) == [True] * 18
        assert tab.evaluate(visible.format("form")) == [False]
        focus_on(tab, "summary")
        tab.press("Enter")
        assert tab.evaluate(visible.format("pre")) == [True] + [False] * 5


def test_the_page_has_no_complaints(browser: Browser, address: str) -> None:
    """The browser reports no error, no violation of the page's policy and no request."""
    with browser.tab(address) as tab:
        tab.settle()
        assert tab.requests() == []
        assert tab.events("Log.entryAdded") + tab.events("Runtime.exceptionThrown") == []


@pytest.mark.parametrize("look", [Look(), PHONE], ids=["wide", "narrow"])
def test_what_readers_of_screens_are_told(browser: Browser, address: str, look: Look) -> None:
    """Tables stay tables for assistive technology however narrow, and every control and landmark has its name."""
    with browser.tab(address, look) as tab:
        nodes = tab.call("Accessibility.getFullAXTree")["nodes"]
    told = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node.get("ignored")]
    roles = [role for role, _ in told]

    assert roles.count("table") == 6
    assert roles.count("rowheader") == 3 + 3 + 1 + 6 + 4 + 3
    assert ("heading", "order_id 123") in told
    assert [name for role, name in told if role == "checkbox"] == ["INSERT 2", "MODIFY 3", "REMOVE 1"]
    assert [name for role, name in told if role == "combobox"] == ["Attribute", "Actor"]
    assert ("form", "Filter the changes") in told
    assert [name for role, name in told if role == "article"][-1] == "INSERT 12:00:00 by checkout change 1"
    assert ("region", "What was verified") in told
    assert ("status", "") in told


def test_the_page_prints(browser: Browser, address: str) -> None:
    """On paper it is light whatever the screen is, without the filters and closed records, and says what it leaves out."""
    displayed = "getComputedStyle(document.querySelector('{}')).display"
    with browser.tab(address, PAPER) as tab:
        assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert [tab.evaluate(displayed.format(one)) for one in ("form", ".skip", "details")] == ["none"] * 3
        tab.evaluate("document.querySelectorAll('input')[0].click()")
        assert tab.evaluate(displayed.format("[role=status]")) == "block"
        assert tab.evaluate(STATUS).startswith("4 of 6 changes")

        open_records = (
            "[...document.querySelectorAll('details')].map((one) => (one.open = true, one.querySelector('pre')))"
        )
        cut = f"{open_records}.filter((one) => one.scrollHeight > one.clientHeight).length"
        assert tab.evaluate(cut) == 0

    with browser.tab(address) as tab:
        assert tab.evaluate(cut) > 0, "on a screen, a long record scrolls"
    with browser.tab(address) as tab:
        printed = tab.pdf()
        tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert pages(tab.pdf()) > pages(printed) > 1


def pages(printed: bytes) -> int:
    """Return how many pages a PDF has."""
    assert printed.startswith(b"%PDF-")
    return len(re.findall(rb"/Type\s*/Page\b", printed))

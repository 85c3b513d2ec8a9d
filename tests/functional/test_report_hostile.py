"""The page of `trail report` in a headless Chromium: what strangers stored is shown, and never acts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import ProtocolError
from tests.builders import NOON
from tests.listener import listening
from tests.report_pages import RECORDS, stored, written
from tests.unit.fakes import numbered_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from audit_trail.core.values import Image
    from tests.browser import Browser, Tab
    from tests.listener import Listener

NAVIGATION = {"refresh"}
"""What no policy of a page's own forbids: escaping is all that stops it."""
HARMLESS = {"address", "comment", "escaped", "template", "nulls"}
"""What is harmless as markup too, where the page has it."""
POLICY = 'http-equiv="Content-Security-Policy"'


@pytest.fixture
def listener() -> Iterator[Listener]:
    """Give a server that no page may ask for anything."""
    with listening() as found:
        yield found


def payloads(url: str) -> dict[str, str]:
    """Return texts that set a mark, change the title or ask `url`, if anything of them is taken for more than text."""
    act = f"document.title='owned';window.owned=1;fetch('{url}/fetched');new Image().src='{url}/image'"
    script = f"<script>{act}</script>"
    return {
        "script": script,
        "script's end": f"</script>{script}",
        "style's end": f"</style>{script}",
        "title's end": f"</title>{script}",
        "record's end": f"</pre></details></article>{script}",
        "image": f'"><img src="{url}/source" onerror="{act}">',
        "image, other quotes": f'\'><img src={url}/source onerror="{act}">',
        "svg": f'"><svg onload="{act}">',
        "attribute": f'" autofocus onfocus="{act}" tabindex=0 x="',
        "frames": f'<iframe src="{url}/frame"></iframe><iframe srcdoc="<script>parent.owned=1</script>"></iframe>',
        "style": f"<link rel=stylesheet href={url}/style><style>@import '{url}/import';</style>",
        "refresh": f'<meta http-equiv=refresh content="0;url={url}/refreshed">',
        "base and link": f'<base href="{url}/"><a href="javascript:{act}" id=change-1>change 1</a>',
        "address": f"javascript:{act}",
        "form": f"<form action={url}/form><input name=q autofocus><button>Show all</button></form>",
        "details": f'<details open ontoggle="{act}"><summary>Stream record</summary></details>',
        "comment": f"<!--<img src={url}/comment>--><![CDATA[",
        "escaped": f"&lt;script&gt;{act}&lt;/script&gt; &#60;script&#62;",
        "template": "{{ 7 * 7 }}{% raw %}",
        "turned around": f"\u202e{script}\u2066",
        "nulls": f"\x00<scr\x00ipt>{act}</script>",
        "surrogates": f"\ud800{script}\udfff",
        "400 KB": script + "x" * 390_000,
    }


def everywhere(texts: Iterable[str]) -> list[dict[str, Any]]:
    """Return stream records with these texts as attribute names, values, names and values inside, actor and reason."""
    records: list[dict[str, Any]] = []
    for text in texts:
        value, short = {"S": text}, text[:900]
        old: Image = {short: value, "m": {"M": {short: value}}, "updated_by": {"S": short}, "why": {"S": short}}
        new: Image = {f"{short}2": value, "m": {"M": {short: {"L": [value, {"SS": [text]}]}}}, "changed": value}
        changes: list[tuple[Image | None, Image | None]] = [(None, old), (old, new), (new, old), (old, None)]
        for before, after in changes:
            number = len(records) + 1
            records.append(
                numbered_record(number, old=before, new=after, keys={"order_id": {"N": "123"}}, at=NOON + number)
            )
    return records


def acted(tab: Tab, listener: Listener) -> dict[str, Any]:
    """Return every sign of something having acted, after opening, following and pressing all that can be."""
    try:
        for name, act in (
            ("details", "open = true"),
            ("[tabindex]", "focus()"),
            ("a", "click()"),
            ("button", "click()"),
        ):
            tab.evaluate(f"document.querySelectorAll('{name}').forEach((one) => {{ one.{act}; }})")
        tab.press("Tab", "Enter", "Tab", "Tab", "Enter")
        tab.settle()
        signs = {
            "mark": tab.evaluate("window.owned"),
            "title": tab.evaluate("document.title") == "owned",
            "address": tab.evaluate("location.href").partition("#")[0] != tab.url,
            "requests": tab.requests(),
            "violations": [event["entry"]["text"] for event in tab.events("Log.entryAdded")],
            "errors": tab.events("Runtime.exceptionThrown"),
            "dialogs": tab.events("Page.javascriptDialogOpening"),
            "downloads": tab.events("Page.downloadWillBegin"),
        }
    except ProtocolError:
        signs = {"address": True}
    return {name: sign for name, sign in (signs | {"asked": listener.asked}).items() if sign}


def saved(folder: Path, page: str) -> str:
    """Save a page and return its address."""
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    return path.as_uri()


def test_nothing_that_was_stored_acts(browser: Browser, listener: Listener, tmp_path: Path) -> None:
    """No text, whether a value, a name, an actor, a reason or a key, runs, asks for anything, or leads anywhere."""
    records = everywhere(payloads(listener.url).values())
    key = {"order_id": {"S": payloads(listener.url)["script"]}}

    with browser.tab(saved(tmp_path, written(stored(records), key=key))) as tab:
        assert acted(tab, listener) == {}
        assert tab.evaluate("document.querySelectorAll('script').length") == 1
        assert tab.evaluate("document.querySelectorAll('img, iframe, svg, base, link, form form').length") == 0
        assert tab.evaluate("document.querySelectorAll('article').length") == len(records)


def test_the_browser_has_each_record_equal(browser: Browser, listener: Listener, tmp_path: Path) -> None:
    """What a browser reads out of the page is each stream record, equal in every character of the hostile texts."""
    records = everywhere(payloads(listener.url).values())

    with browser.tab(saved(tmp_path, written(stored(records)))) as tab:
        found = tab.evaluate("[...document.querySelectorAll('pre')].map((one) => one.textContent)")

    assert [json.loads(text) for text in reversed(found)] == records


@pytest.mark.parametrize("name", [name for name in payloads("") if name not in NAVIGATION])
def test_the_policy_alone_would_hold(browser: Browser, listener: Listener, tmp_path: Path, name: str) -> None:
    """Were a text ever taken for markup, the page's policy would still let nothing run and nothing be fetched."""
    page = unescaped(payloads(listener.url)[name])
    assert POLICY in page

    with browser.tab(saved(tmp_path, page)) as tab:
        signs = acted(tab, listener)

    assert not signs.keys() - {"violations", "requests", "errors"}, signs


@pytest.mark.parametrize("name", payloads(""))
def test_the_traps_would_go_off(browser: Browser, listener: Listener, tmp_path: Path, name: str) -> None:
    """Without escaping and policy, the same texts do act, and are seen to: the tests above could fail."""
    page = unescaped(payloads(listener.url)[name]).replace(POLICY, 'name="none"')

    with browser.tab(saved(tmp_path, page)) as tab:
        signs = acted(tab, listener)

    assert bool(signs) == (name not in HARMLESS), signs


def unescaped(payload: str) -> str:
    """Return a page where a text was put as it is, in the place of a name and inside an attribute."""
    page = written(stored([*RECORDS, numbered_record(7, new={"PUT": {"S": "HERE"}}, at=NOON + 200_000)]))
    assert "<bdi>PUT</bdi>" in page
    text = payload.encode("utf-8", "replace").decode("utf-8")
    return page.replace("<bdi>PUT</bdi>", f"<bdi>{text}</bdi>").replace('data-actor="0"', f'data-actor="{text}"')

"""The page of `trail report`: what was verified, and how it is built."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from fnmatch import fnmatch
from importlib.metadata import version
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING

from scripts import build_zip
from scripts.project import ROOT
from tests.builders import ARN, NOON
from tests.html_document import parse
from tests.report_pages import RECORDS, read, stored, written
from tests.unit.fakes import numbered_record, order

if TYPE_CHECKING:
    from tests.html_document import Element


def facts(root: Element) -> dict[str, str]:
    """Return all terms and what the page says of them."""
    return {one.one("dt").words: one.one("dd").words for one in root.one("main").all("div") if one.all("dt")}


def test_a_whole_history_is_said_to_hold() -> None:
    """The page says what was verified, of how many, from when to when, of which table and stream, and who made it."""
    root = read(stored(RECORDS))

    assert [one.words for one in root.all("li")] == [
        "✓Holds: The records begin where the item does: 1 of 1.",
        "✓Holds: Each record's old digest is the new digest of the record before it, in the same stream: 2 of 2.",
        "✓Holds: Each record's parts agree with each other: 3 of 3.",
        "✓Holds: Each record's images can be read: 3 of 3.",
        "✓Holds: Each image is the one that its digest (SHA-256) was made of: 4 of 4.",
        "✓Holds: Each diff leads from the old image to the new one: 1 of 1.",
    ]
    assert root.one("dl", class_="facts").one("a").words == "✓ all holds"
    about = facts(root)
    assert about["Records"] == "3"
    assert about["Range"] == "2026-11-24 12:00:00 UTC to 2026-11-25 15:46:40 UTC"
    assert (about["Source table"], about["Audit table"]) == ("orders", "orders-audit")
    assert about["Stream"] == f"{ARN} 3 records"
    assert about["Made"] == f"2026-12-01 08:30:00 UTC by Table Trail {version('table-trail')}"


def test_what_does_not_hold_leads_to_its_change() -> None:
    """A broken check says how many hold and why the others don't, links to them, and is said at the change too."""
    items = stored(RECORDS)
    items[1]["new_image"]["M"]["status"] = {"S": "FREE"}
    root = read(items)

    assert root.one("dl", class_="facts").one("a").words == "✗ 2 checks do not hold"
    broken = root.all("li", class_="broken")
    assert len(broken) == 2
    assert broken[0].words.startswith(
        "✗Does not hold: Each image is the one that its digest (SHA-256) was made of: 3 of 4."
    )
    assert [link.attributes["href"] for one in broken for link in one.all("a")] == ["#change-2", "#change-2"]
    failed = [one.words for one in root.one("article", id="change-2").all("p", class_="failed")]
    assert len(failed) == 2
    assert failed[0] == "✗ Does not hold: the new image is not the one that its digest was made of."
    assert not root.one("article", id="change-1").all("p", class_="failed")


def test_what_cannot_be_told_is_no_failure() -> None:
    """A history that begins late is neither said to hold nor to be broken."""
    root = read(stored(RECORDS[1:]))

    assert root.one("dl", class_="facts").one("a").words == "✓ nothing broken, 1 can't be told"
    assert root.one("li", class_="unknown").words.startswith(
        "?Can't be told: The records begin where the item does: 0 of 1."
    )


def test_many_failures_are_counted() -> None:
    """A reason links to fifty changes at most, and counts the others."""
    items = stored([numbered_record(number, new=order(), at=NOON + number) for number in range(1, 62)])
    reason = read(items).one("li", class_="broken").one("p", class_="reason")

    assert len(reason.all("a")) == 50
    assert "and 10 more" in reason.words


def test_the_filters_know_what_each_change_touched() -> None:
    """Each change carries its operation, and by numbers its actor and attributes, as the filters offer them."""
    root = read(stored(RECORDS))
    form = root.one("form")

    assert [one.attributes["value"] for one in form.all("input")] == ["INSERT", "MODIFY", "REMOVE"]
    names = {one.attributes["value"]: one.words for one in form.one("select", name="attribute").all("option")}
    assert names == {"": "any", "0": "order_id (2)", "1": "status (3)", "2": "updated_by (3)", "3": "why (2)"}
    actors = {one.attributes["value"]: one.words for one in form.one("select", name="actor").all("option")}
    assert actors == {"": "any", "0": "billing (1)", "1": "checkout (1)", "none": "nobody named (1)"}
    told = [
        tuple(one.attributes[f"data-{name}"] for name in ("operation", "actor", "attributes"))
        for one in root.all("article")
    ]
    assert told == [("REMOVE", "none", "0 1 2 3"), ("MODIFY", "0", "1 2 3"), ("INSERT", "1", "0 1 2")]


def test_the_policy_allows_its_own_style_and_script_alone() -> None:
    """The page's policy allows nothing but the style sheet and the script that it holds, by their digests."""
    page = written(stored(RECORDS))
    root = parse(page)
    policy = root.one("meta", http_equiv="Content-Security-Policy").attributes["content"]
    texts = {tag: root.one(tag).text for tag in ("style", "script")}
    sources = {tag: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for tag, text in texts.items()}

    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{sources['style']}'",
        f"script-src 'sha256-{sources['script']}'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_nothing_in_the_page_can_act_or_be_fetched() -> None:
    """No element of the page has a handler, a style of its own, an address, or a link that leads out of it."""
    names = {name for one in read(stored(RECORDS)).all() for name in one.attributes}

    assert not {name for name in names if name.startswith("on")}
    assert not names & {"style", "src", "srcset", "action", "formaction", "data", "poster", "srcdoc", "ping"}
    assert "url(" not in template("report.css")
    assert "@import" not in template("report.css")


def test_headings_lead_through_the_page() -> None:
    """The page has one first heading, and no level is left out below it; its language is told."""
    root = read(stored(RECORDS))

    levels = [int(one.tag[1]) for one in root.all() if re.fullmatch(r"h[1-6]", one.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert root.attributes["lang"] == "en"


def test_every_control_has_its_label() -> None:
    """Each check box lies in its label, each list has one, and each group and table has its name."""
    form = read(stored(RECORDS)).one("form")
    inside = [box for label in form.all("label") for box in label.all("input")]
    named = {label.attributes.get("for") for label in form.all("label")}

    assert inside == form.all("input")
    assert {one.attributes["id"] for one in form.all("select")} <= named
    assert form.one("legend").words == "Operation"
    assert all(one.all("caption") for one in read(stored(RECORDS)).all("table"))


def test_tables_say_what_they_are() -> None:
    """Each part of a table carries its role, for browsers that forget it where a style sheet lays the table out anew."""
    root = read(stored(RECORDS))
    roles = {"table": "table", "thead": "rowgroup", "tbody": "rowgroup", "tr": "row", "td": "cell"}

    assert {one.tag: one.attributes["role"] for one in root.all() if one.tag in roles} == roles
    assert {one.attributes["role"] for one in root.one("main").all("th")} == {"columnheader", "rowheader"}


def test_nothing_moves() -> None:
    """The style sheet has no animation and no transition, so that nobody needs to ask for less motion."""
    assert not re.search(r"animation|transition|smooth", template("report.css"))


def test_without_scripts_everything_shows() -> None:
    """What a script would make visible or work, the filters, is hidden without one, and nothing else is."""
    hidden = [one for one in read(stored(RECORDS)).all() if "hidden" in one.attributes]

    assert [one.attributes["id"] for one in hidden] == ["filters"]


def test_the_templates_are_packaged_with_trail_and_not_with_the_function() -> None:
    """The templates' folder is in the package's data, and out of the Lambda zip as the whole command line is."""
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    [listed] = re.findall(r'^"audit_trail.cli" = (\[.*\])$', pyproject, re.MULTILINE)
    folder = files("audit_trail.cli")
    names = [one.name for one in (folder / "templates").iterdir()]

    assert {"report.html.j2", "report.css", "report.js"} <= set(names)
    assert all(any(fnmatch(f"templates/{name}", pattern) for pattern in json.loads(listed)) for name in names)
    assert not [name for name in build_zip.sources(ROOT / "handler", ROOT / "nowhere") if "templates" in name]


def template(name: str) -> str:
    """Return one of the page's parts."""
    return (files("audit_trail.cli") / "templates" / name).read_text(encoding="utf-8")

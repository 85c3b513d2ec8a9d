"""The page of `trail report`: how it shows values, and characters that can't be seen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.report_pages import change, read, rows, stored
from tests.unit.fakes import numbered_record, order

if TYPE_CHECKING:
    from audit_trail.core.values import Image

LONG = "many words make a long text " * 100


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"N": "12345678901234567890123456789012345678"}, "12345678901234567890123456789012345678 number"),
        ({"N": "1.50"}, "1.5 number"),
        ({"B": "AAE="}, '"AAE=" binary, base64'),
        ({"NULL": True}, "null null"),
        ({"BOOL": False}, "false boolean"),
        ({"S": ""}, "string"),
        ({"SS": ["a"]}, '["a"] string set'),
        ({"NS": ["1", "2.50"]}, "[1, 2.5] number set"),
        ({"BS": ["AAE="]}, '["AAE="] binary set, base64'),
        ({"L": [{"NULL": True}, {"BOOL": True}, {"N": "1"}, {"S": "1"}]}, '[null, true, 1, "1"] list'),
        ({"M": {"a": {"L": []}, "b": {"M": {}}}}, '{"a": [], "b": {}} map'),
    ],
)
def test_every_type_is_shown_by_its_name(value: Any, shown: str) -> None:
    """Values of all ten types are shown with their type; numbers have every digit."""
    assert rows(change(order(), order(x=value))) == [["+added x", "—", shown]]


def test_only_the_words_that_differ_are_marked() -> None:
    """Of two texts that have much in common, the words that differ are marked as deleted and inserted."""
    article = change(order(x="ring twice at the second floor"), order(x="ring twice at the third floor"))

    assert [one.text for one in article.all("del")] == ["second"]
    assert [one.text for one in article.all("ins")] == ["third"]
    assert rows(article)[0][1:] == [f"ring twice at the {word} floor string" for word in ("second", "third")]


@pytest.mark.parametrize(
    ("old", "new", "deleted", "inserted"),
    [
        ("the same words and a few", "the same words and a few more", "", " more"),
        ("0123456789 0123456789 x", "0123456789 0123456789 ", "x", ""),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa2", "1", "2"),
        ("a a a a a a a a a a a a a a", "a a a a a a a a a a a a a", " a", ""),
    ],
)
def test_marks_leave_nothing_out(old: str, new: str, deleted: str, inserted: str) -> None:
    """However two texts overlap, each side's text is whole, and what is marked is what differs."""
    article = change(order(x=old), order(x=new))

    assert [article.one("td", class_=side).one("bdi").text for side in ("before", "after")] == [old, new]
    marked = [[one.text for one in article.all(tag)] for tag in ("del", "ins")]
    assert marked == [[text] if text else [] for text in (deleted, inserted)]


def test_long_values_are_cut_and_the_record_has_them_whole() -> None:
    """A value of 400 KB is shown by its beginning and the number of characters left out; its record has all of it."""
    text = "x" * 400_000
    record = numbered_record(1, new=order(x=text))
    article = read(stored([record])).one("article")

    assert rows(article)[1][2] == f"{'x' * 1_500}… 398,500 more characters, in the record below string"
    assert json.loads(article.one("pre").text) == record


def test_what_long_texts_have_in_common_is_left_out() -> None:
    """Of two long texts, what is far from the difference is left out, and said to be."""
    article = change(order(x=f"{LONG}old {LONG}"), order(x=f"{LONG}new {LONG}"))

    cells = article.all("td")
    assert [one.text for cell in cells for one in cell.all("del") + cell.all("ins")] == ["old", "new"]
    for cell in cells:
        shown = cell.one("bdi").text
        assert shown.startswith("…")
        assert shown.endswith("…")
        left_out = 2 * len(LONG) + len("old ") - (len(shown) - 2)
        assert f"{left_out:,} more characters" in cell.words


@pytest.mark.parametrize("place", ["value", "inside", "attribute", "actor", "reason", "key", "table", "last writer"])
@pytest.mark.parametrize(
    ("hidden", "shown"),
    [
        ("\x00", r"\u0000"),
        ("\x1b[31m", r"\u001b[31m"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\udb40\udc41"),
        ("\ufeff", r"\ufeff"),
        ("\xa0", r"\u00a0"),
        ("\t", r"\t"),
    ],
    ids=ascii,
)
def test_what_cannot_be_seen_is_spelled_out(place: str, hidden: str, shown: str) -> None:
    """Controls, turned writing, lone surrogates and invisible characters are spelled out, wherever they stand."""
    text, written_out = f"a{hidden}b", f"a{shown}b"
    images: dict[str, tuple[Image | None, Image | None]] = {
        "value": (None, order(x=text)),
        "inside": (None, order(x={"L": [{"M": {text: {"S": text}}}]})),
        "attribute": (None, order() | {text: {"S": ""}}),
        "actor": (None, order(updated_by=text)),
        "reason": (None, order(why=text)),
        "last writer": (order(updated_by=text), None),
    }
    old, new = images.get(place, (None, order()))
    key = {"order_id": {"S": text}} if place == "key" else None
    root = read(stored([numbered_record(1, old=old, new=new)]), key=key, table=text if place == "table" else "orders")

    assert written_out in root.text


def test_lines_of_a_text_stay_lines_and_a_name_has_none() -> None:
    """A line break shows in a value, and is spelled out in a name, which would look like two otherwise."""
    article = change(None, order() | {"a\nb": {"S": "c\nd"}})

    assert "\nd" in article.all("td")[1].text
    assert rows(article)[0][0] == r"+added a\nb"

"""The strict reader of HTML: what it takes and what it refuses."""

from __future__ import annotations

import pytest

from tests.html_document import IllFormedError, parse


def page(body: str) -> str:
    """Return a page with that body."""
    return f'<!DOCTYPE html>\n<html lang="en"><head><title>t</title></head><body>{body}</body></html>\n'


def test_a_page_is_read() -> None:
    """Elements are found by tag, class and attribute, with their text."""
    read = parse(page('<p class="a b" id="x">one &lt;two&gt; &#39;</p><p><a href="#x">up</a></p><input>'))

    assert read.one("p", class_="b").text == "one <two> '"
    assert read.one("a", href="#x").words == "up"


@pytest.mark.parametrize(
    "body",
    [
        "<p>",
        "</p>",
        "<p><b></p></b>",
        "a < b",
        "a & b",
        "a > b",
        "<p><p></p></p>",
        "<p><div></div></p>",
        '<p id="a"></p><p id="a"></p>',
        '<p id="a" id="b"></p>',
        '<a href="#nowhere">a</a>',
        '<a href="https://example.com">a</a>',
        '<label for="nowhere">a</label>',
        "<!-- a -->",
        "<br/>",
        "\x00",
        "\x85",
        "\u202e",
        "\ufeff",
    ],
)
def test_what_a_browser_would_repair_is_refused(body: str) -> None:
    """Unclosed and misplaced tags, bare characters, double or dangling ids and hidden characters are errors."""
    with pytest.raises(IllFormedError):
        parse(page(body))


def test_a_page_without_its_type_is_refused() -> None:
    """A page that a browser would show in quirks mode is an error."""
    with pytest.raises(IllFormedError, match="type"):
        parse(page("").removeprefix("<!DOCTYPE html>"))

"""Reads an HTML page strictly: what a browser would have to guess at or repair is an error here.

The rules are those of https://html.spec.whatwg.org/multipage/syntax.html that a page like ours can break.
"""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

VOID = frozenset({"meta", "input", "br", "hr", "img", "link"})
_RAW = frozenset({"script", "style"})
_REFERENCES = ("for", "aria-labelledby", "aria-describedby", "aria-controls")
_PHRASING_ONLY = frozenset(
    {"p", "h1", "h2", "h3", "h4", "summary", "pre", "legend", "label", "span", "bdi", "ins", "del"}
)
_BLOCKS = frozenset(
    {"p", "h1", "h2", "h3", "h4", "div", "dl", "ul", "table", "section", "article", "pre", "details", "form"}
)


class IllFormedError(AssertionError):
    """The page isn't well-formed."""


@dataclass
class Element:
    """An element with its attributes, child elements and text."""

    tag: str
    attributes: dict[str, str]
    parts: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text inside."""
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)

    @property
    def words(self) -> str:
        """The same with white space as a browser shows it."""
        return " ".join(self.text.split())

    def all(self, tag: str = "", **attributes: str) -> list[Element]:
        """Return the elements inside by tag and attributes, in their order; `class_` is one of the classes."""
        return [one for one in self._inside() if _matches(one, tag, attributes)]

    def one(self, tag: str = "", **attributes: str) -> Element:
        """Return the only such element."""
        [found] = self.all(tag, **attributes)
        return found

    def _inside(self) -> Iterator[Element]:
        for part in self.parts:
            if isinstance(part, Element):
                yield part
                yield from part._inside()


def _matches(element: Element, tag: str, attributes: dict[str, str]) -> bool:
    if tag and element.tag != tag:
        return False
    for name, value in attributes.items():
        if name == "class_":
            if value not in element.attributes.get("class", "").split():
                return False
        elif element.attributes.get(name.replace("_", "-")) != value:
            return False
    return True


def parse(page: str) -> Element:
    """Return the page's html element.

    :raises IllFormedError: the page isn't well-formed, or refers to what it doesn't have.
    """
    if not page.startswith("<!DOCTYPE html>\n<html "):
        raise IllFormedError("the page doesn't begin with its type")
    hidden = {character for character in page if not character.isprintable() and character != "\n"}
    if hidden:
        raise IllFormedError(f"the page has characters that can't be seen: {hidden!r}")
    reader = _Reader()
    reader.feed(page)
    reader.close()
    if reader.open:
        raise IllFormedError(f"<{reader.open[-1].tag}> is never closed")
    root = reader.root.one("html")
    _check_references(root)
    return root


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.root = Element("", {})
        self.open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(set(names)) != len(names):
            raise IllFormedError(f"<{tag}> has an attribute twice")
        if tag in _BLOCKS and (around := next((one.tag for one in self.open if one.tag in _PHRASING_ONLY), None)):
            raise IllFormedError(f"<{tag}> can't stand in <{around}>")
        element = Element(tag, {name: value or "" for name, value in attrs})
        (self.open[-1] if self.open else self.root).parts.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        raise IllFormedError(f"<{tag}/> closes itself")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1].tag != tag:
            raise IllFormedError(f"</{tag}> closes {self.open[-1].tag if self.open else 'nothing'}")
        self.open.pop()

    def handle_data(self, data: str) -> None:
        inside = self.open[-1].tag if self.open else ""
        if inside not in _RAW and ("<" in data or ">" in data or "&" in data):
            raise IllFormedError(f"{data!r} isn't escaped")
        self._add(data)

    def handle_entityref(self, name: str) -> None:
        self._add(html.unescape(f"&{name};"))

    def handle_charref(self, name: str) -> None:
        self._add(html.unescape(f"&#{name};"))

    def handle_comment(self, data: str) -> None:
        raise IllFormedError("the page has a comment")

    def unknown_decl(self, data: str) -> None:
        raise IllFormedError("the page has a declaration")

    def _add(self, text: str) -> None:
        if self.open:
            self.open[-1].parts.append(text)
        elif text.strip():
            raise IllFormedError(f"{text!r} stands outside of the page")


def _check_references(root: Element) -> None:
    elements = root.all()
    ids = [one.attributes["id"] for one in elements if "id" in one.attributes]
    if len(set(ids)) != len(ids):
        raise IllFormedError("an id is there twice")
    wanted = {one.attributes[name] for one in elements for name in _REFERENCES if name in one.attributes}
    wanted |= {one.attributes["href"].removeprefix("#") for one in elements if "href" in one.attributes}
    if not wanted <= set(ids):
        raise IllFormedError(f"the page refers to {wanted - set(ids)}, which it doesn't have")

"""`trail history` on a terminal: what is stored can't take it over, and is shortened to fit it."""

from __future__ import annotations

from typing import Any

import pytest
from rich.cells import cell_len
from rich.text import Text

from tests.unit.fakes import numbered_record, order
from tests.unit.moto_trail import MotoTrail, history, lines, on_terminal

pytestmark = pytest.mark.usefixtures("aws")


ESCAPE = "\x1b[31m\r\x07\u202e"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(None, order(123, text=ESCAPE), id="value"),
        pytest.param(order(123, text="a"), order(123, text=ESCAPE), id="changed value"),
        pytest.param(None, order(123, text={"L": [{"S": ESCAPE}]}), id="value inside"),
        pytest.param(None, order(123) | {ESCAPE: {"S": "a"}}, id="attribute name"),
        pytest.param(order(123), order(123) | {ESCAPE: {"S": "a"}}, id="changed attribute's name"),
        pytest.param(
            order(123, m={"M": {ESCAPE: {"S": "a"}}}), order(123, m={"M": {ESCAPE: {"S": "b"}}}), id="name inside"
        ),
        pytest.param(None, order(123, updated_by=ESCAPE), id="actor"),
        pytest.param(order(123, updated_by=ESCAPE), None, id="last written by"),
    ],
)
def test_a_terminal_is_told_nothing_by_what_is_stored(old: Any, new: Any) -> None:
    """Control characters in values, names and actors are shown as escapes: data can't move a cursor or hide a line."""
    MotoTrail().add(numbered_record(1, old=old, new=new))

    printed = history("123").stdout

    assert r"\u001b[31m" in printed
    assert all(character.isprintable() for character in printed.replace("\n", ""))
    assert "\x1b" not in history("123", "--json").stdout


def test_markup_in_data_is_data() -> None:
    """Square brackets in a value are printed as they are, not taken for colours."""
    MotoTrail().add(numbered_record(1, new=order(123, text="[red]sale[/red] :smile:")))

    assert lines("123")[0].endswith("text: [red]sale[/red] :smile:")


LONG = "abcdefghij" * 50


def shown(columns: int, *words: str) -> list[str]:
    """Return the lines of an order's history, without colours, on a terminal so wide."""
    return [Text.from_ansi(line).plain for line in on_terminal("history", "123", *words, columns=columns)]


def test_a_value_that_fits_is_shown_whole() -> None:
    """Where the line fits the terminal, nothing of it is shortened."""
    MotoTrail().add(numbered_record(1, new=order(123, text=LONG)))
    assert shown(600)[1].endswith(f"text: {LONG}")


@pytest.mark.parametrize("columns", [80, 100, 140, 200])
def test_lines_fit_the_terminal(columns: int) -> None:
    """On any terminal a change is one line, as wide as it at most: its values are shortened, and the line if need be."""
    wide = order(123, a=LONG, b="漢字" * 100, c={"L": [{"S": LONG}]}, d="short")
    MotoTrail().add(numbered_record(1, new=wide), numbered_record(2, old=wide, new=order(123, a="b", d="c")))
    header, *rest = shown(columns)
    assert (len(rest), header.split()[0]) == (2, "TIME")
    assert all(cell_len(line) <= columns for line in rest)
    assert all("…" in line for line in rest)


def test_values_are_shortened_before_the_line_is_cut() -> None:
    """On a terminal that is wide enough for it, every attribute is shown, the long ones shortened."""
    MotoTrail().add(numbered_record(1, new=order(123, a=LONG, b=LONG, z="end")))
    assert shown(140)[1].endswith(f"a: {LONG[:23]}…, b: {LONG[:23]}…, z: end")


def test_beside_a_terminal_nothing_is_shortened() -> None:
    """A program that reads the lines gets all of them, however long."""
    MotoTrail().add(numbered_record(1, new=order(123, a=LONG, b=LONG)))
    assert lines("123")[0].endswith(f"a: {LONG}, b: {LONG}")


@pytest.mark.parametrize(
    ("words", "no_color", "coloured"), [([], "", True), ([], "1", False), (["--no-color"], "", False)]
)
def test_a_terminal_has_colours_unless_told(
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    no_color: str,
    coloured: bool,  # noqa: FBT001  a parameter
) -> None:
    """On a terminal there are colours, unless --no-color or NO_COLOR says otherwise."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", no_color)
    MotoTrail().add(numbered_record(1, new=order(123)))
    assert ("\x1b[" in "".join(on_terminal("history", "123", *words))) is coloured


def test_other_scripts_are_shown_as_they_are() -> None:
    """Letters of any script are shown as themselves, inside maps and lists too."""
    MotoTrail().add(numbered_record(1, new=order(123, name={"M": {"é": {"L": [{"S": "Zoë 漢字 😀"}]}}})))
    assert lines("123")[0].endswith('name: {"é": ["Zoë 漢字 😀"]}')

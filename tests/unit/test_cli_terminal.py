"""`trail history`: what is stored can't take over the terminal."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.fakes import numbered_record, order
from tests.unit.moto_trail import MotoTrail, history, lines

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

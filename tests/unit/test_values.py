"""Attribute values and their canonical form, by example."""

from __future__ import annotations

import json
import unicodedata
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from audit_trail.core.values import (
    canonical_bytes,
    canonical_image,
    canonical_number,
    canonical_text,
    canonical_value,
    json_number,
    number_value,
)
from tests import canonical_reference

VECTORS: dict[str, Any] = json.loads(Path(__file__, "../../vectors/canonical.json").resolve().read_text("utf-8"))
DIGITS_38 = "12345678901234567890123456789012345678"
SECRET = "4111-1111"


@pytest.mark.parametrize("vector", VECTORS["canonical"], ids=lambda vector: vector["what"])
def test_vectors(vector: dict[str, Any]) -> None:
    """Every spelling of a vector's image has the vector's canonical form, in both implementations."""
    for image in vector["images"]:
        assert canonical_bytes(canonical_image(image)).decode() == vector["canonical"]
        assert canonical_reference.image_bytes(image).decode() == vector["canonical"]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("1.10", "1.1"),
        ("1E3", "1000"),
        ("1e+3", "1000"),
        ("100", "100"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("0.0", "0"),
        ("0E-130", "0"),
        ("-0.50", "-0.5"),
        (".5", "0.5"),
        ("+7.", "7"),
        ("007", "7"),
        (DIGITS_38, DIGITS_38),
        (f"{DIGITS_38[:1]}.{DIGITS_38[1:]}", f"{DIGITS_38[:1]}.{DIGITS_38[1:]}"),
        (f"{DIGITS_38}E-38", f"0.{DIGITS_38}"),
        ("1E-130", "0." + "0" * 129 + "1"),
        ("-1E-130", "-0." + "0" * 129 + "1"),
        ("9.99E+125", "999" + "0" * 123),
        ("9." + "9" * 37 + "E+125", "9" * 38 + "0" * 88),
    ],
)
def test_numbers(text: str, plain: str) -> None:
    """A number is written in plain decimal: no exponent, no superfluous zeros, no minus zero, no digit lost."""
    assert canonical_number(text) == plain
    assert canonical_number(plain) == plain
    assert canonical_reference.number_text(text) == plain


@pytest.mark.parametrize("code", [*range(0x20), 0x22, 0x5C])
def test_escaped_characters(code: int) -> None:
    """Control characters, quote and backslash are escaped as RFC 8785 has them."""
    short = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 0x22: '\\"', 0x5C: "\\\\"}
    assert canonical_text({"S": chr(code)}) == '{"S":"' + short.get(code, f"\\u{code:04x}") + '"}'


@pytest.mark.parametrize(
    "text", ["/", "\x7f", "\x80", "\u2028", "é", unicodedata.normalize("NFD", "é"), "\uffff", "😀"]
)
def test_unescaped_characters(text: str) -> None:
    """Every other character stands for itself in UTF-8, without Unicode normalisation."""
    assert canonical_bytes({"S": text}) == b'{"S":"' + text.encode("utf-8") + b'"}'


def test_lone_surrogates() -> None:
    """Half of a surrogate pair becomes an escape in lower case, unlike the text of that escape."""
    assert canonical_bytes({"S": "\ud83d"}) == rb'{"S":"\ud83d"}'
    assert canonical_bytes({"S": "\udfff"}) == rb'{"S":"\udfff"}'
    assert canonical_bytes({"S": r"\ud83d"}) == rb'{"S":"\\ud83d"}'


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ({"SS": ["b", "a", "B", ""]}, {"SS": ["", "B", "a", "b"]}),
        ({"SS": ["\U00010000", "\uffff"]}, {"SS": ["\uffff", "\U00010000"]}),
        ({"NS": ["10", "9", "-2", "-10", "1E1000"]}, {"NS": ["-10", "-2", "9", "10", "1" + "0" * 1000]}),
        ({"NS": [f"{DIGITS_38}1", f"{DIGITS_38}0"]}, {"NS": [f"{DIGITS_38}0", f"{DIGITS_38}1"]}),
        ({"BS": ["+w==", "QQ==", "AA=="]}, {"BS": ["AA==", "QQ==", "+w=="]}),
    ],
)
def test_sets_are_sorted(given: dict[str, Any], canonical: dict[str, Any]) -> None:
    """String sets are sorted by code point, number sets by value, binary sets by their bytes."""
    assert canonical_value(given) == canonical


@pytest.mark.parametrize(("text", "canonical"), [("", ""), ("QQ==", "QQ=="), ("QR==", "QQ=="), ("QUJ=", "QUI=")])
def test_binaries(text: str, canonical: str) -> None:
    """A binary is padded standard base64, and bits that make no whole byte become zero."""
    assert canonical_value({"B": text}) == {"B": canonical}


def test_canonical_values_are_not_copied() -> None:
    """What is canonical already is passed through as the very same object: the common case costs no copy."""
    image: dict[str, Any] = {"a": {"M": {"b": {"L": [{"N": "1.5"}, {"SS": ["a", "b"]}, {"B": "QQ=="}]}}}}
    assert canonical_image(image) is image


def test_the_given_value_stays_as_it_is() -> None:
    """Making the canonical form changes nothing of what was given."""
    image: dict[str, Any] = {"a": {"L": [{"N": "1.50"}, {"NS": ["2", "1"]}]}}
    assert canonical_image(image) == {"a": {"L": [{"N": "1.5"}, {"NS": ["1", "2"]}]}}
    assert image == {"a": {"L": [{"N": "1.50"}, {"NS": ["2", "1"]}]}}


@pytest.mark.parametrize(
    ("value", "exact"),
    [(5, "5"), (1.1, "1.1"), (-0.5, "-0.5"), (Decimal("1.10"), "1.10"), (10**40, "1" + "0" * 40)],
)
def test_json_numbers(value: Any, exact: str) -> None:
    """A JSON number is read as it is written, not as binary fractions have it."""
    assert str(json_number(value)) == exact


@pytest.mark.parametrize("value", [True, False, None, "5", [5], float("nan"), float("inf"), Decimal("NaN")])
def test_not_json_numbers(value: Any) -> None:
    """Booleans, text and what is not finite are no numbers."""
    assert json_number(value) is None


def test_number_values() -> None:
    """A number becomes an N in canonical form."""
    assert number_value(Decimal("1.50E+3")) == {"N": "1500"}

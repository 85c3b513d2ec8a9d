"""What is not an attribute value, and how that is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from audit_trail.core.errors import MalformedValueError
from audit_trail.core.values import (
    canonical_image,
    canonical_number,
    canonical_value,
)

VECTORS: dict[str, Any] = json.loads(Path(__file__, "../../vectors/canonical.json").resolve().read_text("utf-8"))
SECRET = "4111-1111"


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: vector["what"])
def test_refused_vectors(vector: dict[str, Any]) -> None:
    """What is not an attribute value of DynamoDB's ten types is refused, wherever in an image it stands."""
    value = vector["image"]["a"]
    for image in (vector["image"], {"l": {"L": [{"S": "x"}, value]}}, {"m": {"M": {"n": value}}}):
        with pytest.raises(MalformedValueError):
            canonical_image(image)


@pytest.mark.parametrize(
    "text",
    ["", " ", "1 ", " 1", "1\n", "-", ".", "1e", "e5", "1e5.5", "--1", "1_000", "1,5", "0x1F", "NaN", "-Infinity", "٣"],
)
def test_malformed_numbers(text: str) -> None:
    """What is not a finite decimal number is refused, although Python would read some of it as one."""
    with pytest.raises(MalformedValueError, match="not a decimal number"):
        canonical_number(text)


@pytest.mark.parametrize("text", ["1E999999", "1E-999999", "1E1001", "-1E-1001"])
def test_exponents_are_bounded(text: str) -> None:
    """An exponent far beyond DynamoDB's is refused before it fills the memory."""
    with pytest.raises(MalformedValueError, match="beyond the range"):
        canonical_number(text)


@pytest.mark.parametrize(
    "twice",
    [{"SS": ["a", "b", "a"]}, {"NS": ["1", "1.0"]}, {"NS": ["0", "-0"]}, {"BS": ["QQ==", "QR=="]}],
)
def test_a_member_twice(twice: dict[str, Any]) -> None:
    """A set that has a member twice, in whatever spelling, is refused."""
    with pytest.raises(MalformedValueError, match="twice"):
        canonical_value(twice)


@pytest.mark.parametrize("text", ["QQ", "QQ=", "QQ===", "Q", "=", "QQ==QQ==", "QQ==\n", "Q Q=", "-_-_", "é"])
def test_malformed_binaries(text: str) -> None:
    """What is not padded standard base64 is refused."""
    with pytest.raises(MalformedValueError, match="not base64"):
        canonical_value({"B": text})


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        SECRET,
        {},
        {"S": SECRET, "N": "1"},
        {"T": SECRET},
        {SECRET: "x"},
        {"S": None},
        {"S": 1},
        {"S": {SECRET: 1}},
        {"N": SECRET},
        {"N": 1.5},
        {"N": f"{SECRET}E999"},
        {"N": "1E5000"},
        {"B": SECRET},
        {"B": b"bytes"},
        {"BOOL": SECRET},
        {"BOOL": 1},
        {"NULL": False},
        {"NULL": 1},
        {"SS": []},
        {"SS": SECRET},
        {"SS": [1]},
        {"SS": [SECRET, SECRET]},
        {"NS": [SECRET]},
        {"NS": [1]},
        {"BS": [SECRET]},
        {"L": SECRET},
        {"L": {"0": {"S": SECRET}}},
        {"M": [SECRET]},
        {"M": {SECRET: SECRET}},
    ],
)
def test_malformed_values(value: Any) -> None:
    """Whatever is not an attribute value is refused in a sentence that holds nothing of it."""
    with pytest.raises(MalformedValueError) as refusal:
        canonical_value(value)
    assert len(str(refusal.value)) > 20
    assert SECRET not in str(refusal.value)

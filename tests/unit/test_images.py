"""Digests of images, by example."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from audit_trail.core.errors import MalformedValueError
from audit_trail.core.images import digest
from tests import canonical_reference

VECTORS: dict[str, Any] = json.loads(Path(__file__, "../../vectors/canonical.json").resolve().read_text("utf-8"))


@pytest.mark.parametrize("vector", VECTORS["canonical"], ids=lambda vector: vector["what"])
def test_vectors(vector: dict[str, Any]) -> None:
    """Every spelling of a vector's image has the vector's digest, in both implementations."""
    for image in vector["images"]:
        assert digest(image).hex() == vector["sha256"]
        assert canonical_reference.digest(image).hex() == vector["sha256"]


def test_every_vector_is_another_image() -> None:
    """Different images have different digests."""
    assert len({vector["sha256"] for vector in VECTORS["canonical"]}) == len(VECTORS["canonical"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"N": "1"}, {"S": "1"}),
        ({"S": ""}, {"B": ""}),
        ({"S": "QQ=="}, {"B": "QQ=="}),
        ({"SS": ["1"]}, {"NS": ["1"]}),
        ({"L": [{"S": "a"}, {"S": "b"}]}, {"L": [{"S": "b"}, {"S": "a"}]}),
        ({"L": []}, {"M": {}}),
        ({"BOOL": True}, {"NULL": True}),
        ({"S": "\ud83d"}, {"S": r"\ud83d"}),
        ({"N": "12345678901234567890123456789012345678"}, {"N": "12345678901234567890123456789012345679"}),
        ({"S": "é"}, {"S": "e\u0301"}),
    ],
)
def test_what_looks_alike_differs(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Values that look alike but are not the same value have different digests."""
    assert digest({"a": one}) != digest({"a": other})


def test_malformed_images() -> None:
    """What is not an image has no digest."""
    with pytest.raises(MalformedValueError):
        digest({"a": {"T": "x"}})

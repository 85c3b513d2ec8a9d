"""The model's filters, by AWS's page."""

from __future__ import annotations

from typing import Any

import pytest

from tests.event_source_mapping.filtering import matches

WEATHER = {
    "user": "Lauren",
    "rain": 4,
    "wet": True,
    "sun": None,
    "note": "",
    "days": ["Monday", "Friday"],
    "at": {"x": "y"},
}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        # https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html#filtering-syntax, row by row
        ({"sun": [None]}, True),
        ({"note": [""]}, True),
        ({"user": ["Lauren"]}, True),
        ({"user": ["lauren"]}, False),
        ({"user": [{"equals-ignore-case": "lauren"}]}, True),
        ({"user": ["Lauren"], "days": ["Monday"]}, True),
        ({"user": ["Lauren"], "days": ["Sunday"]}, False),
        ({"days": ["Sunday", "Friday"]}, True),
        ({"$or": [{"user": ["Dave"]}, {"days": ["Monday"]}]}, True),
        ({"$or": [{"user": ["Dave"]}, {"days": ["Sunday"]}]}, False),
        ({"user": [{"anything-but": ["Dave"]}]}, True),
        ({"user": [{"anything-but": "Lauren"}]}, False),
        ({"nobody": [{"anything-but": ["Dave"]}]}, False),
        ({"rain": [{"numeric": ["=", 4]}]}, True),
        ({"rain": [{"numeric": [">", 2, "<=", 4]}]}, True),
        ({"rain": [{"numeric": [">", 4]}]}, False),
        ({"user": [{"numeric": [">", 0]}]}, False),
        ({"wet": [{"numeric": [">", 0]}]}, False),
        ({"user": [{"exists": True}]}, True),
        ({"nobody": [{"exists": True}]}, False),
        ({"nobody": [{"exists": False}]}, True),
        ({"user": [{"exists": False}]}, False),
        ({"user": [{"prefix": "La"}]}, True),
        ({"user": [{"prefix": "la"}]}, False),
        ({"user": [{"suffix": "en"}]}, True),
        ({"user": [{"suffix": "La"}]}, False),
        # JSON's types stay apart.
        ({"rain": ["4"]}, False),
        ({"wet": [1]}, False),
        ({"wet": [True]}, True),
        # `exists` sees leaves only: an object never exists for it.
        ({"at": [{"exists": True}]}, False),
        ({"at": [{"exists": False}]}, True),
        ({"at": {"x": [{"exists": True}]}}, True),
        ({"nobody": {"x": [{"exists": False}]}}, True),
        ({"nobody": {"x": ["y"]}}, False),
    ],
)
def test_filter_rules(pattern: dict[str, Any], *, expected: bool) -> None:
    """Each kind of rule lets through what AWS's page says, and nothing else."""
    assert matches(pattern, WEATHER) is expected


@pytest.mark.parametrize(
    "pattern",
    [
        {"user": "Lauren"},
        {"user": []},
        {"user": [{"wildcard": "*"}]},
        {"user": [["Lauren"]]},
        {"user": [{"exists": "yes"}]},
    ],
)
def test_what_aws_refuses_is_no_pattern(pattern: dict[str, Any]) -> None:
    """A pattern that AWS refuses is an error, never a filter that lets nothing through."""
    with pytest.raises((ValueError, TypeError)):
        matches(pattern, WEATHER)

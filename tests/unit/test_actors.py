"""Who changed an item, and why, by example."""

from __future__ import annotations

from typing import Any

import pytest

from audit_trail.core.actors import actor, lifted, ttl_deleted
from tests.builders import TTL_IDENTITY

MIA, NOAH = {"by": {"S": "mia"}}, {"by": {"S": "noah"}}


@pytest.mark.parametrize(
    ("event_name", "old", "new", "source"),
    [
        ("INSERT", None, MIA, "written"),
        ("INSERT", {}, MIA, "written"),
        ("INSERT", NOAH, MIA, "written"),
        ("INSERT", MIA, MIA, "unchanged"),
        ("MODIFY", NOAH, MIA, "written"),
        ("MODIFY", {}, MIA, "written"),
        ("MODIFY", {"by": {"N": "7"}}, MIA, "written"),
        ("MODIFY", {"by": {"S": ""}}, MIA, "written"),
        ("MODIFY", MIA, MIA, "unchanged"),
        ("MODIFY", MIA | {"total": {"N": "1"}}, MIA | {"total": {"N": "2"}}, "unchanged"),
        ("MODIFY", None, MIA, "unchanged"),
    ],
)
def test_actor(event_name: str, old: Any, new: Any, source: str) -> None:
    """The actor is written where this change set it, unchanged where it stood there or that can't be known."""
    assert actor(event_name, None, old, new, "by") == ({"S": "mia"}, source)


@pytest.mark.parametrize(
    ("event_name", "old", "new"),
    [
        ("INSERT", None, None),
        ("INSERT", None, {"total": {"N": "1"}}),
        ("MODIFY", MIA, {"total": {"N": "1"}}),
        ("MODIFY", MIA, {"by": {"S": ""}}),
        ("MODIFY", MIA, None),
        ("REMOVE", MIA, None),
        ("REMOVE", None, MIA),
    ],
)
def test_nobody(event_name: str, old: Any, new: Any) -> None:
    """Nobody is named where the new image names nobody, and never for a deletion: an actor is not guessed."""
    assert actor(event_name, None, old, new, "by") is None


def test_no_attribute_for_actors() -> None:
    """Without an attribute for it, nobody is named but time to live."""
    assert actor("MODIFY", None, NOAH, MIA, None) is None
    assert actor("REMOVE", TTL_IDENTITY, MIA, None, None) == ({"S": "dynamodb.amazonaws.com"}, "ttl")


@pytest.mark.parametrize(
    "identity",
    [
        None,
        {},
        [],
        "dynamodb.amazonaws.com",
        {"type": "Service"},
        {"principalId": "dynamodb.amazonaws.com"},
        {"type": "User", "principalId": "dynamodb.amazonaws.com"},
        {"type": "Service", "principalId": "lambda.amazonaws.com"},
    ],
)
def test_other_identities(identity: Any) -> None:
    """Only DynamoDB's own identity is time to live: any other deletes without a name."""
    assert not ttl_deleted(identity)
    assert actor("REMOVE", identity, MIA, None, "by") is None


def test_time_to_live() -> None:
    """A deletion by time to live is DynamoDB's, not that of who wrote last; other changes are their writer's."""
    assert ttl_deleted(TTL_IDENTITY)
    assert actor("REMOVE", TTL_IDENTITY, MIA, None, "by") == ({"S": "dynamodb.amazonaws.com"}, "ttl")
    assert actor("MODIFY", TTL_IDENTITY, NOAH, MIA, "by") == ({"S": "mia"}, "written")


@pytest.mark.parametrize("text", ["m", "x" * 2000, "é" * 1000, "😀" * 500, " ", "\ud83d" * 600])
def test_lifted(text: str) -> None:
    """A string of 1 to 2,000 bytes is lifted as it is."""
    assert lifted({"by": {"S": text}}, "by") == {"S": text}


@pytest.mark.parametrize(
    "value",
    [
        {"S": ""},
        {"S": "x" * 2001},
        {"S": "x" * 3000},
        {"S": "é" * 1001},
        {"S": "\ud83d" * 667},
        {"N": "7"},
        {"B": "QQ=="},
        {"BOOL": True},
        {"NULL": True},
        {"SS": ["mia"]},
        {"L": [{"S": "mia"}]},
        {"M": {"S": {"S": "mia"}}},
    ],
)
def test_not_lifted(value: Any) -> None:
    """Anything else is not an actor or a reason: empty or longer strings, and every other type."""
    assert lifted({"by": value}, "by") is None


def test_lifted_from_the_depth() -> None:
    """A JSON Pointer leads into maps and lists; without the slash, a name is a top-level attribute."""
    image: Any = {"audit": {"M": {"users": {"L": [{"S": "mia"}]}}}, "audit/users": {"S": "noah"}}
    assert lifted(image, "/audit/users/0") == {"S": "mia"}
    assert lifted(image, "audit/users") == {"S": "noah"}
    assert lifted(image, "/audit/users/1") is None
    assert lifted(None, "by") is None
    assert lifted(image, None) is None

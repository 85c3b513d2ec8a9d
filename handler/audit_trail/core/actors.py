"""Who changed an item, and why: lifted from the item's own attributes, never guessed."""

from collections.abc import Mapping
from typing import Any

from audit_trail.core.pointers import lookup
from audit_trail.core.values import AttributeValue, Image

TTL_ACTOR = "dynamodb.amazonaws.com"
_LONGEST = 2_000  # bytes, so that an index key made of it stays under DynamoDB's 2,048


def ttl_deleted(user_identity: object) -> bool:
    """Tell whether DynamoDB itself deleted the item because its time to live had passed.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
    """
    return (
        isinstance(user_identity, Mapping)
        and user_identity.get("type") == "Service"
        and user_identity.get("principalId") == TTL_ACTOR
    )


def actor(
    event_name: str, user_identity: Any, old: Image | None, new: Image | None, attribute: str | None
) -> tuple[AttributeValue, str] | None:
    """Return the actor and how it is known: ``written``, ``unchanged`` or ``ttl``; None where nobody can be named.

    A deletion carries no new image, so whoever wrote last isn't named for it.
    """
    if event_name == "REMOVE":
        return ({"S": TTL_ACTOR}, "ttl") if ttl_deleted(user_identity) else None
    return attributed(event_name, old, new, attribute)


def attributed(
    event_name: str, old: Image | None, new: Image | None, attribute: str | None
) -> tuple[AttributeValue, str] | None:
    """Return what an attribute says of a change, and whether the change wrote it or found it there.

    ``written`` where the change shows that it set the attribute to this, else ``unchanged``: it is then perhaps what
    somebody said of an earlier change.
    """
    found = lifted(new, attribute)
    if found is None:
        return None
    # Without an old image, a MODIFY doesn't show whether it set the attribute or found it there.
    shown = event_name == "INSERT" or old is not None
    return found, "written" if shown and lifted(old, attribute) != found else "unchanged"


def lifted(image: Image | None, attribute: str | None) -> AttributeValue | None:
    """Return an attribute's value when it is a string of 1 to 2,000 bytes."""
    value = lookup(image, attribute) if image is not None and attribute is not None else None
    text = value.get("S") if value is not None else None
    if not isinstance(text, str) or not 1 <= len(text.encode("utf-8", "surrogatepass")) <= _LONGEST:
        return None
    return {"S": text}

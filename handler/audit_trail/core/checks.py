"""What a history proves about itself: its digests, its diffs and the chain from each record to the next.

A match can't exclude that a whole run of changes is missing which led back to the same image, that the newest ones
are missing, or that everything was rewritten consistently.
"""

import base64
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from audit_trail.core import patch
from audit_trail.core.errors import TableTrailError
from audit_trail.core.history import Change
from audit_trail.core.images import digest
from audit_trail.core.pointers import tokens
from audit_trail.core.values import Image, canonical_image

BASELINE = "BASELINE"
_BOTH_IMAGES = {"S": "NEW_AND_OLD_IMAGES"}


class Check(StrEnum):
    """What is looked at."""

    BEGINNING = "beginning"
    """An item's records begin where the item does."""
    READABLE = "readable"
    """A record's images are there to be looked at."""
    DIGEST = "digest"
    """An image is the one whose digest was stored with it."""
    DIFF = "diff"
    """A MODIFY's diff leads from its old image to its new one, and names the attributes that it says it changed."""
    CHAIN = "chain"
    """A record's old digest is the new one of the record before it in the same stream."""


class Outcome(StrEnum):
    """What came out."""

    HOLDS = "holds"
    BROKEN = "broken"
    """Records were changed, are missing, or were never written."""
    UNKNOWN = "unknown"
    """Nothing to tell it by."""


class Finding(NamedTuple):
    """One check of one record; ``why`` is a sentence without any data, unless it holds."""

    check: Check
    outcome: Outcome
    timestamp: str
    why: str = ""
    before: str | None = None
    """CHAIN: the timestamp of the record before it."""


def check(changes: Iterable[Change]) -> Iterator[Finding]:
    """Check one item's changes, which come in their order, the oldest first; holds on to one change a stream.

    A BASELINE is an observation and no link of the chain.
    """
    last: dict[str, Change] = {}
    for number, change in enumerate(changes):
        linked = change.event_name != BASELINE
        before = last.get(change.event_source_arn) if linked else None
        if before is not None:
            yield _link(before, change)
        elif linked or number == 0:
            yield _beginning(change, first=number == 0)
        yield _readable(change)
        yield from _digests(change)
        if change.event_name == "MODIFY":
            yield _diff(change)
        if linked:
            last[change.event_source_arn] = change


def _readable(change: Change) -> Finding:
    if "images" in change.item:
        return Finding(Check.READABLE, Outcome.UNKNOWN, change.timestamp, "its images lie apart and can't be read")
    return Finding(Check.READABLE, Outcome.HOLDS, change.timestamp)


def _beginning(change: Change, *, first: bool) -> Finding:
    if not first:
        why = "another stream begins: what happened between the two is not known"
    elif change.event_name in ("INSERT", BASELINE):
        return Finding(Check.BEGINNING, Outcome.HOLDS, change.timestamp)
    else:
        why = "the item is older than its oldest record: what happened before is not known"
    return Finding(Check.BEGINNING, Outcome.UNKNOWN, change.timestamp, why)


def _link(before: Change, change: Change) -> Finding:
    outcome, why = Outcome.HOLDS, ""
    if any(one.item.get("stream_view_type") != _BOTH_IMAGES for one in (before, change)):
        outcome, why = Outcome.UNKNOWN, "the stream doesn't carry both images"
    elif before.item.get("new_image_sha256") != change.item.get("old_image_sha256"):
        outcome = Outcome.BROKEN
        why = "its old digest is not the new one of the record before: something between them is missing or was changed"
    return Finding(Check.CHAIN, outcome, change.timestamp, why, before.timestamp)


def _digests(change: Change) -> Iterator[Finding]:
    for name, image in (("old", change.old_image), ("new", change.new_image)):
        stored = change.item.get(f"{name}_image_sha256")
        if stored is None and image is None:
            continue
        outcome, why = Outcome.HOLDS, ""
        if image is None and "images" in change.item:
            outcome, why = Outcome.UNKNOWN, f"the {name} image can't be read"
        elif image is None:
            outcome, why = Outcome.BROKEN, f"the {name} image of which it has the digest is gone, or can't be rebuilt"
        elif stored is None:
            outcome, why = Outcome.BROKEN, f"the {name} image has no digest"
        elif stored != {"B": _digest(image)}:
            outcome, why = Outcome.BROKEN, f"the {name} image is not the one that its digest was made of"
        yield Finding(Check.DIGEST, outcome, change.timestamp, why)


def _digest(image: Image) -> str | None:
    try:
        return base64.b64encode(digest(image)).decode("ascii")
    except TableTrailError:
        return None


def _diff(change: Change) -> Finding:
    old, new = change.old_image, change.new_image
    if old is None or new is None:
        return Finding(Check.DIFF, Outcome.UNKNOWN, change.timestamp, "one of its images is not there")
    try:
        entries = change.diff
        leads = patch.apply(old, entries) == canonical_image(new)
        named = set(change.item.get("changed_attributes", {"SS": []})["SS"])
        whole = leads and named == {tokens(entry.path)[0] for entry in entries}
    except (TableTrailError, KeyError, TypeError):
        whole = False
    if whole:
        return Finding(Check.DIFF, Outcome.HOLDS, change.timestamp)
    return Finding(
        Check.DIFF, Outcome.BROKEN, change.timestamp, "its diff does not lead from its old image to its new one"
    )

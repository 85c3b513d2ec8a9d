"""What one record proves by itself: its parts agree, its images are those of its digests, and its diff is exact.

`audit_trail.core.chain` has what records prove together.
"""

from binascii import b2a_base64
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import NamedTuple

from audit_trail.core.canonical import canonical_form
from audit_trail.core.errors import TableTrailError
from audit_trail.core.history import Change
from audit_trail.core.images import text_digest
from audit_trail.core.keys import KeySchema, sort_key
from audit_trail.core.patch import apply_canonical
from audit_trail.core.pointers import tokens
from audit_trail.core.values import Image, canonical_value

BASELINE = "BASELINE"
BOTH_IMAGES = {"S": "NEW_AND_OLD_IMAGES"}
_IMAGES_OF = {"INSERT": (False, True), "MODIFY": (True, True), "REMOVE": (True, False), BASELINE: (False, True)}


class Check(StrEnum):
    """What is looked at."""

    BEGINNING = "beginning"
    """An item's records begin where the item does."""
    READABLE = "readable"
    """A record's images are there to be looked at."""
    RECORD = "record"
    """A record's parts agree: its key with its time, number and item, and its kind with the images that it has."""
    DIGEST = "digest"
    """An image is the one whose digest was stored with it."""
    DIFF = "diff"
    """A MODIFY's diff leads from its old image to its new one, and names the attributes that it says it changed."""
    CHAIN = "chain"
    """A record's old digest is the new one of the record before it in the same stream."""
    BASELINE = "baseline"
    """A BASELINE shows the item as the records around it do."""
    LIVE = "live"
    """The item is as one of its newest records left it."""


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
    """Empty where there is no record."""
    why: str = ""
    before: str | None = None
    """CHAIN: the timestamp of the record before it."""


class Known(NamedTuple):
    """An image, in canonical form, whose digest was found to be this."""

    image: Image
    digest: str


def check_record(
    change: Change, before: Known | None = None, schema: KeySchema | None = None, spoiled: str = ""
) -> tuple[list[Finding], Known | None]:
    """Check a record by itself; return what was found, and its new image if its digest is right.

    ``before`` is an image that its old one may be, so that it needn't be digested again. ``spoiled`` says why what
    moved out of the record isn't what its name says.
    """
    findings = [_readable(change, spoiled), _record(change, schema)]
    old = _digest(change, "old", change.old_image, before, findings)
    new = _digest(change, "new", change.new_image, None, findings)
    if change.event_name == "MODIFY":
        findings.append(_diff(change, old, new))
    return findings, new if new is not None and new.digest == change.new_digest else None


def _readable(change: Change, spoiled: str) -> Finding:
    if spoiled:
        return Finding(Check.READABLE, Outcome.BROKEN, change.timestamp, spoiled)
    if "images" in change.item:
        return Finding(Check.READABLE, Outcome.UNKNOWN, change.timestamp, "its images lie apart and can't be read")
    return Finding(Check.READABLE, Outcome.HOLDS, change.timestamp)


def _record(change: Change, schema: KeySchema | None) -> Finding:
    item = change.item
    try:
        created = Decimal(item["approximate_creation_date_time"]["N"])
        agrees = change.timestamp == sort_key(created, item["sequence_number"]["S"])
        if schema is not None:
            found = canonical_value(item[schema.audit_partition_key])
            agrees = agrees and canonical_value(schema.audit_partition_value(item["keys"]["M"])) == found
    except (TableTrailError, KeyError, TypeError, AttributeError, ValueError, InvalidOperation):
        agrees = False
    if not agrees:
        why = "its key is not that of its item, time and sequence number"
        return Finding(Check.RECORD, Outcome.BROKEN, change.timestamp, why)
    if change.event_name == BASELINE or item.get("stream_view_type") == BOTH_IMAGES:
        has = tuple(f"{name}_image" in item or f"{name}_image_sha256" in item for name in ("old", "new"))
        if has != _IMAGES_OF.get(change.event_name) and "images" not in item:
            why = "it has other images than a record of its kind"
            return Finding(Check.RECORD, Outcome.BROKEN, change.timestamp, why)
    return Finding(Check.RECORD, Outcome.HOLDS, change.timestamp)


def _digest(
    change: Change, name: str, image: Image | None, before: Known | None, findings: list[Finding]
) -> Known | None:
    """Check an image's digest; return the image with the digest that it really has."""
    stored = change.old_digest if name == "old" else change.new_digest
    if image is None:
        if stored is not None and "images" in change.item:
            found = Outcome.UNKNOWN, f"the {name} image can't be read"
        elif stored is not None:
            found = Outcome.BROKEN, f"the {name} image of which it has the digest is gone, or can't be rebuilt"
        else:
            return None
        findings.append(Finding(Check.DIGEST, found[0], change.timestamp, found[1]))
        return None
    known = before if before is not None and before.image == image else known_image(image)
    if stored is None:
        found = Outcome.BROKEN, f"the {name} image has no digest"
    elif known is None or known.digest != stored:
        found = Outcome.BROKEN, f"the {name} image is not the one that its digest was made of"
    else:
        found = Outcome.HOLDS, ""
    findings.append(Finding(Check.DIGEST, found[0], change.timestamp, found[1]))
    return known


def known_image(image: Image) -> Known | None:
    """Return an image with its digest; None if it isn't one."""
    try:
        form = canonical_form(image)
    except (TableTrailError, RecursionError):
        return None
    return Known(form.image, b2a_base64(text_digest(form.text), newline=False).decode("ascii"))


def _diff(change: Change, old: Known | None, new: Known | None) -> Finding:
    if change.old_image is None or change.new_image is None:
        return Finding(Check.DIFF, Outcome.UNKNOWN, change.timestamp, "one of its images is not there")
    whole = False
    if old is not None and new is not None:
        try:
            entries = change.diff
            named = set(change.item.get("changed_attributes", {"SS": []})["SS"])
            whole = (
                apply_canonical(old.image, entries) == new.image
                and named == {tokens(entry.path)[0] for entry in entries}
                and named == _changed(old.image, new.image)
            )
        except (TableTrailError, KeyError, TypeError, AttributeError, ValueError):
            whole = False
    if whole:
        return Finding(Check.DIFF, Outcome.HOLDS, change.timestamp)
    return Finding(
        Check.DIFF, Outcome.BROKEN, change.timestamp, "its diff does not lead from its old image to its new one"
    )


def _changed(old: Image, new: Image) -> set[str]:
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}

"""What one record proves by itself: its parts agree, its images are those of its digests, and its diff is exact.

`audit_trail.core.chain` has what records prove together.
"""

from binascii import b2a_base64
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import NamedTuple

from audit_trail.core.canonical import Texts, canonical_form
from audit_trail.core.errors import TableTrailError
from audit_trail.core.history import Change
from audit_trail.core.images import text_digest
from audit_trail.core.keys import KeySchema, sort_key
from audit_trail.core.patch import apply_canonical
from audit_trail.core.pointers import tokens
from audit_trail.core.values import Image, canonical_value

BASELINE = "BASELINE"
BOTH_IMAGES = {"S": "NEW_AND_OLD_IMAGES"}
_MISFIT = (TableTrailError, KeyError, TypeError, AttributeError, ValueError)
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
    COPIES = "copies"
    """Copies of a record, archived twice or archived and still in the table, are the same."""
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
    places: tuple[str, ...] = ()
    """COPIES: where they are."""


class Known(NamedTuple):
    """An image, in canonical form, with the digest that it really has."""

    image: Image
    digest: str
    texts: Texts | None = None
    """What wrote it, and what a diff makes of it."""


def check_record(
    change: Change, before: Known | None = None, schema: KeySchema | None = None, spoiled: str = ""
) -> tuple[list[Finding], Known | None]:
    """Check a record by itself; return what was found, and its new image if its digest is right.

    ``before`` is an image that its old one may be, so that it needn't be digested again. ``spoiled`` says why what
    moved out of the record isn't what its name says.
    """
    findings = [_readable(change, spoiled), _record(change, schema)]
    old = before if before is not None and before.image == change.old_image else known_image(change.old_image)
    led = _led_to(change, old) if change.event_name == "MODIFY" and old is not None else None
    if led is not None and old is not None and led == change.new_image:
        # What the diff led to has most of itself in common with the old image: that isn't written again.
        new = known_image(led, old.texts or Texts())
    else:
        new = known_image(change.new_image)
    findings += _digest(change, "old", change.old_image, old)
    findings += _digest(change, "new", change.new_image, new)
    if change.event_name == "MODIFY":
        findings.append(_diff(change, old, new, led))
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


def _digest(change: Change, name: str, image: Image | None, known: Known | None) -> Iterator[Finding]:
    stored = change.old_digest if name == "old" else change.new_digest
    if image is None and stored is None:
        return
    outcome, why = Outcome.BROKEN, ""
    if image is None and "images" in change.item:
        outcome, why = Outcome.UNKNOWN, f"the {name} image can't be read"
    elif image is None:
        why = f"the {name} image of which it has the digest is gone, or can't be rebuilt"
    elif stored is None:
        why = f"the {name} image has no digest"
    elif known is None or known.digest != stored:
        why = f"the {name} image is not the one that its digest was made of"
    else:
        outcome = Outcome.HOLDS
    yield Finding(Check.DIGEST, outcome, change.timestamp, why)


def known_image(image: Image | None, texts: Texts | None = None) -> Known | None:
    """Return an image with its digest; None if it isn't one."""
    if image is None:
        return None
    try:
        form = canonical_form(image) if texts is None else texts.form(image)
    except (TableTrailError, RecursionError):
        return None
    return Known(form.image, b2a_base64(text_digest(form.text), newline=False).decode("ascii"), texts)


def _led_to(change: Change, old: Known) -> Image | None:
    """Return what a record's diff makes of its old image; None where it doesn't fit."""
    try:
        return apply_canonical(old.image, change.diff)
    except _MISFIT:
        return None


def _diff(change: Change, old: Known | None, new: Known | None, led: Image | None) -> Finding:
    if change.old_image is None or change.new_image is None:
        return Finding(Check.DIFF, Outcome.UNKNOWN, change.timestamp, "one of its images is not there")
    whole = False
    if old is not None and new is not None and led is not None and led == new.image:
        try:
            named = set(change.item.get("changed_attributes", {"SS": []})["SS"])
            whole = named == {tokens(entry.path)[0] for entry in change.diff} == _changed(old.image, new.image)
        except _MISFIT:
            whole = False
    if whole:
        return Finding(Check.DIFF, Outcome.HOLDS, change.timestamp)
    return Finding(
        Check.DIFF, Outcome.BROKEN, change.timestamp, "its diff does not lead from its old image to its new one"
    )


def _changed(old: Image, new: Image) -> set[str]:
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}

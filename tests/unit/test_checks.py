"""What a history proves about itself, and what it doesn't."""

from __future__ import annotations

import copy
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.core.baselines import baseline_record, baseline_settings
from audit_trail.core.chain import check
from audit_trail.core.checks import Check, Finding, Outcome
from audit_trail.core.history import Change
from audit_trail.core.records import NEW_AND_DIFF, RecordSettings, audit_item, with_old_image
from tests.builders import ARN, NOON, ORDER, SETTINGS
from tests.unit.fakes import numbered_record, order

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit_trail.core.values import Image

NEW = order(status="NEW", lines={"L": [{"S": "lamp"}]})
PAID = order(status="PAID", lines={"L": [{"S": "lamp"}, {"S": "bulb"}]})
SENT = order(status="SENT", by="truck")
RECORDS = [
    numbered_record(1, new=NEW),
    numbered_record(2, old=NEW, new=PAID, at=NOON + 1),
    numbered_record(3, old=PAID, new=SENT, at=NOON + 2),
    numbered_record(4, old=SENT, at=NOON + 3),
    numbered_record(5, new=NEW, at=NOON + 4),
]


def items(records: list[dict[str, Any]] = RECORDS, settings: RecordSettings = SETTINGS) -> list[Image]:
    """Return the audit records of stream records, as readers get them and for each test to spoil."""
    return [with_old_image(dict(audit_item(copy.deepcopy(record), settings))) for record in records]


def findings(stored: list[Image]) -> list[Finding]:
    """Check stored records."""
    return list(check(map(Change.from_item, stored)))


def failing(stored: list[Image]) -> set[tuple[Check, Outcome, int]]:
    """Return what doesn't hold, by the number of its record."""
    return {
        (found.check, found.outcome, int(found.timestamp.partition("#")[2]))
        for found in findings(stored)
        if found.outcome is not Outcome.HOLDS
    }


@pytest.mark.parametrize("storage", ["old_and_new", NEW_AND_DIFF])
def test_a_whole_history_holds(storage: str) -> None:
    """An untouched history passes each check, as often as there is something to check."""
    found = findings(items(settings=RecordSettings(ORDER, image_storage=storage)))

    assert {one.outcome for one in found} == {Outcome.HOLDS}
    assert Counter(one.check for one in found) == {
        Check.BEGINNING: 1,
        Check.CHAIN: 4,
        Check.READABLE: 5,
        Check.RECORD: 5,
        Check.DIGEST: 7,
        Check.DIFF: 2,
    }


def test_a_missing_record_breaks_the_chain_where_it_was() -> None:
    """A record that is gone breaks the chain at the one behind it, and the finding names both neighbours."""
    stored = items()
    del stored[1]

    [broken] = [found for found in findings(stored) if found.outcome is Outcome.BROKEN]

    assert (broken.check, broken.timestamp) == (Check.CHAIN, stored[1]["timestamp"]["S"])
    assert broken.before == stored[0]["timestamp"]["S"]
    assert broken.why


@pytest.mark.parametrize(
    ("tamper", "broken"),
    [
        (lambda item: item["new_image"]["M"].update(status={"S": "FREE"}), {(Check.DIGEST, 2), (Check.DIFF, 2)}),
        (lambda item: item["old_image"]["M"].update(status={"S": "FREE"}), {(Check.DIGEST, 2), (Check.DIFF, 2)}),
        (lambda item: item["diff"]["L"].pop(), {(Check.DIFF, 2)}),
        (lambda item: item.pop("diff"), {(Check.DIFF, 2)}),
        (lambda item: item["changed_attributes"].update(SS=["lines"]), {(Check.DIFF, 2)}),
        (lambda item: item.pop("changed_attributes"), {(Check.DIFF, 2)}),
        (lambda item: item.pop("new_image_sha256"), {(Check.DIGEST, 2), (Check.CHAIN, 3)}),
        (lambda item: item.update(new_image_sha256=item["old_image_sha256"]), {(Check.DIGEST, 2), (Check.CHAIN, 3)}),
        (lambda item: item.update(old_image_sha256=item["new_image_sha256"]), {(Check.DIGEST, 2), (Check.CHAIN, 2)}),
        (lambda item: item.update(new_image={"M": {"status": {"S": 1}}}), {(Check.DIGEST, 2), (Check.DIFF, 2)}),
    ],
    ids=[
        "new image",
        "old image",
        "diff entry",
        "diff",
        "names",
        "no names",
        "no digest",
        "new digest",
        "old digest",
        "no image",
    ],
)
def test_an_edit_shows(tamper: Callable[[Image], Any], broken: set[tuple[Check, int]]) -> None:
    """An image, a digest or a diff that was edited by itself is found, at its record and where the chain goes on."""
    stored = items()
    tamper(stored[1])

    assert failing(stored) == {(kind, Outcome.BROKEN, number) for kind, number in broken}


def test_an_image_that_was_taken_away_shows() -> None:
    """A digest whose image is gone, though nothing says that it lies elsewhere, doesn't hold."""
    stored = items()
    del stored[4]["new_image"]

    assert failing(stored) == {(Check.DIGEST, Outcome.BROKEN, 5)}
    assert [found.why for found in findings(stored) if found.why] == [
        "the new image of which it has the digest is gone, or can't be rebuilt"
    ]


def test_a_digest_that_was_taken_away_shows() -> None:
    """An image without its digest doesn't hold, and it is the digest that is said to be missing."""
    stored = items()
    del stored[4]["new_image_sha256"]

    assert [found.why for found in findings(stored) if found.why] == ["the new image has no digest"]


def test_an_old_image_that_cannot_be_rebuilt_shows() -> None:
    """Where old images are not stored, an edited diff leaves a digest without its image."""
    stored = items(settings=RecordSettings(ORDER, image_storage=NEW_AND_DIFF))
    del stored[1]["old_image"]

    assert (Check.DIGEST, Outcome.BROKEN, 2) in failing(stored)


def test_what_cannot_be_read_is_not_called_broken() -> None:
    """A record whose images lie apart and can't be read leaves its images and its diff open, and the chain whole."""
    stored = items()
    for name in ("old_image", "new_image", "diff"):
        del stored[1][name]
    stored[1]["images"] = {"M": {"encoding": {"S": "s3"}, "uri": {"S": "s3://bucket/gone"}}}

    checks = (Check.READABLE, Check.DIGEST, Check.DIFF)
    assert failing(stored) == {(kind, Outcome.UNKNOWN, 2) for kind in checks}


def test_a_history_that_begins_late_is_not_called_whole() -> None:
    """An oldest record that is no creation leaves open what was before it, and breaks nothing."""
    assert failing(items()[1:]) == {(Check.BEGINNING, Outcome.UNKNOWN, 2)}


@pytest.mark.parametrize("old", [NEW, None], ids=["MODIFY", "INSERT"])
def test_another_stream_is_another_chain(old: Image | None) -> None:
    """Records of two streams are not chained to each other, in whatever order they come: what is between is unknown."""
    later = numbered_record(1_000, old=old, new=SENT, at=NOON + 2, eventSourceARN=f"{ARN}-later")
    stored = items([*RECORDS[:2], later, *RECORDS[2:]])

    assert failing(stored) == {(Check.BEGINNING, Outcome.UNKNOWN, 1_000)}


def test_a_stream_without_images_proves_no_chain() -> None:
    """Records of a stream that carries keys alone have nothing to be chained by, and that isn't called whole."""
    records = [numbered_record(number, keys={"order_id": {"N": "1"}}, at=NOON + number) for number in (1, 2)]
    for record in records:
        record["dynamodb"].pop("NewImage")
        record["dynamodb"]["StreamViewType"] = "KEYS_ONLY"

    assert failing(items(records)) == {(Check.CHAIN, Outcome.UNKNOWN, 2)}


def test_a_modification_without_images_proves_no_diff() -> None:
    """A MODIFY of which the stream carries one image has no diff that could be checked."""
    record = numbered_record(2, old=NEW, new=PAID)
    record["dynamodb"].pop("OldImage")
    record["dynamodb"]["StreamViewType"] = "NEW_IMAGE"

    assert (Check.DIFF, Outcome.UNKNOWN, 2) in failing(items([record]))


def baseline(image: Image, seconds: int, arn: str = ARN) -> Image:
    """Return a BASELINE of the item so many seconds after noon."""
    return dict(
        audit_item(
            baseline_record(image, {"order_id": image["order_id"]}, NOON + seconds, arn), baseline_settings(SETTINGS)
        )
    )


def test_a_baseline_is_no_link() -> None:
    """A BASELINE begins a history, is checked as any record is, and is passed over by the chain."""
    _, second, third, fourth, _ = items()
    seen = baseline(NEW, 1)

    found = findings([seen, second, third, fourth])

    assert {one.outcome for one in found} == {Outcome.HOLDS}
    assert Counter(one.check for one in found if one.timestamp == seen["timestamp"]["S"]) == {
        Check.BEGINNING: 1,
        Check.READABLE: 1,
        Check.RECORD: 1,
        Check.DIGEST: 1,
        Check.BASELINE: 1,
    }
    assert failing([second, seen, third]) == {(Check.BEGINNING, Outcome.UNKNOWN, 2)}


def test_findings_hold_no_data() -> None:
    """What findings say holds no value, name or actor of the item."""
    stored = items()
    stored[1]["new_image"]["M"]["status"] = {"S": "FREE"}
    del stored[3]

    said = " ".join(found.why for found in findings(stored))
    assert said
    assert not [word for word in ("FREE", "PAID", "status", "lamp", "123") if word in said]


def test_checks_come_as_changes_do() -> None:
    """Each change is checked when it comes, so that a history of any length takes no memory."""
    read: list[int] = []

    def reading() -> Any:
        for number, item in enumerate(items()):
            read.append(number)
            yield Change.from_item(item)

    next(check(reading()))
    assert read == [0]

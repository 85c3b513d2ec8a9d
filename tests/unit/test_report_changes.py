"""The page of `trail report`: what it shows of each change."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from audit_trail.core.checks import BASELINE
from audit_trail.core.spill import Form, pack
from tests.builders import TTL_IDENTITY
from tests.report_pages import MINUS, NEW, PAID, RECORDS, STEP, change, read, rows, stored
from tests.unit.fakes import numbered_record, order


def test_the_timeline_is_newest_first() -> None:
    """Changes come newest first by day, each with its operation, time, actor and a number that stays the same."""
    root = read(stored(RECORDS))

    assert [one.words for one in root.all("h3")] == ["2026-11-25", "2026-11-24"]
    assert [one.words for one in root.all("h4")] == [
        f"{MINUS} REMOVE 15:46:40 change 3",
        "≠ MODIFY 12:01:01 by billing change 2",
        "+ INSERT 12:00:00 by checkout change 1",
    ]
    assert [one.attributes["id"] for one in root.all("article")] == ["change-3", "change-2", "change-1"]


def test_each_difference_stands_side_by_side() -> None:
    """A MODIFY shows each difference by its path, before and after, with its type, and marked by more than colour."""
    old = order(a="x", gone="g", total={"N": "1"}, tags={"SS": ["a", "b"]}, lines={"L": [{"M": {"n": {"N": "1"}}}]})
    new = order(
        a="y", fresh={"BOOL": True}, total={"S": "1"}, tags={"SS": ["b"]}, lines={"L": [{"M": {"n": {"N": "2"}}}]}
    )

    assert rows(change(old, new)) == [
        ["≠changed a", "x string", "y string"],
        ["+added fresh", "—", "true boolean"],
        [f"{MINUS}removed gone", "g string", "—"],
        [f"≠changed lines {STEP} 0 {STEP} n", "1 number", "2 number"],
        ["±members tags", '["a"] string set', "—"],
        ["≠changed total", "1 number", "1 string"],
    ]


def test_a_creation_shows_what_is_there_and_a_deletion_what_was() -> None:
    """An INSERT has all attributes after, a REMOVE all before, sorted by name."""
    assert rows(change(None, NEW)) == [
        ["+added order_id", "—", "123 number"],
        ["+added status", "—", "NEW string"],
        ["+added updated_by", "—", "checkout string"],
    ]
    assert [row[:2] for row in rows(change(NEW, None))] == [
        [f"{MINUS}removed order_id", "123 number"],
        [f"{MINUS}removed status", "NEW string"],
        [f"{MINUS}removed updated_by", "checkout string"],
    ]


def test_a_deletion_names_nobody_but_who_wrote_last() -> None:
    """A REMOVE has no actor, in the filter neither; who wrote last is shown as that."""
    article = change(PAID, None)

    assert "by " not in article.one("h4").words
    assert "A deletion names nobody. Last written by billing." in article.words
    assert article.attributes["data-actor"] == "none"


def test_an_actor_who_stood_there_before_is_marked() -> None:
    """A change that left the actor attribute as it was says that it may be somebody else's."""
    article = change(NEW, NEW | {"status": {"S": "PAID"}})

    assert "by checkout" in article.one("h4").words
    assert "perhaps somebody else made it" in article.words


def test_a_deletion_by_time_to_live_says_so() -> None:
    """A TTL deletion is DynamoDB's, and says why."""
    article = change(PAID, None, userIdentity=TTL_IDENTITY)

    assert "by dynamodb.amazonaws.com" in article.one("h4").words
    assert "time to live" in article.words


def test_a_change_without_an_actor_names_nobody() -> None:
    """Where nobody is known, that is said; a reason is shown where there is one."""
    assert "Nobody is named." in change(None, order()).words
    assert "Reason: invoice 7" in change(None, PAID).words
    assert "left the reason attribute as it was" not in change(None, PAID).words


def test_a_reason_that_stood_there_before_is_marked() -> None:
    """A change that left the reason attribute as it was says that it may be an earlier one's."""
    later = change(PAID, PAID | {"status": {"S": "SENT"}}).words
    assert "Reason: invoice 7" in later
    assert "left the reason attribute as it was: perhaps it is the reason of an earlier one" in later


@pytest.mark.parametrize("record", RECORDS, ids=["INSERT", "MODIFY", "REMOVE"])
def test_the_stream_record_is_there_whole(record: dict[str, Any]) -> None:
    """Each change has its stream record as JSON, equal in every field, and its images' digests."""
    items = stored([record])
    article = read(items).one("article")

    assert json.loads(article.one("pre").text) == record
    assert article.one("summary").words == "Stream record of change 1"
    assert items[0]["timestamp"]["S"] in article.words
    for name in ("old_image_sha256", "new_image_sha256"):
        if name in items[0]:
            assert base64.b64decode(items[0][name]["B"]).hex() in article.words


def test_images_that_cannot_be_read_are_said_to_be_missing() -> None:
    """A change whose images lie apart and can't be read says so, shows what is stored, and no filter hides it."""
    [item] = stored(RECORDS[1:2])
    packed = pack(item, "bucket", Form.S3).item
    article = read([*stored(RECORDS[:1]), packed]).one("article", id="change-2")

    assert "images can't be read" in article.words
    assert article.one("summary").words.startswith("Stored record")
    assert json.loads(article.one("pre").text) == packed
    assert article.attributes["data-attributes"] == "*" or "changed_attributes" in packed


def test_images_that_the_stream_lacks_are_said_to_be_missing() -> None:
    """A change of which the stream carries no image says that, and matches every attribute."""
    record = numbered_record(1, old=order(), new=order())
    del record["dynamodb"]["OldImage"], record["dynamodb"]["NewImage"]
    article = read(stored([record])).one("article")

    assert "The stream carries no image of it." in article.words
    assert article.attributes["data-attributes"] == "*"
    assert json.loads(article.one("pre").text) == record


def test_a_spoiled_diff_does_not_stop_the_page() -> None:
    """A diff that somebody spoiled doesn't stop the page: its change fails its check."""
    items = stored(RECORDS)
    items[1]["diff"] = {"L": [{"M": {"op": {"S": "add"}, "path": {"S": "/a"}, "new": {"S": "b"}}}]}
    article = read(items).one("article", id="change-2")

    assert "Does not hold" in article.words


def test_a_baseline_is_shown_as_it_stood() -> None:
    """A BASELINE shows its image as what stood there, added by nobody."""
    [item] = stored(RECORDS[:1])
    kept = ("order_id", "schema_version", "keys", "new_image", "new_image_sha256")
    baseline = {name: item[name] for name in kept} | {"event_name": {"S": BASELINE}}
    article = read([baseline | {"timestamp": {"S": f"2026-11-24T12:00:00.000Z#{0:040d}"}}]).one("article")

    assert article.one("h4").words == "= BASELINE 12:00:00 change 1"
    assert rows(article)[1] == ["=as it stood status", "—", "NEW string"]
    assert article.one("summary").words.startswith("Stored record")

"""What the bench measures with: its corpora and its baselines."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from typing import Any

import pytest

from audit_trail.core.canonical import canonical_form
from audit_trail.core.sizes import item_size
from tests.bench.corpus import EVENT_NAMES, corpora, make
from tests.bench.naive import blog_item, compact, indented, naive_item, naive_values
from tests.bench.record_cost import leaves

BYTES = {"small": 400, "medium": 3_400, "large": 100_000}


@pytest.mark.parametrize("corpus", corpora(20), ids=lambda corpus: corpus.name)
def test_items_have_the_sizes_that_the_tables_name(corpus: Any) -> None:
    """Items have 0.4, 3.4 and 100 KB by DynamoDB's count, and 18 to 30 bytes a leaf."""
    size = statistics.mean(map(item_size, corpus.images))

    assert size == pytest.approx(BYTES[corpus.name], rel=0.03)
    count = statistics.mean(sum(map(leaves, image.values())) for image in corpus.images)
    assert 18 <= size / count <= 30


@pytest.mark.parametrize("name", BYTES)
def test_a_corpus_is_the_same_every_time(name: str) -> None:
    """The seed decides a corpus, to the byte."""
    assert make(name, 10).event == make(name, 10).event


def test_records_are_mixed_as_the_tables_say() -> None:
    """Of the records 60 % are MODIFY, 30 % INSERT and 10 % REMOVE, and each has the images of its kind."""
    records = make("medium", 100).records

    assert Counter(record["eventName"] for record in records) == {"MODIFY": 60, "INSERT": 30, "REMOVE": 10}
    assert len(EVENT_NAMES) == 10
    for record in records:
        change = record["dynamodb"]
        assert ("OldImage" in change, "NewImage" in change) == (
            record["eventName"] != "INSERT",
            record["eventName"] != "REMOVE",
        )
        assert change.get("OldImage") != change.get("NewImage")


@pytest.mark.parametrize("name", BYTES)
def test_images_are_as_streams_deliver_them(name: str) -> None:
    """Every image is canonical, as DynamoDB delivers numbers and sets, so that the ordinary path is what is measured."""
    for image in make(name, 10).images:
        assert canonical_form(image)[0] is image


def test_the_naive_item_holds_what_changed() -> None:
    """The naive handler's item has both images and a diff that names the changed attributes with their values."""
    record = make("small", 1).records[0]
    change = record["dynamodb"]

    item = naive_item(record)

    assert item["old_image"]["M"] == change["OldImage"]
    assert item["new_image"]["M"] == change["NewImage"]
    changed = json.loads(naive_values(record)["diff"])["values_changed"]
    assert changed["root['updated_by']"] == {
        "old_value": change["OldImage"]["updated_by"]["S"],
        "new_value": change["NewImage"]["updated_by"]["S"],
    }


@pytest.mark.parametrize("write", [compact, indented])
def test_the_posts_layout_holds_everything_as_text(write: Any) -> None:
    """The blog post's item has the stream record, both images and the diff with old values, each as JSON text."""
    record = make("medium", 1).records[0]
    change = record["dynamodb"]

    item = blog_item(record, write)

    assert json.loads(item["FullJSON"]["S"]) == record
    assert json.loads(item["OldData"]["S"]) == change["OldImage"]
    assert json.loads(item["NewData"]["S"]) == change["NewImage"]
    entries = json.loads(item["DiffContainingOldValue"]["S"])
    assert applied(change["OldImage"], entries) == change["NewImage"]
    assert all("oldVal" in entry for entry in entries if entry["op"] != "add")


def applied(old: Any, entries: list[dict[str, Any]]) -> Any:
    """Apply a diff of recursive-diff's."""
    new = json.loads(json.dumps(old))
    for entry in entries:
        *path, last = entry["path"]
        place = new
        for step in path:
            place = place[step]
        if entry["op"] == "delete":
            del place[last]
        elif isinstance(place, list) and last == len(place):
            place.append(entry["val"])
        else:
            place[last] = entry["val"]
    return new


def test_the_post_diff_is_leaf_by_leaf() -> None:
    """A changed leaf, a new element and a lost attribute are an entry each, with the path to it."""
    record = make("small", 1).records[0]
    old = {"a": {"M": {"b": {"S": "1"}}}, "gone": {"BOOL": True}, "l": {"L": []}}
    new = {"a": {"M": {"b": {"S": "2"}}}, "l": {"L": [{"S": "x"}]}}
    record["dynamodb"] |= {"OldImage": old, "NewImage": new}

    entries = json.loads(blog_item(record, compact)["DiffContainingOldValue"]["S"])

    assert entries == [
        {"op": "update", "path": ["a", "M", "b", "S"], "val": "2", "oldVal": "1"},
        {"op": "delete", "path": ["gone"], "oldVal": {"BOOL": True}},
        {"op": "add", "path": ["l", "L", 0], "val": {"S": "x"}},
    ]

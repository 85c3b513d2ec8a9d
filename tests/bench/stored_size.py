"""What a record takes in the audit table: write units, against the blog post's layout."""

from __future__ import annotations

import dataclasses
import math
import statistics
from typing import TYPE_CHECKING, Any

from audit_trail.core.records import RecordSettings, audit_item
from audit_trail.core.sizes import LARGEST_ITEM, item_size
from audit_trail.core.spill import Form, pack
from tests.bench.corpus import SETTINGS, Corpus, corpora
from tests.bench.naive import blog_item, compact, indented
from tests.bench.section import Section, Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


AIMS = {"small": 5, "medium": 10}
_WRITE_UNIT = 1_024  # bytes


def settings(image_storage: str) -> RecordSettings | None:
    """Return the corpora's settings with another way to store images, or None where there is no such choice."""
    known = {field.name for field in dataclasses.fields(RecordSettings)}
    return dataclasses.replace(SETTINGS, image_storage=image_storage) if "image_storage" in known else None


def write_units(sizes: Sequence[int]) -> float:
    """Return the mean of what items of these bytes take."""
    return statistics.mean(math.ceil(size / _WRITE_UNIT) for size in sizes)


def section() -> Section:
    """Measure all corpora."""
    rows = list(_rows())
    return Section(
        "Stored size: write units a record",
        {
            "corpus": "corpus",
            "blog": "blog post's layout, indented",
            "blog_compact": "the same, compact",
            "blog_refused": "refused, over 400 KB",
            "ours": "ours",
            "ours_spilled": "not inline",
            "new_and_diff": "ours, new_and_diff",
            "share": "ours / blog post's",
            "share_new_and_diff": "new_and_diff / blog post's",
        },
        rows,
        note="Both as DynamoDB counts them, in the whole KB that a write costs.",
        targets=list(_targets(rows)),
    )


def _rows() -> Iterator[dict[str, Any]]:
    for corpus in corpora():
        blog = [item_size(blog_item(record, indented)) for record in corpus.records]
        ours, spilled = _stored(corpus, SETTINGS)
        lean = settings("new_and_diff")
        row: dict[str, Any] = {
            "corpus": corpus.name,
            "blog": write_units(blog),
            "blog_compact": write_units([item_size(blog_item(record, compact)) for record in corpus.records]),
            "blog_refused": f"{sum(size > LARGEST_ITEM for size in blog)} of {len(blog)}",
            "ours": write_units(ours),
            "ours_spilled": spilled,
            "new_and_diff": write_units(_stored(corpus, lean)[0]) if lean else None,
        }
        row["share"] = row["ours"] / row["blog"]
        row["share_new_and_diff"] = row["new_and_diff"] / row["blog"] if lean else None
        yield row


def _stored(corpus: Corpus, settings: RecordSettings) -> tuple[list[int], int]:
    """Return the bytes of each record as it goes into the table, and how many don't go in inline."""
    packed = [pack(audit_item(record, settings), "trail") for record in corpus.records]
    return [item_size(one.item) for one in packed], sum(one.form is not Form.INLINE for one in packed)


def _targets(rows: Sequence[dict[str, Any]]) -> Iterator[Target]:
    for row in rows:
        if row["corpus"] in AIMS:
            aim = AIMS[row["corpus"]]
            yield Target(
                f"stored size, {row['corpus']}", f"≤ 1/{aim}", f"1/{1 / row['share']:.1f}", row["share"] * aim <= 1
            )
            if row["share_new_and_diff"]:
                share = row["share_new_and_diff"]
                what = f"stored size, {row['corpus']}, new_and_diff"
                yield Target(what, f"≤ 1/{aim}", f"1/{1 / share:.1f}", share * aim <= 1)

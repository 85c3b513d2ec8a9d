"""A stream record becomes an audit item with its diff: CPU, against the naive way, and against what digests cost alone."""

from __future__ import annotations

import hashlib
import json
import statistics
from typing import TYPE_CHECKING, Any

from audit_trail.core.records import audit_item
from audit_trail.core.sizes import item_size
from tests.bench.corpus import SETTINGS, Corpus, make
from tests.bench.measure import Timing, cpu, each
from tests.bench.naive import naive_item
from tests.bench.section import Section, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

AIMS = {"small": 80, "medium": 150, "large": 300}
_NAIVE_RECORDS = {"small": 100, "medium": 20, "large": 10}
_OUR_RECORDS = {"small": 1_000, "medium": 200, "large": 10}

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, check_circular=False).encode


def digests_alone(record: dict[str, Any]) -> list[bytes]:
    """Write both images by Python's own encoder, in C, and take their SHA-256: no record with digests costs less."""
    change = record["dynamodb"]
    texts = [_encode(change[name]) for name in ("OldImage", "NewImage") if name in change]
    return [hashlib.sha256(text.encode("utf-8", "backslashreplace")).digest() for text in texts]


def compare(name: str) -> tuple[Timing, Timing, Timing]:
    """Measure the naive way, ours, and the digests alone on one corpus."""
    # Three times as many rounds of what is short as of what is long, so that both take about as long.
    ours, alone = cpu(
        make(name, _OUR_RECORDS[name]).event,
        each(lambda record: audit_item(record, SETTINGS)),
        each(digests_alone),
        rounds=15,
    )
    [naive] = cpu(make(name, _NAIVE_RECORDS[name]).event, each(naive_item))
    return naive, ours, alone


def leaves(value: Any) -> int:
    """Count an attribute value's strings, numbers, booleans and members of sets."""
    [(tag, body)] = value.items()
    if tag in ("M", "L"):
        return sum(map(leaves, body.values() if tag == "M" else body))
    return len(body) if tag in ("SS", "NS", "BS") else 1


def shape(corpus: Corpus) -> tuple[int, int]:
    """Return the mean bytes of an image, by DynamoDB's count, and its mean leaves."""
    images = corpus.images
    return (
        round(statistics.mean(map(item_size, images))),
        round(statistics.mean(sum(map(leaves, image.values())) for image in images)),
    )


def section() -> Section:
    """Measure all corpora."""
    rows = list(_rows())
    return Section(
        "Stream record → audit item with diff, CPU",
        {
            "corpus": "corpus",
            "bytes": "bytes an item",
            "leaves": "leaves an item",
            "naive_us": "naive, µs",
            "naive_spread": "±, %",
            "ours_us": "ours, µs",
            "ours_spread": "±, %",
            "ratio": "ratio",
            "digests_us": "digests alone, µs",
        },
        rows,
        note=(
            "A record: 60 % MODIFY, 30 % INSERT, 10 % REMOVE. ±: the slowest round less the fastest. Digests alone: both "
            "images written by json's C encoder and their SHA-256, nothing else."
        ),
        targets=[
            Target(
                f"record → item, {row['corpus']}",
                f"≥ {AIMS[row['corpus']]} x",
                f"{row['ratio']:.1f} x",
                row["ratio"] >= AIMS[row["corpus"]],
            )
            for row in rows
        ],
    )


def _rows() -> Iterator[dict[str, Any]]:
    for name in AIMS:
        size, count = shape(make(name, 10))
        naive, ours, alone = compare(name)
        yield {
            "corpus": name,
            "bytes": size,
            "leaves": count,
            "naive_us": naive.median,
            "naive_spread": naive.spread,
            "ours_us": ours.median,
            "ours_spread": ours.spread,
            "ratio": naive.median / ours.median,
            "digests_us": alone.median,
        }

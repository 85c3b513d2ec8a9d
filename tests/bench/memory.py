"""The function's memory at its peak, on batches as large as Lambda hands over: each in a process of its own."""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench import fresh
from tests.bench.corpus import EVENT_NAMES, make
from tests.bench.endpoint import endpoint
from tests.bench.handlers import ALL_STORED
from tests.bench.section import Section, Target
from tests.builders import nested, strings
from tests.event_source_mapping.polling import MAXIMUM_PAYLOAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AT_MOST = 256_000_000
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

Record = dict[str, Any]
_Images = tuple[dict[str, Any], dict[str, Any]]


def _corpus(name: str, *event_names: str) -> Callable[[], Iterator[Record]]:
    def records() -> Iterator[Record]:
        # The same few over and over under other numbers: what is in memory is parsed anew from JSON anyway.
        few = [record for record in make(name, 40).records if record["eventName"] in (event_names or EVENT_NAMES)]
        while True:
            yield from few

    return records


def _modified(images: Callable[[random.Random], _Images], count: int | None = None) -> Callable[[], Iterator[Record]]:
    def records() -> Iterator[Record]:
        rng = random.Random("table-trail memory")
        few = [record for record in make("small", 10).records if record["eventName"] == "MODIFY"]
        number = 0
        while count is None or number < count:
            old, new = images(rng)
            record = few[number % len(few)]
            keys = record["dynamodb"]["Keys"]
            yield record | {"dynamodb": record["dynamodb"] | {"OldImage": keys | old, "NewImage": keys | new}}
            number += 1

    return records


def _text(rng: random.Random, length: int) -> dict[str, Any]:
    return {"S": "".join(rng.choices(_LETTERS, k=length))}


def _two_texts(rng: random.Random) -> _Images:
    return {"text": _text(rng, 409_000)}, {"text": _text(rng, 409_000)}


def _deep(rng: random.Random) -> _Images:
    return {"deep": nested(_text(rng, 20), 31)}, {"deep": nested(_text(rng, 20), 31)}


def _empty_strings(_: random.Random) -> _Images:
    return {"list": strings(*[""] * 160_000)}, {"list": strings(*[""] * 160_001)}


def _shuffled(rng: random.Random) -> _Images:
    texts = ["".join(rng.choices(_LETTERS, k=20)) for _ in range(500)]
    return {"list": strings(*texts)}, {"list": strings(*rng.sample(texts, 499))}


SHAPES: dict[str, Callable[[], Iterator[Record]]] = {
    "small items": _corpus("small"),
    "medium items": _corpus("medium"),
    "medium items, INSERTs only": _corpus("medium", "INSERT"),
    "large items": _corpus("large"),
    "400 KB on both sides": _modified(_two_texts),
    "31 levels deep": _modified(_deep),
    "20 lists shuffled": _modified(_shuffled, 20),
    "lists of nothing but empty strings": _modified(_empty_strings),
}


def event(records: Iterator[Record]) -> str:
    """Make the largest event of these records, each under a sequence number of its own, that Lambda hands over."""
    texts: list[str] = []
    size = len('{"Records":[]}')
    for number, record in enumerate(records):
        change = record["dynamodb"] | {"SequenceNumber": str(100_000_000_000_000_000_000 + number)}
        text = json.dumps(record | {"dynamodb": change}, separators=(",", ":"))
        size += len(text) + 1
        if size > MAXIMUM_PAYLOAD_BYTES:
            break
        texts.append(text)
    return f'{{"Records":[{",".join(texts)}]}}'


def section() -> Section:
    """Measure all shapes."""
    with endpoint() as running, tempfile.TemporaryDirectory() as folder:
        rows = [_row(name, Path(folder, "event.json"), running.url) for name in SHAPES]
    return Section(
        "Memory of the function at its peak, MB",
        {
            "shape": "a batch of",
            "records": "records",
            "event_mb": "event, MB",
            "started_mb": "when started",
            "parsed_mb": "with the event parsed",
            "peak_mb": "at the peak",
        },
        rows,
        note="A process each, all of Python included; Lambda's own runtime comes on top.",
        targets=[
            Target(
                f"memory, {row['shape']}", f"< {AT_MOST // 10**6} MB", f"{row['peak_mb']:.0f} MB", row["peak_mb"] < 256
            )
            for row in rows
        ],
    )


def _row(name: str, path: Path, url: str) -> dict[str, Any]:
    path.write_text(event(SHAPES[name]()), encoding="ascii")
    found = fresh.run("tests.bench.handlers:peaks", str(path), environment={"AWS_ENDPOINT_URL": url})
    assert found["answer"] == ALL_STORED, f"{name}: not everything was stored"
    return {
        "shape": name,
        "records": found["records"],
        "event_mb": path.stat().st_size / 1e6,
        **{f"{moment}_mb": found[moment] / 1e6 for moment in ("started", "parsed", "peak")},
    }

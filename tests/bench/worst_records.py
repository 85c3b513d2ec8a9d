"""Searches for the change that costs most to record: `python -m tests.bench.worst_records --minutes 10`.

A shape says how a change of up to 400 KB a side is built, as JSON: what tests/unit/test_worst_records.py keeps. Shapes
are varied, and what costs more lives on. Cost is CPU of the whole way from stream record to what is sent, in rounds of
work that is timed beside it, since the machine may be busy.
"""

from __future__ import annotations

import argparse
import base64
import dataclasses
import json
import random
import resource
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock

from audit_trail.aws.audit_table import PartiqlAuditTable
from audit_trail.batch.inserts import Insert, inserts_of
from audit_trail.core.failures import understand
from audit_trail.core.sizes import LARGEST_ITEM, item_size
from audit_trail.ports import BatchResult
from tests import builders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from audit_trail.core.values import AttributeValue, Image

LARGEST_EVENT = 6_000_000
"""Bytes of JSON that Lambda hands over: no stream record is longer."""

_COUNTS = (1, 2, 3, 5, 8, 30, 300, 999, 10_000)
_DIGITS = "12345678901234567890123456789012345678"


@dataclass(frozen=True)
class Part:
    """One part of a change: what it holds and what becomes of that."""

    holder: str
    """attributes, list, map, set, lists (many small ones), maps or sets."""
    element: str
    distinct: int
    """Values among the elements, as far as their type has them."""
    inner: int
    """Elements of each small list, map or set."""
    change: str
    depth: int
    """Lists or maps around it."""
    wrap: str
    beside: int
    """Elements that stand beside it on each of those levels; they change."""
    share: float
    """Of an item's 400 KB."""


ELEMENTS: dict[str, Callable[[int], AttributeValue]] = {
    "true": lambda number: {"BOOL": number % 2 == 0},
    "null": lambda _: {"NULL": True},
    "text": lambda number: {"S": _name(number)},
    "long text": lambda number: {"S": f"{number:x}" * 60},
    "beyond ASCII": lambda number: {"S": f"é{number:x}"},
    "escaped": lambda number: {"S": "\x01" * 40 + str(number)},
    "number": lambda number: {"N": str(number)},
    "38 digits": lambda number: {"N": str(int(_DIGITS) + number)},
    "tiny number": lambda number: {"N": "0." + "0" * 120 + str(number + 1).rstrip("0")},
    "huge number": lambda number: {"N": str(number + 1) + "0" * 118},
    "binary": lambda number: {"B": base64.b64encode(str(number).encode()).decode()},
    "empty list": lambda _: {"L": []},
    "empty map": lambda _: {"M": {}},
    "map": lambda number: {"M": {"a": {"N": str(number)}, "b": {"BOOL": True}}},
    "string set": lambda number: {"SS": sorted(str(number + one) for one in range(3))},
    "number set": lambda number: {"NS": [str(number + 2), str(number)]},
    "binary set": lambda number: {"BS": ["QQ==", base64.b64encode(b"B%d" % number).decode()]},
    # What AWS never sends: it writes numbers out.
    "exponent": lambda number: {"N": f"{number + 1}E{120 - len(str(number))}"},
}
WRITTEN_OUT = [name for name in ELEMENTS if name != "exponent"]
HOLDERS = ("attributes", "list", "map", "set", "lists", "maps", "sets")
CHANGES: dict[str, Callable[[list[Any]], list[Any]]] = {
    "none": lambda elements: elements,
    "last": lambda elements: [*elements[:-1], {"S": "changed"}],
    "both ends": lambda elements: [{"S": "x"}, *elements[1:-1], {"S": "y"}],
    "one more in front": lambda elements: [{"S": "x"}, *elements],
    "one more behind, first changed": lambda elements: [{"S": "x"}, *elements[1:], {"S": "y"}],
    "three gone": lambda elements: [one for at, one in enumerate(elements) if at not in {1, 2, len(elements) // 2}],
    "every other gone": lambda elements: elements[::2],
    "every tenth changed": lambda elements: [{"S": "x"} if at % 10 == 9 else one for at, one in enumerate(elements)],
    "every tenth gone": lambda elements: [one for at, one in enumerate(elements) if at % 10 != 9],
    "reversed": lambda elements: elements[::-1],
    "turned": lambda elements: [*elements[len(elements) // 3 :], *elements[: len(elements) // 3 - 1]],
    "shuffled": lambda elements: random.Random(len(elements)).sample(elements, len(elements)),
    "all others": lambda elements: [{"BOOL": False} if "BOOL" not in one else {"NULL": True} for one in elements],
    "all others, one more": lambda elements: [{"BOOL": False} if "BOOL" not in one else {"NULL": True} for one in elements]
    + [{"S": "x"}],
    "gone": lambda _: [],
}  # fmt: skip


def change_of(parts: list[Part]) -> tuple[Image, Image]:
    """Build the two images of a shape, neither larger than an item may be nor both longer than an event."""
    scale = 1.0
    while True:
        old, new = _images(parts, scale)
        over = max(
            item_size(old) / LARGEST_ITEM,
            item_size(new) / LARGEST_ITEM,
            len(json.dumps([old, new], ensure_ascii=False)) / LARGEST_EVENT,
        )
        if over <= 1:
            return old, new
        scale *= 0.99 / over


def _images(parts: list[Part], scale: float) -> tuple[Image, Image]:
    old: Image = {"order_id": {"N": "123"}}
    new: Image = dict(old)
    for number, part in enumerate(parts):
        few = _built(part, 64)
        each = max(item_size(one) for one in few) / 64
        before, after = _built(part, max(3, int(part.share * scale * LARGEST_ITEM / each)))
        for image, built in ((old, before), (new, after)):
            image.update({f"{number}{name}": value for name, value in built.items()})
    return old, new


def _built(part: Part, count: int) -> tuple[Image, Image]:
    make = ELEMENTS[part.element]
    values = [make(number) for number in range(min(part.distinct, count))]
    small = part.holder in ("lists", "maps", "sets")
    elements = [values[number % len(values)] for number in range(count)]
    if small:
        groups = [elements[at : at + part.inner] for at in range(0, count, part.inner)]
        held = [[_held(part.holder[:-1], one) for one in side] for side in (groups, map(CHANGES[part.change], groups))]
        return tuple(_wrapped(part, {"L": one}, at) for at, one in enumerate(held))  # type: ignore[return-value]
    changed = CHANGES[part.change](elements)
    if part.holder == "attributes":
        named = [{_name(at): one for at, one in enumerate(side)} for side in (elements, changed)]
        if part.change == "gone":
            named[1] = {f"-{name}": value for name, value in named[0].items()}
        return named[0], named[1]
    return tuple(_wrapped(part, _held(part.holder, side), at) for at, side in enumerate((elements, changed)))  # type: ignore[return-value]


def _name(number: int) -> str:
    """Write a number in few characters, as whoever wants many short names would."""
    letters = ""
    while not letters or number:
        number, rest = divmod(number, 90)
        letters += chr(36 + rest) if rest + 36 not in (92, 34) else "éü"[rest > 0]
    return letters


def _held(holder: str, elements: list[Any]) -> AttributeValue:
    if holder == "list":
        return {"L": elements}
    if holder == "map":
        return {"M": {_name(at): one for at, one in enumerate(elements)}}
    [(tag, _)] = (elements or [{"S": "x"}])[0].items()
    if tag not in ("N", "B"):
        tag = "S"
    members = list(dict.fromkeys(body for one in elements for kind, body in one.items() if kind == tag))
    return {f"{tag}S": members or {"S": ["x"], "N": ["1"], "B": ["AA=="]}[tag]}


def _wrapped(part: Part, value: AttributeValue, side: int) -> Image:
    beside: list[AttributeValue] = [{"N": str(number + 10 * side)} for number in range(part.beside + side)]
    for _ in range(part.depth):
        if part.wrap == "list":
            value = {"L": [value, *beside]}
        elif part.wrap == "list behind":
            value = {"L": [*beside, value]}
        else:
            value = {"M": {"a": value} | ({"b": {"L": beside}} if beside else {})}
    return {"": value}


def record_of(parts: list[Part]) -> dict[str, Any]:
    """Return the stream record of a shape's change, as Lambda hands it over: no two values are the same object."""
    old, new = change_of(parts)
    record: dict[str, Any] = json.loads(json.dumps(builders.stream_record(old=old, new=new)))
    return record


def parsed(shape: str) -> list[Part]:
    """Read a shape."""
    return [Part(*part) for part in json.loads(shape)]


def written(parts: list[Part]) -> str:
    """Write a shape."""
    return json.dumps([dataclasses.astuple(part) for part in parts])


def round_of_work() -> float:
    """Return the CPU seconds of a fixed piece of work, much like what recording a change is: 0.025 on an idle core."""
    began = time.process_time()
    total = 0
    for number in range(300_000):
        total += number & 7
    json.dumps([{"a": 1}] * 50_000)
    return time.process_time() - began


def prepared(record: dict[str, Any]) -> Insert:
    """Do with one stream record what the function does before it sends anything."""
    table = PartiqlAuditTable(MagicMock(), "audit")
    refusals = MagicMock()
    made = inserts_of(
        [record], table, builders.SETTINGS, "bucket", refusals=refusals, result=BatchResult(), time_left=lambda: True
    )
    assert not refusals.mock_calls, refusals.mock_calls
    return made[0]


def redriven(body: bytes) -> Insert:
    """Do with one object that Lambda gave up on what `trail redrive` does before it sends anything."""
    [record] = understand("aws/lambda/x", body).records
    return prepared(record)


def cost(work: Callable[[], object]) -> tuple[float, float]:
    """Return the CPU seconds that something takes, and the same in rounds of work."""
    before = round_of_work()
    began = time.process_time()
    work()
    took = time.process_time() - began
    return took, took / ((before + round_of_work()) / 2)


def shapes(chance: random.Random, elements: list[str]) -> Iterator[list[Part]]:
    """Make shapes at random."""
    while True:
        yield [_part(chance, elements) for _ in range(chance.choice((1, 1, 2, 3)))]


def _part(chance: random.Random, elements: list[str]) -> Part:
    return Part(
        chance.choice(HOLDERS),
        chance.choice(elements),
        chance.choice((1, 2, 3, 10, 100, 1_000, 1_000_000)),
        chance.choice(_COUNTS),
        chance.choice(list(CHANGES)),
        chance.choice((0, 0, 1, 5, 12, 26)),
        chance.choice(("list", "list behind", "map")),
        chance.choice((0, 1, 3)),
        chance.choice((0.05, 0.3, 0.6, 1.0)),
    )


def varied(chance: random.Random, parts: list[Part], elements: list[str]) -> list[Part]:
    """Return a shape with one thing changed."""
    at = chance.randrange(len(parts))
    kind = chance.random()
    if kind < 0.1 and len(parts) < 4:
        return [*parts, _part(chance, elements)]
    if kind < 0.2 and len(parts) > 1:
        return parts[:at] + parts[at + 1 :]
    field = chance.choice(dataclasses.fields(Part)).name
    other = dataclasses.replace(parts[at], **{field: getattr(_part(chance, elements), field)})
    return [*parts[:at], other, *parts[at + 1 :]]


def main() -> None:
    """Search, and print each shape that costs more than those before, then the worst ten as JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.worst_records", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--exponents", action="store_true", help="also numbers with exponents, which AWS never sends")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    elements = list(ELEMENTS) if options.exponents else WRITTEN_OUT
    best: list[tuple[float, float, str]] = []
    fresh = shapes(chance, elements)
    until = time.monotonic() + options.minutes * 60
    tried = 0
    while time.monotonic() < until:
        # One in three is new; of the others, each comes from one of the ten that cost most.
        parent = parsed(chance.choice(best)[2]) if best and chance.random() < 0.67 else None
        parts = varied(chance, parent, elements) if parent else next(fresh)
        record = record_of(parts)
        seconds, rounds = cost(lambda record=record: prepared(record))  # type: ignore[misc]
        tried += 1
        shape = written(parts)
        if shape not in {one for _, _, one in best}:
            if not best or rounds > best[0][0]:
                print(f"{tried}: {rounds:.0f} rounds, {seconds:.2f} s: {shape}", flush=True)  # noqa: T201
            best = sorted([*best, (rounds, seconds, shape)], reverse=True)[:10]
    for _, _, shape in best:
        record = record_of(parsed(shape))
        body = json.dumps({"payload": json.dumps({"Records": [record]})}).encode()
        seconds, rounds = min(cost(lambda record=record: prepared(record)) for _ in range(3))  # type: ignore[misc]
        again, _ = min(cost(lambda body=body: redriven(body)) for _ in range(3))  # type: ignore[misc]
        print(f"{rounds:.0f} rounds, {seconds:.2f} s, redriven {again:.2f} s: {shape}", flush=True)  # noqa: T201
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{tried} shapes tried; the process's memory at its largest: {peak} MB")  # noqa: T201


if __name__ == "__main__":
    main()

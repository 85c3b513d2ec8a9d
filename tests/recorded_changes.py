"""Changes made from a seed, the same on every machine: what is made of them is compared with what was recorded.

`python -m tests.recorded_changes` writes tests/vectors/records.json anew: only where a record may change its shape.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit_trail.core.records import NEW_AND_DIFF, audit_item
from audit_trail.core.sizes import fits
from audit_trail.core.spill import pack
from tests import builders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from audit_trail.core.values import AttributeValue, Image

RECORDED = Path(__file__).parent / "vectors" / "records.json"

_NAMES = ("a", "b", "c", "é", "a/b", "~", "0", "__x", "😀", "Z")
_TEXTS = ("", "a", "b", "é", "\n", '"', "😀", "\ud83d", "x" * 40)
_NUMBERS = ("0", "-0", "1", "1.0", "1E3", "-7.50", "1E-130", "9.99E+125", "12345678901234567890123456789012345678")
_SETTINGS = builders.SETTINGS
_STORED_SHORT = replace(builders.SETTINGS, image_storage=NEW_AND_DIFF)


def _scalar(chance: random.Random) -> AttributeValue:
    return chance.choice(
        (
            {"S": chance.choice(_TEXTS)},
            {"N": chance.choice(_NUMBERS)},
            {"B": base64.b64encode(bytes(chance.randrange(256) for _ in range(chance.randrange(5)))).decode()},
            {"BOOL": chance.random() < 0.5},
            {"NULL": True},
            {"SS": [text for text in _TEXTS if chance.random() < 0.4] or ["only"]},
            {"NS": [str(number) for number in range(12) if chance.random() < 0.4] or ["1E2"]},
            {"BS": ["AA==", "QQ==", "QUI="][: 1 + chance.randrange(3)]},
        )
    )


def _value(chance: random.Random, levels: int) -> AttributeValue:
    kind = chance.random()
    if levels == 0 or kind < 0.4:
        return _scalar(chance)
    count = chance.randrange(6)
    if kind < 0.7:
        return {"L": [_value(chance, levels - 1) for _ in range(count)]}
    return {"M": {chance.choice(_NAMES): _value(chance, levels - 1) for _ in range(count)}}


def _changed(chance: random.Random, value: AttributeValue, levels: int) -> AttributeValue:
    """Return a value a little changed: somewhere inside, where it has an inside."""
    [(tag, body)] = value.items()
    if tag == "L":
        return {"L": _changed_list(chance, body, levels)}
    if tag == "M":
        changed = {
            name: _changed(chance, one, levels - 1) if chance.random() < 0.3 else one
            for name, one in body.items()
            if chance.random() < 0.9
        }
        if chance.random() < 0.3:
            changed[chance.choice(_NAMES)] = _value(chance, max(0, levels - 1))
        return {"M": changed}
    return _value(chance, max(0, levels))


def _changed_list(chance: random.Random, elements: list[AttributeValue], levels: int) -> list[AttributeValue]:
    changed = list(elements)
    for _ in range(1 + chance.randrange(4)):
        place = chance.randrange(len(changed) + 1)
        what = chance.randrange(4)
        if what == 0 or place == len(changed):
            changed.insert(place, _value(chance, max(0, levels - 1)))
        elif what == 1:
            del changed[place]
        elif what == 2:
            changed.insert(chance.randrange(len(changed)), changed.pop(place))
        else:
            changed[place] = _changed(chance, changed[place], levels - 1)
    return changed


def _mixed(chance: random.Random) -> tuple[Image, Image]:
    old = {name: _value(chance, 4) for name in _NAMES if chance.random() < 0.6}
    return old, _changed(chance, {"M": old}, 4)["M"]


def _lists_of(chance: random.Random, distinct: int, at_most: int) -> tuple[Image, Image]:
    old = [chance.randrange(distinct) for _ in range(chance.randrange(at_most))]
    new = list(old)
    for _ in range(1 + chance.randrange(8)):
        place = chance.randrange(len(new) + 1)
        if chance.random() < 0.5 and place < len(new):
            del new[place]
        else:
            new.insert(place, chance.randrange(distinct))
    return tuple({"l": builders.strings(*map(str, numbers))} for numbers in (old, new))  # type: ignore[return-value]


def _other_lists(chance: random.Random) -> tuple[Image, Image]:
    counts = chance.randrange(200), chance.randrange(200)
    old, new = ([str(chance.randrange(60)) for _ in range(count)] for count in counts)
    return {"l": builders.strings(*old)}, {"l": builders.strings(*new)}


def _many_small_lists(chance: random.Random) -> tuple[Image, Image]:
    old, new = (
        {
            str(number): builders.strings(*(chance.choice("abcdefgh") for _ in range(chance.randrange(8))))
            for number in range(60)
        }
        for _ in range(2)
    )
    return old, new


def _maps_in_a_list(chance: random.Random) -> tuple[Image, Image]:
    old = [
        {"M": {"id": {"N": str(number)}, "count": {"N": str(chance.randrange(9))}, "tags": {"SS": ["a", "b"]}}}
        for number in range(chance.randrange(40))
    ]
    return {"lines": {"L": old}}, {"lines": {"L": _changed_list(chance, list[Any](old), 3)}}


def _large(chance: random.Random) -> tuple[Image, Image]:
    text = "".join(chance.choice("0123456789abcdef") for _ in range(2_000))
    old = {f"text{number:03}": {"S": text[number:]} for number in range(chance.choice((100, 130, 180)))}
    new = {name: value for name, value in old.items() if chance.random() < 0.97}
    return old, new | {"count": {"N": str(chance.randrange(100))}}


def _incompressible(chance: random.Random) -> tuple[Image, Image]:
    bodies = [base64.b64encode(chance.randbytes(300_000)).decode() for _ in range(2)]
    return {"body": {"B": bodies[0]}}, {"body": {"B": bodies[chance.randrange(2)]}, "x": {"BOOL": True}}


KINDS: dict[str, tuple[int, Callable[[random.Random], tuple[Image, Image]]]] = {
    "mixed": (2_000, _mixed),
    "lists of three values": (500, lambda chance: _lists_of(chance, 3, 60)),
    "lists of many values": (500, lambda chance: _lists_of(chance, 10_000, 200)),
    "lists that share little": (500, _other_lists),
    "many small lists": (100, _many_small_lists),
    "maps in a list": (500, _maps_in_a_list),
    "large": (20, _large),
    "incompressible": (6, _incompressible),
}


def changes(kind: str) -> Iterator[tuple[Image, Image]]:
    """Make all changes of a kind."""
    count, make = KINDS[kind]
    chance = random.Random(f"{kind}, as ever")
    for _ in range(count):
        yield make(chance)


def digest(kind: str) -> str:
    """Return the SHA-256 of everything that is stored of a kind's changes, whatever the compressor."""
    whole = hashlib.sha256()
    for number, (old, new) in enumerate(changes(kind)):
        record = builders.stream_record(old=old, new=new, event_name="MODIFY")
        settings = _STORED_SHORT if number % 4 == 3 else _SETTINGS
        item: Image = audit_item(record, settings)
        body = ""
        if not fits(item):
            packed = pack(item, "bucket")
            zipped = packed.body or base64.b64decode(packed.item["images"]["M"]["body"]["B"])
            body = gzip.decompress(zipped).decode()
            item = {name: value for name, value in packed.item.items() if name != "images"}
        whole.update(json.dumps([item, body]).encode())
    return whole.hexdigest()


def main() -> None:
    """Record what is made of them now."""
    RECORDED.write_text(json.dumps({kind: digest(kind) for kind in KINDS}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

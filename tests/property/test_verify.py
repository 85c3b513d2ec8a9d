"""What an administrator tampered with is found as far as records can show it, and nothing else is called broken."""

from __future__ import annotations

import copy
import os
import random
from typing import TYPE_CHECKING

import pytest

from audit_trail.core.baselines import baseline_record, baseline_settings
from audit_trail.core.chain import Circumstances
from audit_trail.core.checks import Check
from audit_trail.core.keys import sort_key
from audit_trail.core.records import RecordSettings, audit_item
from tests.builders import ARN, NOON, ORDER
from tests.property.lives import KEYS, Life, broken, moment, random_image, random_life, verified
from tests.unit.fakes import numbered_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit_trail.core.values import Image

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
EACH = 20_000 if NIGHTLY else 1_000
"""Of each kind of tampering, and of each world without any."""
LONG_AFTER = NOON + 10_000_000

Tampering = tuple[list["Image"], bool]
"""The records as they were left, and whether the chain can show that."""


def deleted(life: Life, rng: random.Random) -> Tampering:
    """Take a run of records out of the middle: shows unless it led back to where it began."""
    first = rng.randrange(1, len(life.items) - 1)
    last = rng.randrange(first, len(life.items) - 1)
    return life.items[:first] + life.items[last + 1 :], life.states[first] != life.states[last + 1]


def cut(life: Life, rng: random.Random) -> Tampering:
    """Cut the tail: shows unless the item is as it was then, such as deleted."""
    left = rng.randrange(1, len(life.items))
    return life.items[:left], life.states[left] != life.now


def own(life: Life, index: int) -> Image:
    """Return a record that shares nothing with the others."""
    life.items[index] = copy.deepcopy(life.items[index])
    return life.items[index]


def image_edited(life: Life, rng: random.Random) -> Tampering:
    """Edit an image: shows always."""
    item = own(life, rng.randrange(len(life.items)))
    name = rng.choice([name for name in ("old_image", "new_image") if name in item])
    image = item[name]["M"]
    edits: list[Callable[[], object]] = [
        lambda: image.update(status={"S": "FORGED"}),
        lambda: image.update({"": {"NULL": True}}),
        lambda: image.pop(rng.choice(list(image))),
        lambda: image["tags"]["SS"].append("z") if "tags" in image else image.update(n={"N": "-1"}),
    ]
    rng.choice(edits)()
    return life.items, True


def diff_edited(life: Life, rng: random.Random) -> Tampering:
    """Edit a diff: shows wherever there is one, for no edit here leaves it exact."""
    with_diff = [index for index, item in enumerate(life.items) if "diff" in item]
    if not with_diff:
        return life.items, False
    item = own(life, rng.choice(with_diff))
    entries = item["diff"]["L"]
    entry = rng.choice(entries)["M"]
    edits: list[Callable[[], object]] = [
        lambda: entries.remove({"M": entry}),
        lambda: entries.append({"M": {"op": {"S": "add"}, "path": {"S": "/forged"}, "new": {"S": "x"}}}),
        lambda: entry.update(path={"S": "/forged"}),
        lambda: entry.update({"new" if "new" in entry else "old": {"S": "FORGED"}}),
        lambda: item["changed_attributes"]["SS"].append("forged"),
        lambda: change_nothing(item),
        lambda: item.pop("changed_attributes"),
    ]
    rng.choice(edits)()
    return life.items, True


def change_nothing(item: Image) -> None:
    """Say of an attribute that it changed into what it was."""
    same = {"N": "1"}
    entry = {"op": {"S": "replace"}, "path": {"S": "/order_id"}, "old": same, "new": same}
    item["diff"]["L"].append({"M": entry})
    item["changed_attributes"]["SS"].append("order_id")


def inserted(life: Life, rng: random.Random) -> Tampering:
    """Put in a record that agrees with itself: shows unless it changes nothing where it stands."""
    place = rng.randrange(len(life.items))
    before = life.states[place + 1]
    old = rng.choice((before, random_image(rng)))
    new = rng.choice((random_image(rng), None)) if old is not None else random_image(rng)
    # Right behind a record there's room for any number that is a little larger.
    record = numbered_record(1, old=old, new=new, keys=KEYS, at=life.times[place])
    number = f"{(place + 1) * 10 + 5:021d}"
    record["dynamodb"]["SequenceNumber"] = number
    for index, item in enumerate(life.items, start=1):
        renumber(item, f"{index * 10:021d}")
    return [*life.items, dict(audit_item(record, life.settings))], not (old == before and new == before)


def renumber(item: Image, number: str) -> None:
    """Give a record another sequence number, so that it agrees with itself."""
    item["sequence_number"] = {"S": number}
    item["timestamp"] = {"S": f"{item['timestamp']['S'].partition('#')[0]}#{number:0>40}"}


def swapped(life: Life, rng: random.Random) -> Tampering:
    """Swap two records' places, times and numbers and all: shows unless they were the same change."""
    one, other = sorted(rng.sample(range(len(life.items)), 2))
    first, second = life.items[one], life.items[other]
    for name in ("timestamp", "sequence_number", "approximate_creation_date_time"):
        first[name], second[name] = second[name], first[name]
    same = (life.states[one], life.states[one + 1]) == (life.states[other], life.states[other + 1])
    return life.items, not same


def moved(life: Life, rng: random.Random) -> Tampering:
    """Give a record another time or number by its key alone: shows always."""
    item = own(life, rng.randrange(len(life.items)))
    created = int(item["approximate_creation_date_time"]["N"])
    item["timestamp"] = {"S": sort_key(created + rng.choice((1, -1)), item["sequence_number"]["S"])}  # type: ignore[arg-type]
    return life.items, True


@pytest.mark.parametrize("tamper", [deleted, cut, image_edited, diff_edited, inserted, swapped, moved])
def test_tampering_is_found(tamper: Callable[[Life, random.Random], Tampering]) -> None:
    """Of each kind, a thousand that the chain can show are all found, and what it can't show is called whole."""
    rng = random.Random(tamper.__name__)
    shown = hidden = 0
    while shown < EACH:
        life = random_life(rng, changes=rng.randint(3, 8))
        items, shows = tamper(life, rng)
        found = broken(verified(items, life.now, read_at=LONG_AFTER))
        assert bool(found) == shows, (found, items)
        shown, hidden = shown + shows, hidden + (not shows)
    assert hidden < EACH


def test_a_missing_beginning_is_told() -> None:
    """Records missing at the beginning leave one that is no creation, unless they end where the item was created anew."""
    rng = random.Random("beginnings")
    for _ in range(EACH):
        life = random_life(rng, changes=rng.randint(3, 8))
        left = life.items[rng.randrange(1, len(life.items)) :]
        told = [one.check for one in verified(left, life.now, read_at=LONG_AFTER)]
        assert told == ([] if left[0]["event_name"] == {"S": "INSERT"} else [Check.BEGINNING])


def test_running_writers_raise_no_alarm() -> None:
    """An item that was read at any moment, and its records later, while it is written to, is never called broken."""
    rng = random.Random("writers")
    for _ in range(EACH):
        life = random_life(rng, changes=rng.randint(2, 12))
        read = rng.randrange(len(life.states))
        # Stream records carry whole seconds, and clocks step back by one or two.
        at = life.times[read - 1] + rng.randint(0, 2) if read else NOON - 1
        stored = life.items[: rng.randint(read, len(life.items))]
        assert broken(verified(stored, life.states[read], read_at=at)) == []


def test_expiring_records_raise_no_alarm() -> None:
    """Whichever of the records whose time has come are gone, in whatever order, nothing is called broken."""
    rng = random.Random("expiry")
    settings = RecordSettings(ORDER, retention_days=1)
    for _ in range(EACH):
        life = random_life(rng, changes=rng.randint(2, 12), settings=settings)
        now = life.times[-1] + rng.choice((0, 3_600, 86_400, 200_000))
        left = [one for one in life.items if int(one["expires_at"]["N"]) > now or rng.random() < 0.5]
        assert broken(verified(left, life.now, read_at=now)) == []


def test_what_had_not_expired_may_not_be_missing() -> None:
    """Retention excuses no gap between records that are too young to have expired."""
    rng = random.Random("young")
    settings = RecordSettings(ORDER, retention_days=30)
    for _ in range(100):
        life = random_life(rng, changes=6, settings=settings)
        if life.states[2] != life.states[3]:
            left = life.items[:2] + life.items[3:]
            assert broken(verified(left, life.now, read_at=life.times[-1] + 120))


def test_a_baseline_beside_writers_raises_no_alarm() -> None:
    """Wherever changes fall around a BASELINE's read and insert, and however late they come, nothing is called broken."""
    rng = random.Random("baselines")
    for _ in range(EACH):
        life = random_life(rng, changes=rng.randint(2, 8))
        heard = rng.randint(1, len(life.states) - 1)
        # The trail hears of the changes from here on; the item is read when it is in this state.
        readable = [n for n in range(heard, len(life.states)) if life.states[n] is not None]
        if not readable or life.states[heard - 1] is None:
            continue
        read = rng.choice(readable)
        # Until the next change, however late that is; clocks step back by one.
        at = life.times[read - 1]
        at = max(at, rng.choice((at + 1, life.times[read] if read < len(life.times) else at + 100_000)))
        seen = life.states[read]
        assert seen is not None
        base = dict(audit_item(baseline_record(seen, KEYS, at, ARN), baseline_settings(life.settings)))
        stored = [*life.items[heard:], base]
        assert broken(verified(stored, life.now, read_at=LONG_AFTER)) == []


def test_a_baseline_that_nothing_bears_out_shows() -> None:
    """A change lost between a BASELINE and the first record, more than 15 minutes apart, is found."""
    rng = random.Random("lost")
    found = 0
    for _ in range(EACH):
        life = Life([random_image(rng), random_image(rng), random_image(rng)], [NOON + 5_000, NOON + 10_000])
        before, lost, after = life.states
        assert before is not None
        base = dict(audit_item(baseline_record(before, KEYS, NOON, ARN), baseline_settings(life.settings)))
        told = broken(verified([base, life.items[1]], after, read_at=LONG_AFTER))
        assert bool(told) == (lost != before)
        found += bool(told)
    assert found


def test_another_stream_raises_no_alarm() -> None:
    """An item whose newest record is of an older stream isn't called broken for what happened since."""
    rng = random.Random("streams")
    for _ in range(100):
        life = random_life(rng)
        told = Circumstances(now=moment(LONG_AFTER), stream=f"{ARN}-later", schema=ORDER)
        assert broken(verified(life.items, random_image(rng), read_at=LONG_AFTER, circumstances=told)) == []

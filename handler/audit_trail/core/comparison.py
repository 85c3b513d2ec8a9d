"""What of two images differs, found once for a record: their texts and their diff both follow it."""

from collections.abc import Container, Iterable
from operator import ne
from typing import NamedTuple

from audit_trail.core.values import AttributeValue, Image

_FEW = 8  # beside a run that came or went, one pair in so many may differ

Values = list[AttributeValue]


Pair = tuple[int | None, int | None]
"""Positions of two elements that go together; None on the side that has no partner for the other."""


class Alignment(NamedTuple):
    """How the elements of two lists pair up: those at the head and the tail are equal, the middle is what is left."""

    head: int
    tail: int
    middle: list[Pair] | None
    """In order, the pairs that differ and the elements that are alone; None where it takes more to tell."""


class Comparison:
    """Compares the maps and lists of one change, each pair once."""

    def __init__(self) -> None:
        # By identity: both images live as long as this, and hashing them isn't to be had.
        self._names: dict[tuple[int, int], list[str]] = {}
        self._alignments: dict[tuple[int, int], Alignment] = {}

    def changed_names(self, old: Image, new: Image) -> list[str]:
        """Return the names whose values differ, or which only one of two maps has, sorted by code point."""
        key = id(old), id(new)
        names = self._names.get(key)
        if names is None:
            names = [name for name, value in old.items() if new.get(name) != value]
            names += [name for name in new if name not in old]
            names.sort()  # the order of a map's names means nothing: equal images must give equal diffs
            self._names[key] = names
        return names

    def alignment(self, old: Values, new: Values) -> Alignment:
        """Return how two lists' elements pair up."""
        key = id(old), id(new)
        found = self._alignments.get(key)
        if found is None:
            found = self._alignments[key] = _align(old, new)
        return found


def pair_up(head: int, old: Values, new: Values, removed: Container[int], added: Container[int]) -> list[Pair]:
    """Return the pairs of two middles that differ, and those alone, given the positions that have no partner."""
    pairs: list[Pair] = []
    before = after = 0
    while before < len(old) or after < len(new):
        if before in removed:
            pairs.append((head + before, None))
            before += 1
        elif after in added:
            pairs.append((None, head + after))
            after += 1
        else:
            if old[before] != new[after]:
                pairs.append((head + before, head + after))
            before += 1
            after += 1
    return pairs


def _align(old: Values, new: Values) -> Alignment:
    # Elements may be large, and each may have to be compared again on every level above it: no pair is compared twice
    # without need.
    if len(old) == len(new):
        pairs: list[Pair] = [(at, at) for at, differs in enumerate(map(ne, old, new)) if differs]
        if not pairs:
            return Alignment(len(old), 0, pairs)
        return Alignment(pairs[0][0] or 0, len(old) - 1 - (pairs[-1][0] or 0), pairs)
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    old_middle, new_middle = old[head : len(old) - tail], new[head : len(new) - tail]
    extra = len(new_middle) - len(old_middle)
    shorter = min(len(old_middle), len(new_middle))
    at_tail = list(map(ne, old_middle, new_middle))
    at_head = list(map(ne, old_middle[max(0, -extra) :], new_middle[max(0, extra) :]))
    if shorter and min(sum(at_tail), sum(at_head)) > max(1, shorter // _FEW):
        return Alignment(head, tail, None)
    behind = sum(at_tail) <= sum(at_head)
    start = head + shorter if behind else head
    alone: list[Pair] = [(at, None) for at in range(start, start - extra)] + [
        (None, at) for at in range(start, start + extra)
    ]
    if behind:
        return Alignment(head, tail, [(head + at, head + at) for at, differs in enumerate(at_tail) if differs] + alone)
    before, after = head + max(0, -extra), head + max(0, extra)
    return Alignment(head, tail, alone + [(before + at, after + at) for at, differs in enumerate(at_head) if differs])


def _common(one: Iterable[AttributeValue], other: Iterable[AttributeValue]) -> int:
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count

"""The exact difference between two images.

A diff is a list of entries whose paths are JSON Pointers (RFC 6901) over attribute names and list positions,
without type tags. Entries apply in their order, as RFC 6902's do: an index means the list as the entries before
left it. It is exact and invertible (`audit_trail.core.patch` applies and inverts it).
"""

from collections import Counter
from difflib import SequenceMatcher
from operator import ne
from typing import NamedTuple

from audit_trail.core.comparison import Comparison, Pair, Values, pair_up
from audit_trail.core.pointers import escape
from audit_trail.core.values import AttributeValue, Image, canonical_image, canonical_text

SETS = frozenset({"SS", "NS", "BS"})
# What aligning lists may cost a record, in steps of about 25 ns: a quarter of a second of a whole core. It is counted,
# never timed, so that a retry makes the same diff.
_WORK_AT_MOST = 10_000_000
_LIST = 1_000  # steps for each pair of lists, however short
_ELEMENT = 40  # steps for each of their elements, beside one for each character of its text
_PATHS_AT_MOST = 1_000_000  # characters a record: each entry spells its whole path, and names may be long
_ENTRIES_AT_MOST = 20_000  # a record, inside of attributes: each costs 10 microseconds until it is stored
_ALIGN_AT_MOST = 1_000  # elements a side: beyond it, aligning costs more than it tells


class Entry(NamedTuple):
    """One difference: ``op`` is add, remove, replace, or members (of a set: ``new`` gained, ``old`` lost)."""

    op: str
    path: str
    old: AttributeValue | None = None
    new: AttributeValue | None = None


def diff(old: Image, new: Image) -> list[Entry]:
    """Return how to get from one image to another: nothing where both are equal in their canonical forms.

    :raises MalformedValueError: an image isn't a map of names to attribute values.
    """
    return canonical_diff(canonical_image(old), canonical_image(new), Comparison())


def canonical_diff(old: Image, new: Image, comparison: Comparison) -> list[Entry]:
    """Return the same for images that are in canonical form already, and perhaps compared."""
    walk = _Walk(comparison)
    walk.maps("", old, new)
    return walk.entries


class _TooMuchError(Exception):
    """What changed inside an attribute is more than a diff tells one by one."""


class _Walk:
    """One record's walk through both images, with what it may cost at most, whatever the images hold."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        self._work = _WORK_AT_MOST
        self._paths = _PATHS_AT_MOST
        self._left = _ENTRIES_AT_MOST
        self._in_attribute = False
        self.entries: list[Entry] = []

    def maps(self, path: str, old: Image, new: Image) -> None:
        for name in self._comparison.changed_names(old, new):
            here = f"{path}/{escape(name)}"
            if name not in new:
                self._note(Entry("remove", here, old[name]))
            elif name not in old:
                self._note(Entry("add", here, None, new[name]))
            else:
                self._values(here, old[name], new[name])

    def _values(self, path: str, old: AttributeValue, new: AttributeValue) -> None:
        (old_tag,), (tag,) = old, new
        if old_tag == tag and tag in SETS:
            self._note(Entry("members", path, _without(tag, old[tag], new[tag]), _without(tag, new[tag], old[tag])))
        elif old_tag != tag or tag not in ("M", "L"):
            self._note(Entry("replace", path, old, new))
        elif self._in_attribute:
            self._inside(tag, path, old, new)
        else:
            self._attribute(path, old, new)

    def _inside(self, tag: str, path: str, old: AttributeValue, new: AttributeValue) -> None:
        (self.maps if tag == "M" else self._lists)(path, old[tag], new[tag])

    def _lists(self, path: str, old: Values, new: Values) -> None:
        head, tail, middle = self._comparison.alignment(old, new)
        if middle is None:
            middle = self._aligned(head, old[head : len(old) - tail], new[head : len(new) - tail])
        # From the back to the front, so that no removal moves an index that is still to come.
        for before, after in reversed(middle):
            if before is not None and after is None:
                self._note(Entry("remove", f"{path}/{before}", old[before]))
        for before, after in middle:
            if before is None and after is not None:
                self._note(Entry("add", f"{path}/{after}", None, new[after]))
        for before, after in middle:
            if before is not None and after is not None:
                self._values(f"{path}/{after}", old[before], new[after])

    def _aligned(self, head: int, old: Values, new: Values) -> list[Pair]:
        """Pair up what two lists don't have in common at their ends, by what is equal, or else by position."""
        shorter, longer = sorted((len(old), len(new)))
        by_position = set(range(shorter, len(old))), set(range(shorter, len(new)))
        removed, added = by_position
        if longer <= _ALIGN_AT_MOST and self._afford(_LIST + _ELEMENT * (shorter + longer)):
            old_texts, new_texts = self._texts(old), self._texts(new)
            equal_pairs = (
                _equal_pairs(old_texts, new_texts) if len(old_texts) + len(new_texts) == shorter + longer else 0
            )
            if equal_pairs and self._afford(equal_pairs * longer):
                removed, added = _without_partner(old_texts, new_texts) or by_position
        return pair_up(head, old, new, removed, added)

    def _texts(self, elements: Values) -> list[str]:
        """Return the elements' canonical texts; fewer where they cost more than is left."""
        texts = []
        for element in elements:
            texts.append(canonical_text(element))
            self._work -= len(texts[-1])
            if self._work < 0:
                break
        return texts

    def _afford(self, work: int) -> bool:
        """Take so much work from what is left of the record's; where it's too much, take nothing."""
        if work > self._work:
            return False
        self._work -= work
        return True

    def _attribute(self, path: str, old: AttributeValue, new: AttributeValue) -> None:
        """Note what changed inside a top-level attribute, or its replacement where that is too much or too long."""
        (tag,) = new
        noted, paths = len(self.entries), self._paths
        self._in_attribute = True
        try:
            self._inside(tag, path, old, new)
        except _TooMuchError:
            self._paths = paths
            self.entries[noted:] = [Entry("replace", path, old, new)]
        self._in_attribute = False

    def _note(self, entry: Entry) -> None:
        if self._in_attribute:
            self._paths -= len(entry.path)
            self._left -= 1  # for good, since it was walked, also where it's replaced in the end
            if self._paths < 0 or self._left < 0:
                raise _TooMuchError
        self.entries.append(entry)


def _without(tag: str, members: list[str], others: list[str]) -> AttributeValue | None:
    left = set(others)
    rest = [member for member in members if member not in left]
    return {tag: rest} if rest else None


def _equal_pairs(old: list[str], new: list[str]) -> int:
    """Count the pairs of equal elements, which is what aligning has to look through for each element."""
    of_new = Counter(new)
    return sum(count * of_new[text] for text, count in Counter(old).items())


def _without_partner(old: list[str], new: list[str]) -> tuple[set[int], set[int]] | None:
    """Return the positions that have no partner where what is equal pairs up; None where position tells as much."""
    removed: set[int] = set()
    added: set[int] = set()
    differences = 0
    for tag, old_start, old_end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            paired = min(old_end - old_start, new_end - new_start)
            removed.update(range(old_start + paired, old_end))
            added.update(range(new_start + paired, new_end))
            differences += max(old_end - old_start, new_end - new_start)
    by_position = sum(map(ne, old, new)) + abs(len(old) - len(new))
    if differences > 1 and differences >= by_position:
        return None
    # One that went and one that came under the same index are taken for a change, as they always were: a record that is
    # made again must not differ.
    return removed - added, added - removed

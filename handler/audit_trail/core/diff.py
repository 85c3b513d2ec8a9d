"""The exact difference between two images.

A diff is a list of entries whose paths are JSON Pointers (RFC 6901) over attribute names and list positions,
without type tags. Entries apply in their order, as RFC 6902's do: an index means the list as the entries before
left it. It is exact and invertible (`audit_trail.core.patch` applies and inverts it).
"""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from audit_trail.core.comparison import Comparison, Pair, Values, pair_up
from audit_trail.core.pointers import escape
from audit_trail.core.values import AttributeValue, Image, canonical_image, canonical_text

SETS = frozenset({"SS", "NS", "BS"})
_WORK_AT_MOST = 10_000_000  # steps a record for aligning lists: a quarter of a second of a whole core
_PATHS_AT_MOST = 1_000_000  # characters a record: each entry spells its whole path, and names may be long
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
    return list(_Walk(comparison).maps("", old, new))


class _Walk:
    """One record's walk through both images, with what it may cost at most, whatever the images hold."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        self._work = _WORK_AT_MOST
        self._paths = _PATHS_AT_MOST

    def maps(self, path: str, old: Image, new: Image) -> Iterator[Entry]:
        for name in self._comparison.changed_names(old, new):
            here = f"{path}/{escape(name)}"
            if name not in new:
                yield Entry("remove", here, old=old[name])
            elif name not in old:
                yield Entry("add", here, new=new[name])
            else:
                yield from self._values(here, old[name], new[name])

    def _values(self, path: str, old: AttributeValue, new: AttributeValue) -> Iterator[Entry]:
        [(old_tag, old_body)] = old.items()
        [(new_tag, new_body)] = new.items()
        if old_tag != new_tag:
            yield Entry("replace", path, old, new)
        elif new_tag in ("M", "L"):
            inside = self.maps(path, old_body, new_body) if new_tag == "M" else self._lists(path, old_body, new_body)
            yield from self._bounded(Entry("replace", path, old, new), inside) if path.rfind("/") == 0 else inside
        elif new_tag in SETS:
            yield Entry("members", path, _without(new_tag, old_body, new_body), _without(new_tag, new_body, old_body))
        else:
            yield Entry("replace", path, old, new)

    def _lists(self, path: str, old: Values, new: Values) -> Iterator[Entry]:
        head, tail, middle = self._comparison.alignment(old, new)
        if middle is None:
            middle = self._aligned(head, old[head : len(old) - tail], new[head : len(new) - tail])
        # From the back to the front, so that no removal moves an index that is still to come.
        for before, after in reversed(middle):
            if before is not None and after is None:
                yield Entry("remove", f"{path}/{before}", old=old[before])
        for before, after in middle:
            if before is None and after is not None:
                yield Entry("add", f"{path}/{after}", new=new[after])
        for before, after in middle:
            if before is not None and after is not None:
                yield from self._values(f"{path}/{after}", old[before], new[after])

    def _aligned(self, head: int, old: Values, new: Values) -> list[Pair]:
        """Pair up what two lists don't have in common at their ends, by what is equal, or else by position."""
        shorter, longer = sorted((len(old), len(new)))
        by_position = set(range(shorter, len(old))), set(range(shorter, len(new)))
        if longer > _ALIGN_AT_MOST:
            return pair_up(head, old, new, *by_position)
        old_texts, new_texts = [canonical_text(one) for one in old], [canonical_text(one) for one in new]
        work = _equal_pairs(old_texts, new_texts) * longer
        if work > self._work:
            return pair_up(head, old, new, *by_position)
        self._work -= work
        # Imported here because it takes 110 to 155 ms, and few changes need it.
        from deepdiff import DeepDiff  # noqa: PLC0415

        found = DeepDiff(old_texts, new_texts, view="tree")
        removed = {level.path(output_format="list")[0] for level in found.get("iterable_item_removed", ())}
        added = {level.path(output_format="list")[0] for level in found.get("iterable_item_added", ())}
        return pair_up(head, old, new, removed, added)

    def _bounded(self, whole: Entry, inside: Iterator[Entry]) -> Iterator[Entry]:
        """Yield what changed inside a top-level attribute, or its replacement where the paths grow too long."""
        entries: list[Entry] = []
        paths = 0
        for entry in inside:
            paths += len(entry.path)
            if paths > self._paths:
                yield whole
                return
            entries.append(entry)
        self._paths -= paths
        yield from entries


def _without(tag: str, members: list[str], others: list[str]) -> AttributeValue | None:
    left = set(others)
    rest = [member for member in members if member not in left]
    return {tag: rest} if rest else None


def _equal_pairs(old: list[str], new: list[str]) -> int:
    """Count the pairs of equal elements, which is what aligning has to look through for each element."""
    of_new = Counter(new)
    return sum(count * of_new[text] for text, count in Counter(old).items())

"""Puts one item back by the plan that was made from what was shown, and tells what came of it.

Several writes in place of one can leave something of theirs behind only if the process dies in between: marks, which
say who was about to restore the item, and why. What a deletion took without having been shown is put back at once.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from audit_trail.core.restore import Plan, Write, anew, undo
from audit_trail.core.values import Image
from audit_trail.ports import ChangedMeanwhileError, SourceItems

_TRIES = 5  # to take marks back, each beaten by somebody else's change of them


class Became(StrEnum):
    """What became of an item."""

    RESTORED = "restored"
    """It stands as planned."""
    CHANGED_MEANWHILE = "changed meanwhile"
    """It is not as it was shown any more; nothing of the plan was written, or it was taken back."""
    DIFFERS = "differs"
    """It was written as planned, and something beside it had been changed meanwhile."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of an item, and what is there now as far as that is known."""

    became: Became
    found: Image | None
    lost: Image | None = None
    """An item that was deleted though it wasn't as shown, and could not be put back: another one is there."""


def put_back(items: SourceItems, plan: Plan) -> Restored:
    """Carry out a plan.

    :raises botocore.exceptions.ClientError: AWS refused; whether something was written then is not known.
    """
    for place, mark in enumerate(plan.marks):
        if given_up := _mark(items, plan, mark, plan.marks[:place]):
            return given_up
    try:
        came = items.write(plan.write)
    except ChangedMeanwhileError:
        found = items.get(plan.write.keys)
        if found == plan.write.result:
            # Our own write, whose answer was lost before it was sent again; or somebody else's, of the same.
            return Restored(Became.RESTORED, found)
        return _given_up(items, plan.marks, found)
    except Exception:
        # Refused, for a permission that is missing for instance: nobody is to be named for what wasn't done.
        with contextlib.suppress(Exception):
            _given_up(items, plan.marks, items.get(plan.write.keys) if plan.marks else None)
        raise
    if plan.write.result is None:
        return Restored(Became.RESTORED, None) if came == plan.write.shown else _taken_too_much(items, plan, came)
    return Restored(Became.RESTORED if came == plan.write.result else Became.DIFFERS, came)


def _mark(items: SourceItems, plan: Plan, mark: Write, done: Sequence[Write]) -> Restored | None:
    deleting = plan.write.result is None
    try:
        found = items.write(mark)
    except ChangedMeanwhileError:
        found = items.get(mark.keys)
        if found is not None and found != mark.result:
            return _given_up(items, done, found)
    if found is None:
        return Restored(Became.RESTORED if deleting else Became.CHANGED_MEANWHILE, None)
    # What was added beside it stays where the item is updated; a deletion would take it along.
    return _given_up(items, [*done, mark], found) if deleting and found != mark.result else None


def _given_up(items: SourceItems, marks: Sequence[Write], found: Image | None) -> Restored:
    for _ in range(_TRIES):
        if found is None or (write := undo(marks, found)) is None:
            break
        try:
            found = items.write(write)
        except ChangedMeanwhileError:
            found = items.get(write.keys)
    return Restored(Became.CHANGED_MEANWHILE, found)


def _taken_too_much(items: SourceItems, plan: Plan, deleted: Image | None) -> Restored:
    if deleted is None:
        return Restored(Became.RESTORED, None)
    back = undo(plan.marks, deleted)
    try:
        items.write(anew(deleted if back is None or back.result is None else back.result, plan.write.keys))
    except ChangedMeanwhileError:
        return Restored(Became.DIFFERS, items.get(plan.write.keys), lost=deleted)
    return Restored(Became.CHANGED_MEANWHILE, deleted)

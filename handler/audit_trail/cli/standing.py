"""How an item stood at a moment that was typed, for the commands that show or restore it."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from audit_trail.cli import clock, words
from audit_trail.cli.context import UsageError, note
from audit_trail.core import states
from audit_trail.core.moments import FIRST, bound
from audit_trail.core.validation import is_timestamp

if TYPE_CHECKING:
    from audit_trail.aws.reader import TrailReader
    from audit_trail.aws.reading import Trail
    from audit_trail.cli.options import OutputOptions
    from audit_trail.core.states import State
    from audit_trail.core.values import Image

MOMENT = (
    "A time such as 2026-11-24T12:00, 2026-11-24, 2h or yesterday, all of that second or day included; or a change's "
    "timestamp as --json shows it: just after that change."
)
_SETTLING = timedelta(seconds=60)
_TTL_WITHIN = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment that was typed: a time, or just after a change."""

    text: str
    end: datetime | None
    """The first moment after the time; None where it is a change's timestamp."""


def moment(text: str, output: "OutputOptions") -> Moment:
    """Read a moment."""
    return Moment(text, None if is_timestamp(text) else output.span(text).end)


def at(reader: "TrailReader", item_key: "Image", when: Moment) -> "State | None":
    """Return how an item stood; None where nothing is recorded of it.

    :raises UsageError: the item has no change with that timestamp.
    """
    if when.end is not None:
        return reader.state(item_key, when.end)
    for change in reader.at(item_key, when.text, when.text):
        return states.after(change)
    raise UsageError(f"this key has no change with the timestamp {when.text}")


def expired(when: Moment, trail: "Trail") -> bool:
    """Tell whether records of that moment may have expired."""
    return when.end is not None and trail.retention is not None and when.end <= clock.now() - trail.retention


def whole(when: Moment, reader: "TrailReader") -> bool:
    """Tell whether what is recorded of that moment is all that ever was.

    It is where the archive was on before any of it was deleted: when there's something older in it, by more than the
    days within which DynamoDB's TTL deletes.
    """
    if when.end is None or not expired(when, reader.trail):
        return True
    return reader.archive is not None and reader.archive.reaches(
        bound(max(when.end, FIRST + _TTL_WITHIN) - _TTL_WITHIN)
    )


def warn(when: Moment, trail: "Trail", *, archived: bool = False) -> None:
    """Say what may be missing of what is recorded."""
    if when.end is not None and when.end > clock.now() - _SETTLING:
        note("The latest changes may not be recorded yet: it can take a minute.")
    if not archived and expired(when, trail) and trail.retention is not None:
        note(f"Records expire after {trail.retention.days} days: what is recorded of then may not be all of it.")


def in_words(text: str, state: "State", output: "OutputOptions") -> str:
    """Say how an item stood, and which record tells it."""
    time = words.time_words(state.change.moment, output.zone)
    if state.inferred:
        there = "as the first record has it before its change"
        if state.image is None:
            there = "it did not exist"
        elif state.change.event_name == "BASELINE":
            there = "as it was first seen, later"
        return f"{text}: {there}; nothing is recorded before the {state.change.event_name} of {time}"
    if state.image is None:
        return f"{text}: it did not exist, since the REMOVE of {time}"
    return f"{text}: as the {state.change.event_name} of {time} left it"


def in_json(text: str, state: "State", *, typed: bool) -> str:
    """Write how an item stood as JSON (docs/schemas/difference.schema.json, side)."""
    fields = {"at": text, "exists": state.image is not None, "timestamp": state.change.timestamp}
    fields |= {"event_name": state.change.event_name, "inferred": state.inferred}
    image = "" if state.image is None else f', "image": {words.image_json(state.image, typed=typed)}'
    return f"{json.dumps(fields)[:-1]}{image}}}"

"""Whether a source table's stream and the event source mapping that reads it are still each other's.

A stream that is turned off and on again, or a table that is restored, has another stream: the mapping goes on reading
the old one, where nothing comes any more, and no metric of AWS's tells.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
"""

from dataclasses import dataclass

VIEW_TYPE = "NEW_AND_OLD_IMAGES"
ENABLED = "Enabled"


@dataclass(frozen=True, slots=True)
class SourceStream:
    """What a source table says of its stream; all of it is absent for a table that never had one."""

    arn: str | None
    """The latest one; a table keeps it after its stream was turned off."""
    enabled: bool
    view_type: str | None


@dataclass(frozen=True, slots=True)
class Mapping:
    """What an event source mapping says of itself."""

    event_source_arn: str | None
    state: str


def problems(stream: SourceStream | None, mapping: Mapping | None) -> list[str]:
    """Return every reason why changes of the source table don't reach the function, in words; none when they do.

    None stands for a table or a mapping that doesn't exist. The reasons hold ARNs and states, no data of items.
    """
    found = []
    if stream is None:
        found.append("the source table is gone")
    elif not stream.enabled:
        found.append("the source table's stream is off")
    elif stream.view_type != VIEW_TYPE:
        found.append(f"the stream's view type is {stream.view_type}, not {VIEW_TYPE}")
    if mapping is None:
        found.append("the event source mapping is gone")
    else:
        if stream is not None and mapping.event_source_arn != stream.arn:
            found.append(f"the mapping reads {mapping.event_source_arn}, the source table's stream is {stream.arn}")
        if mapping.state != ENABLED:
            found.append(f"the event source mapping is {mapping.state}, not {ENABLED}")
    return found

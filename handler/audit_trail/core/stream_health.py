"""Whether a table's stream and the event source mapping that reads it are still each other's.

A stream that is turned off and on again, or a table that is restored, has another stream: the mapping goes on reading
the old one, where nothing comes any more, and no metric of AWS's tells.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
"""

from dataclasses import dataclass, replace

ENABLED = "Enabled"


@dataclass(frozen=True, slots=True)
class Stream:
    """What a table says of its stream; all of it is absent for a table that never had one."""

    arn: str | None
    """The latest one; a table keeps it after its stream was turned off."""
    enabled: bool
    view_type: str | None


@dataclass(frozen=True, slots=True)
class Mapping:
    """What an event source mapping says of itself."""

    event_source_arn: str | None
    state: str


@dataclass(frozen=True, slots=True)
class Reading:
    """Which mapping reads which table's stream, in words, and what the stream must carry."""

    table: str
    mapping: str
    view_types: tuple[str, ...]
    """Those that will do; Terraform sets the first."""


CAPTURE = Reading("the source table", "the event source mapping", ("NEW_AND_OLD_IMAGES",))
ARCHIVE = Reading("the audit table", "the archive's event source mapping", ("OLD_IMAGE", "NEW_AND_OLD_IMAGES"))
TAMPERING = replace(ARCHIVE, mapping="the event source mapping that sees tampering")


def stream_problems(reading: Reading, stream: Stream | None) -> list[str]:
    """Return what is wrong with a table and its stream, in words; nothing when all is well.

    None stands for a table that doesn't exist. The reasons hold ARNs and states, no data of items.
    """
    if stream is None:
        return [f"{reading.table} is gone"]
    if not stream.enabled:
        return [f"{reading.table}'s stream is off"]
    if stream.view_type not in reading.view_types:
        return [f"the view type of {reading.table}'s stream is {stream.view_type}, not {reading.view_types[0]}"]
    return []


def mapping_problems(reading: Reading, stream: Stream | None, mapping: Mapping | None) -> list[str]:
    """Return what is wrong with a mapping, likewise; without a stream, it is compared with none."""
    if mapping is None:
        return [f"{reading.mapping} is gone"]
    found = []
    if stream is not None and mapping.event_source_arn != stream.arn:
        found.append(f"{reading.mapping} reads {mapping.event_source_arn}, {reading.table}'s stream is {stream.arn}")
    if mapping.state != ENABLED:
        found.append(f"{reading.mapping} is {mapping.state}, not {ENABLED}")
    return found

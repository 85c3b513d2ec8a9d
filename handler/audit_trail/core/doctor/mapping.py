"""The event source mapping between the source table's stream and the function, and what is true of each mapping."""

import json
from collections.abc import Sequence

from audit_trail.core.doctor.facts import Facts, MappingSettings, SourceTable, seen
from audit_trail.core.doctor.findings import Finding, Section, ok, problem, unknown, warning
from audit_trail.core.stream_health import CAPTURE, ENABLED, Reading, mapping_problems

LONGEST_RECORD_AGE = 64_800
"""Seconds: a stream keeps 24 hours, and what is given up has to be written to the failures bucket before."""
MOST_READERS = 2
"""Readers that a shard of a stream takes; more are throttled.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
"""
MOST_READERS_OF_REPLICATED = 1
"""Those that AWS advises for a global table."""
Filters = tuple[str, ...]
NO_FILTER: Filters = ()


def reads_the_stream(facts: Facts) -> Finding:
    """Check that the mapping reads the source table's latest stream, and is enabled."""
    found = seen(facts.mapping)
    source = facts.source
    stream = source.stream if isinstance(source, SourceTable) else None
    if reasons := mapping_problems(CAPTURE, stream, found.mapping if found else None):
        return problem(f"{'; '.join(reasons)}: {todo(found)}", Section.STREAM_MISMATCH)
    if seen(source) is None:
        return problem("the event source mapping reads the stream of a table that is gone", Section.STREAM_MISMATCH)
    return ok("the event source mapping reads that very stream, and is enabled")


def todo(found: MappingSettings | None) -> str:
    """Return what to do about a mapping that is gone, isn't enabled, or reads another stream."""
    if found is not None and found.mapping.state != ENABLED:
        return (
            f"`aws lambda update-event-source-mapping --uuid {found.uuid} --enabled`, unless it is about to change, "
            "then `make deploy`"
        )
    return "`make deploy`; what isn't read is lost 24 hours after it was written"


def settings(facts: Facts) -> Finding:
    """Check that nothing is lost by what Lambda takes and how it retries: the mapping is as Terraform makes it.

    https://docs.aws.amazon.com/lambda/latest/api/API_EventSourceMappingConfiguration.html
    """
    return keeps_all(facts, CAPTURE, seen(facts.mapping), NO_FILTER, Section.STREAM_MISMATCH)


def keeps_all(
    facts: Facts, reading: Reading, found: MappingSettings | None, filters: Filters, section: Section
) -> Finding:
    """Judge whether a mapping can lose nothing that its filters are for; ``section`` is for one that is gone."""
    if found is None:
        return gone(reading, section)
    settings = seen(facts.settings)
    bucket = settings.get("FAILURES_BUCKET") or settings.get("TRAIL_BUCKET", "")
    partition = facts.table.arn.split(":")[1]
    wrong = unlike_terraforms(
        (
            "it has no ReportBatchItemFailures, so what failed counts as stored",
            "ReportBatchItemFailures" in found.response_types,
        ),
        ("it does not bisect batches, so one record takes its neighbours along", found.bisects),
        *tries_long(found),
        (
            f"its on-failure destination is {found.destination}, not the bucket {bucket}",
            found.destination == f"arn:{partition}:s3:::{bucket}",
        ),
        takes(found, filters),
    )
    if wrong:
        return problem(f"{reading.mapping} is not as Terraform makes it: {'; '.join(wrong)}; `make deploy`")
    return ok(f"failed batches are bisected, retried for {found.record_age} seconds, then kept in the failures bucket")


def gone(reading: Reading, section: Section) -> Finding:
    """Say that nothing is known of a mapping, since there is none."""
    return unknown(f"{reading.mapping} is gone: `make deploy`", section)


def unlike_terraforms(*judged: tuple[str, bool]) -> list[str]:
    """Return those of the sentences about a mapping that don't come with True."""
    return [words for words, as_made in judged if not as_made]


def tries_long(found: MappingSettings) -> list[tuple[str, bool]]:
    """Return what can be wrong with how long Lambda tries, each with whether it is right."""
    return [
        (f"it gives up after {found.most_retries} retries", found.most_retries == -1),
        (
            f"its maximum record age is {found.record_age} seconds, so that the stream may forget first",
            0 <= found.record_age <= LONGEST_RECORD_AGE,
        ),
    ]


def takes(found: MappingSettings, filters: Filters) -> tuple[str, bool]:
    """Return what can be wrong with a mapping's filters, with whether they are these, in any order."""
    words = f"its filters are {', '.join(found.filters) or 'gone'}, and something may never reach the function"
    return words, sorted(map(_same_text, found.filters)) == sorted(map(_same_text, filters))


def _same_text(pattern: str) -> str:
    try:
        return json.dumps(json.loads(pattern), sort_keys=True)
    except ValueError:
        return pattern


def last_result(facts: Facts) -> Finding:
    """Check what Lambda met the last time it read the stream, or tried to."""
    found = seen(facts.mapping)
    if found is None:
        return gone(CAPTURE, Section.STREAM_MISMATCH)
    return met(found, Section.FUNCTION_ERRORS)


def met(found: MappingSettings, section: Section) -> Finding:
    """Judge what Lambda met, by a mapping, the last time it read the stream."""
    if not found.last_result:
        return unknown("Lambda says nothing yet of reading the stream: look again in a minute")
    # What AWS writes here is not documented beyond examples: OK, No records processed, PROBLEM: Function call failed.
    if found.last_result.startswith(("OK", "No records processed")):
        return ok(f"the last time Lambda read the stream: {found.last_result}")
    return problem(
        f"the last time Lambda read the stream: {found.last_result}; the function's log says more, unless Lambda may not "
        "read the stream",
        section,
    )


def source_readers(facts: Facts) -> Finding:
    """Check that no more read the source table's stream than a shard takes."""
    replicated = isinstance(facts.source, SourceTable) and facts.source.replicated
    most = MOST_READERS_OF_REPLICATED if replicated else MOST_READERS
    return shared(CAPTURE, seen(facts.source_readers), most)


def shared(reading: Reading, readers: Sequence[str], most: int) -> Finding:
    """Judge whether a stream has too many readers, as far as Lambda knows them; ``readers`` are functions' ARNs."""
    known = f"{len(readers)} event source mapping{'s' * (len(readers) != 1)}"
    if len(readers) <= most:
        return ok(f"{known} of at most {most} read {reading.table}'s stream")
    names = ", ".join(sorted(arn.rpartition(":function:")[2] for arn in readers))
    return warning(
        f"{known} read {reading.table}'s stream, {names}, and a shard takes {most}: reads are throttled, and changes come "
        "late; let one function pass the records on to the others",
        Section.ITERATOR_AGE,
    )


def chosen(found: Sequence[MappingSettings], table: str, stream: str | None) -> MappingSettings | None:
    """Return which of a function's mappings is the trail's: of this table, of the latest stream if there is one."""
    of_table = [one for one in found if f":table/{table}/stream/" in (one.mapping.event_source_arn or "")]
    of_stream = [one for one in of_table if one.mapping.event_source_arn == stream]
    return next(iter(of_stream or of_table), None)

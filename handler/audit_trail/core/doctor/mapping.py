"""The event source mapping between the source table's stream and the function."""

from collections.abc import Sequence

from audit_trail.core.doctor.facts import Facts, MappingSettings, SourceTable, seen
from audit_trail.core.doctor.findings import Finding, Section, ok, problem, unknown
from audit_trail.core.stream_health import ENABLED, mapping_problems

LONGEST_RECORD_AGE = 64_800
"""Seconds: a stream keeps 24 hours, and what is given up has to be written to the bucket before."""
NO_MAPPING = "the event source mapping is gone: `make deploy`"


def reads_the_stream(facts: Facts) -> Finding:
    """Check that the mapping reads the source table's latest stream, and is enabled."""
    found = seen(facts.mapping)
    source = facts.source
    stream = source.stream if isinstance(source, SourceTable) else None
    if reasons := mapping_problems(stream, found.mapping if found else None):
        return problem(f"{'; '.join(reasons)}: {_todo(found)}", Section.STREAM_MISMATCH)
    if seen(source) is None:
        return problem("the event source mapping reads the stream of a table that is gone", Section.STREAM_MISMATCH)
    return ok("the event source mapping reads that very stream, and is enabled")


def _todo(found: MappingSettings | None) -> str:
    if found is not None and found.mapping.state != ENABLED:
        return (
            f"`aws lambda update-event-source-mapping --uuid {found.uuid} --enabled`, unless it is about to change, "
            "then `make deploy`"
        )
    return "`make deploy`; what isn't read is lost 24 hours after it was written"


def settings(facts: Facts) -> Finding:
    """Check that nothing is lost by how Lambda retries: the mapping is as Terraform makes it.

    https://docs.aws.amazon.com/lambda/latest/api/API_EventSourceMappingConfiguration.html
    """
    found = seen(facts.mapping)
    if found is None:
        return unknown(NO_MAPPING, Section.STREAM_MISMATCH)
    bucket = seen(facts.settings).get("TRAIL_BUCKET", "")
    partition = facts.table.arn.split(":")[1]
    wrong = [
        words
        for words, as_made in (
            ("it has no ReportBatchItemFailures, so changes that failed count as stored", _reports_failures(found)),
            ("it does not bisect batches, so one record takes its neighbours along", found.bisects),
            (f"it gives up after {found.most_retries} retries", found.most_retries == -1),
            (
                f"its maximum record age is {found.record_age} seconds, so that the stream may forget first",
                0 <= found.record_age <= LONGEST_RECORD_AGE,
            ),
            (
                f"its on-failure destination is {found.destination}, not the bucket {bucket}",
                found.destination == f"arn:{partition}:s3:::{bucket}",
            ),
        )
        if not as_made
    ]
    if wrong:
        return problem(f"the event source mapping is not as Terraform makes it: {'; '.join(wrong)}; `make deploy`")
    return ok(f"failed batches are bisected, retried for {found.record_age} seconds, then kept in the bucket")


def _reports_failures(found: MappingSettings) -> bool:
    return "ReportBatchItemFailures" in found.response_types


def last_result(facts: Facts) -> Finding:
    """Check what Lambda met the last time it read the stream, or tried to."""
    found = seen(facts.mapping)
    if found is None:
        return unknown(NO_MAPPING, Section.STREAM_MISMATCH)
    if not found.last_result:
        return unknown("Lambda says nothing yet of reading the stream: look again in a minute")
    # What AWS writes here is not documented beyond examples: OK, No records processed, PROBLEM: Function call failed.
    if found.last_result.startswith(("OK", "No records processed")):
        return ok(f"the last time Lambda read the stream: {found.last_result}")
    return problem(
        f"the last time Lambda read the stream: {found.last_result}; the function's log says more, unless Lambda may not "
        "read the stream",
        Section.FUNCTION_ERRORS,
    )


def chosen(found: Sequence[MappingSettings], source_table: str, stream: str | None) -> MappingSettings | None:
    """Return which of a function's mappings is the trail's: of its source table, of the latest stream if there is one."""
    of_table = [one for one in found if f":table/{source_table}/stream/" in (one.mapping.event_source_arn or "")]
    of_stream = [one for one in of_table if one.mapping.event_source_arn == stream]
    return next(iter(of_stream or of_table), None)

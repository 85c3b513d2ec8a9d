"""The archive: the audit table's own stream, and the two functions that read it."""

import json

from audit_trail.core.doctor import function, mapping
from audit_trail.core.doctor.facts import Facts, MappingSettings, seen
from audit_trail.core.doctor.findings import Finding, Section, ok, problem
from audit_trail.core.stream_health import ARCHIVE, TAMPERING, Reading, mapping_problems, stream_problems

TTL = "dynamodb.amazonaws.com"
EXPIRED = (json.dumps({"eventName": ["REMOVE"], "userIdentity": {"type": ["Service"], "principalId": [TTL]}}),)
"""Filters that let deletions by TTL through, and nothing else."""
TAMPERED = (json.dumps({"eventName": ["MODIFY"]}), json.dumps({"eventName": ["REMOVE"]}))
"""Filters that let every change and every deletion through: the function tells which of them should not be."""


def stream(facts: Facts) -> Finding:
    """Check that the audit table's stream carries what expires."""
    if found := stream_problems(ARCHIVE, facts.table.stream):
        return problem(
            f"{', '.join(found)}: `make deploy`; what expires until then is lost for the archive",
            Section.ARCHIVE_STREAM_MISMATCH,
        )
    return ok("the audit table's stream is on, with old images")


def mapping_reads(facts: Facts) -> Finding:
    """Check that the archive's mapping reads that stream, and is enabled."""
    if found := _not_reading(facts, ARCHIVE, seen(facts.archive_mapping)):
        return found
    return ok("the archive's event source mapping reads that very stream, and is enabled")


def settings(facts: Facts) -> Finding:
    """Check that nothing that expires is lost by what Lambda takes and how it retries."""
    found = seen(facts.archive_mapping)
    return mapping.keeps_all(facts, ARCHIVE, found, EXPIRED, Section.ARCHIVE_STREAM_MISMATCH)


def last_result(facts: Facts) -> Finding:
    """Check what Lambda met the last time it read the stream for the archive."""
    found = seen(facts.archive_mapping)
    if found is None:
        return mapping.gone(ARCHIVE, Section.ARCHIVE_STREAM_MISMATCH)
    return mapping.met(found, Section.ARCHIVE_ERRORS)


def readers(facts: Facts) -> Finding:
    """Check that no more read the audit table's stream than a shard takes."""
    return mapping.shared(ARCHIVE, seen(facts.audit_readers), mapping.MOST_READERS)


def function_runs(facts: Facts) -> Finding:
    """Check that the function that archives exists and runs."""
    return function.runs(seen(facts.archive_function), seen(facts.settings)["ARCHIVE"], Section.ARCHIVE_ERRORS)


def tampering_reads(facts: Facts) -> Finding:
    """Check that the mapping that sees tampering reads that stream, is enabled, and lets through all that it must see."""
    found = seen(facts.tampering_mapping)
    if finding := _not_reading(facts, TAMPERING, found):
        return finding
    if found and (wrong := mapping.unlike_terraforms(*mapping.tries_long(found), mapping.takes(found, TAMPERED))):
        return problem(f"{TAMPERING.mapping} is not as Terraform makes it: {'; '.join(wrong)}; `make deploy`")
    return ok(f"{TAMPERING.mapping} reads that very stream, and is enabled")


def tampering_runs(facts: Facts) -> Finding:
    """Check that the function that counts what is done by hand exists and runs."""
    name = seen(facts.settings).get("TAMPERING", "")
    return function.runs(seen(facts.tampering_function), name, Section.TAMPERING_UNSEEN)


def _not_reading(facts: Facts, reading: Reading, found: MappingSettings | None) -> Finding | None:
    reasons = mapping_problems(reading, facts.table.stream, found.mapping if found else None)
    if not reasons:
        return None
    return problem(f"{'; '.join(reasons)}: {mapping.todo(found)}", Section.ARCHIVE_STREAM_MISMATCH)

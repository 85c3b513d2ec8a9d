"""The audit table, and the source table with its stream."""

from audit_trail.core.doctor.facts import Facts, seen
from audit_trail.core.doctor.findings import Finding, Section, ok, problem, warning
from audit_trail.core.stream_health import CAPTURE, stream_problems

EXPIRES_AT = "expires_at"
_WRITABLE = frozenset({"ACTIVE", "UPDATING"})


def audit_table(facts: Facts) -> Finding:
    """Check that the audit table takes records.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html
    """
    table = facts.table
    if table.status not in _WRITABLE:
        return problem(f"{table.name} is {table.status}, and takes no records: see why in the DynamoDB console")
    return ok(f"{table.name} keeps the history of {seen(facts.settings)['SOURCE_TABLE']}")


def source_stream(facts: Facts) -> Finding:
    """Check that the source table exists, and its stream carries both images."""
    source = seen(facts.source)
    if found := stream_problems(CAPTURE, source.stream if source else None):
        todo = f"turn it on with {CAPTURE.view_types[0]}, then `make deploy`" if source else "nothing is left to audit"
        return problem(f"{', '.join(found)}: {todo}", Section.STREAM_MISMATCH)
    return ok("the source table's stream is on, with both images")


def backups(facts: Facts) -> Finding:
    """Check that the audit table can be restored to any moment of the last 35 days."""
    if seen(facts.point_in_time_recovery):
        return ok("point-in-time recovery is on")
    return warning("the audit table has no point-in-time recovery: set `point_in_time_recovery = true`")


def deletion_protection(facts: Facts) -> Finding:
    """Check that DynamoDB refuses to delete the audit table."""
    if facts.table.deletion_protection:
        return ok("the audit table is protected from deletion")
    return warning("anyone who may delete tables can delete the history: set `deletion_protection = true`")


def expiry(facts: Facts) -> Finding:
    """Check that records with a retention do expire, and go into the archive, and that no other records do.

    TTL by another attribute deletes whatever that one dates back: ``approximate_creation_date_time`` is every record.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TimeToLiveDescription.html
    """
    told, found = seen(facts.settings), seen(facts.expiry)
    days = told.get("RETENTION_DAYS")
    on = found.status in ("ENABLED", "ENABLING")
    if on and found.attribute != EXPIRES_AT:
        return problem(
            f"TTL deletes records by the attribute {found.attribute or 'none'} instead of {EXPIRES_AT}: somebody changed "
            "it, and history may be gone; turn it off at once, then `make deploy`",
            Section.RECORDS_TAMPERED,
        )
    if not days:
        return ok("records are kept for ever")
    if on:
        if not told.get("ARCHIVE"):
            return warning(
                f"records are gone for good after {days} days: set `archive = {{}}` to keep them in the history bucket"
            )
        return ok(f"records expire after {days} days, and go into the archive")
    return problem(f"records should expire after {days} days, and never do: TTL is {found.status}; `make deploy`")

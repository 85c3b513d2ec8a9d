"""Whether the trail is working: facts in, one finding a check out."""

from collections.abc import Callable, Iterator

from audit_trail.core.doctor import alarms, archive, bucket, function, mapping, tables, traffic
from audit_trail.core.doctor.facts import Facts, NotSeenError, Unseen, archives
from audit_trail.core.doctor.findings import Finding, unknown

CHECKS: dict[str, Callable[[Facts], Finding]] = {
    "audit-table": tables.audit_table,
    "source-stream": tables.source_stream,
    "mapping": mapping.reads_the_stream,
    "mapping-settings": mapping.settings,
    "last-result": mapping.last_result,
    "stream-readers": mapping.source_readers,
    "function": function.state,
    "function-settings": function.settings,
    "role-permissions": function.role_permissions,
    "lag": traffic.lag,
    "errors": traffic.errors,
    "not-stored": traffic.not_stored,
    "last-change": traffic.last_change,
    "index-shards": traffic.index_shards,
    "given-up": bucket.given_up,
    "quarantined": bucket.quarantined,
    "bucket": bucket.setup,
    "lifecycle": bucket.lifecycle,
    "alarms": alarms.alarms,
    "backups": tables.backups,
    "deletion-protection": tables.deletion_protection,
    "expiry": tables.expiry,
}
"""Every check of each trail, in the order in which they are shown."""

ARCHIVE_CHECKS: dict[str, Callable[[Facts], Finding]] = {
    "archive-stream": archive.stream,
    "archive-mapping": archive.mapping_reads,
    "archive-settings": archive.settings,
    "archive-last-result": archive.last_result,
    "archive-readers": archive.readers,
    "archive-function": archive.function_runs,
    "archive-lag": traffic.archive_lag,
    "archive-errors": traffic.archive_errors,
    "not-archived": traffic.not_archived,
    "tampering-mapping": archive.tampering_reads,
    "tampering-function": archive.tampering_runs,
}
"""Those of a trail that has an archive, after them."""


def examine(facts: Facts) -> Iterator[tuple[str, Finding]]:
    """Yield the finding of each check, by its name; what could not be looked at is unknown."""
    for name, check in (CHECKS | ARCHIVE_CHECKS if archives(facts) else CHECKS).items():
        try:
            yield name, check(facts)
        except NotSeenError as error:
            yield name, _not_seen(error.unseen)


def _not_seen(unseen: Unseen) -> Finding:
    if unseen.why:
        return unknown(unseen.why)
    if unseen.denied:
        return unknown(f"these credentials may not do {unseen.action}: attach the doctor policy that Terraform outputs")
    return unknown(f"AWS could not say: {unseen.action} failed with {unseen.code}")

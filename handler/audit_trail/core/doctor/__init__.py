"""Whether the trail is working: facts in, one finding a check out."""

from collections.abc import Callable, Iterator

from audit_trail.core.doctor import alarms, bucket, function, mapping, tables, traffic
from audit_trail.core.doctor.facts import Facts, NotSeenError, Unseen
from audit_trail.core.doctor.findings import Finding, unknown

CHECKS: dict[str, Callable[[Facts], Finding]] = {
    "audit-table": tables.audit_table,
    "source-stream": tables.source_stream,
    "mapping": mapping.reads_the_stream,
    "mapping-settings": mapping.settings,
    "last-result": mapping.last_result,
    "function": function.state,
    "function-settings": function.settings,
    "role-permissions": function.role_permissions,
    "lag": traffic.lag,
    "errors": traffic.errors,
    "not-stored": traffic.not_stored,
    "last-change": traffic.last_change,
    "given-up": bucket.given_up,
    "quarantined": bucket.quarantined,
    "bucket": bucket.setup,
    "alarms": alarms.alarms,
    "backups": tables.backups,
    "deletion-protection": tables.deletion_protection,
    "expiry": tables.expiry,
}
"""Every check, in the order in which they are shown."""


def examine(facts: Facts) -> Iterator[tuple[str, Finding]]:
    """Yield the finding of each check, by its name; what could not be looked at is unknown."""
    for name, check in CHECKS.items():
        try:
            yield name, check(facts)
        except NotSeenError as error:
            yield name, _not_seen(error.unseen)


def _not_seen(unseen: Unseen) -> Finding:
    if unseen.denied:
        return unknown(f"these credentials may not do {unseen.action}: attach the doctor policy that Terraform outputs")
    return unknown(f"AWS could not say: {unseen.action} failed with {unseen.code}")

"""The alarms that call someone."""

from audit_trail.core.doctor.facts import Facts, archives, seen
from audit_trail.core.doctor.findings import Finding, Section, ok, problem, warning

ON_REQUEST = (Section.SILENCE,)
OF_ARCHIVE = (
    Section.ARCHIVE_STREAM_MISMATCH,
    Section.ARCHIVE_LATE,
    Section.ARCHIVE_ERRORS,
    Section.RECORDS_NOT_ARCHIVED,
    Section.ARCHIVE_GIVEN_UP,
    Section.ARCHIVE_DROPPED,
    Section.RECORDS_EXPIRED_EARLY,
    Section.RECORDS_TAMPERED,
    Section.TAMPERING_UNSEEN,
)
ALWAYS = tuple(section for section in Section if section not in (*ON_REQUEST, *OF_ARCHIVE, Section.DOCTOR))
"""Alarms that Terraform makes unless it's told to make none."""


def alarms(facts: Facts) -> Finding:
    """Check that every alarm is there, calls somebody, and doesn't ring."""
    found = {alarm.key: alarm for alarm in seen(facts.alarms)}
    ringing = [key for key, alarm in found.items() if alarm.state == "ALARM"]
    if ringing:
        return problem(f"in alarm: {', '.join(ringing)}; each has its section", Section(ringing[0]))
    wanted = ALWAYS + (OF_ARCHIVE if archives(facts) else ())
    missing = [key for key in wanted if key not in found]
    if len(missing) == len(wanted):
        return warning("there are no alarms, so nobody learns when something fails: leave `alarms` at its default")
    if missing:
        return warning(f"alarms are missing: {', '.join(missing)}; `make deploy`")
    silent = [key for key, alarm in found.items() if not alarm.calls_somebody]
    if silent:
        which = "any alarm" if len(silent) == len(found) else ", ".join(silent)
        return warning(f"nobody is called by {which}: give `alarm_actions` a topic")
    return ok(f"{len(found)} alarms watch, and none rings")

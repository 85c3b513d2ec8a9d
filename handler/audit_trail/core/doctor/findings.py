"""What `trail doctor` says of one check."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    """Changes are stored, but something should be done."""
    PROBLEM = "problem"
    """Changes aren't stored, or are missing from the history, or soon will be."""
    UNKNOWN = "unknown"


class Section(StrEnum):
    """A section of docs/runbook.md, by its anchor: each is an alarm's (modules/audit_trail/alarms.tf), but for DOCTOR."""

    ITERATOR_AGE = "iterator-age"
    FUNCTION_ERRORS = "function-errors"
    FUNCTION_THROTTLED = "function-throttled"
    NEAR_TIME_OUT = "near-time-out"
    RECORDS_QUARANTINED = "records-quarantined"
    CHANGES_NOT_STORED = "changes-not-stored"
    BATCHES_GIVEN_UP = "batches-given-up"
    CHANGES_DROPPED = "changes-dropped"
    DESTINATION_FAILURES = "destination-failures"
    AUDIT_TABLE_THROTTLED = "audit-table-throttled"
    STREAM_MISMATCH = "stream-mismatch"
    SILENCE = "silence"
    ARCHIVE_STREAM_MISMATCH = "archive-stream-mismatch"
    ARCHIVE_LATE = "archive-late"
    ARCHIVE_ERRORS = "archive-errors"
    RECORDS_NOT_ARCHIVED = "records-not-archived"
    ARCHIVE_GIVEN_UP = "archive-given-up"
    ARCHIVE_DROPPED = "archive-dropped"
    RECORDS_EXPIRED_EARLY = "records-expired-early"
    RECORDS_TAMPERED = "records-tampered"
    TAMPERING_UNSEEN = "tampering-unseen"
    DOCTOR = "trail-doctor"


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict, and a sentence that says what to do; it holds names, counts and times, no data of items."""

    verdict: Verdict
    sentence: str
    section: Section | None = None
    """Where the runbook says more."""


def ok(sentence: str) -> Finding:
    """Say that all is well."""
    return Finding(Verdict.OK, sentence)


def warning(sentence: str, section: Section = Section.DOCTOR) -> Finding:
    """Say that something should be done."""
    return Finding(Verdict.WARNING, sentence, section)


def problem(sentence: str, section: Section = Section.DOCTOR) -> Finding:
    """Say that something must be done."""
    return Finding(Verdict.PROBLEM, sentence, section)


def unknown(sentence: str, section: Section | None = None) -> Finding:
    """Say that it can't be known, and why."""
    return Finding(Verdict.UNKNOWN, sentence, section)

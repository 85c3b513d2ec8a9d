"""What CloudWatch has counted: lag, errors, and the last change that was stored."""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta

from audit_trail.core.doctor.facts import Facts, MappingSettings, Series, seen
from audit_trail.core.doctor.findings import Finding, Section, ok, problem, unknown, warning
from audit_trail.core.durations import lasting

ITERATOR_AGE = "iterator_age"
"""Milliseconds, the largest."""
INVOCATIONS = "invocations"
ERRORS = "errors"
THROTTLES = "throttles"
STORED = "stored"
NOT_STORED = "not_stored"
WRITTEN = "written"
"""Write units that the source table consumed."""
ARCHIVE_ITERATOR_AGE = "archive_iterator_age"
ARCHIVE_INVOCATIONS = "archive_invocations"
ARCHIVE_ERRORS = "archive_errors"
ARCHIVE_THROTTLES = "archive_throttles"
ARCHIVED = "archived"
NOT_ARCHIVED = "not_archived"
TIME_INDEX_WRITTEN = "time_index_written"
"""Write units that the index by_time consumed."""
_BY_TIME = "time_index"
INDEX_THROTTLED = {_BY_TIME: "time_index_throttled", "actor_index": "actor_index_throttled"}
"""Writes to an index that were throttled, by the module's input that makes it."""

PARTITION_UNITS = 1_000
"""Write units a second of one partition key value.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
"""
MOST_SHARDS = 100
"""The most that the module takes."""
LATELY = timedelta(minutes=15)
_SETTLED = timedelta(minutes=5)  # CloudWatch is late, and a batch may be awaited for as long
_ASIDE = timedelta(minutes=30)
_LONG_LAG = 3_600  # seconds; as the alarm iterator-age has it
_USUAL_RECORD_AGE = 21_600


def lag(facts: Facts) -> Finding:
    """Check that changes reach the function long before Lambda gives up on them."""
    minutes = seen(facts.minutes)
    ages = _since(minutes[ITERATOR_AGE], facts.now - LATELY)
    if not ages:
        written = sum(_since(minutes[WRITTEN], facts.now - LATELY, facts.now - _SETTLED))
        if written:
            return warning(
                "the source table was written to in the last 15 minutes, and no batch reached the function: unless "
                "those writes changed nothing, see the checks above",
                Section.SILENCE,
            )
        return ok("no batch in the last 15 minutes, and nothing written to the source table")
    return _waited("changes", ages, facts.mapping, Section.ITERATOR_AGE)


def archive_lag(facts: Facts) -> Finding:
    """Check that what expires is archived long before Lambda gives up on it."""
    ages = _since(seen(facts.minutes)[ARCHIVE_ITERATOR_AGE], facts.now - LATELY)
    if not ages:
        return ok("no expired record in the last 15 minutes")
    return _waited("expired records", ages, facts.archive_mapping, Section.ARCHIVE_LATE)


def _waited(what: str, ages: list[float], mapping: object, section: Section) -> Finding:
    seconds = round(max(ages) / 1000)
    limit = _record_age(mapping)
    waited = f"{what} had waited up to {seconds} s of the {limit} s that they may"
    if seconds > limit / 2:
        return problem(f"{waited}: they go to the failures bucket soon", section)
    if seconds > _LONG_LAG:
        return warning(waited, section)
    return ok(f"in the last 15 minutes {waited}")


def _record_age(found: object) -> int:
    age = found.record_age if isinstance(found, MappingSettings) else -1
    return age if age > 0 else _USUAL_RECORD_AGE


def errors(facts: Facts) -> Finding:
    """Check that the function ends well, and may run."""
    names = (INVOCATIONS, ERRORS, THROTTLES)
    return _ended_well(seen(facts.minutes), names, Section.FUNCTION_ERRORS, Section.FUNCTION_THROTTLED)


def archive_errors(facts: Facts) -> Finding:
    """Check the same of the function that archives."""
    names = (ARCHIVE_INVOCATIONS, ARCHIVE_ERRORS, ARCHIVE_THROTTLES)
    return _ended_well(seen(facts.minutes), names, Section.ARCHIVE_ERRORS, Section.ARCHIVE_ERRORS)


def _ended_well(
    minutes: Mapping[str, Series], names: tuple[str, str, str], of_failures: Section, of_throttles: Section
) -> Finding:
    invocations, failed, throttled = (_total(minutes, name) for name in names)
    if not failed and not throttled:
        return ok(f"{invocations} invocations in the last hour, none failed or throttled")
    words = f"of {invocations} invocations in the last hour {failed} failed, and {throttled} more were throttled"
    section = of_failures if failed else of_throttles
    return (problem if 2 * (failed + throttled) > invocations else warning)(words, section)


def not_stored(facts: Facts) -> Finding:
    """Check that what reaches the function is stored."""
    return _took(seen(facts.minutes), "changes stored", (STORED, NOT_STORED), Section.CHANGES_NOT_STORED)


def not_archived(facts: Facts) -> Finding:
    """Check that what expires and reaches the function is archived."""
    names = (ARCHIVED, NOT_ARCHIVED)
    return _took(seen(facts.minutes), "expired records archived", names, Section.RECORDS_NOT_ARCHIVED)


def _took(minutes: Mapping[str, Series], what: str, names: tuple[str, str], section: Section) -> Finding:
    taken, refused = (_total(minutes, name) for name in names)
    if not refused:
        return ok(f"{taken} {what} in the last hour, none failed")
    words = f"{taken} {what} in the last hour, and {refused} times one failed and is delivered again"
    return (warning if taken else problem)(f"{words}: the function's log has the reasons", section)


def last_change(facts: Facts) -> Finding:
    """Check that the last change stored is about as old as the last write to the source table."""
    fortnight = seen(facts.fortnight)
    stored, written = _last(fortnight[STORED]), _last(fortnight[WRITTEN])
    if written is not None and (stored is None or written - stored > _ASIDE):
        when = f"was {_ago(facts, stored)}" if stored else "is more than 14 days ago"
        return warning(
            f"the last change stored {when}, the last write to the source table {_ago(facts, written)}: unless "
            "those writes changed nothing, changes are missing",
            Section.SILENCE,
        )
    if stored is None:
        return unknown("CloudWatch knows of no change stored in the last 14 days, and of no write to the source table")
    return ok(f"the last change was stored {_ago(facts, stored)}")


def index_shards(facts: Facts) -> Finding:
    """Check that the shards of the indexes take twice what is written, and that none is throttled.

    A throttled index throttles the inserts, too. CloudWatch doesn't know how much one actor writes: of by_actor,
    throttling is all that shows. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html
    """
    told, minutes, fortnight = seen(facts.settings), seen(facts.minutes), seen(facts.fortnight)
    shards = {name: int(told.get(f"{name.upper()}_SHARDS") or 0) for name in INDEX_THROTTLED}
    if not any(shards.values()):
        return ok("there is no index")
    why, wanted = [], {}
    if shards[_BY_TIME] and (peak := _peak(minutes, fortnight)) > PARTITION_UNITS * shards[_BY_TIME] / 2:
        most = PARTITION_UNITS * shards[_BY_TIME]
        why.append(
            f"{_BY_TIME} took up to {math.ceil(peak):,} write units a second of the {most:,} that its shards take"
        )
        wanted[_BY_TIME] = math.ceil(2 * peak / PARTITION_UNITS)
    for name, metric in INDEX_THROTTLED.items():
        if shards[name] and (count := _total(minutes, metric)):
            why.append(f"{name} was throttled {count:,} times in the last hour")
            wanted[name] = max(wanted.get(name, 0), 2 * shards[name])
    if not why:
        return ok("the indexes' shards take at least twice what was written in the last 14 days")
    todo = " and ".join(f"`{name} = {{ shards = {min(count, MOST_SHARDS)} }}`" for name, count in wanted.items())
    return warning(f"{'; '.join(why)}: set {todo}, and `make deploy`", Section.AUDIT_TABLE_THROTTLED)


def _peak(minutes: Mapping[str, Series], fortnight: Mapping[str, Series]) -> float:
    per_second = [value / 60 for _, value in minutes[TIME_INDEX_WRITTEN]]
    return max((*per_second, *(value / 300 for _, value in fortnight[TIME_INDEX_WRITTEN])), default=0.0)


def _last(series: Series) -> datetime | None:
    return max((moment for moment, value in series if value > 0), default=None)


def _since(series: Series, start: datetime, end: datetime | None = None) -> list[float]:
    return [value for moment, value in series if start <= moment and (end is None or moment < end)]


def _total(metrics: Mapping[str, Series], name: str) -> int:
    return round(sum(value for _, value in metrics[name]))


def _ago(facts: Facts, moment: datetime) -> str:
    return f"{lasting((facts.now - moment).total_seconds())} ago"

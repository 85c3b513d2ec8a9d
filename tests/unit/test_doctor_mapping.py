"""What `trail doctor` says of the event source mapping."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from audit_trail.core.doctor.facts import MappingSettings, Unseen
from audit_trail.core.doctor.mapping import chosen
from audit_trail.core.stream_health import Mapping
from tests.unit.doctor_facts import ARCHIVING, MAPPING, READER, SOURCE, STREAM, finding, verdict_and_section

NEWER = STREAM.replace("2026-11-24", "2026-11-25")
UNSEEN = Unseen("dynamodb:DescribeTable", "AccessDeniedException", denied=True)


def mapping(stream: str | None = STREAM, state: str = "Enabled", **more: Any) -> MappingSettings:
    """Return a mapping that is well but for this."""
    return replace(MAPPING, mapping=Mapping(stream, state), **more)


def test_a_mapping_of_another_stream() -> None:
    """A mapping that reads an older stream is a problem, and a new one is to be deployed."""
    source = replace(SOURCE, stream=replace(SOURCE.stream, arn=NEWER))
    found = finding("mapping", source=source)
    assert (found.verdict, found.section) == ("problem", "stream-mismatch")
    assert found.sentence == (
        f"the event source mapping reads {STREAM}, the source table's stream is {NEWER}: `make deploy`; "
        "what isn't read is lost 24 hours after it was written"
    )


def test_a_mapping_that_is_disabled() -> None:
    """A mapping that isn't enabled is a problem, with the command that enables it."""
    found = finding("mapping", mapping=mapping(state="Disabled"))
    assert (found.verdict, found.section) == ("problem", "stream-mismatch")
    assert "is Disabled, not Enabled" in found.sentence
    assert f"`aws lambda update-event-source-mapping --uuid {MAPPING.uuid} --enabled`" in found.sentence


def test_a_mapping_that_is_gone() -> None:
    """Without a mapping that is a problem, told once; its settings are unknown."""
    assert verdict_and_section("mapping", mapping=None) == ("problem", "stream-mismatch")
    assert verdict_and_section("mapping-settings", mapping=None) == ("unknown", "stream-mismatch")
    assert verdict_and_section("last-result", mapping=None) == ("unknown", "stream-mismatch")


def test_a_mapping_of_a_table_that_is_gone() -> None:
    """An enabled mapping is not well when its source table was deleted."""
    assert verdict_and_section("mapping", source=None) == ("problem", "stream-mismatch")


def test_a_disabled_mapping_is_known_without_the_source_table() -> None:
    """What is wrong with the mapping alone is told also where the source table can't be looked at."""
    assert finding("mapping", source=UNSEEN, mapping=mapping(state="Disabled")).verdict == "problem"
    assert finding("mapping", source=UNSEEN).verdict == "unknown"


@pytest.mark.parametrize(
    ("differing", "words"),
    [
        ({"response_types": ()}, "no ReportBatchItemFailures"),
        ({"bisects": False}, "does not bisect"),
        ({"most_retries": 3}, "after 3 retries"),
        ({"record_age": -1}, "maximum record age is -1 seconds"),
        ({"record_age": 64_801}, "maximum record age is 64801 seconds"),
        ({"destination": None}, "destination is None, not the bucket failures-bucket"),
        ({"destination": "arn:aws:sqs:eu-central-1:111122223333:queue"}, "not the bucket failures-bucket"),
        ({"destination": "arn:aws:s3:::failures-bucket-2"}, "not the bucket failures-bucket"),
        ({"filters": ('{"eventName": ["INSERT"]}',)}, 'its filters are {"eventName": ["INSERT"]}'),
    ],
)
def test_settings_by_which_changes_are_lost(differing: dict[str, Any], words: str) -> None:
    """Each setting by which changes could be lost is a problem, and named."""
    found = finding("mapping-settings", mapping=mapping(**differing))
    assert (found.verdict, found.section) == ("problem", "trail-doctor")
    assert words in found.sentence


@pytest.mark.parametrize("record_age", [60, 64_800])
def test_every_record_age_that_terraform_takes_is_right(record_age: int) -> None:
    """A record age that Terraform's input allows is no problem."""
    assert finding("mapping-settings", mapping=mapping(record_age=record_age)).verdict == "ok"


@pytest.mark.parametrize(
    ("result", "verdict"),
    [
        ("OK", "ok"),
        ("No records processed", "ok"),
        ("PROBLEM: Function call failed", "problem"),
        ("PROBLEM: Lambda can't access the stream", "problem"),
        ("FAILED", "problem"),
        ("", "unknown"),
    ],
)
def test_what_lambda_met_when_it_read_the_stream(result: str, verdict: str) -> None:
    """A result that doesn't begin with OK, or with there being nothing to read, is a problem, and quoted."""
    found = finding("last-result", mapping=mapping(last_result=result))
    assert found.verdict == verdict
    assert result in found.sentence


def test_the_trails_mapping_is_the_one_of_the_latest_stream() -> None:
    """Of several mappings of the function, the one of the source table's latest stream is judged."""
    other = mapping("arn:aws:dynamodb:eu-central-1:111122223333:table/orders-2/stream/x")
    queue = mapping("arn:aws:sqs:eu-central-1:111122223333:queue")
    kafka, old, new = mapping(None), mapping(STREAM), mapping(NEWER)
    assert chosen([kafka, other, queue, old, new], "orders", NEWER) is new
    assert chosen([other, queue, old], "orders", NEWER) is old
    assert chosen([old], "orders", None) is old
    assert chosen([kafka, other, queue], "orders", STREAM) is None


@pytest.mark.parametrize(
    ("readers", "replicated", "verdict"),
    [(0, False, "ok"), (2, False, "ok"), (3, False, "warning"), (1, True, "ok"), (2, True, "warning")],
)
def test_who_reads_the_source_tables_stream(readers: int, replicated: bool, verdict: str) -> None:  # noqa: FBT001  a parameter of the test
    """A stream takes two readers, and one where the table is a global one; more are a warning that names the functions."""
    found = finding(
        "stream-readers",
        source=replace(SOURCE, replicated=replicated),
        source_readers=tuple(f"{READER}-{number}" for number in range(readers)),
    )
    assert found.verdict == verdict
    assert ("audit-trail-0, audit-trail-1" in found.sentence) == (verdict == "warning")


def test_who_reads_the_audit_tables_stream() -> None:
    """The archive's two functions are all that the audit table's stream takes; a third is a warning."""
    both = (f"{READER}-archive", f"{READER}-tampering")
    assert finding("archive-readers", ARCHIVING, audit_readers=both).verdict == "ok"
    assert finding("archive-readers", ARCHIVING, audit_readers=(*both, f"{READER}-more")).verdict == "warning"

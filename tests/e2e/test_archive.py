"""The archive end to end: Terraform's real AWS provider, the pipeline, the deployed archive function, S3, and `trail`.

Our model of the event source mapping stands in for the audit table's two, set as Terraform set them, filters included
(letters.py says how records expire). MiniStack's own mappings know no TTL deletions, and their filters no field of an
object that isn't there: of what is done by hand, they bring changes to the function that counts, and no deletions.
"""

from __future__ import annotations

import gzip
import json
import random
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.core import archive
from tests.e2e.letters import Letters, RecordKey, key_of
from tests.e2e.recording import recording
from tests.e2e.waiting import wait_until
from tests.unit.fakes import numbered_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit_trail.core.values import Image
    from tests.e2e.conftest import Deployment
    from tests.event_source_mapping import EventSourceMapping

DAY = 86_400
LONG_AGO = int(time.time()) // DAY * DAY - 100 * DAY
DAYS = [time.strftime("%Y-%m-%d", time.gmtime(LONG_AGO + number * DAY)) for number in range(2)]
GONE, PARTLY, KEPT, FORGED = "gone", "partly é#1", "kept", "forged"
WHOLE = [GONE, PARTLY, KEPT]
"""The letters of which every record expires, all but the newest, and none; in another one, somebody forges."""
HOURS = (1, 2, 25, 26, 27)
"""When each letter changed, long ago."""
CHANGES = len(HOURS) + 3
MOMENTS = {f"{DAYS[0]}T01:30Z": 0, f"{DAYS[1]}T01:30Z": 0, f"{DAYS[1]}T12:00Z": 1}
"""When a letter was small, when it was large, and when it was deleted, and what `as-of` exits with for each."""


@dataclass
class Archived:
    """What `trail` said of each letter before anything expired, and the mappings that have delivered since."""

    letters: Letters
    histories: dict[str, list[dict[str, Any]]]
    standings: dict[tuple[str, str], list[dict[str, Any]]]
    records: dict[RecordKey, Image]
    archiving: list[EventSourceMapping]
    archived_at_once: dict[RecordKey, Image]
    """What the first delivery left in the archive."""
    tampering: EventSourceMapping
    counted_by_the_engine: int
    before_delivery: list[str]


def lives(name: str, number: int) -> Iterator[tuple[float, Image | None, Image | None]]:
    """Yield time and images of a letter's changes of long ago, at the end of which it is deleted."""
    noise = random.Random(number).randbytes(210_000)
    large = [{"B": b64encode(one).decode()} for one in (noise, noise[::-1])]
    first: Image = {"letter": {"S": name}, "n": {"N": str(number)}, "updated_by": {"S": "mia"}}
    images = [None, first, first | {"scan": large[0]}, first | {"scan": large[1]}, first | {"n": {"N": "0"}}, None]
    for hour, (old, new) in zip(HOURS, pairwise(images), strict=True):
        yield LONG_AGO + hour * 3_600, old, new


def write(letters: Letters) -> None:
    """Let each letter be written and deleted on two days long ago, and written anew today, through the deployed pipeline."""
    arn = letters.stream_arn("source_table")
    names = [*WHOLE, FORGED]
    number = 0
    for which, name in enumerate(names):
        records = []
        for at, old, new in lives(name, which):
            number += 1
            records.append(
                numbered_record(number, old=old, new=new, keys={"letter": {"S": name}}, at=at, eventSourceARN=arn)
            )
        answer = letters.deployment.client("lambda").invoke(
            FunctionName=letters.names["function"], Payload=json.dumps({"Records": records}).encode()
        )
        assert json.loads(answer["Payload"].read()) == {"batchItemFailures": []}
    for name in names:
        for status in ("new", "sent", "read"):
            letters.dynamodb.put_item(
                TableName=letters.names["source_table"],
                Item={"letter": {"S": name}, "status": {"S": status}, "updated_by": {"S": "tom"}},
            )
    wait_until(lambda: len(letters.stored()) == CHANGES * len(names), 30)


def forge(letters: Letters, keys: list[RecordKey]) -> int:
    """Change a record by hand, delete one and add one; return how many the engine's own mapping told the function of.

    What is added is new to the stream, as all records are; MiniStack's doesn't tell of what the pipeline inserts.
    """
    changed, deleted = keys[:2]
    added = {"letter": {"S": changed[0]}, "timestamp": {"S": f"{changed[1]}0"}}
    letters.dynamodb.put_item(TableName=letters.names["audit_table"], Item=added)
    letters.dynamodb.update_item(
        TableName=letters.names["audit_table"],
        Key={"letter": {"S": changed[0]}, "timestamp": {"S": changed[1]}},
        UpdateExpression="SET actor = :nobody",
        ExpressionAttributeValues={":nobody": {"S": "nobody"}},
    )
    wait_until(lambda: letters.counted() > 0, 30)
    letters.mapping("tampering")
    counted = letters.counted()
    letters.delete(deleted)
    return counted


@pytest.fixture(scope="module")
def archived(deployment: Deployment) -> Archived:
    """Let records expire and be archived: by the deployed settings, and again in other batches, some of them twice."""
    letters = Letters(deployment)
    write(letters)
    records = {key_of(record): record for record in letters.stored()}
    asked: dict[tuple[str, ...], int] = {("history", name): 0 for name in WHOLE}
    asked |= {("as-of", name, moment): code for name in WHOLE[:2] for moment, code in MOMENTS.items()}
    with ThreadPoolExecutor(2) as pool:
        answers = pool.map(lambda words: letters.trail(*words, code=asked[words]), asked)
        said = dict(zip(asked, answers, strict=True))

    counted = forge(letters, sorted(key for key in records if key[0] == FORGED))
    by_letter = {name: sorted(key for key in records if key[0] == name) for name in WHOLE}
    letters.expire(by_letter[GONE] + by_letter[PARTLY][:-1])
    before_delivery = letters.objects()
    archiving = [letters.deliver("archive")]
    archived_at_once = {key_of(item): item for item in written(letters)}
    archiving.append(letters.deliver("archive", duplicates=0.5, batch_size=4))
    return Archived(
        letters,
        {name: said["history", name] for name in WHOLE},
        {(name, moment): said["as-of", name, moment] for name in WHOLE[:2] for moment in MOMENTS},
        records,
        archiving,
        archived_at_once,
        letters.deliver("tampering"),
        counted,
        before_delivery,
    )


def written(letters: Letters) -> list[Image]:
    """Return every record that lies in the archive, as often as it does."""
    s3, bucket = letters.deployment.client("s3"), letters.names["bucket"]
    bodies = [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in letters.objects()]
    return [json.loads(json.loads(line)["item"]) for body in bodies for line in gzip.decompress(body).splitlines()]


def opened(archived: Archived, *words: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Return what `trail archive` prints, and the keys of the objects that it fetched, as its requests over HTTP have them."""
    letters = archived.letters
    with recording(letters.deployment.engine.endpoint) as recorder:
        lines = letters.trail("archive", "--endpoint-url", recorder.url, *words)
    return lines, recorder.objects(letters.names["bucket"], archive.PREFIX)


def of_the_archive(archived: Archived, day: str = "") -> list[dict[str, Any]]:
    """Return the lines of what expired, of one day or all of them, in the order of `trail archive`."""
    lines = [line for name in (GONE, PARTLY) for line in archived.histories[name]]
    expired = [line for line in lines if _key(line) in archived.letters.expired and line["timestamp"].startswith(day)]
    return sorted(sorted(expired, key=lambda line: _key(line)[0]), key=lambda line: line["timestamp"], reverse=True)


def _key(line: dict[str, Any]) -> RecordKey:
    return line["keys"]["letter"], line["timestamp"]


def test_what_expires_reaches_the_archive_through_the_deployed_mapping(archived: Archived) -> None:
    """Set as Terraform deployed it, the mapping gives the deletions by TTL, and nothing else, to the zip's function `archive`."""
    letters = archived.letters
    deployed = letters.mapping("archive")
    assert deployed["UUID"] == letters.names["archive_mapping"]
    assert deployed["EventSourceArn"] == letters.stream_arn("audit_table")
    assert (
        deployed["DestinationConfig"]["OnFailure"]["Destination"] == f"arn:aws:s3:::{letters.names['failures_bucket']}"
    )
    function = letters.deployment.client("lambda").get_function_configuration(FunctionName=letters.names["archive"])
    assert function["Handler"] == "audit_trail.lambda_function.archive"
    assert function["Role"].endswith(f"{letters.names['archive']}-us-east-1")

    expired = 2 * CHANGES - 1
    assert len(letters.expired) == expired
    others = [record for record in letters.stream().records() if not archive.expired(record)]
    assert {record["eventName"] for record in others} == {"INSERT", "MODIFY", "REMOVE"}
    for mapping in archived.archiving:
        assert mapping.metrics["FilteredOutEventCount"] == len(others)
        assert {invocation.outcome for invocation in mapping.invocations} == {"succeeded"}
    once, again = ([invocation.size for invocation in one.invocations] for one in archived.archiving)
    assert (once, sum(again) > expired, max(again)) == ([expired], True, 4)


def test_each_record_is_archived_once_and_unchanged(archived: Archived) -> None:
    """Of records that were delivered several times in different batches, `trail archive` shows each once, as it was."""
    letters = archived.letters
    expired = {key: archived.records[key] for key in letters.expired}
    assert archived.archived_at_once == expired
    items = written(letters)
    assert len(items) > len(expired), "some were written twice"
    assert {key_of(item): item for item in items} == expired

    lines, fetched = opened(archived)
    assert lines == of_the_archive(archived)
    assert fetched == letters.objects()


def test_a_days_query_fetches_that_days_objects_alone(archived: Archived) -> None:
    """Of an archive of three days, `trail archive --since DAY --until DAY` fetches one day's objects, and shows its records."""
    objects = archived.letters.objects()
    assert len({key.split("/")[1] for key in objects}) == 3
    for day in DAYS:
        lines, fetched = opened(archived, "--since", day, "--until", day)
        assert fetched == [key for key in objects if key.startswith(archive.prefix(day))]
        assert lines == of_the_archive(archived, day)
        assert len(lines) >= 4


def test_histories_with_the_archive_are_what_they_were(archived: Archived) -> None:
    """`history --archive` shows what `history` did before anything expired, and `history --no-archive` what is left of it."""
    for name, left in ((GONE, 0), (PARTLY, 1), (KEPT, CHANGES)):
        before = archived.histories[name]
        assert len(before) == CHANGES
        assert archived.letters.trail("history", name, "--archive") == before
        assert archived.letters.trail("history", name, "--no-archive", code=0 if left else 1) == before[:left]


@pytest.mark.parametrize("name", [GONE, PARTLY])
def test_as_of_crosses_the_border(archived: Archived, name: str) -> None:
    """`as-of --archive` tells how a letter stood long ago, spilled images and deletion included, as before it expired."""
    for moment, code in MOMENTS.items():
        before, left = archived.standings[name, moment], 1 if name == GONE else 0
        assert archived.letters.trail("as-of", name, moment, "--archive", code=code) == before
        assert archived.letters.trail("as-of", name, moment, "--no-archive", code=left) != before, (
            "what is left begins later than that"
        )


def test_verify_crosses_the_border(archived: Archived) -> None:
    """`verify` finds whole what has expired in part; without the archive it can't tell what was before."""
    for name in (GONE, PARTLY, KEPT):
        assert archived.letters.trail("verify", name, "--strict")
    assert archived.letters.trail("verify", PARTLY, "--no-archive", "--strict", code=1)


def test_what_is_done_by_hand_is_counted_and_not_archived(archived: Archived) -> None:
    """A change and a deletion by hand of records reach the function that counts them, and neither these nor new records the archive."""
    assert archived.counted_by_the_engine >= 1
    assert archived.before_delivery == [], (
        "the engine's own mapping gave the archive a deletion by hand, or a new record"
    )
    expired = len(archived.letters.expired)
    assert sum(invocation.size for invocation in archived.tampering.invocations) == 2 + expired
    assert archived.letters.counted() == archived.counted_by_the_engine + 2
    assert archived.letters.counted("RecordsExpiredEarly") == expired, "retention is a year, and they went at once"
    assert not [line for line in opened(archived)[0] if line["keys"]["letter"] == FORGED]

"""`trail search`: changes of the whole table, by its indexes or by all of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from audit_trail.cli.context import Connection
from audit_trail.core.records import audit_item
from audit_trail.core.spill import Form, pack
from tests.builders import NOON
from tests.unit.fakes import numbered_record, order
from tests.unit.moto_trail import AUDIT_TABLE, SOURCE_TABLE, MotoTrail, numbers, parsed, trail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BOTH = {"by_time": 4, "by_actor": 3}
DAY = 86_400
NOTHING_FOUND, USAGE, AWS_REFUSED, UNTRUSTED = 1, 2, 3, 4
NOTE = "Index by_time, 4 shard(s), from 2026-11-23T18:00:00.000Z on.\n"


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let AWS be moto, and it be six in the evening."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setattr("audit_trail.cli.clock.now", lambda: datetime(2026, 11, 24, 18, 0, tzinfo=UTC))
    with mock_aws():
        yield


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Give what is asked of DynamoDB: operations and their parameters."""
    requests: list[tuple[str, dict[str, Any]]] = []
    make = Connection.dynamodb

    def watched(connection: Connection, *arguments: Any) -> Any:
        client = make(connection, *arguments)
        client.meta.events.register(
            "provide-client-params.dynamodb.*",
            lambda params, model, **_: requests.append((model.name, params)),
        )
        return client

    monkeypatch.setattr(Connection, "dynamodb", watched)
    return requests


def story(trail: MotoTrail) -> None:
    """Let three orders change over three days, by two people."""
    mia, noah = {"updated_by": {"S": "mia"}}, {"updated_by": {"S": "noah"}}
    trail.add(
        numbered_record(1, new=order(1, status="NEW") | mia, at=NOON - 2 * DAY),
        numbered_record(2, new=order(2, status="NEW") | noah, at=NOON - DAY),
        numbered_record(3, old=order(1, status="NEW") | mia, new=order(1, status="PAID") | noah, at=NOON),
        numbered_record(4, old=order(2, status="NEW") | noah, new=order(2, status="PAID") | noah, at=NOON + 60),
        numbered_record(5, old=order(2, status="PAID") | noah, at=NOON + 120),
        numbered_record(6, new=order(3, price={"N": "7"}) | mia, at=NOON + 180),
    )


def found(*words: str) -> list[int]:
    """Return the sequence numbers that a search finds."""
    result = trail("search", "--json", *words)
    assert result.exit_code == 0, result.stderr
    return numbers(result)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], [6, 5, 4, 3]),
        (["--since", "yesterday"], [6, 5, 4, 3, 2]),
        (["--since", "30d"], [6, 5, 4, 3, 2, 1]),
        (["--since", "yesterday", "--until", "yesterday"], [2]),
        (["--until", "2026-11-24T12:01"], [4, 3]),
        (["--since", "30d", "--actor", "mia"], [6, 1]),
        (["--since", "30d", "--actor", "mia", "--actor", "noah"], [6, 4, 3, 2, 1]),
        (["--actor", "noah", "--operation", "MODIFY"], [4, 3]),
        (["--operation", "REMOVE"], [5]),
        (["--attribute", "status"], [5, 4, 3]),
        (["--attribute", "/price"], [6]),
        (["--limit", "2"], [6, 5]),
        (["--limit", "1", "--operation", "MODIFY"], [4]),
    ],
)
@pytest.mark.parametrize("way", ["both", "time", "scan"])
def test_a_search_finds_what_it_says(words: list[str], expected: list[int], way: str) -> None:
    """By either index, and by a scan, the same is found, the newest first; of the last day unless --since is given."""
    story(MotoTrail(shards={"both": BOTH, "time": {"by_time": 2}, "scan": {}}[way]))
    assert found(*words, *(["--scan"] if way == "scan" else [])) == expected


def test_a_change_is_a_line_with_its_key() -> None:
    """A change is a line: when, what kind, the item's key, who, and what from what to what."""
    story(MotoTrail(shards=BOTH))
    result = trail("search", "--limit", "3")
    assert (result.exit_code, result.stderr) == (0, NOTE)
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["TIME", "(UTC)", "CHANGE", "KEY", "WHO", "WHAT"],
        ["2026-11-24T12:03:00.000Z", "INSERT", "3", "mia", "price:", "7,", "updated_by:", "mia"],
        [
            *[
                "2026-11-24T12:02:00.000Z",
                "REMOVE",
                "2",
                "last",
                "written",
                "by",
                "noah",
                "was",
                "status:",
                "PAID,",
                "updated_by:",
                "noah",
            ]
        ],
        [*["2026-11-24T12:01:00.000Z", "MODIFY", "2", "noah", "(unchanged)", "status:", "NEW", "→", "PAID"]],
    ]


def test_a_composite_key_is_shown_as_it_is_typed() -> None:
    """The key of an item with two parts stands there as two words, which `trail history` takes."""
    keys = {"customer": {"S": "customer-7"}, "order": {"N": "9"}}
    MotoTrail({"customer": "S", "order": "N"}, shards=BOTH).add(numbered_record(1, keys=keys, new=keys))
    assert "  customer-7 9      " in trail("search").stdout


@pytest.mark.parametrize(
    ("shards", "words", "note"),
    [
        (BOTH, [], NOTE),
        (BOTH, ["--actor", "mia"], "Index by_actor, 3 shard(s), from 2026-11-23T18:00:00.000Z on.\n"),
        ({"by_actor": 3}, ["--actor", "mia"], "Index by_actor, 3 shard(s), from 2026-11-23T18:00:00.000Z on.\n"),
        ({"by_time": 4}, ["--actor", "mia"], NOTE),
        (
            BOTH,
            ["--since", "today", "--until", "2026-11-24T13:00"],
            "Index by_time, 4 shard(s), from 2026-11-24T00:00:00.000Z until before 2026-11-24T13:00:01.000Z.\n",
        ),
        ({}, ["--scan"], f"The whole of {AUDIT_TABLE}, from 2026-11-23T18:00:00.000Z on.\n"),
    ],
)
def test_it_says_what_it_reads(shards: dict[str, int], words: list[str], note: str) -> None:
    """On stderr it says which index it used, or that it read everything, and of what time."""
    story(MotoTrail(shards=shards))
    result = trail("search", *words)
    assert (result.exit_code, result.stderr) == (0, note)


def test_only_the_buckets_of_the_range_are_read(asked: list[tuple[str, dict[str, Any]]]) -> None:
    """Each day of the range is asked for once by each shard, and no other day."""
    story(MotoTrail(shards=BOTH))
    found("--since", "2026-11-22T23:59:59", "--until", "2026-11-24T12:00")
    buckets = [one["ExpressionAttributeValues"][":bucket"]["S"] for name, one in asked if name == "Query"]
    assert sorted(buckets) == sorted(f"2026-11-{day}#{shard:02d}" for day in (22, 23, 24) for shard in range(4))
    asked.clear()
    found("--since", "6h")
    buckets = [one["ExpressionAttributeValues"][":bucket"]["S"] for name, one in asked if name == "Query"]
    assert sorted(buckets) == [f"2026-11-24#{shard:02d}" for shard in range(4)]


def test_only_what_is_shown_is_read_whole(asked: list[tuple[str, dict[str, Any]]]) -> None:
    """What an index shows not to be meant is never read from the table, and nothing is ever scanned."""
    story(MotoTrail(shards=BOTH))
    assert found("--since", "30d", "--operation", "MODIFY", "--attribute", "status") == [4, 3]
    read = [one for name, one in asked if name == "BatchGetItem"]
    assert sum(len(one["RequestItems"][AUDIT_TABLE]["Keys"]) for one in read) == 2
    assert {name for name, _ in asked} == {
        "DescribeTable",
        "ListTagsOfResource",
        "Query",
        "BatchGetItem",
    }


def test_a_future_without_end_is_not_read(asked: list[tuple[str, dict[str, Any]]]) -> None:
    """A range that ends years from now asks for no day after today."""
    story(MotoTrail(shards=BOTH))
    assert found("--until", "2099-12-31", "--since", "today") == [6, 5, 4, 3]
    assert sum(name == "Query" for name, _ in asked) == 4


def test_each_items_changes_are_in_order() -> None:
    """Where a clock stepped back within a minute, each item's changes are in the order of its history all the same."""
    images = [order(1, step=str(number)) for number in range(4)]
    MotoTrail(shards=BOTH).add(
        numbered_record(11, new=images[1], at=NOON + 30),
        numbered_record(12, old=images[1], new=images[2], at=NOON + 10),
        numbered_record(13, old=images[2], new=images[3], at=NOON + 20),
        numbered_record(7, new=order(2), at=NOON + 15),
    )
    assert [number for number in found() if number != 7] == [13, 12, 11]
    assert found("--scan") == found()


def test_an_actor_that_looks_like_a_bucket() -> None:
    """An actor whose name has # in it is found, and is not taken for another."""
    MotoTrail(shards=BOTH).add(
        numbered_record(1, new=order(1, updated_by="mia#00")), numbered_record(2, new=order(2, updated_by="mia"))
    )
    assert (found("--actor", "mia#00"), found("--actor", "mia")) == ([1], [2])


def test_nothing_found_is_exit_code_1() -> None:
    """A range without changes prints nothing on stdout, says so on stderr, and exits with 1."""
    story(MotoTrail(shards=BOTH))
    for way in ([], ["--scan"]):
        result = trail("search", "--since", "1h", *way)
        assert (result.exit_code, result.stdout) == (NOTHING_FOUND, "")
        assert result.stderr.endswith(f"\n{SOURCE_TABLE} has no such changes in {AUDIT_TABLE}.\n")


@pytest.mark.parametrize("shards", [{}, {"by_actor": 4}])
def test_without_the_index_it_says_how_to_turn_it_on(shards: dict[str, int]) -> None:
    """Without the index nothing is read: the sentence names the module's input, and --scan; the exit code is 2."""
    story(MotoTrail(shards=shards))
    result = trail("search")
    assert (result.exit_code, result.stdout) == (USAGE, "")
    assert result.stderr == (
        f"trail: {AUDIT_TABLE} has no index by_time: turn it on with module audit_trail's input time_index = {{}} "
        "(it knows the changes that are recorded from then on), or have the whole audit table read with --scan\n"
    )


@pytest.fixture
def index_status(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Give what lets every index have a status."""

    def let(status: str) -> None:
        make = Connection.dynamodb

        def describing(connection: Connection, *arguments: Any) -> Any:
            client: Any = make(connection, *arguments)
            describe = client.describe_table

            def described(**names: Any) -> Any:
                answer = describe(**names)
                for index in answer["Table"].get("GlobalSecondaryIndexes", []):
                    index["IndexStatus"] = status
                return answer

            client.describe_table = described
            return client

        monkeypatch.setattr(Connection, "dynamodb", describing)

    return let


def test_an_index_that_is_being_made(index_status: Callable[[str], None]) -> None:
    """An index that doesn't have everything yet is not read: the sentence says to wait, or to scan."""
    story(MotoTrail(shards=BOTH))
    index_status("CREATING")
    result = trail("search")
    assert (result.exit_code, result.stdout) == (USAGE, "")
    assert result.stderr.startswith(f"trail: the index by_time of {AUDIT_TABLE} is still being made: wait for it, or ")
    index_status("UPDATING")
    assert found() == [6, 5, 4, 3]


def test_a_tag_that_is_no_number() -> None:
    """Tags that aren't Terraform's are said to be wrong, instead of a traceback."""
    made = MotoTrail(shards=BOTH)
    arn = made.client.describe_table(TableName=AUDIT_TABLE)["Table"]["TableArn"]
    made.client.tag_resource(ResourceArn=arn, Tags=[{"Key": "table-trail:time-index-shards", "Value": "many"}])
    result = trail("search")
    assert (result.exit_code, result.stderr) == (
        USAGE,
        f"trail: the tag of {AUDIT_TABLE} for the shards of by_time is not a number: apply Terraform\n",
    )


def test_records_of_a_newer_version_hide_no_other() -> None:
    """Beside a record that a newer version wrote, the others are shown; a sentence says so, and the exit code is 2."""
    made = MotoTrail(shards=BOTH)
    story(made)
    newer = audit_item(numbered_record(9, new=order(9), at=NOON + 300), made.settings)
    made.put(newer | {"schema_version": {"N": "2"}})
    result = trail("search", "--json")
    assert (result.exit_code, numbers(result)) == (USAGE, [6, 5, 4, 3])
    assert result.stderr.endswith(
        "\ntrail: a record has schema version 2, and this trail reads up to 1: upgrade trail\n"
    )


def test_images_that_cannot_be_read_hide_no_other() -> None:
    """Where a record's images are gone from the bucket, it is shown without them, and the exit code is 3."""
    made = MotoTrail(shards=BOTH)
    story(made)
    record = audit_item(numbered_record(9, new=order(9, updated_by="mia"), at=NOON + 300), made.settings)
    made.put(pack(record, "trail-bucket", Form.S3).item)
    result = trail("search", "--json", "--attribute", "price")
    assert (result.exit_code, numbers(result)) == (AWS_REFUSED, [9, 6])
    assert parsed(result)[0]["images_unreadable"] is True


def test_an_item_that_is_no_record_hides_no_other() -> None:
    """Beside an item that somebody put into the index, the records are shown; a sentence says so, and the exit code is 4."""
    made = MotoTrail(shards=BOTH)
    story(made)
    stranger = {"time_bucket": {"S": "2026-11-24#01"}, "timestamp": {"S": "2026-11-24T13"}, "order_id": {"N": "5"}}
    made.put(stranger)
    result = trail("search", "--json")
    assert (result.exit_code, numbers(result)) == (UNTRUSTED, [6, 5, 4, 3])
    assert "an item that is not an audit record" in result.stderr


def test_a_scan_that_is_not_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan that AWS denies is explained: the reader policy leaves it out, an index needs none."""
    story(MotoTrail())
    make = Connection.dynamodb
    denied: Any = {"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}

    def denying(connection: Connection, *arguments: Any) -> Any:
        client: Any = make(connection, *arguments)

        def refuse(**_: Any) -> Any:
            raise ClientError(denied, "Scan")

        client.scan = refuse
        return client

    monkeypatch.setattr(Connection, "dynamodb", denying)
    result = trail("search", "--scan")
    assert (result.exit_code, result.stdout) == (AWS_REFUSED, "")
    assert "trail: that needs dynamodb:Scan, which the reader policy leaves out on purpose" in result.stderr

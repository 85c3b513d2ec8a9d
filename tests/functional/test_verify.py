"""`trail verify` and `trail baseline` against the true rules of DynamoDB."""

from __future__ import annotations

import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from audit_trail.aws import reading
from audit_trail.cli.main import app
from tests.tables import image_to_boto
from tests.unit.fakes import order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from audit_trail.core.values import Image
    from tests.functional.live_trail import LiveTrail, TrailOf


@pytest.fixture
def trail(trail_of: TrailOf, dynamodb_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> LiveTrail:
    """Give a trail of orders, which `trail` finds by its environment; DynamoDB Local has no tags."""
    made = trail_of()
    tags = {"source-table": made.source, "bucket": "trail-bucket", "partition-key": "order_id"}
    monkeypatch.setattr(reading, "_tags", lambda _client, _arn: tags)
    for name, value in {
        "TRAIL_AUDIT_TABLE": made.audit,
        "AWS_ENDPOINT_URL": dynamodb_endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }.items():
        monkeypatch.setenv(name, value)
    return made


def run(*words: str) -> tuple[int, list[dict[str, Any]]]:
    """Run a command of `trail`, and return its exit code and the lines of JSON that it printed."""
    result = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
    assert result.stderr == "", result.stderr
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


def put(trail: LiveTrail, image: Image) -> None:
    trail.dynamodb.put_item(TableName=trail.source, Item=image_to_boto(image))


def write(trail: LiveTrail, items: int, changes: int) -> None:
    """Change so many items so often, delete every tenth, and let the trail store it."""
    for change in range(changes):
        for number in range(items):
            put(trail, order(number, status=f"s{change}", text="x" * 300))
    for number in range(0, items, 10):
        trail.dynamodb.delete_item(TableName=trail.source, Key={"order_id": {"N": str(number)}})
    trail.capture()


def test_a_whole_table_that_is_whole(trail: LiveTrail) -> None:
    """Everything that the handler stored of a table's changes is verified, and nothing is called broken or unknown."""
    write(trail, 40, 5)

    code, [summary] = run("verify")

    assert (code, summary["broken"], summary["unknown"]) == (0, 0, 0)
    assert (summary["items"], summary["records"]) == (40, 204)


def existing(trail: LiveTrail, items: int) -> None:
    """Write items that the trail never hears of, as if it had been attached later."""
    for number in range(items):
        put(trail, order(number, status="OLD"))
    trail.replace_stream()


def stored(trail: LiveTrail, number: int) -> list[dict[str, Any]]:
    return [one for one in trail.items() if one["order_id"] == {"N": str(number)}]


def replace_record(trail: LiveTrail, item: dict[str, Any]) -> None:
    trail.dynamodb.put_item(TableName=trail.audit, Item=item)


def delete_record(trail: LiveTrail, item: dict[str, Any]) -> None:
    trail.dynamodb.delete_item(TableName=trail.audit, Key={name: item[name] for name in ("order_id", "timestamp")})


def test_what_an_administrator_changed_is_found(trail: LiveTrail) -> None:
    """A record taken out, an image edited, a tail cut and foreign data put in are found, each with its item and record."""
    write(trail, 6, 4)
    first, second, third = (stored(trail, number) for number in (1, 2, 3))
    delete_record(trail, first[1])
    second[2]["new_image"]["M"]["status"] = {"S": "FORGED"}
    replace_record(trail, second[2])
    delete_record(trail, third[3])
    replace_record(trail, {"order_id": {"N": "4"}, "timestamp": {"S": "garbage"}})

    code, [*found, summary] = run("verify", "--settle", "0")

    assert code == 1
    assert {(one["keys"]["order_id"], one["check"], one.get("timestamp"), one.get("before")) for one in found} == {
        (1, "chain", first[2]["timestamp"]["S"], first[0]["timestamp"]["S"]),
        (2, "digest", second[2]["timestamp"]["S"], None),
        (2, "diff", second[2]["timestamp"]["S"], None),
        (3, "live", third[2]["timestamp"]["S"], None),
        (4, "record", "garbage", None),
    }
    assert (summary["broken"], summary["items"]) == (5, 6)
    assert run("verify", "1", "--settle", "0")[0] == run("verify", "3", "--settle", "0")[0] == 1
    assert run("verify", "5")[0] == 0


def test_items_without_history_are_recorded_once(trail: LiveTrail) -> None:
    """Each item that is older than its trail gets one BASELINE, and a second run finds nothing to do."""
    existing(trail, 30)
    put(trail, order(100, status="NEW"))
    trail.capture()

    assert run("verify")[1][-1]["unknown"] == 30
    assert run("baseline", "--dry-run") == (1, [counted(31, 30, 0, dry_run=True)])
    assert run("baseline") == (0, [counted(31, 30, 30)])
    assert run("baseline") == (0, [counted(31, 0, 0)])

    code, [summary] = run("verify")
    assert (code, summary["unknown"], summary["items"], summary["records"]) == (0, 0, 31, 31)
    [record] = stored(trail, 7)
    assert (record["event_name"], record["new_image"]["M"]["status"]) == ({"S": "BASELINE"}, {"S": "OLD"})
    assert "time_bucket" not in record


def counted(items: int, without: int, recorded: int, *, dry_run: bool = False) -> dict[str, Any]:
    """Return what `trail baseline --json` says."""
    return {"dry_run": dry_run, "items": items, "without_history": without, "recorded": recorded, "failed": 0}


def test_changes_after_a_baseline_are_chained_to_it(trail: LiveTrail) -> None:
    """An item's first change after its BASELINE bears it out, and one that was lost in between shows."""
    existing(trail, 3)
    run("baseline")
    for number in range(3):
        put(trail, order(number, status="NEW"))
        put(trail, order(number, status="PAID"))
    trail.capture()
    assert run("verify")[1][-1]["unknown"] == 0

    lost = next(one for one in stored(trail, 1) if one["event_name"] == {"S": "MODIFY"})
    delete_record(trail, lost)
    assert run("verify", "1", "--settle", "0")[0] == 0, "within 15 minutes, a BASELINE may be of after the change"


def test_a_replaced_stream_is_begun_anew_by_baselines(trail: LiveTrail) -> None:
    """What a replaced stream left open is said, and ends with a BASELINE of the new stream for each item."""
    write(trail, 5, 2)
    put(trail, order(1, status="CHANGED"))
    trail.replace_stream()

    code, summary = run("verify", "--settle", "0")
    assert (code, [(one["check"], one["count"]) for one in summary[-1]["found"] if one["outcome"] == "unknown"]) == (
        0,
        [("live", 1)],
    )
    assert run("baseline") == (0, [counted(4, 4, 4)])
    assert run("baseline") == (0, [counted(4, 0, 0)])
    put(trail, order(1, status="SENT"))
    trail.capture()

    code, printed = run("verify", "--settle", "0")
    assert (code, printed[-1]["broken"]) == (0, 0)


def test_a_baseline_beside_running_writers(trail: LiveTrail) -> None:
    """While items are changed, deleted and created, baseline records what has no history, and all of it verifies."""
    for number in range(30):
        put(trail, order(number, status="OLD"))
    trail.replace_stream()
    with meanwhile(changing(trail)):
        code, [counts] = run("baseline")
    assert (code, counts["failed"]) == (0, 0)
    assert counts["recorded"] > 0
    trail.capture()

    code, [*found, summary] = run("verify", "--settle", "0")
    assert (code, summary["broken"]) == (0, 0), found


def test_verify_beside_running_writers(trail: LiveTrail) -> None:
    """While items are written and their records arrive late, neither the whole table nor an item is called broken."""
    write(trail, 40, 3)
    mapping = trail.mapping(duplicates=0.1)
    with meanwhile(changing(trail)), meanwhile(mapping.run_until_idle):
        whole = [run("verify", "--settle", "10") for _ in range(2)]
        one = [run("verify", str(number), "--settle", "10") for number in range(1, 4)]

    assert [(code, summary["broken"], found) for code, [*found, summary] in whole + one] == [(0, 0, [])] * 5
    records = [summary["records"] for _, [*_, summary] in whole]
    assert records == sorted(set(records)), "nothing was written meanwhile"


def changing(trail: LiveTrail) -> Callable[[], None]:
    """Return what changes, deletes or creates one of 40 items."""
    rng = random.Random(7)

    def change() -> None:
        number = rng.randrange(40)
        if rng.random() < 0.2:
            trail.dynamodb.delete_item(TableName=trail.source, Key={"order_id": {"N": str(number)}})
        else:
            put(trail, order(number, status=str(rng.random())))

    return change


@contextmanager
def meanwhile(work: Callable[[], object]) -> Iterator[None]:
    """Do something again and again in a thread of its own."""
    stop = threading.Event()

    def go_on() -> None:
        while not stop.is_set():
            work()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(go_on)
        try:
            yield
        finally:
            stop.set()
        running.result()


def test_large_items_are_recorded_like_any_change(trail: LiveTrail, monkeypatch: pytest.MonkeyPatch) -> None:
    """A BASELINE that doesn't fit one record goes in as the function's do, and verifies."""
    put(trail, order(1, text="y" * 409_560))
    trail.replace_stream()
    monkeypatch.setattr("audit_trail.cli.baselining.S3ImageStore", lambda *_: trail.images)
    monkeypatch.setattr("audit_trail.cli.context.Connection.images", lambda _self, _buckets: trail.fetch)

    assert run("baseline") == (0, [counted(1, 1, 1)])

    [record] = stored(trail, 1)
    assert "images" in record
    assert run("verify")[1][-1]["unknown"] == 0

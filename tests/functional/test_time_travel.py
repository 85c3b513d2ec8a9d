"""`trail as-of` and `trail restore` of random changes that went through the handler's own code.

DynamoDB Local rounds times to the minute: here each change gets a time of its own on its way from the stream.
"""

from __future__ import annotations

import json
import os
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from audit_trail.aws import reading
from audit_trail.aws.reader import TrailReader
from audit_trail.aws.source_items import DynamoDBItems
from audit_trail.cli.main import app
from audit_trail.core.records import RecordSettings
from audit_trail.core.values import canonical_image, canonical_text
from tests.builders import NOON
from tests.functional.writer import Writer

if TYPE_CHECKING:
    from pathlib import Path

    from audit_trail.core.values import Image
    from tests.functional.live_trail import LiveTrail, TrailOf

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
CHANGES, ITEMS, MOMENTS, RESTORES = (10_000, 100, 1_000, 200) if NIGHTLY else (400, 40, 100, 14)
EXPLAINED = ["--actor", "mia", "--reason", "wrong import"]


@pytest.fixture
def trail(trail_of: TrailOf, dynamodb_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> LiveTrail:
    """Give a trail that `trail` finds by its environment; DynamoDB Local has no tags, so they are put in their place."""
    made = trail_of(sku="S")
    made.settings = RecordSettings(made.schema, actor_attribute="updated_by", reason_attribute="why")
    tags = {"source-table": made.source, "actor-attribute": "updated_by", "reason-attribute": "why"}
    monkeypatch.setattr(reading, "_tags", lambda _client, _arn: tags)
    for name, value in (("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", dynamodb_endpoint)
    monkeypatch.setenv("TRAIL_AUDIT_TABLE", made.audit)
    return made


class Times:
    """Gives changes times in the order in which they come, some of them stepping back a second or two."""

    def __init__(self) -> None:
        self._rng = random.Random(4)
        self._at = NOON
        self.given: dict[str, int] = {}
        """By sequence number."""

    def spoil(self, record: Any) -> Any:
        """Give a record its time."""
        change = record["dynamodb"]
        self._at += self._rng.choice([0, 1, 1, 2])
        moment = self.given.setdefault(change["SequenceNumber"], self._at - self._rng.choice([0, 0, 1, 2]))
        change["ApproximateCreationDateTime"] = moment
        return record


def run(*words: str) -> tuple[int, str]:
    """Run `trail`; return its exit code and what it prints."""
    result = CliRunner().invoke(app, [*words], catch_exceptions=False)
    return result.exit_code, result.stdout


def words_of(moment: int) -> str:
    """Write a time."""
    return datetime.fromtimestamp(moment, UTC).isoformat()


def test_any_moment_can_be_seen_and_put_back(trail: LiveTrail) -> None:
    """As-of is what the item was at that moment, restore makes exactly that of it, and the history says who and why, as written by it."""
    rng = random.Random(11)
    times = Times()
    trail.spoil(times.spoil)
    writer = Writer(trail.dynamodb, trail.source, {"sku": "S"}, rng, ITEMS)
    writer.write(CHANGES)
    trail.capture()
    known = []
    for item_key, written in writer.items():
        history = trail.history(item_key)
        assert [change.new_image for change in history] == [new for _, new in written]
        known.append((item_key, [(int(change.moment.timestamp()), change.new_image) for change in history]))
    last = max(times.given.values())
    items = DynamoDBItems(trail.dynamodb, trail.source)
    with TrailReader(trail.dynamodb, trail.trail, trail.fetch) as reader:
        for _ in range(MOMENTS):
            item_key, history_of = rng.choice(known)
            moment = rng.randint(NOON - 5, last)
            state = reader.state(item_key, datetime.fromtimestamp(moment + 1, UTC))
            assert state is not None
            assert state.image == stood(history_of, moment)
    reasons = deletions = 0
    for number in range(RESTORES):
        item_key, history_of = rng.choice(known)
        moment = rng.randint(NOON - 5, last)
        target, before = stood(history_of, moment), items.get(item_key)
        explain = ["--actor", "mia", "--reason", f"restore {number}", "--allow-delete"]
        code, _ = run("restore", item_key["sku"]["S"], words_of(moment), "--yes", *explain)
        assert code == 0
        found = items.get(item_key)
        reason = {"updated_by": {"S": "mia"}, "why": {"S": f"restore {number}"}}
        if found == before:
            assert (before or {}) | reason == (target or {}) | reason or before is target is None
            continue
        assert found == (None if target is None else target | reason)
        reasons, deletions = reasons + 1, deletions + (found is None)
    trail.capture()
    given = [
        (record["actor"]["S"], record["reason"]["S"], record["actor_source"]["S"])
        for record in trail.stored()
        if record.get("reason", {}).get("S", "").startswith("restore ") and record["reason_source"]["S"] == "written"
    ]
    assert len(given) == reasons > RESTORES // 2
    assert {(actor, source) for actor, _, source in given} == {("mia", "written")}
    assert len({reason for _, reason, _ in given}) == reasons
    assert deletions


def stood(history_of: list[tuple[int, Image | None]], moment: int) -> Image | None:
    """Return what an item was: what the last of its changes until then left."""
    images = [image for time, image in history_of if time <= moment]
    return None if not images or images[-1] is None else canonical_image(images[-1])


def test_many_are_restored_and_a_stopped_run_goes_on(trail: LiveTrail, tmp_path: Path) -> None:
    """Restore --from puts back each item once; run again with its report, it leaves alone what it has done."""
    times = Times()
    trail.spoil(times.spoil)
    skus = [f"it's {number}" for number in range(6)]

    def put(status: str) -> None:
        for sku in skus:
            trail.dynamodb.put_item(TableName=trail.source, Item={"sku": {"S": sku}, "status": {"S": status}})

    put("right")
    trail.capture()
    moment = words_of(max(times.given.values()))
    put("wrong")
    listed, report = tmp_path / "keys", tmp_path / "report"
    lines = [json.dumps({"keys": {"sku": sku}}) for sku in (*skus[:3], *skus[:3])]
    listed.write_text("\n".join([*lines, '"it\'s 3"', "", '"nobody\'s"']), encoding="utf-8")
    command = ["restore", "--from", str(listed), moment, "--yes", "--report", str(report), *EXPLAINED]

    code, shown = run(*command)
    assert code == 1
    assert [line.split(":")[0] for line in shown.splitlines()] == [*["restored"] * 4, "not recorded"]
    statuses = {
        sku: trail.dynamodb.get_item(TableName=trail.source, Key={"sku": {"S": sku}})["Item"]["status"]["S"]
        for sku in skus
    }
    assert statuses == dict(zip(skus, ["right"] * 4 + ["wrong"] * 2, strict=True))

    put("changed since")
    kept = report.read_text("utf-8").splitlines(keepends=True)
    report.write_text("".join(kept[:2]) + kept[2][:20], encoding="utf-8")
    code, shown = run(*command)
    assert [line.split(":")[:2] for line in shown.splitlines()] == [
        ["restored", " it's 2"],
        ["restored", " it's 3"],
        ["not recorded", " nobody's"],
    ]
    reported = [json.loads(line) for line in report.read_text("utf-8").splitlines() if line.endswith("}")]
    done = [canonical_text(one["keys"]) for one in reported if one["became"] == "restored"]
    assert len(done) == len(set(done)) == 4
    other = run("restore", "--from", str(listed), words_of(NOON + 9_999), "--yes", "--report", str(report), *EXPLAINED)
    assert other[0] == 2

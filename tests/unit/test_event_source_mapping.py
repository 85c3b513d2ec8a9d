"""The model of the event source mapping: shards, order, batches, filters. The model's methods cite AWS's pages."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from tests.event_source_mapping import EventSourceMapping, InProcessFunction, MappingConfig
from tests.event_source_mapping_scene import HOUR, SHARD, START, Scene, change


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", 0),
        ("batch_size", 10_001),
        ("maximum_batching_window_in_seconds", 301),
        ("parallelization_factor", 11),
        ("maximum_retry_attempts", 10_001),
        ("maximum_record_age_in_seconds", 59),
        ("maximum_record_age_in_seconds", 604_801),
    ],
)
def test_refuses_what_aws_refuses(name: str, value: Any) -> None:
    """A setting outside AWS's range is refused by name."""
    with pytest.raises(ValueError, match=f"{name} is {value}"):
        MappingConfig(**{name: value})


def test_batches_hold_at_most_the_batch_size_in_stream_order(scene: Scene) -> None:
    """A backlog is delivered in order, in full batches and a rest."""
    scene.write(range(1, 8))
    scene.mapping(batch_size=3).run_until_idle()
    assert scene.delivered == [[1, 2, 3], [4, 5, 6], [7]]


def test_a_batch_never_exceeds_six_megabytes(scene: Scene) -> None:
    """A batch ends before its event as JSON would pass 6 MB."""
    scene.write(range(1, 14), note="x" * 1_000_000)
    sizes = []

    def handler(event: dict[str, Any], _: object) -> None:
        sizes.append(len(event["Records"]))

    EventSourceMapping(InProcessFunction(handler, scene.clock), scene.stream, scene.clock).run_until_idle()
    assert sizes == [6, 6, 1]


def test_multibyte_text_counts_by_its_bytes(scene: Scene) -> None:
    """The 6 MB are bytes, not characters."""
    scene.write(range(1, 4), note="\N{EURO SIGN}" * 1_000_000)
    scene.mapping().run_until_idle()
    assert scene.delivered == [[1, 2], [3]]


def test_the_window_waits_for_more(scene: Scene) -> None:
    """Records wait for a full batch as long as the batching window lasts, and no longer."""
    scene.write([1, 2])
    mapping = scene.mapping(batch_size=3, maximum_batching_window_in_seconds=60)
    mapping.step()
    assert (scene.delivered, scene.clock.time() - START) == ([[1, 2]], 60)
    scene.write([3, 4, 5])
    mapping.step()
    assert (scene.delivered[1:], scene.clock.time() - START) == ([[3, 4, 5]], 60)
    scene.write([6])
    mapping.step()
    assert (scene.delivered[2:], scene.clock.time() - START) == ([[6]], 120)


def test_a_full_payload_does_not_wait(scene: Scene) -> None:
    """A batch goes when it reaches 6 MB, whatever is left of the window; the rest waits for a window of its own."""
    scene.write(range(1, 8), note="x" * 1_000_000)
    mapping = scene.mapping(maximum_batching_window_in_seconds=60)
    mapping.run_until_idle()
    assert scene.delivered == [[1, 2, 3, 4, 5, 6], [7]]
    assert [entry.time - START for entry in mapping.invocations] == [0, 60]


def test_children_wait_for_their_parent(scene: Scene) -> None:
    """A child shard is read only when all of its parent was delivered, failures and all."""
    scene.stream.add_shard("a", SHARD)
    scene.stream.add_shard("b", SHARD)
    scene.write([3, 4], shard="a")
    scene.write([5, 6], shard="b")
    scene.write([1, 2])
    scene.stream.close_shard(SHARD)
    fails = iter([True, True, False])

    def answer(_: list[int]) -> None:
        if next(fails, False):
            raise RuntimeError

    scene.mapping(answer, batch_size=2).run_until_idle()
    assert scene.delivered[:3] == [[1, 2]] * 3
    assert sorted(scene.delivered[3:]) == [[3, 4], [5, 6]]


def test_a_child_whose_parent_is_gone_is_read(scene: Scene) -> None:
    """A parent that the stream no longer lists holds nobody up."""
    scene.stream.add_shard("orphan", "trimmed-long-ago")
    scene.write([1], shard="orphan")
    scene.mapping().run_until_idle()
    assert scene.delivered == [[1]]


def test_one_blocked_shard_holds_up_no_other(scene: Scene) -> None:
    """A shard that fails for hours doesn't keep the others from being delivered."""
    scene.stream.add_shard("other")
    scene.write([1])
    scene.write(range(2, 12), shard="other")

    def answer(numbers: list[int]) -> None:
        if numbers == [1]:
            raise RuntimeError

    mapping = scene.mapping(answer, batch_size=1)
    while [11] not in scene.delivered:
        mapping.step()
    assert scene.clock.time() - START < HOUR


def test_latest_skips_what_was_there(scene: Scene) -> None:
    """LATEST begins with what is written after the first poll, and reads later shards from their beginning."""
    scene.write([1, 2])
    mapping = scene.mapping(starting_position="LATEST")
    assert mapping.step() is None
    scene.write([3])
    scene.stream.close_shard(SHARD)
    scene.stream.add_shard("child", SHARD)
    scene.write([4], shard="child")
    mapping.run_until_idle()
    assert scene.delivered == [[3], [4]]


@pytest.mark.parametrize("seed", range(5))
def test_lanes_keep_the_order_of_each_item(seed: int) -> None:
    """With ten concurrent batches a shard, and failures, every item's records still arrive in order and none is missing."""
    scene = Scene()
    rng = random.Random(seed)
    numbers = range(1, 401)
    items = {number: str(rng.randrange(20)) for number in numbers}
    for number in numbers:
        scene.write([number], item=items[number])
    succeeded: list[int] = []

    def answer(batch: list[int]) -> None:
        if rng.random() < 0.3:
            raise RuntimeError
        succeeded.extend(batch)

    mapping = scene.mapping(answer, batch_size=5, parallelization_factor=10)
    mapping.rng.seed(seed)
    mapping.run_until_idle()
    assert sorted(succeeded) == list(numbers)
    assert max(len(batch) for batch in scene.delivered) == 5
    for item in set(items.values()):
        assert [number for number in succeeded if items[number] == item] == [n for n in numbers if items[n] == item]
    assert succeeded != list(numbers)


def test_a_lane_is_chosen_by_partition_and_sort_key(scene: Scene) -> None:
    """Items that share only the partition key can be delivered concurrently."""
    for number in range(1, 41):
        record = change(number)
        record["dynamodb"]["Keys"]["line"] = {"N": str(number)}
        scene.stream.append(SHARD, record)
    scene.mapping(parallelization_factor=10).run_until_idle()
    assert len(scene.delivered) > 1


def test_filters_by_event_name_and_user_identity(scene: Scene) -> None:
    """Only records that match a pattern reach the function, the others are counted as filtered out."""
    expiry = change(1, name="REMOVE") | {"userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"}}
    for record in (expiry, change(2, name="REMOVE"), change(3, name="INSERT")):
        scene.stream.append(SHARD, record)
    pattern = {"eventName": ["REMOVE"], "userIdentity": {"principalId": ["dynamodb.amazonaws.com"]}}
    mapping = scene.mapping(filter_patterns=(pattern,))
    mapping.run_until_idle()
    assert scene.delivered == [[1]]
    assert mapping.metrics["FilteredOutEventCount"] == 2


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ([{"eventName": ["INSERT", "REMOVE"]}], [1, 2]),
        ([{"eventName": ["INSERT"]}, {"eventName": ["MODIFY"]}], [1, 3]),
        ([{"userIdentity": {"type": [{"exists": False}]}}], [1, 3]),
        ([{"userIdentity": {"type": [{"exists": True}]}}], [2]),
        ([{"dynamodb": {"Keys": {"order_id": {"N": ["2"]}}}}], []),
    ],
)
def test_filter_patterns(scene: Scene, patterns: list[dict[str, Any]], expected: list[int]) -> None:
    """Values of a list and patterns of a list are alternatives; all names of one pattern must match."""
    scene.stream.append(SHARD, change(1, name="INSERT"))
    scene.stream.append(SHARD, change(2, name="REMOVE") | {"userIdentity": {"type": "Service"}})
    scene.stream.append(SHARD, change(3))
    scene.mapping(filter_patterns=tuple(patterns)).run_until_idle()
    assert list(itertools.chain(*scene.delivered)) == expected


def test_every_delivery_is_a_fresh_event(scene: Scene) -> None:
    """What a function does to its event isn't seen by the retry."""
    scene.write([1])
    events: list[dict[str, Any]] = []

    def handler(event: dict[str, Any], _: object) -> None:
        events.append(dict(event))
        if len(events) == 1:
            event["Records"][0]["dynamodb"].clear()
            raise RuntimeError

    EventSourceMapping(InProcessFunction(handler, scene.clock), scene.stream, scene.clock).run_until_idle()
    assert events[1] == {"Records": [change(1)]}


def test_the_same_seed_gives_the_same_run() -> None:
    """Runs are deterministic by their random generator, and differ without it."""

    def run(seed: int) -> list[list[int]]:
        scene = Scene()
        for number in range(1, 101):
            scene.write([number], item=str(number % 10))
        mapping = scene.mapping(batch_size=3, parallelization_factor=10)
        mapping.rng.seed(seed)
        mapping.run_until_idle()
        return scene.delivered

    assert run(1) == run(1) != run(2)


def test_says_when_it_does_not_come_to_rest(scene: Scene) -> None:
    """A mapping that fails for ever is stopped by the limit on invocations."""
    scene.write([1])

    def answer(_: list[int]) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError, match="isn't idle after 10 invocations"):
        scene.mapping(answer).run_until_idle(max_invocations=10)

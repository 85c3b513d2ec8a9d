"""The model of the event source mapping: answers, retries and bisecting. The model's methods cite AWS's pages."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.event_source_mapping_scene import Scene, failures, poison


@pytest.fixture
def scene() -> Scene:
    return Scene()


def report(*bad: int) -> Any:
    """Return a function that reports the bad ones of its batch."""
    return lambda numbers: failures(*[number for number in numbers if number in bad])


@pytest.mark.parametrize(
    "answer", [None, {}, "", [], {"batchItemFailures": []}, {"batchItemFailures": None}, {"batchItemFailure": [1]}]
)
def test_empty_answers_are_success(scene: Scene, answer: object) -> None:
    """Null, empty, an empty list or a misspelt list of failures: the whole batch counts as done."""
    scene.write([1, 2, 3])
    mapping = scene.mapping(lambda _: answer, report_batch_item_failures=True)
    mapping.run_until_idle()
    assert scene.delivered == [[1, 2, 3]]
    assert mapping.metrics["FailedInvokeEventCount"] == 0


@pytest.mark.parametrize(
    "failure",
    [
        {"itemIdentifier": ""},
        {"itemIdentifier": None},
        {"itemIdentifier": 2},
        {"itemIdentifier": "99"},
        {"id": "2"},
        "2",
    ],
)
def test_bad_identifiers_fail_the_whole_batch(scene: Scene, failure: object) -> None:
    """An empty, null, numeric, unknown or missing identifier retries all, even beside a good one."""
    scene.write([1, 2, 3])
    answers = iter([{"batchItemFailures": [{"itemIdentifier": "3"}, failure]}, None])
    scene.mapping(lambda _: next(answers), report_batch_item_failures=True).run_until_idle()
    assert scene.delivered == [[1, 2, 3], [1, 2, 3]]


@pytest.mark.parametrize("answer", ["stored", 1, [1], {"batchItemFailures": "2"}])
def test_answers_of_another_shape_fail_the_whole_batch(scene: Scene, answer: object) -> None:
    """An answer that is no partial batch response at all is not taken for success."""
    scene.write([1, 2])
    answers = iter([answer, None])
    scene.mapping(lambda _: next(answers), report_batch_item_failures=True).run_until_idle()
    assert scene.delivered == [[1, 2], [1, 2]]


def test_the_lowest_number_is_the_checkpoint(scene: Scene) -> None:
    """Of several numbers the lowest counts, and everything from it on comes again."""
    scene.write([8, 9, 10, 11])
    answers = iter([failures(11, 9, 10), failures(10), None])
    mapping = scene.mapping(lambda _: next(answers), report_batch_item_failures=True)
    mapping.run_until_idle()
    assert scene.delivered == [[8, 9, 10, 11], [9, 10, 11], [10, 11]]
    assert [(entry.outcome, entry.done) for entry in mapping.invocations] == [
        ("partly", 1),
        ("partly", 1),
        ("succeeded", 2),
    ]


def test_reports_are_ignored_unless_switched_on(scene: Scene) -> None:
    """Without ReportBatchItemFailures a partial batch response is success, and what it names is lost."""
    scene.write([1, 2])
    scene.mapping(report(1)).run_until_idle()
    assert scene.delivered == [[1, 2]]


def test_what_is_behind_a_failing_batch_waits(scene: Scene) -> None:
    """A shard stands still until its failing batch succeeds."""
    scene.write([1, 2, 3, 4])
    fails = iter([True, True, True])

    def answer(_: list[int]) -> None:
        if next(fails, False):
            raise RuntimeError

    scene.mapping(answer, batch_size=2).run_until_idle()
    assert scene.delivered == [[1, 2]] * 4 + [[3, 4]]


def test_retries_are_limited(scene: Scene) -> None:
    """With MaximumRetryAttempts 3 a batch is delivered four times, then given up whole, and the shard goes on."""
    scene.write([1, 2, 3, 4])
    scene.mapping(poison(1), batch_size=2, maximum_retry_attempts=3).run_until_idle()
    assert scene.delivered == [[1, 2]] * 4 + [[3, 4]]
    assert scene.discarded_numbers() == [[1, 2]]
    assert scene.discarded()[0]["requestContext"]["approximateInvokeCount"] == 4


def test_progress_starts_the_retries_anew(scene: Scene) -> None:
    """As recorded on AWS: a bad last record of three is delivered once with them and four times alone with three retries."""
    scene.write([3, 4, 5])
    scene.mapping(report(5), batch_size=3, maximum_retry_attempts=3, report_batch_item_failures=True).run_until_idle()
    assert scene.delivered == [[3, 4, 5]] + [[5]] * 4
    request, response = (scene.discarded()[0][name] for name in ("requestContext", "responseContext"))
    assert (request["condition"], request["approximateInvokeCount"]) == ("RetryAttemptsExhausted", 4)
    assert response == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": None}


def test_bisecting_isolates_the_poison_and_costs_no_retries(scene: Scene) -> None:
    """Halves of a failed batch are tried in order, down to the poison alone, which has its retries still."""
    scene.write([1, 2, 3, 4])
    scene.mapping(poison(3), bisect_batch_on_function_error=True, maximum_retry_attempts=1).run_until_idle()
    assert scene.delivered == [[1, 2, 3, 4], [1, 2], [3, 4], [3], [3], [4]]
    assert scene.discarded_numbers() == [[3]]


def test_bisecting_splits_at_the_returned_number(scene: Scene) -> None:
    """With both switched on, the batch is split at the returned number and only the rest is retried."""
    scene.write([1, 2, 3, 4, 5])
    scene.mapping(
        report(3), bisect_batch_on_function_error=True, report_batch_item_failures=True, maximum_retry_attempts=1
    ).run_until_idle()
    assert scene.delivered == [[1, 2, 3, 4, 5], [3, 4, 5], [3, 4], [3], [3], [4], [5]]
    assert scene.discarded_numbers() == [[3]]


def test_waits_grow_between_retries(scene: Scene) -> None:
    """Retries are spaced ever wider, up to a minute."""
    scene.write([1])
    mapping = scene.mapping(poison(1), maximum_retry_attempts=30)
    mapping.run_until_idle()
    times = [entry.time for entry in mapping.invocations]
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert 0.5 <= waits[0] <= 1
    assert all(30 <= wait <= 60 for wait in waits[7:])

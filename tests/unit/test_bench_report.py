"""How the bench measures and reports, apart from what it measures."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rich.console import Console

from audit_trail.core.sizes import fits, item_size
from scripts.project import ProblemError
from tests.bench import fresh
from tests.bench.__main__ import as_json, surroundings, targets
from tests.bench.cold_start import import_times
from tests.bench.endpoint import endpoint
from tests.bench.iterator_age import from_bench
from tests.bench.measure import Timing, cpu, each
from tests.bench.memory import SHAPES, event
from tests.bench.section import Section, Target, text
from tests.event_source_mapping.polling import MAXIMUM_PAYLOAD_BYTES
from tests.unit.fake_endpoint import FakeEndpoint

SECTION = Section(
    "Title",
    {"what": "what", "us": "µs"},
    [{"what": "a", "us": 1.234, "more": 5}, {"what": "b", "us": None}],
    note="A note.",
    targets=[Target("speed", "≥ 2 x", "1.9 x", met=False)],
)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "-"),
        (True, "yes"),
        (False, "no"),
        (1_234, "1,234"),
        (1_234.56, "1,235"),
        (12.34, "12.3"),
        (1.234, "1.23"),
        ("as it is", "as it is"),
    ],
)
def test_numbers_are_short(value: Any, written: str) -> None:
    """A cell has the digits that count, and says no number where there is none."""
    assert text(value) == written


def test_a_section_is_markdown() -> None:
    """A section is a heading, a table with its numbers to the right, and its notes."""
    assert SECTION.markdown() == "## Title\n\n| what | µs |\n| --- | ---: |\n| a | 1.23 |\n| b | - |\n\nA note."


def test_a_section_is_a_table_for_people() -> None:
    """The same goes to a terminal."""
    console = Console(width=80)
    with console.capture() as shown:
        console.print(SECTION.rich())

    for word in ("Title", "µs", "1.23", "A note."):
        assert word in shown.get()


def test_the_report_is_json_too() -> None:
    """The JSON has the machine, every table's rows with what no column shows, and every target."""
    found = json.loads(json.dumps(as_json(surroundings(), {"part": [SECTION]})))

    assert found["surroundings"].keys() == {"date", "machine", "python", "deepdiff", "boto3"}
    assert found["parts"]["part"][0]["rows"][0] == {"what": "a", "us": 1.234, "more": 5}
    assert found["targets"] == [{"what": "speed", "aim": "≥ 2 x", "measured": "1.9 x", "met": False}]
    assert targets({"part": [SECTION]}).cells() == [["speed", "≥ 2 x", "1.9 x", "no"]]


def test_rates_come_out_of_the_report(tmp_path: Any) -> None:
    """The simulation takes the handler's CPU, parsing included, and the write units from the bench's JSON."""
    handled = [{"corpus": name, "ours_us": 100.0, "parse_us": 20.0} for name in ("small", "medium", "large")]
    stored = [{"corpus": name, "ours": 2.5} for name in ("small", "medium", "large")]
    parts = {"handler": [{"rows": handled}], "size": [{"rows": stored}]}
    path = tmp_path / "bench.json"
    path.write_text(json.dumps({"parts": parts}), encoding="utf-8")

    rates = from_bench(path)

    assert rates.keys() == {"small", "medium"}
    assert rates["small"].cpu == pytest.approx(120e-6)
    assert rates["small"].stored_units == 2.5


def test_each_candidate_gets_fresh_records() -> None:
    """Candidates take every record of each round, newly parsed, once more than there are rounds."""
    seen: list[dict[str, Any]] = []

    [timing] = cpu('{"Records": [{"a": 1}, {"a": 2}]}', each(seen.append), rounds=3)

    assert [record["a"] for record in seen] == [1, 2] * 4
    assert len({id(record) for record in seen}) == 8
    assert len(timing.rounds) == 3


def test_noise_is_the_distance_of_the_extremes() -> None:
    """A timing is its middle round, and its spread what lies between the extremes, in per cent of that."""
    timing = Timing((10.0, 8.0, 13.0))

    assert (timing.median, timing.spread) == (10.0, 50.0)


def test_the_endpoint_answers_and_counts() -> None:
    """The bench's endpoint answers both ways to write through a real client, and counts requests and statements."""
    with endpoint() as running:
        client = FakeEndpoint(running.url).client()
        answer = client.batch_execute_statement(Statements=[{"Statement": "a"}, {"Statement": "b"}])
        client.put_item(TableName="audit", Item={"a": {"S": "b"}})
        client.close()

        assert len(answer["Responses"]) == 2
        assert running.take_counts() == {"BatchExecuteStatement": 1, "PutItem": 1, "statements": 3}
        assert running.take_counts() == {}


def test_what_fails_in_another_process_is_told() -> None:
    """A part that fails in its own process ends the bench with one sentence."""
    with pytest.raises(ProblemError, match=r"^tests\.bench\.handlers:nothing failed: AttributeError"):
        fresh.run("tests.bench.handlers:nothing")


def test_a_fresh_process_sees_no_account() -> None:
    """A process of the bench has the function's settings and credentials that open nothing."""
    found = fresh.run("os:getenv", "AWS_ACCESS_KEY_ID")

    assert found == "test"


@pytest.mark.parametrize("shape", ["large items", "400 KB on both sides", "20 lists shuffled"])
def test_batches_are_as_large_as_lambdas(shape: str) -> None:
    """A batch for the memory's peak is as large as Lambda hands over, unless few are meant, and has no number twice."""
    made = event(SHAPES[shape]())

    numbers = [record["dynamodb"]["SequenceNumber"] for record in json.loads(made)["Records"]]
    assert len(made) <= MAXIMUM_PAYLOAD_BYTES
    assert len(set(numbers)) == len(numbers)
    assert len(made) > 5_500_000 or len(numbers) == 20


@pytest.mark.parametrize("shape", ["400 KB on both sides", "lists of nothing but empty strings", "31 levels deep"])
def test_images_at_the_limits_are_within_them(shape: str) -> None:
    """The images that are there to be as large or as deep as can be are items that DynamoDB takes."""
    change = next(SHAPES[shape]())["dynamodb"]

    for image in (change["OldImage"], change["NewImage"]):
        assert fits(image)
    assert (item_size(image) > 409_000) == (shape == "400 KB on both sides")


def test_import_times_are_read() -> None:
    """Of Python's own report, each module's cumulative time is taken, in milliseconds."""
    report = "import time: self [us] | cumulative | imported package\nimport time:       100 |       2500 |   a.b\n"

    assert import_times(report) == {"a.b": 2.5}

"""What can never become an audit record, and how that is said."""

from __future__ import annotations

from typing import Any

import pytest

from audit_trail.core.errors import MalformedRecordError
from audit_trail.core.records import audit_item
from tests.builders import SETTINGS, stream_record, without

SECRET = "4111-1111"
IMAGE: dict[str, Any] = {"order_id": {"N": "123"}, "card": {"S": SECRET}}
RECORD = stream_record("MODIFY", old=IMAGE, new=IMAGE | {SECRET: {"S": SECRET}}, eventID=SECRET, unknown=SECRET)
BAD_VALUES: list[Any] = [{"T": SECRET}, {SECRET: "x"}, {"N": SECRET}, {"B": SECRET}, {"S": "x", "N": SECRET}, SECRET]
BAD_NAMES: list[Any] = [None, "", "insert", "BASELINE", SECRET, []]
REFUSED: list[tuple[Any, str]] = [
    (None, "not a JSON object"),
    ([], "not a JSON object"),
    (SECRET, "not a JSON object"),
    ({}, "no dynamodb part"),
    ({"eventName": "INSERT", "dynamodb": SECRET}, "no dynamodb part"),
    (without(RECORD, "dynamodb"), "no dynamodb part"),
    (without(RECORD, "eventName"), "eventName is none of INSERT, MODIFY and REMOVE"),
    (without(RECORD, "Keys"), "no Keys"),
    (without(RECORD, "SequenceNumber"), "no SequenceNumber"),
    (without(RECORD, "ApproximateCreationDateTime"), "no ApproximateCreationDateTime"),
    *((RECORD | {"eventName": name}, "eventName is none of") for name in BAD_NAMES),
    *(
        (stream_record(dynamodb={field: value}), sentence)
        for field, value, sentence in [
            ("Keys", None, "no Keys"),
            ("Keys", {}, "no Keys"),
            ("Keys", SECRET, "no Keys"),
            ("Keys", {"order": {"S": SECRET}}, r"not this table's \(order_id\): check PARTITION_KEY and SORT_KEY"),
            ("Keys", {"order_id": {"N": "1"}, SECRET: {"S": SECRET}}, "not this table's"),
            ("Keys", {"order_id": {"M": {"x": {"S": SECRET}}}}, "not of type S, N or B"),
            ("Keys", {"order_id": {"N": SECRET}}, "invalid attribute value"),
            ("SequenceNumber", None, "no SequenceNumber"),
            ("SequenceNumber", "", "no SequenceNumber"),
            ("SequenceNumber", 111, "no SequenceNumber"),
            ("SequenceNumber", SECRET, "not a string of digits"),
            ("ApproximateCreationDateTime", None, "no ApproximateCreationDateTime"),
            ("ApproximateCreationDateTime", "", "no ApproximateCreationDateTime"),
            ("ApproximateCreationDateTime", "NaN", "no ApproximateCreationDateTime"),
            ("ApproximateCreationDateTime", "1569264461 ", "no ApproximateCreationDateTime"),
            ("ApproximateCreationDateTime", "١٥", "no ApproximateCreationDateTime"),  # noqa: RUF001  other digits
            ("ApproximateCreationDateTime", "1" * 1_000_000, "no ApproximateCreationDateTime"),
            ("ApproximateCreationDateTime", "-1", "1970 to 9999"),
            ("ApproximateCreationDateTime", "1E300", "1970 to 9999"),
            ("ApproximateCreationDateTime", True, "no ApproximateCreationDateTime"),
            ("ApproximateCreationDateTime", float("nan"), "no ApproximateCreationDateTime"),
            ("ApproximateCreationDateTime", -1, "1970 to 9999"),
            ("ApproximateCreationDateTime", 1e12, "1970 to 9999"),
        ]
    ),
    *((stream_record(new=IMAGE | {"bad": value}), "invalid attribute value") for value in BAD_VALUES),
    *((stream_record(old=IMAGE | {"bad": value}), "invalid attribute value") for value in BAD_VALUES),
    *((stream_record(new={"l": {"L": [{"M": {"x": value}}]}}), "invalid attribute value") for value in BAD_VALUES),
]


@pytest.mark.parametrize(("record", "sentence"), REFUSED, ids=range(len(REFUSED)))
def test_refusals(record: Any, sentence: str) -> None:
    """What can't be stored is refused in one sentence that says why and holds nothing of the data."""
    with pytest.raises(MalformedRecordError, match=sentence) as refusal:
        audit_item(record, SETTINGS)
    said = str(refusal.value)
    assert SECRET not in said
    assert said.strip() == said
    assert "\n" not in said


def test_the_record_itself_is_fine() -> None:
    """The record that the refused ones are made of is stored: each is refused for the one thing that is wrong."""
    assert audit_item(RECORD, SETTINGS)["event_id"] == {"S": SECRET}

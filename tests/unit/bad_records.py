"""Records that can never be stored, with a secret in each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.unit.fakes import order

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit_trail.core.values import AttributeValue

SECRET = "4111-1111"


def changed(**fields: Any) -> Callable[[dict[str, Any]], Any]:
    """Return how to replace fields of a record's ``dynamodb`` part; None takes one away."""

    def change(record: dict[str, Any]) -> dict[str, Any]:
        record["dynamodb"] |= fields
        for name in [name for name, value in fields.items() if value is None]:
            del record["dynamodb"][name]
        return record

    return change


def with_value(value: AttributeValue) -> Callable[[dict[str, Any]], Any]:
    """Return how to give a record's new image such an attribute value, below a list in a map."""
    return changed(NewImage=order(12, card={"M": {"list": {"L": [value]}}}))


BAD_RECORDS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "not an object: null": (lambda _: None, "the record is not a JSON object"),
    "not an object: text": (lambda _: SECRET, "the record is not a JSON object"),
    "not an object: number": (lambda _: 12, "the record is not a JSON object"),
    "not an object: list": (lambda record: [record], "the record is not a JSON object"),
    "no dynamodb part": (lambda record: {**record, "dynamodb": None}, "the record has no dynamodb part"),
    "another source's record": (lambda _: {"messageId": "1", "body": SECRET}, "is not a DynamoDB stream record"),
    "unknown eventName": (
        lambda record: {**record, "eventName": SECRET},
        "eventName is none of INSERT, MODIFY and REMOVE",
    ),
    "no Keys": (changed(Keys=None), "the record has no Keys"),
    "empty Keys": (changed(Keys={}), "the record has no Keys"),
    "Keys not a map": (changed(Keys=[SECRET]), "the record has no Keys"),
    "no SequenceNumber": (changed(SequenceNumber=None), "the record has no SequenceNumber"),
    "SequenceNumber not a string": (changed(SequenceNumber=12), "the record has no SequenceNumber"),
    "SequenceNumber not digits": (changed(SequenceNumber=SECRET), "SequenceNumber is not a string of digits"),
    "no time": (changed(ApproximateCreationDateTime=None), "the record has no ApproximateCreationDateTime"),
    "time not a number": (changed(ApproximateCreationDateTime=SECRET), "has no ApproximateCreationDateTime"),
    "time before 1970": (changed(ApproximateCreationDateTime=-1), "is not a time from 1970 to 9999"),
    "another table's key": (
        changed(Keys={"customer_id": {"S": SECRET}}),
        "not this table's (order_id): check PARTITION_KEY and SORT_KEY",
    ),
    "one key attribute too many": (
        changed(Keys={"order_id": {"N": "12"}, "line": {"S": SECRET}}),
        "not this table's (order_id): check PARTITION_KEY and SORT_KEY",
    ),
    "key of a type that no key has": (
        changed(Keys={"order_id": {"SS": [SECRET]}}),
        "a key attribute is not of type S, N or B",
    ),
    "key that is not a number": (changed(Keys={"order_id": {"N": SECRET}}), "an N value is not a decimal number"),
    "unknown type tag in the key": (changed(Keys={"order_id": {"UUID": SECRET}}), "a type tag that is none of"),
    "unknown type tag with text": (with_value({"DATE": SECRET}), "a type tag that is none of DynamoDB's ten"),
    "unknown type tag with a list": (with_value({"TUPLE": [{"S": SECRET}]}), "a type tag that is none of"),
    "unknown type tag with a map": (with_value({"DOC": {"S": {"S": SECRET}}}), "a type tag that is none of"),
    "no type tag": (with_value({}), "not a map with exactly one type tag"),
    "two type tags": (with_value({"S": SECRET, "N": "1"}), "not a map with exactly one type tag"),
    "a plain value": (changed(NewImage={"card": SECRET}), "not a map with exactly one type tag"),
    "a number as N": (with_value({"N": 12}), "an S, N or B value is not a string"),
    "words as N": (with_value({"N": SECRET}), "an N value is not a decimal number"),
    "words as B": (with_value({"B": f"{SECRET}!"}), "a B value is not base64"),
    "an empty set": (with_value({"SS": []}), "a set is not a list with members"),
    "a set with a member twice": (with_value({"SS": [SECRET, SECRET]}), "a set has a member twice"),
    "a number of a million digits": (with_value({"N": "1E999999"}), "beyond the range of DynamoDB's numbers"),
}
"""How to spoil a stream record, and a part of the sentence that it must get."""

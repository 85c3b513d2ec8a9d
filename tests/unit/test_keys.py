"""The keys of audit records, by example."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from audit_trail.core.errors import MalformedRecordError, TableTrailError
from audit_trail.core.keys import RESERVED_NAMES, KeySchema

# The attributes of the audit record as they are documented, beside the partition key.
DOCUMENTED_NAMES = (
    *("timestamp", "schema_version", "event_id", "event_name", "event_version", "event_source", "aws_region"),
    *(
        "event_source_arn",
        "sequence_number",
        "stream_view_type",
        "approximate_creation_date_time",
        "size_bytes",
        "user_identity",
        "keys",
    ),
    *("old_image", "new_image", "old_image_sha256", "new_image_sha256", "diff", "changed_attributes", "actor"),
    *("reason", "actor_source", "reason_source", "expires_at", "time_bucket", "actor_bucket", "other", "images"),
)
COMPOSITE = KeySchema("customer", "order")
SECRET = "4111-1111"


def joined(partition: dict[str, str], sort: dict[str, str]) -> str:
    text: str = COMPOSITE.audit_partition_value({"customer": partition, "order": sort})["S"]
    return text


def test_reserved_names() -> None:
    """The names that a source key can't have are exactly those that the audit record documents."""
    assert sorted(DOCUMENTED_NAMES) == sorted(RESERVED_NAMES)


@pytest.mark.parametrize("name", DOCUMENTED_NAMES)
def test_a_source_key_named_like_ours(name: str) -> None:
    """A source key named like an attribute of the audit record goes by another name."""
    assert KeySchema(name).audit_partition_key == f"source#{name}"


@pytest.mark.parametrize("name", ["order_id", "Timestamp", "source#timestamp", "a#b", "n" * 255, "é" * 127 + "n"])
def test_a_source_key_keeps_its_name(name: str) -> None:
    """Any other name of up to 255 bytes stays as it is."""
    assert KeySchema(name).audit_partition_key == name


@pytest.mark.parametrize(
    ("schema", "name"),
    [
        (KeySchema("n" * 256), "source#" + "n" * 248),
        (KeySchema("é" * 128), "source#" + "é" * 124),
        (KeySchema("😀" * 64), "source#" + "😀" * 62),
        (KeySchema("a", "b"), "a#b"),
        (KeySchema("timestamp", "keys"), "timestamp#keys"),
        (KeySchema("n" * 127, "m" * 127), "n" * 127 + "#" + "m" * 127),
        (KeySchema("n" * 128, "m" * 127), "n" * 128 + "#" + "m" * 126),
        (KeySchema("n" * 255, "m" * 255), "n" * 255),
        (KeySchema("n" * 253, "é"), "n" * 253 + "#"),
    ],
)
def test_names_are_cut(schema: KeySchema, name: str) -> None:
    """A longer name is cut to at most 255 bytes of UTF-8, never inside a character."""
    assert schema.audit_partition_key == name
    assert len(name.encode()) <= 255


@pytest.mark.parametrize("value", [{"N": "123"}, {"S": "a#b%"}, {"B": "AP8="}, {"S": "\ud83d"}, {"S": "s" * 2048}])
def test_a_simple_key_stays_as_it_is(value: dict[str, str]) -> None:
    """The value of a simple key is the audit table's partition key, type and all."""
    assert KeySchema("order_id").audit_partition_value({"order_id": value}) == value


@pytest.mark.parametrize(
    ("partition", "sort", "text"),
    [
        ({"S": "customer-7"}, {"S": "order-9"}, "customer-7#order-9"),
        ({"S": "a#b"}, {"S": "c"}, "a%23b#c"),
        ({"S": "a"}, {"S": "b#c"}, "a#b%23c"),
        ({"S": "50%"}, {"S": "%23"}, "50%25#%2523"),
        ({"N": "1.50"}, {"N": "1E3"}, "1.5#1000"),
        ({"N": "-0"}, {"N": "-7"}, "0#-7"),
        ({"B": "AP8="}, {"B": "++//"}, "AP8=#++//"),
        ({"B": "QR=="}, {"S": "\x00 \n"}, "QQ==#\x00 \n"),
        ({"S": "\ud83d"}, {"S": "😀"}, "\ud83d#😀"),
    ],
)
def test_a_composite_key_is_joined(partition: dict[str, str], sort: dict[str, str], text: str) -> None:
    """A composite key is both parts in canonical text, joined by # and percent-encoded."""
    assert joined(partition, sort) == text


def test_two_keys_never_meet() -> None:
    """Two different composite keys have two histories, whatever # and % they hold."""
    parts = ["", "a", "#", "a#", "#a", "%23", "%", "%2523", "%25", "a%23"]
    assert len({joined({"S": one}, {"S": other}) for one in parts for other in parts}) == len(parts) ** 2


def test_a_long_composite_key_becomes_a_digest() -> None:
    """Joined keys of up to 2,048 bytes stay readable, longer ones become their SHA-256."""
    assert joined({"S": "p" * 1023}, {"S": "s" * 1024}) == "p" * 1023 + "#" + "s" * 1024
    longer = "p" * 1024 + "#" + "s" * 1024
    assert joined({"S": "p" * 1024}, {"S": "s" * 1024}) == f"sha256:{hashlib.sha256(longer.encode()).hexdigest()}"
    assert joined({"S": "é" * 1024}, {"S": "s"}).startswith("sha256:")
    assert joined({"S": "#" * 683}, {"S": "s"}).startswith("sha256:"), "what counts is the encoded length"


def test_a_long_composite_key_with_lone_surrogates() -> None:
    """A key of lone surrogates has a digest too, unlike that of another one."""
    one, other = (joined({"S": half * 1024}, {"S": "s"}) for half in ("\ud83d", "\ude00"))
    assert one.startswith("sha256:")
    assert one != other


@pytest.mark.parametrize(
    "keys",
    [
        {"order": {"S": SECRET}},
        {"customer": {"S": SECRET}},
        {"customer": {"S": SECRET}, "order": {"S": SECRET}, SECRET: {"S": "x"}},
        {"Customer": {"S": SECRET}, "order": {"S": SECRET}},
        {},
    ],
)
def test_keys_of_another_table(keys: dict[str, Any]) -> None:
    """Keys that aren't this table's are refused in a sentence that names the expected ones and nothing of the key."""
    with pytest.raises(
        MalformedRecordError, match=r"\(customer and order\): check PARTITION_KEY and SORT_KEY"
    ) as error:
        COMPOSITE.audit_partition_value(keys)
    assert SECRET not in str(error.value)


def test_composite_keys_for_a_simple_table() -> None:
    """A sort key that the table shouldn't have is not dropped in silence: two items would share a history."""
    with pytest.raises(MalformedRecordError, match=r"\(order_id\)"):
        KeySchema("order_id").audit_partition_value({"order_id": {"N": "1"}, "line": {"N": "1"}})


@pytest.mark.parametrize(
    "value", [{"BOOL": True}, {"NULL": True}, {"SS": [SECRET]}, {"L": []}, {"M": {}}, {"N": SECRET}]
)
def test_values_that_no_key_has(value: dict[str, Any]) -> None:
    """A key attribute is an S, N or B: anything else is refused, without its value in the sentence."""
    for schema, keys in [(KeySchema("id"), {"id": value}), (COMPOSITE, {"customer": {"S": "c"}, "order": value})]:
        with pytest.raises(TableTrailError) as error:
            schema.audit_partition_value(keys)
        assert SECRET not in str(error.value)

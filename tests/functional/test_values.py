"""Values, names and keys at the edges of what DynamoDB takes, from the source table to what a reader sees."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.core.keys import RESERVED_NAMES
from audit_trail.core.records import stream_record
from audit_trail.core.values import canonical_image, canonical_value
from tests import engines
from tests.tables import image_to_boto
from tests.unit.fakes import numbered_record

if TYPE_CHECKING:
    from types_boto3_dynamodb.literals import ScalarAttributeTypeType

    from audit_trail.core.values import AttributeValue, Image
    from tests.functional.live_trail import LiveTrail, TrailOf


def base64_of(body: bytes) -> str:
    """Return bytes as DynamoDB JSON has them."""
    return base64.b64encode(body).decode("ascii")


VALUES: dict[str, AttributeValue] = {
    "38 digits": {"N": "12345678901234567890123456789012345678"},
    "38 digits, negative": {"N": f"-{'9' * 38}"},
    "38 digits after the point": {"N": f"0.{'7' * 38}"},
    "the largest": {"N": f"{'9' * 38}E+88"},
    "the smallest": {"N": "1E-130"},
    "the most negative": {"N": f"-{'9' * 38}E+88"},
    "exponents": {"L": [{"N": "1E3"}, {"N": "1e-3"}, {"N": "1.50E+1"}, {"N": "0.10"}, {"N": "+007"}]},
    "zeros": {"L": [{"N": "-0"}, {"N": "0.00"}, {"N": "-0E5"}, {"N": "0"}]},
    "neighbours that a float can't tell apart": {
        "NS": ["12345678901234567890123456789012345678", "12345678901234567890123456789012345679"]
    },
    "empty text": {"S": ""},
    "empty binary": {"B": ""},
    "empty list": {"L": []},
    "empty map": {"M": {}},
    "empty values inside": {"L": [{"S": ""}, {"B": ""}, {"L": []}, {"M": {}}, {"M": {"a": {"S": ""}}}]},
    "empty members": {"L": [{"SS": [""]}, {"BS": [""]}, {"SS": ["", "a"]}]},
    "a text of NUL": {"S": "\x00"},
    "blanks": {"S": " \t\r\n\u00a0\u2028\ufeff"},
    "quotes": {"S": "'\"`\\u0041\\"},
    "composed and decomposed": {"SS": ["é", "e\u0301"]},
    "astral": {"S": "😀𝄞\U0010ffff\uffff"},
    "a text that looks like base64": {"S": "QQ=="},
    "a text that looks like a number": {"SS": ["1", "1.0", "1E0"]},
    "binary that isn't UTF-8": {"B": base64_of(b"\xff\xfe\x00\x80")},
    "binary that is UTF-8": {"B": base64_of(b"text")},
    "all bytes": {"B": base64_of(bytes(range(256)))},
    "binaries that aren't UTF-8": {"BS": [base64_of(b"\x80"), base64_of(b"\xff"), base64_of(b"\xff\x00")]},
    "true and false": {"L": [{"BOOL": True}, {"BOOL": False}, {"NULL": True}]},
}
NAMES = [
    *("a.b", "a/b", "/", "//", "~", "~0", "~1", "a~1b", "a[0]", "['x']", '"', "'", "''", "`", "\\", "\\u0041"),
    *("__dunder", "__", "_", "0", "-1", "-", "root", " ", "\x00", "\n", "😀", "é", "e\u0301", "\uffff", "n" * 5_000),
    *("S", "M", "L", "NULL", "#", "%23", "?", ":a", "$", "{}", "old", "new", "op", "path", "encoding", "uri", "body"),
]


def put(trail: LiveTrail, *images: Image) -> None:
    """Put images of items, one after the other."""
    for image in images:
        trail.dynamodb.put_item(TableName=trail.source, Item=image_to_boto(image))


def normal(image: Image | None) -> Image | None:
    """Return an image, where there is one, in canonical form."""
    return None if image is None else canonical_image(image)


def assert_read_back(trail: LiveTrail, keys: Image, *images: Image | None) -> None:
    """Assert that an item's history is these images, one after the other, and rebuilds the stream's records."""
    history = trail.history(keys)
    stood = [normal(image) for image in images]
    # DynamoDB Local leaves numbers below a list or a map in their spelling.
    read = [(normal(change.old_image), normal(change.new_image)) for change in history]
    assert read == [*zip([None, *stood], stood, strict=False)]
    delivered = [record for record in trail.delivered if record["dynamodb"]["Keys"] == canonical_image(keys)]
    assert [stream_record(change.item) for change in history] == delivered


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())
def test_every_value_is_exact(trail_of: TrailOf, value: AttributeValue) -> None:
    """A value at the edge of its type is stored and read back exactly, alone, below a list and a map, and in a diff."""
    trail = trail_of()
    keys: Image = {"order_id": {"N": "1"}}
    images: list[Image] = [
        {**keys, "value": value},
        {**keys, "value": {"S": "another"}},
        {**keys, "value": {"S": "another"}, "within": {"M": {"list": {"L": [value, {"S": "x"}]}}}},
        keys,
    ]
    put(trail, *images)

    trail.capture()

    assert_read_back(trail, keys, *images)
    first_diff, second_diff, _ = (change.diff for change in trail.history(keys)[1:])
    canonical = canonical_value(value)
    assert [(one.op, one.path, one.old, one.new) for one in first_diff] == [
        ("replace", "/value", canonical, {"S": "another"})
    ]
    assert [(one.op, one.path, one.new) for one in second_diff] == [
        ("add", "/within", {"M": {"list": {"L": [canonical, {"S": "x"}]}}})
    ]


@pytest.mark.parametrize("names", [NAMES, sorted(RESERVED_NAMES)], ids=["of any character", "like our own"])
def test_every_name_is_exact(trail_of: TrailOf, names: list[str]) -> None:
    """Attributes of any name, those of our own record among them, are stored, read back and named in the diff."""
    trail = trail_of()
    keys: Image = {"order_id": {"N": "1"}}
    images: list[Image] = [
        {**keys, **{name: {"S": str(count)} for name in names}, "map": {"M": {name: {"N": "1"} for name in names}}}
        for count in (1, 2)
    ]
    put(trail, *images)
    trail.dynamodb.delete_item(TableName=trail.source, Key=image_to_boto(keys))

    trail.capture()

    assert_read_back(trail, keys, *images, None)
    item = trail.history(keys)[1].item
    assert set(item["changed_attributes"]["SS"]) == set(names)


KEY_NAMES = [
    *("timestamp", "event_id", "keys", "actor", "images", "diff", "source#timestamp", "it's", "a.b", "a#b", "😀", "-"),
    *("k" * 255, "é" * 127 + "k", "'" * 255, '"', "\\", "%", "?", "value", "S"),
]


@pytest.mark.parametrize("name", KEY_NAMES, ids=ascii)
def test_every_name_of_a_partition_key(trail_of: TrailOf, name: str) -> None:
    """A source table's partition key may have any name, our own among them, of up to 255 bytes."""
    trail = trail_of(**{name: "S"})
    keys: Image = {name: {"S": "one"}}
    images: list[Image] = [{**keys, "n": {"N": "1"}}, {**keys, "n": {"N": "2"}, "timestamp_": {"S": "x"}}]
    put(trail, *images, {name: {"S": "other"}})

    trail.capture()

    assert_read_back(trail, keys, *images)
    assert_read_back(trail, {name: {"S": "other"}}, {name: {"S": "other"}})
    assert len(trail.stored()) == 3


@pytest.mark.parametrize(
    "names",
    [("timestamp", "event_id"), ("a#b", "c"), ("a", "b#c"), ("p" * 255, "s" * 255), ("é" * 127, "it's"), ("%", "%23")],
    ids=ascii,
)
def test_every_name_of_a_composite_key(trail_of: TrailOf, names: tuple[str, str]) -> None:
    """A composite key's attributes may have any names, also such that are cut when they're joined."""
    partition, sort = names
    trail = trail_of(**{partition: "S", sort: "N"})
    keys: Image = {partition: {"S": "one"}, sort: {"N": "1.5"}}
    put(trail, keys, {**keys, "n": {"N": "2"}})

    trail.capture()

    assert_read_back(trail, keys, keys, {**keys, "n": {"N": "2"}})


TEXTS = ["#", "%", "%23", "a#b", " ", "\x00", "it's", '"', "😀", "é", "e\u0301", "x" * 1_024, "é" * 512, "sha256:00"]
BINARIES = [b"\x00", b"#", b"%23", b"\xff\xfe", bytes(range(256)), b"\xff" * 1_024]
NUMBERS = ["0", "-1", "0.5", "1E125", "-1E-130", "9" * 38, f"-{'9' * 38}"]
KEY_VALUES: dict[ScalarAttributeTypeType, list[str]] = {
    "S": TEXTS,
    "N": NUMBERS,
    "B": [base64_of(body) for body in BINARIES],
}


def numbered(keys: list[Image]) -> list[Image]:
    """Return an item for each key."""
    return [{**key, "number": {"N": str(number)}} for number, key in enumerate(keys)]


def assert_each_apart(trail: LiveTrail, keys: list[Image]) -> None:
    """Assert that each item that was put can be read by its key, and nothing else with it."""
    for key, image in zip(keys, numbered(keys), strict=True):
        assert_read_back(trail, key, image)
    assert len(trail.stored()) == len(keys)


@pytest.mark.parametrize("kind", ["S", "N", "B"])
def test_every_simple_key(trail_of: TrailOf, kind: ScalarAttributeTypeType) -> None:
    """Items whose keys hold anything of any key type, up to 2,048 bytes, are each read back by their key."""
    trail = trail_of(id=kind)
    longest = {"S": ["y" * 2_048, "é" * 1_024], "N": [], "B": [base64_of(b"\xfe" * 2_048)]}[kind]
    keys: list[Image] = [{"id": {kind: body}} for body in [*KEY_VALUES[kind], *longest]]
    put(trail, *numbered(keys))

    trail.capture()

    assert_each_apart(trail, keys)


@pytest.mark.parametrize("partition", KEY_VALUES)
@pytest.mark.parametrize("sort", KEY_VALUES)
def test_every_composite_key(
    trail_of: TrailOf, partition: ScalarAttributeTypeType, sort: ScalarAttributeTypeType
) -> None:
    """Items whose two key parts hold anything are each read back by their key, those joined over 2,048 bytes too."""
    trail = trail_of(partition=partition, sort=sort)
    pairs = [(one, other) for one in KEY_VALUES[partition][:5] for other in KEY_VALUES[sort][-5:]]
    long = {"S": "z" * 2_048, "N": "7" * 38, "B": base64_of(b"\xfd" * 2_048)}[partition]
    pairs += [(long, other) for other in KEY_VALUES[sort]]
    keys: list[Image] = [{"partition": {partition: one}, "sort": {sort: other}} for one, other in pairs]
    put(trail, *numbered(keys))

    trail.capture()

    assert_each_apart(trail, keys)


def test_parts_of_a_key_never_meet(trail_of: TrailOf) -> None:
    """Keys whose parts differ only in where the separator stands have histories of their own."""
    trail = trail_of(partition="S", sort="S")
    pairs = [("a", "b#c"), ("a#b", "c"), ("a%23b", "c"), ("a", "b%23c"), ("a#", "b"), ("a", "#b"), ("a%", "23b")]
    pairs += [(one + "x" * 1_100, "x" * 1_010 + other) for one, other in pairs]
    keys: list[Image] = [{"partition": {"S": one}, "sort": {"S": other}} for one, other in pairs]
    put(trail, *numbered(keys))

    trail.capture()

    assert_each_apart(trail, keys)
    values = [item[trail.schema.audit_partition_key]["S"] for item in trail.stored()]
    assert any(value.startswith("sha256:") for value in values)


@pytest.mark.parametrize(
    "actor",
    [{"S": ""}, {"N": "12"}, {"S": "a" * 3_000}, {"B": "QQ=="}, {"NULL": True}, {"L": [{"S": "alice"}]}, {"SS": ["a"]}],
    ids=["empty", "a number", "3,000 bytes", "binary", "null", "a list", "a set"],
)
def test_an_actor_that_is_none_is_only_an_attribute(trail_of: TrailOf, actor: AttributeValue) -> None:
    """An actor attribute that is no string of 1 to 2,000 bytes makes a record without actor, stored all the same."""
    trail = trail_of()
    keys: Image = {"order_id": {"N": "1"}}
    image: Image = {**keys, "updated_by": actor}
    put(trail, image)

    trail.capture()

    assert_read_back(trail, keys, image)
    [change] = trail.history(keys)
    assert (change.actor, change.actor_source) == (None, None)


LONE = ["\ud83d", "\ude00", "a\ud83db", "\ude00\ud83d", "\\\ud83d"]


def put_raw(trail: LiveTrail, endpoint: str, image: Image) -> None:
    """Put an item whose texts UTF-8 has no bytes for: as JSON, in escapes."""
    client = engines.session(endpoint).client("dynamodb")
    body = json.dumps({"TableName": trail.source, "Item": image}).encode("ascii")

    def set_body(params: dict[str, Any], **_: Any) -> None:
        params["body"] = body

    client.meta.events.register("before-call.dynamodb.PutItem", set_body)
    client.put_item(TableName=trail.source, Item={"order_id": {"N": "1"}})
    client.close()


def test_lone_surrogates_through_the_stream(trail_of: TrailOf, dynamodb_endpoint: str) -> None:
    """Texts with lone surrogates, as a value, a set's member and a name, are stored and read back as they are."""
    trail = trail_of()
    keys: Image = {"order_id": {"N": "1"}}
    images: list[Image] = [
        {**keys, **{f"n{number}": {"S": text} for number, text in enumerate(LONE)}},
        {**keys, "set": {"SS": LONE}, "map": {"M": {text: {"S": text} for text in LONE}}},
    ]
    for image in images:
        put_raw(trail, dynamodb_endpoint, image)

    trail.capture()

    assert_read_back(trail, keys, *images)


def test_lone_surrogates_that_move(trail_of: TrailOf) -> None:
    """Texts with lone surrogates in images that don't fit an item are read back as they are."""
    trail = trail_of()
    keys: Image = {"order_id": {"N": "1"}}
    record = numbered_record(1, keys=keys, new={**keys, "text": {"S": "\ud83d" + "x" * 420_000}, "\ude00": {"S": "y"}})

    trail.redeliver([record])

    [change] = trail.history(keys)
    assert "images" in trail.stored()[0]
    assert stream_record(change.item) == record

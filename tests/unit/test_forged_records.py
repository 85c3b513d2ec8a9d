"""Records that Table Trail can't have written: refused by one shared check, before anything else looks into them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import subprocess
import sys
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.aws.image_bucket import fetcher
from audit_trail.core.archive import items as archived_items
from audit_trail.core.errors import ForeignItemError, MalformedArchiveError, MalformedFailureError, MalformedItemError
from audit_trail.core.failures import understand
from audit_trail.core.history import Change
from audit_trail.core.limits import LARGEST_LINE, gunzipped, gunzipped_lines, parsed
from audit_trail.core.listing import Listed
from audit_trail.core.provenance import Tables, origin
from audit_trail.core.records import RecordSettings, audit_item, stream_record
from audit_trail.core.spill import Form, pack, unpack
from audit_trail.core.validation import check_values
from tests.builders import ARN, NOON, ORDER
from tests.expiry import audit_record, deletion
from tests.unit.fakes import numbered_record, order

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit_trail.core.values import Image

BUCKET = "trail-bucket"
SOURCE_ARN = ARN.partition("/stream/")[0]
TABLES = Tables(SOURCE_ARN, SOURCE_ARN.replace("orders", "orders-audit"))
NOW = NOON + 400 * 86_400
MODIFY = numbered_record(2, old=order(status="NEW"), new=order(status="PAID"))


def record() -> Image:
    """Return an honest record of a MODIFY."""
    return json.loads(json.dumps(audit_item(MODIFY, RecordSettings(ORDER, time_index_shards=1))))  # type: ignore[no-any-return]


def entry(item: Image) -> dict[str, Any]:
    """Return the first entry of its diff."""
    parts: dict[str, Any] = item["diff"]["L"][0]["M"]
    return parts


FORGED: dict[str, tuple[Callable[[Image], Any], str]] = {
    "event name": (lambda item: item.update(event_name={"S": "\x1b[2J"}), "event_name is none that"),
    "type of a name": (lambda item: item.update(actor={"M": {}}), "actor is not of type S"),
    "type of an image": (lambda item: item.update(new_image={"S": "x"}), "new_image is not of type M"),
    "type of a digest": (lambda item: item.update(new_image_sha256={"S": "x"}), "new_image_sha256 is not of type B"),
    "keys": (lambda item: item["keys"]["M"].update(order_id={"L": []}), "keys are not of type"),
    "user identity": (lambda item: item.update(user_identity={"M": {"type": {"N": "1"}}}), "user_identity is not"),
    "operation": (lambda item: entry(item).update(op={"S": 'x"}\n{"keys"'}), "diff is not a list of known operations"),
    "no operation": (lambda item: entry(item).pop("op"), "diff is not a list of known operations"),
    "path": (lambda item: entry(item).update(path={"S": ""}), "its operation doesn't allow"),
    "escaped path": (lambda item: entry(item).update(path={"S": "/a~2"}), "its operation doesn't allow"),
    "no side": (lambda item: entry(item).pop("new"), "its operation doesn't allow"),
    "a side too many": (lambda item: entry(item).update(op={"S": "add"}), "its operation doesn't allow"),
    "members of no set": (lambda item: entry(item).update(op={"S": "members"}), "members that are no set's"),
    "an entry of another kind": (lambda item: item["diff"]["L"].append({"S": "x"}), "not a list of known operations"),
    "month": (
        lambda item: item.update(timestamp={"S": f"2026-13-01T00:00:00.000Z#{1:040d}"}),
        "timestamp is not a time",
    ),
    "year": (
        lambda item: item.update(timestamp={"S": f"0001-01-01T00:00:00.000Z#{1:040d}"}),
        "timestamp is not a time",
    ),
    "number": (
        lambda item: item.update(timestamp={"S": f"2026-11-24T00:00:00.000Z#{'9' * 5_000}"}),
        "timestamp is not",
    ),
    "schema version": (lambda item: item.update(schema_version={"N": "1.5"}), "lacks what every record has"),
}


@pytest.mark.parametrize(("forge", "why"), FORGED.values(), ids=FORGED)
def test_a_forged_record_is_refused(forge: Callable[[Image], Any], why: str) -> None:
    """A record with an unknown kind or operation, or a name of another type, is refused by its timestamp, without data."""
    item = record()
    assert Change.from_item(item).item is item
    forge(item)

    with pytest.raises(ForeignItemError, match=why) as refused:
        Change.from_item(item)

    assert str(refused.value).isprintable()
    honest = record()["timestamp"]
    assert honest["S"] in str(refused.value) or item["timestamp"] != honest


@pytest.mark.parametrize("name", ["month", "type of a name", "event name"])
def test_an_index_lists_no_forged_record(name: str) -> None:
    """What an index holds goes through the same check."""
    item = record()
    FORGED[name][0](item)
    with pytest.raises(ForeignItemError):
        Listed.from_item(item, "order_id")


def test_what_newer_versions_add_is_kept() -> None:
    """An attribute that isn't known, of whatever type, and one more name in a diff's entry, are no forgery."""
    item = record() | {"protected": {"L": [{"M": {"path": {"S": "/a"}}}]}, "reason_source": {"S": "written"}}
    entry(item)["note"] = {"S": "x"}
    assert Change.from_item(item).item["protected"] == item["protected"]


def test_other_holds_no_bomb() -> None:
    """A record whose `other` is nested without end, or is no JSON, can't be rebuilt, and says so in a sentence."""
    for text in ("[" * 100_000, '{"record": ' + "[" * 900 + "]" * 900 + "}", '{"record": {"x": NaN}}', "[1]"):
        with pytest.raises(MalformedItemError, match="can't be rebuilt"):
            stream_record(record() | {"other": {"S": text}})


def moved(body: bytes) -> Image:
    """Return a record of which this body is what moved."""
    item = pack(record(), BUCKET, Form.GZIP).item
    return item | {"images": {"M": {"encoding": {"S": "gzip"}, "body": {"B": base64.b64encode(body).decode()}}}}


def nowhere(_: str) -> bytes:
    """Fetch nothing."""
    raise AssertionError("nothing is to be fetched")


@pytest.mark.parametrize("name", ["actor", "event_name", "timestamp", "order_id", "schema_version", "keys", "x"])
def test_only_what_may_move_is_taken_from_where_it_moved_to(name: str) -> None:
    """A body that has anything but images, diff and changed names, such as an actor, is refused whole."""
    body = gzip.compress(json.dumps({"new_image": {"M": {}}, name: {"S": "innocent"}}).encode())
    with pytest.raises(MalformedItemError, match="other attributes than those that may move"):
        unpack(moved(body), nowhere)


def test_what_moved_replaces_nothing() -> None:
    """A body that has what the record has itself is refused: the record's own would silently lose."""
    item = moved(gzip.compress(json.dumps({"new_image": {"M": {}}}).encode())) | {"new_image": {"M": {"a": {"S": "b"}}}}
    with pytest.raises(MalformedItemError, match="other attributes than those that may move"):
        unpack(item, nowhere)


def test_the_diff_that_moved_is_checked_too() -> None:
    """An unknown operation in a diff that moved is refused like one in the record."""
    body = gzip.compress(b'{"diff": {"L": [{"M": {"op": {"S": "x"}, "path": {"S": "/a"}}}]}}')
    with pytest.raises(MalformedItemError, match="known operations"):
        unpack({name: value for name, value in moved(body).items() if name != "diff"}, nowhere)


@pytest.mark.parametrize(
    "uri",
    [
        "s3://payroll/images/{}.json.gz",
        "s3://trail-bucket/archive/{}.json.gz",
        "s3://trail-bucket/images/../{}.json.gz",
        "s3://trail-bucket/images/{}.json.gz?versionId=1",
        "s3://trail-bucket/images/{}.json.gz\n",
        "s3://trail-bucket/images/{}.json",
        "https://trail-bucket/images/{}.json.gz",
        "s3://trail-bucket/images/0{}.json.gz",
    ],
)
def test_images_are_fetched_from_the_trails_own_buckets_alone(uri: str) -> None:
    """A URI of another bucket, another prefix or another name is refused, and no client is even made."""
    packed = pack(record(), BUCKET, Form.S3)
    digest = hashlib.sha256(packed.body).hexdigest()
    item = packed.item | {"images": {"M": {"encoding": {"S": "s3"}, "uri": {"S": uri.format(digest)}}}}

    def no_client() -> Any:
        raise AssertionError("nothing is to be fetched")

    with pytest.raises(MalformedItemError, match="not read"):
        unpack(item, fetcher(no_client, ["former-bucket", BUCKET]))


ATTACKS = {
    "deep": (b"", b"[", 100_000, b""),
    "deep image": (b'{"new_image":{"M":', b'{"a":{"M":', 900, b"{}" + b"}}" * 900 + b"}}"),
    "zeros": (b"", b"0" * 2**20, 300, b""),
    "long text": (b'{"new_image":{"M":{"a":{"S":"', b"x" * 2**20, 300, b'"}}}}'),
    "many lists": (b"[", b"[]," * 2**15, 2**10, b"[]]"),
    "many strings": (b'{"new_image":{"M":{"a":{"L":[', b'{"S":""},' * 2**15, 2**8, b'{"S":""}]}}}}'),
    "as many strings as may be": (b"[", b'{"S":""},' * 2**15, 30, b"1]"),
    "some more strings": (b"[", b'{"S":""},' * 2**15, 70, b"1]"),
    "astral text": (b'{"a":"', "\U0001f600".encode() * 2**10, 5_000, b'"}'),
}
"""Beginning, what repeats, how often, and end of what gzip holds."""
_ATTACK = """
import base64, sys
from pathlib import Path
from audit_trail.core.archive import items
from audit_trail.core.errors import TableTrailError
from audit_trail.core.failures import understand
from audit_trail.core.spill import unpack
body = sys.stdin.buffer.read()
record = {"images": {"M": {"encoding": {"S": "gzip"}, "body": {"B": base64.b64encode(body).decode()}}}}
for read in (lambda: unpack(record, None), lambda: list(items(body)), lambda: understand("aws/lambda/x", body)):
    try:
        read()
    except TableTrailError as error:
        print(error)
    else:
        print("taken")
[peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(int(peak.split()[1]) // 1024, file=sys.stderr)
"""


@pytest.mark.parametrize(("head", "piece", "times", "tail"), ATTACKS.values(), ids=ATTACKS)
def test_no_body_fills_the_memory(head: bytes, piece: bytes, times: int, tail: bytes) -> None:
    """Gzip of gigabytes, of endless nesting or of millions of values is refused in a sentence, within 256 MB."""
    packing = zlib.compressobj(1, wbits=31)
    parts = [packing.compress(one) for one in (head, *(piece for _ in range(times)), tail)]
    body = b"".join([*parts, packing.flush()])
    ran = subprocess.run([sys.executable, "-c", _ATTACK], input=body, capture_output=True, check=False, cwd="handler")
    assert ran.returncode == 0, ran.stderr.decode()[-2_000:]
    told = ran.stdout.decode().splitlines()
    assert len(told) == 3
    assert "taken" not in told
    assert int(ran.stderr) < 256


def test_gzip_is_bounded_and_whole() -> None:
    """Gzip comes back whole up to the bound, and not beyond it, cut off, or with anything behind it."""
    body = gzip.compress(b"x" * 5_000_000)
    assert gunzipped(body, 5_000_000) == b"x" * 5_000_000
    for broken, most in (
        (body, 4_999_999),
        (body[:-1], 2**24),
        (body + b"x", 2**24),
        (body + body, 2**24),
        (b"", 2**24),
    ):
        with pytest.raises(ValueError, match="gzip"):
            gunzipped(broken, most)


def test_lines_come_one_by_one() -> None:
    """Lines are unpacked as gzip.decompress and split would give them, and none longer than the archive's."""
    text = b"".join(b"%d" % number * 1_000 + b"\n" for number in range(3_000))
    assert list(gunzipped_lines(gzip.compress(text), 2**24)) == text.split()
    assert list(gunzipped_lines(gzip.compress(b"a\nb"), 2**24)) == [b"a", b"b"]
    with pytest.raises(ValueError, match="longer"):
        list(gunzipped_lines(gzip.compress(b"x" * (LARGEST_LINE + 2**21)), 2**26))


def test_values_are_counted_outside_of_strings() -> None:
    """Commas and brackets in a text, however long it is and however many quotes it has, are no values."""
    text = {"S": '"\\,[{' * 1_000_000}
    assert parsed(json.dumps(text)) == text
    with pytest.raises(ValueError, match="larger"):
        parsed(json.dumps([text, [[]] * 1_100_000]))


def test_the_largest_json_is_taken() -> None:
    """What an honest record may hold at most, 400 KB of empty strings on both sides and in a diff, is taken."""
    side = '{"L":[' + ",".join(['{"S":""}'] * 340_000) + "]}"
    text = f'{{"old_image":{{"M":{{"a":{side}}}}},"new_image":{{"M":{{"a":{side}}}}}}}'
    value = parsed(text)
    check_values(value)
    assert len(value["old_image"]["M"]["a"]["L"]) == 340_000


@pytest.mark.parametrize("text", ["{}", "[]", "7", '{"a": 1}', '{"a": {"N": "x"}}', "[" * 100_000, '{"a": {"S": NaN}}'])
def test_a_line_of_the_archive_holds_an_item(text: str) -> None:
    """A line whose record isn't made of attribute values is refused; an empty item is one without a key."""
    body = gzip.compress(json.dumps({"key": "1", "timestamp": "x", "item": text}).encode())
    if text == "{}":
        assert list(archived_items(body)) == [{}]
        return
    with pytest.raises(MalformedArchiveError):
        list(archived_items(body))


def test_a_failures_reason_is_short_and_flat() -> None:
    """What an object says about why it waits is taken where it's a short text, and never a structure or megabytes of it."""
    nested: Any = "x"
    for _ in range(300):
        nested = [nested]
    content = {"requestContext": {"condition": nested, "approximateInvokeCount": nested}, "payload": '{"Records": []}'}
    assert understand("aws/lambda/x", json.dumps(content).encode()).reason == "given up by Lambda"
    content["requestContext"] = {"condition": "x" * 10_000}
    assert len(understand("aws/lambda/x", json.dumps(content).encode()).reason) < 1_100


def test_records_of_this_trails_streams_are_its_own() -> None:
    """Records of the source table's stream, or expired ones of the audit table's, are taken; none is of nobody."""
    assert origin([MODIFY, numbered_record(3)], TABLES, NOW) == TABLES.source
    assert origin([deletion(audit_record(numbered_record(3)), 1)], TABLES, NOW) == TABLES.audit
    assert origin([], TABLES, NOW) == TABLES.source
    for nobody in ({}, None, {"eventSourceARN": 1}, {"eventSourceARN": SOURCE_ARN}):
        with pytest.raises(MalformedFailureError, match="names no stream"):
            origin([nobody], TABLES, NOW)


@pytest.mark.parametrize(
    "arn",
    [
        ARN.replace("table/orders", "table/payroll"),
        ARN.replace("123456789012", "999999999999"),
        ARN.replace("eu-central-1", "us-east-1"),
        ARN.replace("table/orders", "table/orders-audit/x"),
    ],
)
def test_a_foreign_record_among_ones_own_is_found(arn: str) -> None:
    """Of another account, region or table, one record among the trail's own makes the whole object foreign."""
    with pytest.raises(MalformedFailureError, match="not this trail's"):
        origin([MODIFY, numbered_record(3, eventSourceARN=arn)], TABLES, NOW)


@pytest.mark.parametrize(
    ("expires_at", "deleted"),
    [
        (NOON + 80 * 86_400, NOON + 80 * 86_400 - 1),
        (NOON + 80 * 86_400 + 1, NOON + 90 * 86_400),
        (NOON, NOON + 90 * 86_400),
        (NOON - 86_400, NOON + 90 * 86_400),
        (NOON + 80 * 86_400, NOW + 901),
        (NOON + 80 * 86_400, "x"),
        (None, NOON + 90 * 86_400),
    ],
)
def test_an_expiry_before_its_time_is_none(expires_at: int | None, deleted: Any) -> None:
    """A deletion "by TTL" that came too early, comes from the future, or of a record with another expiry, isn't taken."""
    item = audit_record(numbered_record(3))
    if expires_at is None:
        del item["expires_at"]
    else:
        item["expires_at"] = {"N": str(expires_at)}
    forged = deletion(item, 1)
    forged["dynamodb"]["ApproximateCreationDateTime"] = deleted
    with pytest.raises(MalformedFailureError, match="not what TTL deletes"):
        origin([deletion(audit_record(numbered_record(4)), 2), forged], TABLES, NOW)

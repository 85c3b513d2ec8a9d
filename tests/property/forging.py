"""What somebody may put where records are read from: forged audit records, objects and payloads, by a seed."""

from __future__ import annotations

import base64
import copy
import gzip
import hashlib
import json
from typing import TYPE_CHECKING, Any

from audit_trail.core.archive import line, object_of
from audit_trail.core.failures import quarantined
from audit_trail.core.records import RecordSettings, audit_item
from audit_trail.core.spill import Form, pack
from tests.builders import ARN, NOON, ORDER
from tests.expiry import deletion
from tests.property.forged_trail import BUCKET
from tests.property.lives import random_image
from tests.unit.failed import lambda_object
from tests.unit.fakes import numbered_record

if TYPE_CHECKING:
    import random

    from audit_trail.core.values import AttributeValue, Image

SETTINGS = RecordSettings(
    ORDER, actor_attribute="updated_by", reason_attribute="why", time_index_shards=1, retention_days=90
)
HOSTILE = (
    *(
        "\x1b[2J\x1b[31mowned",
        "\x1b]0;title\x07",
        "\u202egpj.exe",
        "\x9b31m",
        "\r\nINSERT forged",
        "a\nb",
        "\x00",
        "\x08\x08",
    ),
    *(
        "\u2066\u2069",
        "[bold]x[/bold]",
        "{{7*7}}",
        "</script><script>",
        '"}\n{"keys": {"order_id": "1"}}',
        "\ud800",
        "%s%n",
        "",
    ),
)
DEEP = "[" * 100_000
BOMBS = (
    gzip.compress(DEEP.encode()),
    gzip.compress(b"0" * 2**25),
    gzip.compress(b"[" + b"[]," * 9_000_000 + b"[]]"),
    gzip.compress(b'{"new_image":{"M":' + b'{"a":{"M":' * 900 + b"{}" + b"}}" * 900 + b"}}"),
    gzip.compress(b"{}") + b"trailing",
    gzip.compress(b"{}")[:-4],
    gzip.compress(b'{"new_image":{"M":{"a":{"N":"1E999999"}}}}'),
    gzip.compress(b'{"new_image":{"M":{"a":{"SS":[]}}}}'),
    gzip.compress(b'{"new_image":{"M":{"a":NaN}}}'),
    gzip.compress(b"[]"),
    gzip.compress(b'"diff"'),
    b"",
    b"not gzip",
)
"""Bodies that crash, fill the memory, or are nothing."""


def story(rng: random.Random, number: int, changes: int) -> tuple[list[Image], Image | None]:
    """Return an item's honest records, and how it stands."""
    records: list[Image] = []
    old: Image | None = None
    for position in range(1, changes + 1):
        new: Image | None = random_image(rng) | {
            "order_id": {"N": str(number)},
            "version": {"N": str(position)},
            "updated_by": {"S": rng.choice(("mia", "billing"))},
        }
        if old is not None and rng.random() < 0.1:
            new = None
        keys = {"order_id": {"N": str(number)}}
        record = numbered_record(number * 1_000 + position, old=old, new=new, keys=keys, at=NOON + 100 * position)
        records.append(dict(audit_item(record, SETTINGS)))
        old = new
    return records, old


def forged(rng: random.Random, honest: Image, objects: dict[str, bytes]) -> tuple[Image, bool]:
    """Return a record that took an honest one's place, and whether verify has to call its item broken."""
    item = copy.deepcopy(honest)
    return rng.choice(_FORGERIES)(rng, item, objects)


def _value(rng: random.Random) -> AttributeValue:
    deep: AttributeValue = {"S": rng.choice(HOSTILE)}
    for _ in range(rng.choice((0, 0, 1, 28))):
        deep = {"L": [deep]} if rng.random() < 0.5 else {"M": {rng.choice(HOSTILE): deep}}
    return rng.choice(
        (
            deep,
            {"S": rng.choice(HOSTILE)},
            {"N": rng.choice(("-1", "1", "99999999999999999999999999999999999999", "1" + "0" * 125, "0.5"))},
            {"B": base64.b64encode(rng.randbytes(rng.choice((0, 1, 32)))).decode()},
            {"NULL": True},
            {"BOOL": False},
            {"SS": [rng.choice(HOSTILE[:-1])]},
            {"NS": ["1", "2"]},
            {"BS": ["AA=="]},
            {"L": [{"M": {}}]},
            {"M": {}},
        )
    )


_COVERED = ("schema_version", "event_name", "sequence_number", "approximate_creation_date_time", "keys", "new_image")
_FREE = ("actor", "actor_source", "reason", "event_id", "aws_region", "size_bytes", "other", "user_identity")


def _covered_replaced(rng: random.Random, item: Image, _: dict[str, bytes]) -> tuple[Image, bool]:
    name = rng.choice([one for one in _COVERED if one in item])
    value = _value(rng)
    while "N" in value and name == "schema_version":  # a newer version's record stops the reading, and says so
        value = _value(rng)
    item[name] = value
    return item, True


def _free_replaced(rng: random.Random, item: Image, _: dict[str, bytes]) -> tuple[Image, bool]:
    name = rng.choice(_FREE)
    value = (
        {"S": rng.choice((*HOSTILE, DEEP, '{"record": NaN}', '{"record": [1]}'))} if rng.random() < 0.7 else _value(rng)
    )
    item[name] = value
    return item, False


def _unknown_added(rng: random.Random, item: Image, _: dict[str, bytes]) -> tuple[Image, bool]:
    item[rng.choice(HOSTILE[:-1])] = _value(rng)
    return item, False


def _name_gone(rng: random.Random, item: Image, _: dict[str, bytes]) -> tuple[Image, bool]:
    name = rng.choice([one for one in _COVERED if one in item])
    del item[name]
    return item, True


def _diff_forged(rng: random.Random, item: Image, _: dict[str, bytes]) -> tuple[Image, bool]:
    entry: dict[str, Any] = {"op": {"S": "replace"}, "path": {"S": "/version"}, "old": {"N": "1"}, "new": {"N": "2"}}
    entry[rng.choice((*entry, "x"))] = _value(rng)
    if rng.random() < 0.5:
        entry["op"] = {"S": rng.choice((*HOSTILE, "add", "remove", "members"))}
    if rng.random() < 0.3:
        del entry[rng.choice(list(entry))]
    listed: AttributeValue = {"M": entry} if rng.random() < 0.9 else _value(rng)
    item["diff"] = {"L": [listed, *item.get("diff", {"L": []})["L"]]}
    # Only a MODIFY has a diff; elsewhere, a well-formed one is idle.
    return item, item["event_name"]["S"] == "MODIFY"


def _image_forged(rng: random.Random, item: Image, _: dict[str, bytes]) -> tuple[Image, bool]:
    name = rng.choice([one for one in ("new_image", "old_image") if one in item])
    item[name]["M"][rng.choice(HOSTILE[:-1])] = _value(rng)
    return item, True


def _body_forged(rng: random.Random, item: Image, objects: dict[str, bytes]) -> tuple[Image, bool]:
    """Move what may move out of it, and put something else there: in the item, or in S3 under its digest, or not."""
    packed = pack(item, BUCKET, Form.GZIP)
    moved = json.loads(gzip.decompress(base64.b64decode(packed.item["images"]["M"]["body"]["B"])))
    kind = rng.randrange(4)
    if kind == 0:
        body = rng.choice(BOMBS)
    elif kind == 1:
        moved[rng.choice(("actor", "event_name", "timestamp", "order_id", "keys", HOSTILE[0]))] = _value(rng)
        body = gzip.compress(json.dumps(moved).encode())
    elif kind == 2:
        moved[rng.choice(list(moved))] = rng.choice((_value(rng), [], 1, None, {"M": {"a": {"S": 1}}}))
        body = gzip.compress(json.dumps(moved).encode())
    else:
        body = rng.randbytes(40)
    if rng.random() < 0.5:
        packed.item["images"] = {"M": {"encoding": {"S": "gzip"}, "body": {"B": base64.b64encode(body).decode()}}}
    else:
        key = f"images/{hashlib.sha256(body).hexdigest()}.json.gz"
        objects[key] = body
        packed.item["images"] = {"M": {"encoding": {"S": "s3"}, "uri": {"S": f"s3://{BUCKET}/{key}"}}}
    return packed.item, True


def _address_forged(rng: random.Random, item: Image, objects: dict[str, bytes]) -> tuple[Image, bool]:
    packed = pack(item, BUCKET, Form.S3)
    objects["archive/secret"] = objects[packed.key.replace("images/", "images/x")] = packed.body
    uri = rng.choice(
        (
            f"s3://other-bucket/{packed.key}",
            f"s3://{BUCKET}/archive/secret",
            f"s3://{BUCKET}/images/../{packed.key}",
            f"s3://{BUCKET}/{packed.key.replace('images/', 'images/x')}",
            f"s3://{BUCKET}/{packed.key}?versionId=1",
            f"https://{BUCKET}/{packed.key}",
            f"s3://{BUCKET}/{packed.key}\n",
            rng.choice(HOSTILE),
        )
    )
    packed.item["images"] = {"M": {"encoding": {"S": rng.choice(("s3", "s3", HOSTILE[0]))}, "uri": {"S": uri}}}
    return packed.item, True


def _moved_in_time(rng: random.Random, item: Image, _: dict[str, bytes]) -> tuple[Image, bool]:
    number = item["timestamp"]["S"].partition("#")[2]
    item["timestamp"] = {
        "S": rng.choice(
            (
                f"0000-00-00T00:00:00.000Z#{number}",
                f"0001-01-01T00:00:00.000Z#{number}",
                f"9999-12-31T23:59:59.999Z#{number}",
                f"2026-11-31T25:61:61.000Z#{number}",
                f"2026-11-24T12:00:00.000Z#{'9' * 990}",
                rng.choice(HOSTILE[:-1]),
            )
        )
    }
    return item, True


def _expiry_forged(rng: random.Random, item: Image, _: dict[str, bytes]) -> tuple[Image, bool]:
    item["expires_at"] = {"N": rng.choice(("-1", "1" + "0" * 125, "0.5", "99999999999999999999"))}
    return item, False


_FORGERIES = (
    *(_covered_replaced, _free_replaced, _unknown_added, _name_gone, _diff_forged, _diff_forged, _image_forged),
    *(_body_forged, _body_forged, _address_forged, _moved_in_time, _expiry_forged),
)


def failure(rng: random.Random, number: int, honest: Image) -> tuple[str, bytes]:
    """Return an object of the failures: a payload or a quarantined record that Lambda or the function didn't write."""
    record: Any = numbered_record(number)
    kind = rng.randrange(8)
    if kind == 0:
        record["eventSourceARN"] = rng.choice(
            (*HOSTILE, ARN.replace("orders", "payroll"), ARN.replace("1234", "9999"), 7)
        )
    elif kind == 1:
        record = deletion(honest, number, eventSourceARN=ARN.replace("table/orders", "table/orders-audit"))
        record["dynamodb"]["ApproximateCreationDateTime"] = rng.choice((NOON, NOON + 80 * 86_400, 1e300, "x"))
    elif kind == 2:
        record["dynamodb"]["NewImage"] = rng.choice((_value(rng), [], {"a": {"S": 1}}, {"a": [[[]]]}))
    elif kind == 3:
        record = rng.choice((None, [], "x", {"dynamodb": HOSTILE[0]}))
    if kind == 4:
        return f"aws/lambda/{rng.choice(HOSTILE)}{number}", rng.choice(
            (DEEP.encode(), b'{"payload": ' + b"[" * 900 + b"]" * 900 + b"}", b"\xff", b"{}", b'{"payload": "[["}')
        )
    if kind == 5:
        return lambda_object(number, record, requestContext={"condition": _nested(rng), "approximateInvokeCount": [1]})
    if kind == 6:
        return quarantined(record, rng.choice(HOSTILE), rng.choice(HOSTILE))
    return lambda_object(number, record, numbered_record(number + 1))


def _nested(rng: random.Random) -> Any:
    nested: Any = rng.choice(HOSTILE)
    for _ in range(rng.choice((0, 1, 300))):
        nested = [nested]
    return nested


def archived(rng: random.Random, number: int, honest: Image, item: Image) -> tuple[str, bytes]:
    """Return an object under archive/ that the function didn't write."""
    key, body = object_of([line(deletion(honest, number))])
    text = gzip.decompress(body).decode()
    fields = json.loads(text)
    kind = rng.randrange(5)
    if kind == 0:
        return key, rng.choice(BOMBS)
    if kind == 1:
        fields["item"] = rng.choice((json.dumps(item), DEEP, "{}", "[]", '{"order_id": {"N": 1}}', 7))
    elif kind == 2:
        fields[rng.choice(list(fields))] = rng.choice((*HOSTILE, None, 1, []))
    elif kind == 3:
        return key, gzip.compress(text.encode() + rng.choice((b"\n{", DEEP.encode(), b"\xff", b"null\n")))
    return key, gzip.compress(json.dumps(fields).encode())

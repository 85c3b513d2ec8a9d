"""The fields of a stream record, each stored exactly once: under an attribute of its own, or else in ``other``.

What a stream record looks like: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html,
in the spelling that Lambda gives it (https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html).
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from audit_trail.core.limits import check_depth, parsed
from audit_trail.core.values import AttributeValue, Image, canonical_value, json_number, number_value

_PLAIN = 10**15  # an int below it is its own canonical form, and what every stream has


def _string(value: Any) -> AttributeValue | None:
    return {"S": value} if isinstance(value, str) else None


def _number(value: Any) -> AttributeValue | None:
    if type(value) is int and 0 <= value < _PLAIN:
        return {"N": str(value)}
    number = json_number(value)
    encoded = None if number is None else number_value(number)
    return encoded if encoded is not None and _json_number(encoded) == value else None


def _map(value: Any) -> AttributeValue | None:
    return {"M": value} if isinstance(value, dict) else None


def _identity(value: Any) -> AttributeValue | None:
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        return None
    return {"M": {name: {"S": one} for name, one in value.items()}}


_Encoder = Callable[[Any], AttributeValue | None]
_RECORD_FIELDS: dict[str, tuple[str, _Encoder]] = {
    "eventID": ("event_id", _string),
    "eventName": ("event_name", _string),
    "eventVersion": ("event_version", _string),
    "eventSource": ("event_source", _string),
    "awsRegion": ("aws_region", _string),
    "eventSourceARN": ("event_source_arn", _string),
    "userIdentity": ("user_identity", _identity),
}
_CHANGE_FIELDS: dict[str, tuple[str, _Encoder]] = {
    "SequenceNumber": ("sequence_number", _string),
    "StreamViewType": ("stream_view_type", _string),
    "ApproximateCreationDateTime": ("approximate_creation_date_time", _number),
    "SizeBytes": ("size_bytes", _number),
    "Keys": ("keys", _map),
    "OldImage": ("old_image", _map),
    "NewImage": ("new_image", _map),
}


def encode(record: Mapping[str, Any], change: Mapping[str, Any]) -> Image:
    """Return the attributes for a stream record's fields; ``change`` is its ``dynamodb`` part."""
    attributes: Image = {}
    other: dict[str, dict[str, Any]] = {}
    for part, fields, known in (("record", record, _RECORD_FIELDS), ("dynamodb", change, _CHANGE_FIELDS)):
        for field, value in fields.items():
            if field in known:
                name, encoder = known[field]
                encoded = encoder(value)
                if encoded is not None:
                    attributes[name] = encoded
                    continue
            elif part == "record" and field == "dynamodb":
                continue
            other.setdefault(part, {})[field] = value
    if other:
        attributes["other"] = {"S": json.dumps(other, separators=(",", ":"), sort_keys=True)}
    return attributes


def decode(item: Image) -> dict[str, Any]:
    """Return the stream record that these attributes were made of.

    :raises KeyError, ValueError, TypeError, AttributeError, MalformedValueError: they weren't made by `encode`.
    """
    other = parsed(item["other"]["S"]) if "other" in item else {}
    check_depth(other)
    record: dict[str, Any] = dict(other.get("record", {}))
    change: dict[str, Any] = dict(other.get("dynamodb", {}))
    for fields, into in ((_RECORD_FIELDS, record), (_CHANGE_FIELDS, change)):
        for field, (name, encoder) in fields.items():
            if name in item:
                into[field] = _DECODERS[encoder](item[name])
    record["dynamodb"] = change
    return record


def _json_number(value: AttributeValue) -> int | float:
    text = canonical_value(value)["N"]
    return float(text) if "." in text else int(text)


_DECODERS: dict[_Encoder, Callable[[AttributeValue], Any]] = {
    _string: lambda value: value["S"],
    _number: _json_number,
    _map: lambda value: value["M"],
    _identity: lambda value: {name: one["S"] for name, one in value["M"].items()},
}

"""What could not be stored, as it lies in the trail's failures bucket, or, from before it had one, in its history bucket: written and understood here.

``aws/lambda/`` holds what Lambda gave up on, in the shape that AWS fixes
(https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html); ``quarantine/`` holds single stream
records that can never be stored, in ours; ``redriven/`` either, after it was put back.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audit_trail.core.errors import MalformedFailureError
from audit_trail.core.limits import parsed

LAMBDA_PREFIX = "aws/lambda/"
QUARANTINE_PREFIX = "quarantine/"
REDRIVEN_PREFIX = "redriven/"

_LONGEST_REASON = 1_000  # characters: ours and Lambda's have a few dozen

SCHEMA_VERSION = 1
"""Of the objects under ``quarantine/``."""

# ASCII only, so that lone surrogates survive too.
_encode = json.JSONEncoder(separators=(",", ":"), sort_keys=True, check_circular=False).encode


@dataclass(frozen=True, slots=True)
class Failure:
    """What one object says; ``reason`` may quote whatever the object holds."""

    reason: str
    records: list[Any]
    """As Lambda hands them to the function, whatever they are."""


def quarantined(record: Any, reason: str, function_version: str) -> tuple[str, bytes]:
    """Return the key and the body of the object that keeps a record which can never be stored.

    The key is the digest of the record, so that a second delivery finds the same object. The body is JSON:
    ``{schema_version, function_version, reason, record}``, the record as Lambda handed it over.

    :raises RecursionError: the record is nested deeper than this process can write.
    """
    text = _encode(record)
    about = _encode({"schema_version": SCHEMA_VERSION, "function_version": function_version, "reason": reason})
    key = f"{QUARANTINE_PREFIX}{hashlib.sha256(text.encode('ascii')).hexdigest()}.json"
    return key, f'{about[:-1]},"record":{text}}}'.encode("ascii")


def understand(key: str, body: bytes) -> Failure:
    """Read an object of ``aws/lambda/`` or ``quarantine/``; its records come out as Lambda hands them to the function.

    :raises MalformedFailureError: it is not what that prefix holds, or a newer version wrote it.
    """
    content = _parsed(body)
    if not isinstance(content, dict):
        raise MalformedFailureError("the object is not a JSON object")
    return _quarantined(content) if key.startswith(QUARANTINE_PREFIX) else _given_up(content)


def _parsed(text: str | bytes) -> Any:
    try:
        return parsed(text)
    except ValueError:
        raise MalformedFailureError("the object is not JSON") from None


def _quarantined(content: Mapping[str, Any]) -> Failure:
    version, reason = content.get("schema_version"), content.get("reason")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise MalformedFailureError(
            f"the object has schema version {version}, written by a newer version: upgrade trail"
        )
    if version != SCHEMA_VERSION or not isinstance(reason, str) or "record" not in content:
        raise MalformedFailureError(
            "the object is not a quarantined record: it has no schema_version, reason or record"
        )
    return Failure(_cut(reason), [content["record"]])


def _given_up(content: Mapping[str, Any]) -> Failure:
    payload = content.get("payload")
    # AWS documents an escaped JSON string.
    event = _parsed(payload) if isinstance(payload, str) else payload
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list):
        missing = "no payload" if payload is None else "a payload without a list of Records"
        raise MalformedFailureError(f"the object has {missing}: it is not what Lambda gives to an S3 destination")
    return Failure(_condition(content), records)


def _condition(content: Mapping[str, Any]) -> str:
    """Say why Lambda gave up; what is too old has no ``responseContext``."""
    request, response = (_map(content, name) for name in ("requestContext", "responseContext"))
    condition, count, error = (
        request.get("condition"),
        request.get("approximateInvokeCount"),
        response.get("functionError"),
    )
    words = [condition if isinstance(condition, str) and condition else "given up by Lambda"]
    if isinstance(count, int) and count:
        words.append(f"after about {count} invocation{'' if count == 1 else 's'}")
    if isinstance(error, str) and error:
        words.append(f"(function error: {error})")
    return _cut(" ".join(words))


def _cut(reason: str) -> str:
    return reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]}…"


def _map(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = content.get(name)
    return value if isinstance(value, dict) else {}

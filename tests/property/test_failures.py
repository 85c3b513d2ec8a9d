"""What holds for every record that can't be stored: it lies in the bucket whole, and comes out as it went in."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from audit_trail.core.errors import MalformedFailureError
from audit_trail.core.failures import quarantined, understand


def parsed(value: Any) -> Any:
    """Return a value as it comes out of JSON, which has no pair of surrogates that isn't one character."""
    return json.loads(json.dumps(value))


TEXT = st.text(st.characters(exclude_categories=())).map(parsed)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
).map(parsed)
"""Anything that Lambda can hand over as a record, lone surrogates too."""


def shape(value: Any) -> Any:
    """Return a value in which numbers show their types, so that 1 and 1.0 and true are not equal."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    return [shape(one) for one in value] if isinstance(value, list) else (type(value), value)


@given(JSON, TEXT, TEXT)
def test_a_quarantined_record_comes_out_as_it_went_in(record: Any, reason: str, version: str) -> None:
    """Whatever a record is, its object gives it back equal, with every number's type, and with the reason."""
    failure = understand(*quarantined(record, reason, version))

    assert shape(failure.records) == shape([record])
    assert failure.reason == reason


@given(JSON, JSON, TEXT, TEXT)
def test_the_key_tells_records_apart_and_nothing_else(one: Any, other: Any, reason: str, version: str) -> None:
    """Two objects have the same key exactly when their records are the same, whatever the reason and version."""
    key, _ = quarantined(one, reason, version)

    assert key == quarantined(one, "another reason", "8")[0]
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (key == quarantined(other, reason, version)[0]) == same


@given(st.lists(JSON, max_size=4), st.booleans(), st.booleans())
def test_what_lambda_gave_up_on_comes_out_as_it_was(records: list[Any], escaped: bool, ascii_only: bool) -> None:  # noqa: FBT001  drawn
    """Whatever the records are and however the payload is written, they come out as Lambda handed them over."""
    event = {"Records": records}
    payload = json.dumps(event, ensure_ascii=ascii_only) if escaped else event
    body = json.dumps({"payload": payload}, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")

    assert shape(understand("aws/lambda/x", body).records) == shape(records)


@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_object_is_worse_than_malformed(body: bytes) -> None:
    """Whatever lies under the prefixes, it's understood or refused as malformed, and never anything else."""
    for key in ("aws/lambda/x", "quarantine/x"):
        with contextlib.suppress(MalformedFailureError):
            understand(key, body)

"""What holds for every stream record, good or bad."""

from __future__ import annotations

import contextlib
import copy
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import example, given
from hypothesis import strategies as st

from audit_trail.core.errors import DiffError, MalformedRecordError
from audit_trail.core.keys import KeySchema
from audit_trail.core.patch import apply
from audit_trail.core.records import (
    NEW_AND_DIFF,
    OLD_AND_NEW,
    RecordSettings,
    audit_item,
    entries,
    sequence_number,
    stream_record,
)
from audit_trail.core.values import canonical_image
from tests import builders
from tests.property import strategies

if TYPE_CHECKING:
    from audit_trail.core.values import Image

SECRET = "4111-1111"
junk = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 10**12) | st.floats(-1e9, 1e9) | st.sampled_from((SECRET, "", "1", "QQ==")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from((SECRET, "S", "N", "B", "M", "L", "SS", "NS", "BS", "BOOL", "NULL")), inner, max_size=2),
    ),
    max_leaves=4,
)  # fmt: skip
identities = st.sampled_from([builders.TTL_IDENTITY, {}, None, {"type": "User"}, {"type": 1}])


@st.composite
def all_settings(draw: st.DrawFn) -> RecordSettings:
    """Make settings of a table with a simple or a composite key."""
    key_names = draw(st.lists(strategies.names.filter(bool), min_size=1, max_size=2, unique=True))
    return RecordSettings(
        KeySchema(*key_names),
        retention_days=draw(st.none() | st.integers(1, 3650)),
        actor_attribute=draw(st.none() | strategies.names),
        reason_attribute=draw(st.none() | strategies.names),
        time_index_shards=draw(st.integers(0, 100)),
        actor_index_shards=draw(st.integers(0, 100)),
        image_storage=draw(st.sampled_from((OLD_AND_NEW, NEW_AND_DIFF))),
    )


@st.composite
def stream_records(draw: st.DrawFn, settings: RecordSettings) -> dict[str, Any]:
    """Make a stream record with whatever optional and unknown fields."""
    schema = settings.key_schema
    names = [name for name in (schema.partition_key, schema.sort_key) if name is not None]
    numbers = st.integers(0, 253402300799) | st.floats(0, 2e9)
    seconds = numbers | numbers.map(str)
    record = builders.stream_record(
        draw(st.sampled_from(("INSERT", "MODIFY", "REMOVE"))),
        old=draw(st.none() | strategies.images),
        new=draw(st.none() | strategies.images),
        keys={name: draw(st.sampled_from([{"S": "a#b"}, {"N": "1.50"}, {"B": "AP8="}])) for name in names},
        dynamodb={
            "SequenceNumber": str(draw(st.integers(0, 10**42))),
            "ApproximateCreationDateTime": draw(seconds),
            **draw(
                st.dictionaries(st.sampled_from(("New", "dynamodb", "SizeBytes", "StreamViewType")), junk, max_size=2)
            ),
        },
        **draw(st.dictionaries(st.sampled_from(("region", "eventID", "awsRegion")), junk, max_size=2)),
    )
    return record | draw(st.sampled_from([{}, {"userIdentity": draw(identities)}]))


cases = all_settings().flatmap(lambda settings: st.tuples(st.just(settings), stream_records(settings)))


@given(case=cases)
def test_every_record_comes_back(case: tuple[RecordSettings, dict[str, Any]]) -> None:
    """A stream record is rebuilt from its audit record, equal in every field, and stays as it was given."""
    settings, record = case
    given_record = copy.deepcopy(record)
    item = audit_item(record, settings)
    assert stream_record(json.loads(json.dumps(item))) == given_record
    assert record == given_record
    canonical_image(item)


@given(case=cases, other=cases)
def test_the_key_is_the_stream_records_alone(case: tuple[RecordSettings, dict[str, Any]], other: Any) -> None:
    """Neither settings nor anything but keys, time and sequence number are in an audit record's key."""
    settings, record = case
    key_names = [settings.key_schema.audit_partition_key, "timestamp"]
    key = [audit_item(record, settings)[name] for name in key_names]
    changed = other[1] | {"dynamodb": other[1]["dynamodb"] | _key_fields(record)}
    item = audit_item(changed, replace(other[0], key_schema=settings.key_schema))
    assert [item[name] for name in key_names] == key


def _key_fields(record: dict[str, Any]) -> dict[str, Any]:
    return {name: record["dynamodb"][name] for name in ("Keys", "SequenceNumber", "ApproximateCreationDateTime")}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path to everything in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for name, one in inner for place in places(one, (*path, name)))]


GOOD = builders.stream_record(
    "MODIFY",
    old={"order_id": {"N": "123"}, "card": {"S": SECRET}, "set": {"SS": [SECRET]}},
    new={"l": {"L": [{"M": {"card": {"S": SECRET}}}, {"B": "QQ=="}, {"NS": ["1"]}, {"BOOL": True}, {"NULL": True}]}},
    userIdentity=builders.TTL_IDENTITY,
)


@given(place=st.sampled_from(places(GOOD)), value=junk)
@example(place=("dynamodb", "NewImage", "l"), value=[True])
def test_a_broken_record_is_stored_or_refused(place: tuple[Any, ...], value: Any) -> None:
    """Whatever a record has in whatever place, it is stored and comes back, or is refused in a sentence without data."""
    record: Any = {"whole": copy.deepcopy(GOOD)}
    *above, last = ("whole", *place)
    holder = record
    for step in above:
        holder = holder[step]
    holder[last] = value
    broken = record["whole"]
    sequence_number(broken)
    outcome = stored_or_refused(broken)
    if isinstance(outcome, str):
        assert SECRET not in outcome
    else:
        assert stream_record(json.loads(json.dumps(outcome))) == broken


def stored_or_refused(record: Any) -> Image | str:
    try:
        return audit_item(record, replace(builders.SETTINGS, actor_attribute="card", time_index_shards=1))
    except MalformedRecordError as refusal:
        return str(refusal)


@given(pair=strategies.pairs(), other=strategies.images)
def test_the_diff_of_another_image(pair: tuple[Image, Image], other: Image) -> None:
    """A diff that is applied to an image of another change fits or is refused, and leaves that image as it was."""
    item = audit_item(builders.stream_record(old=pair[0], new=pair[1]), builders.SETTINGS)
    before = copy.deepcopy(other)
    with contextlib.suppress(DiffError):
        canonical_image(apply(other, entries(item)))
    assert other == before

"""The function's environment: what is read, and the one sentence that a mistake gets."""

from __future__ import annotations

import pytest

from audit_trail.core.keys import KeySchema
from audit_trail.core.records import NEW_AND_DIFF, OLD_AND_NEW, RecordSettings
from audit_trail.settings import Settings, SettingsError

SMALLEST = {"AUDIT_TABLE": "orders-audit", "PARTITION_KEY": "order_id", "TRAIL_BUCKET": "orders-trail"}


def test_what_must_be_there_is_enough() -> None:
    """With a table, a key and a bucket alone, records are kept for ever, and there's no actor and no index."""
    assert Settings.from_environment(SMALLEST) == Settings(
        audit_table="orders-audit",
        trail_bucket="orders-trail",
        failures_bucket="orders-trail",
        records=RecordSettings(
            KeySchema("order_id"),
            retention_days=None,
            actor_attribute=None,
            reason_attribute=None,
            time_index_shards=0,
            actor_index_shards=0,
            image_storage=OLD_AND_NEW,
        ),
    )


@pytest.mark.parametrize(
    ("more", "buckets"),
    [
        ({}, ("orders-trail",)),
        ({"FAILURES_BUCKET": ""}, ("orders-trail",)),
        ({"FAILURES_BUCKET": "orders-trail"}, ("orders-trail",)),
        ({"FAILURES_BUCKET": "orders-failures"}, ("orders-failures", "orders-trail")),
    ],
)
def test_the_trails_own_buckets(more: dict[str, str], buckets: tuple[str, ...]) -> None:
    """A trail's own buckets are each there once; an environment from before there were two has one for everything."""
    settings = Settings.from_environment(SMALLEST | more)
    assert (settings.buckets, settings.failures_bucket) == (buckets, buckets[0])


def test_all_settings_are_read() -> None:
    """Each setting arrives where it belongs."""
    every = SMALLEST | {
        "SORT_KEY": "line",
        "RETENTION_DAYS": "365",
        "ACTOR_ATTRIBUTE": "updated_by",
        "REASON_ATTRIBUTE": "/audit/reason",
        "TIME_INDEX_SHARDS": "8",
        "ACTOR_INDEX_SHARDS": "4",
        "IMAGE_STORAGE": "new_and_diff",
    }

    assert Settings.from_environment(every).records == RecordSettings(
        KeySchema("order_id", "line"),
        retention_days=365,
        actor_attribute="updated_by",
        reason_attribute="/audit/reason",
        time_index_shards=8,
        actor_index_shards=4,
        image_storage=NEW_AND_DIFF,
    )


def test_an_empty_setting_is_none() -> None:
    """A setting that is there and empty means the same as one that isn't there."""
    names = ("SORT_KEY", "RETENTION_DAYS", "ACTOR_ATTRIBUTE", "REASON_ATTRIBUTE", "TIME_INDEX_SHARDS", "IMAGE_STORAGE")

    assert Settings.from_environment(SMALLEST | dict.fromkeys(names, "")) == Settings.from_environment(SMALLEST)


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.parametrize("name", SMALLEST)
def test_a_missing_setting_is_named(name: str, value: str | None) -> None:
    """Each setting that must be there and isn't, or is empty, fails with a sentence that names it and what it holds."""
    environment = {other: text for other, text in SMALLEST.items() if other != name}
    if value is not None:
        environment[name] = value

    with pytest.raises(
        SettingsError, match=rf"^the setting {name} is missing: set the environment variable {name} to "
    ):
        Settings.from_environment(environment)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUDIT_TABLE", "no"),
        ("AUDIT_TABLE", 'audit" VALUE {}'),
        ("AUDIT_TABLE", "audit\n"),
        ("AUDIT_TABLE", "a" * 256),
        ("TRAIL_BUCKET", "Bucket"),
        ("TRAIL_BUCKET", "b"),
        ("FAILURES_BUCKET", "s3://bucket"),
        ("TRAIL_BUCKET", "s3://bucket"),
        ("RETENTION_DAYS", "0"),
        ("RETENTION_DAYS", "-1"),
        ("RETENTION_DAYS", "1.5"),
        ("RETENTION_DAYS", "ninety"),
        ("RETENTION_DAYS", "36501"),
        ("RETENTION_DAYS", "90 "),
        ("RETENTION_DAYS", "٩٠"),
        ("RETENTION_DAYS", "1" * 5_000),
        ("TIME_INDEX_SHARDS", "101"),
        ("TIME_INDEX_SHARDS", "-1"),
        ("TIME_INDEX_SHARDS", "many"),
        ("TIME_INDEX_SHARDS", "0000000000101"),
        ("ACTOR_INDEX_SHARDS", "101"),
        ("ACTOR_INDEX_SHARDS", "0" * 4_400),
        ("ACTOR_INDEX_SHARDS", "1e1"),
        ("ACTOR_ATTRIBUTE", "/audit/~2"),
        ("REASON_ATTRIBUTE", "/audit~"),
    ],
)
def test_a_malformed_setting_is_named(name: str, value: str) -> None:
    """Each setting that holds something else than it should fails with a sentence that names it and what is right."""
    with pytest.raises(SettingsError, match=rf"^the setting {name} is malformed: it must be a") as raised:
        Settings.from_environment(SMALLEST | {name: value})

    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUDIT_TABLE", "abc"),
        ("AUDIT_TABLE", "A.b_c-9" + "x" * 248),
        ("TRAIL_BUCKET", "a.b-9"),
        ("RETENTION_DAYS", "1"),
        ("RETENTION_DAYS", "36500"),
        ("TIME_INDEX_SHARDS", "0"),
        ("ACTOR_INDEX_SHARDS", "100"),
        ("ACTOR_ATTRIBUTE", "updated by 'whom'"),
        ("ACTOR_ATTRIBUTE", "/a~1b/0/~0"),
        ("PARTITION_KEY", "Kunden-Nr. «é»"),
    ],
)
def test_the_limits_themselves_are_fine(name: str, value: str) -> None:
    """The smallest, longest and strangest values that AWS takes are read without complaint."""
    Settings.from_environment(SMALLEST | {name: value})


def test_an_unknown_image_storage_is_named() -> None:
    """Another image storage than those there are fails with a sentence that lists them."""
    with pytest.raises(
        SettingsError, match=r"^the setting IMAGE_STORAGE is malformed: it must be old_and_new or new_and_"
    ):
        Settings.from_environment(SMALLEST | {"IMAGE_STORAGE": "both"})

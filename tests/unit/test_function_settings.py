"""The settings of a trail's function, read from its audit table's tags: what is put back is what it would have stored."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from audit_trail.aws.reading import NotATrailError, SourceGoneError
from audit_trail.cli.bucket import function_settings
from audit_trail.cli.context import Connection
from audit_trail.settings import Settings
from tests.unit.moto_failures import TAGS
from tests.unit.moto_trail import AUDIT_TABLE, SOURCE_TABLE, MotoTrail

pytestmark = pytest.mark.usefixtures("aws")


def settings_of(tags: dict[str, str], **keys: Any) -> Settings:
    """Return the settings of a trail with these tags and key attributes."""
    MotoTrail(keys or {"order_id": "N"}, tags=tags)
    return function_settings(Connection(None, None, None), AUDIT_TABLE)


def encoded(text: str) -> str:
    """Write what a tag can't hold, as Terraform does."""
    return f"base64:{base64.b64encode(text.encode()).decode()}"


def test_all_tags_are_settings() -> None:
    """Each tag stands for the setting of the same name in the function's environment."""
    tags = TAGS | {
        "time-index-shards": "8",
        "actor-index-shards": "4",
        "actor-attribute": encoded("geändert von"),
        "image-storage": "new_and_diff",
    }

    assert settings_of(tags) == Settings.from_environment(
        {
            "AUDIT_TABLE": AUDIT_TABLE,
            "TRAIL_BUCKET": "trail-bucket",
            "FAILURES_BUCKET": "failures-bucket",
            "PARTITION_KEY": "order_id",
            "RETENTION_DAYS": "90",
            "ACTOR_ATTRIBUTE": "geändert von",
            "REASON_ATTRIBUTE": "why",
            "TIME_INDEX_SHARDS": "8",
            "ACTOR_INDEX_SHARDS": "4",
            "IMAGE_STORAGE": "new_and_diff",
        }
    )


def test_a_composite_key_is_in_the_tags() -> None:
    """Both names of a composite key come from the tags."""
    tags = TAGS | {"partition-key": "customer", "sort-key": encoded("it's")}

    schema = settings_of(tags, **{"customer": "S", "it's": "N"}).records.key_schema

    assert (schema.partition_key, schema.sort_key) == ("customer", "it's")


@pytest.mark.parametrize("missing", [("partition-key",), ("sort-key",), ("partition-key", "sort-key")])
def test_names_that_no_tag_can_hold_come_from_the_source_table(missing: tuple[str, ...]) -> None:
    """Where a key attribute's name has no tag because it's too long for one, the source table tells it."""
    tags = TAGS | {"partition-key": "customer", "sort-key": "order"}

    schema = settings_of(
        {name: value for name, value in tags.items() if name not in missing}, customer="S", order="S"
    ).records.key_schema

    assert (schema.partition_key, schema.sort_key) == ("customer", "order")


def test_a_source_table_that_is_gone_with_such_a_name() -> None:
    """Where neither tags nor source table tell the key any more, one sentence says so."""
    tags = {name: value for name, value in TAGS.items() if name != "partition-key"}
    MotoTrail(tags=tags).client.delete_table(TableName=SOURCE_TABLE)

    with pytest.raises(SourceGoneError):
        function_settings(Connection(None, None, None), AUDIT_TABLE)


def test_a_table_that_is_no_audit_table() -> None:
    """A table without a trail's tags is not mistaken for one."""
    with pytest.raises(NotATrailError, match="has no tag table-trail:source-table"):
        settings_of({})


@pytest.mark.parametrize(
    ("tags", "names"),
    [
        ({"bucket": ""}, "TRAIL_BUCKET"),
        ({"failures-bucket": "s3://"}, "FAILURES_BUCKET"),
        ({"retention-days": "ninety"}, "RETENTION_DAYS"),
        ({"actor-attribute": "/~2"}, "ACTOR_ATTRIBUTE"),
    ],
)
def test_tags_that_somebody_changed(tags: dict[str, str], names: str) -> None:
    """Tags that can't be Terraform's are refused in a sentence that names the setting, instead of writing other records."""
    changed = {name: value for name, value in (TAGS | tags).items() if value}

    with pytest.raises(
        NotATrailError, match=f"the tags of {AUDIT_TABLE} are not those that Terraform gives it.*{names}"
    ):
        settings_of(changed)


@pytest.mark.parametrize("version", ["2", "two"])
def test_a_trail_of_a_newer_version(version: str) -> None:
    """A trail whose records have a newer schema version is left to a newer command line."""
    with pytest.raises(NotATrailError, match="upgrade trail"):
        settings_of(TAGS | {"schema-version": version})

"""What --json prints is what its schema says, whatever an item holds."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import given
from jsonschema import Draft202012Validator

from audit_trail.cli import words
from audit_trail.core.history import Change
from audit_trail.core.pointers import readings
from audit_trail.core.records import audit_item
from audit_trail.core.values import canonical_image
from scripts.project import ROOT
from tests import builders
from tests.property.strategies import pairs

if TYPE_CHECKING:
    from audit_trail.core.values import Image

SCHEMA = json.loads((ROOT / "docs" / "schemas" / "change.schema.json").read_text(encoding="utf-8"))
CHANGE = Draft202012Validator(SCHEMA)
TYPED_IMAGE = Draft202012Validator({"$ref": "#/$defs/typed_image", "$defs": SCHEMA["$defs"]})


@given(pairs())
def test_a_path_is_read_as_it_is_shown(pair: tuple[Image, Image]) -> None:
    """A path as people are shown it is taken for the pointer that it stands for, among what else it may mean."""
    change = Change.from_item(audit_item(builders.stream_record("MODIFY", old=pair[0], new=pair[1]), builders.SETTINGS))
    for entry in change.diff:
        shown = words.path_words(entry.path, pair)
        # A name that begins with / is taken for a pointer, and long paths with dots in their names are not all tried.
        if not shown.startswith("/") and shown.count(".") + shown.count("[") <= 8:
            assert entry.path in readings(shown)


@given(pairs())
def test_every_change_is_as_its_schema_says(pair: tuple[Image, Image]) -> None:
    """A line of JSON is valid by its schema; with --typed its images are the stored ones in DynamoDB JSON, exactly."""
    old, new = pair
    change = Change.from_item(audit_item(builders.stream_record("MODIFY", old=old, new=new), builders.SETTINGS))
    plain = json.loads(words.change_json(change, typed=False, whole=True), parse_float=Decimal)
    typed = json.loads(words.change_json(change, typed=True))
    for line in (plain, typed):
        CHANGE.validate(line)
    for name, image in (("old_image", old), ("new_image", new)):
        TYPED_IMAGE.validate(typed[name])
        assert canonical_image(typed[name]) == canonical_image(image)
        assert plain[name].keys() == image.keys()

"""Keys as people type them: ``123``, or ``customer-7 order-9`` for a composite one."""

import contextlib

from audit_trail.aws.reading import Trail
from audit_trail.cli.context import UsageError
from audit_trail.core.errors import MalformedValueError
from audit_trail.core.values import AttributeValue, Image, canonical_value


def parse(words: list[str], trail: Trail) -> Image:
    """Read a key; its types come from the source table.

    :raises UsageError: it isn't a key of that table.
    """
    for word in words:
        if word.startswith("--"):
            raise UsageError(f"there is no option {word}: --help lists them")
    schema = trail.key_schema
    names = [schema.partition_key] if schema.sort_key is None else [schema.partition_key, schema.sort_key]
    if len(words) != len(names):
        raise UsageError(f"a key of {trail.source_table} has {len(names)} part(s): {' '.join(names)}")
    return {name: _part(name, trail.key_types[name], word) for name, word in zip(names, words, strict=True)}


def _part(name: str, tag: str, word: str) -> AttributeValue:
    kinds = {"S": "a string that isn't empty", "N": "a number", "B": "binary, given as base64"}
    if word:
        with contextlib.suppress(MalformedValueError):
            return canonical_value({tag: word})
    raise UsageError(f"the key attribute {name} is {kinds[tag]}")

"""Keys as people type them: ``123``, or ``customer-7 order-9`` for a composite one."""

import contextlib

from audit_trail.aws.reading import Trail
from audit_trail.cli.context import UsageError
from audit_trail.cli.options import OutputOptions
from audit_trail.core.errors import MalformedValueError
from audit_trail.core.moments import MomentError
from audit_trail.core.validation import is_timestamp
from audit_trail.core.values import AttributeValue, Image, canonical_value


def before(key: list[str] | None, times: dict[str, str | None], output: OutputOptions) -> list[str]:
    """Return the words of a key that comes before times, which are given by their names.

    :raises UsageError: one of them is missing; the sentence tells which.
    """
    if key:
        return key
    words = [word for word in times.values() if word is not None]
    missing = list(times)[max(len(words) - 1, 0) :]
    if not words:
        missing = ["KEY", *times]
    elif len(words) == len(times) and is_time(words[0], output):
        missing = ["KEY"]
    there = "is" if len(missing) == 1 else "are"
    raise UsageError(f"{' and '.join(missing)} {there} missing: write KEY... {' '.join(times)}")


def is_time(word: str, output: OutputOptions) -> bool:
    """Tell whether a word reads as a time, or as a change's timestamp."""
    try:
        return is_timestamp(word) or output.span(word) is not None
    except MomentError:
        return False


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

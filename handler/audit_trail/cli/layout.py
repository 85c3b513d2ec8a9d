"""Values laid out over lines, as JSON or as text, with every character that can't be seen spelled out."""

import json
import re
from typing import Any

from audit_trail.core.values import AttributeValue, canonical_number

_FITS = 96  # characters of a map or a list that stay on one line
_PERHAPS_HIDDEN = re.compile(r"[^\w -~]").sub


class Digits(str):
    """A number as it is written: JSON without quotes."""

    __slots__ = ()


def plain(value: AttributeValue) -> Any:
    """Return an attribute value without type tags: numbers with every digit, sets as lists, binaries as base64."""
    [(tag, body)] = value.items()
    if tag == "M":
        return {name: plain(one) for name, one in body.items()}
    if tag == "L":
        return [plain(one) for one in body]
    if tag == "N":
        return Digits(canonical_number(body))
    if tag == "NS":
        return [Digits(canonical_number(one)) for one in body]
    return None if tag == "NULL" else body


def json_lines(value: Any) -> str:
    """Write JSON over several lines, a part that is short on one; parsed, it is equal to the value."""
    return _laid_out(value, "")


def _laid_out(value: Any, indent: str) -> str:
    if isinstance(value, Digits):
        return str(value)
    if isinstance(value, dict | list):
        # What holds one thing, as each type tag does, is written tight around it.
        deeper = indent if len(value) == 1 else f"{indent}  "
        if isinstance(value, dict):
            return _joined(
                "{", [f"{_quoted(name)}: {_laid_out(one, deeper)}" for name, one in value.items()], "}", indent
            )
        return _joined("[", [_laid_out(one, deeper) for one in value], "]", indent)
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _joined(opening: str, parts: list[str], closing: str, indent: str) -> str:
    if len(parts) == 1 or (sum(map(len, parts)) <= _FITS and not any("\n" in part for part in parts)):
        return f"{opening}{', '.join(parts)}{closing}"
    between = f"\n{indent}  "
    return f"{opening}{between}{f',{between}'.join(parts)}\n{indent}{closing}"


def _quoted(text: str) -> str:
    return visible(json.dumps(text, ensure_ascii=False))


def visible(text: str, *, lines: bool = False) -> str:
    r"""Return a text with what can't be seen, or turns the text around, as JSON's escapes; ``lines`` keeps ``\n``."""
    if text.isprintable():
        return text
    return _PERHAPS_HIDDEN(lambda found: _spelled(found[0], lines=lines), text)


def _spelled(character: str, *, lines: bool) -> str:
    if character.isprintable() or (lines and character == "\n"):
        return character
    return json.dumps(character)[1:-1]

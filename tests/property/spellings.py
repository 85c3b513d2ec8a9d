"""Other spellings of the same value: what DynamoDB and JSON leave open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.canonical_reference import number_text

if TYPE_CHECKING:
    import random

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def respelled(value: Any, chance: random.Random) -> Any:
    """Return a value or an image in another spelling: orders that mean nothing, numbers, unused base64 bits."""
    if isinstance(value, dict) and len(value) == 1:
        [(tag, body)] = value.items()
        if isinstance(body, str):
            return {tag: _text_respelled(tag, body, chance)}
        if tag in {"SS", "NS", "BS"} and isinstance(body, list):
            members = [_text_respelled(tag[0], member, chance) for member in body]
            return {tag: chance.sample(members, len(members))}
    if isinstance(value, dict):
        shuffled = chance.sample(list(value), len(value))
        return {name: respelled(value[name], chance) for name in shuffled}
    return [respelled(one, chance) for one in value] if isinstance(value, list) else value


def _text_respelled(tag: str, text: str, chance: random.Random) -> str:
    if tag == "N":
        plain = number_text(text)
        sign, digits = ("-", plain[1:]) if plain.startswith("-") else ("", plain)
        dotted = digits + ("0" * chance.randrange(3) if "." in digits else "." + "0" * chance.randrange(3))
        shifted = f"{digits.replace('.', '')}E-{len(digits.partition('.')[2])}"
        zero = ["-0", "0E9"] if plain == "0" else []
        return chance.choice([plain, f"{sign}0{dotted}", f"{sign}{dotted}", f"{sign}{shifted}", *zero])
    unused = {"=": 4, "==": 16}.get(text[len(text.rstrip("=")) :], 1) if tag == "B" else 1
    if unused == 1:
        return text
    stripped = text.rstrip("=")
    last = _ALPHABET[_ALPHABET.index(stripped[-1]) // unused * unused + chance.randrange(unused)]
    return stripped[:-1] + last + text[len(stripped) :]

"""Images in canonical form and their texts, in one pass: the hot path of every record.

What streams deliver is canonical nearly always, so the text is written while that is checked, and the slow way of
`audit_trail.core.values` is taken only by what is not. Of the two images of one change, what is equal in both is
written once.
"""

from collections.abc import Callable
from json.encoder import encode_basestring
from operator import lt
from typing import Any, NamedTuple

from audit_trail.core.comparison import Comparison, Values
from audit_trail.core.sizes import depth
from audit_trail.core.values import AttributeValue, Image, canonical_image, canonical_text, plain_number

_quote: Callable[[Any], str] = encode_basestring
"""A JSON string, _quote and escaped as RFC 8785 has it; TypeError for anything but a string."""

_FEW = 100
_MANY = 1_000  # differences of a map or list: beyond it, to tell apart what is shared costs more than to write it twice
_SHALLOW = 29  # maps and lists inside each other: a record has its images one level deeper, and its diff two


class Form(NamedTuple):
    """An image in canonical form, the very same object where it was canonical already."""

    image: Image
    text: str
    """The same as JSON."""
    shallow: bool
    """Whether it is surely not too deep for a record; False where that would have to be counted."""


class _NotCanonicalError(Exception):
    """Something isn't canonical, or isn't an attribute value: the slow way tells which."""


_NOT_CANONICAL = (_NotCanonicalError, AttributeError, IndexError, KeyError, TypeError, ValueError)


def canonical_form(image: Image) -> Form:
    """Return an image's canonical form.

    :raises MalformedValueError: it isn't a map of names to attribute values.
    """
    try:
        return Form(image, _map(image, 0), shallow=True)
    except _NOT_CANONICAL:
        return _slowly(image)


def value_text(canonical: AttributeValue) -> str:
    """Write one value that is canonical already: the same as `canonical_text`, in less time where it's short."""
    try:
        return _value(canonical, 0)
    except _NOT_CANONICAL:
        return canonical_text(canonical)


def _slowly(image: Image) -> Form:
    canonical = canonical_image(image)
    return Form(canonical, canonical_text(canonical), shallow=depth(canonical) <= _SHALLOW)


def canonical_forms(old: Image, new: Image, comparison: Comparison) -> tuple[Form, Form]:
    """Return the same for the two images of one change.

    :raises MalformedValueError: one of them isn't a map of names to attribute values.
    """
    try:
        old_text, new_text = _Pair(comparison).maps(old, new, 0)
    except _NOT_CANONICAL:
        return _slowly(old), _slowly(new)  # most often neither is, and to try each again costs as much
    return Form(old, old_text, shallow=True), Form(new, new_text, shallow=True)


def _map(image: Image, level: int) -> str:
    if level > _SHALLOW:
        raise _NotCanonicalError
    parts = []
    for name in sorted(image):
        value = image[name]
        (tag,) = value
        body = value[tag]
        # The three commonest types here and not by a call, which would take as long as the rest.
        if tag == "S":
            parts.append(f'{_quote(name)}:{{"S":{_quote(body)}}}')
        elif tag == "N" and plain_number(body):
            parts.append(f'{_quote(name)}:{{"N":"{body}"}}')
        elif tag == "M" and type(body) is dict:
            parts.append(f'{_quote(name)}:{{"M":{_map(body, level + 1)}}}')
        else:
            parts.append(f"{_quote(name)}:{_value(value, level)}")
    return f"{{{','.join(parts)}}}"


def _value(value: AttributeValue, level: int) -> str:  # noqa: PLR0911  one return a type
    (tag,) = value
    body = value[tag]
    if tag == "S":
        return f'{{"S":{_quote(body)}}}'
    if tag == "N" and plain_number(body):
        return f'{{"N":"{body}"}}'
    if tag == "M" and type(body) is dict:
        return f'{{"M":{_map(body, level + 1)}}}'
    if tag == "L" and type(body) is list:
        if level >= _SHALLOW:
            raise _NotCanonicalError
        return f'{{"L":[{",".join([_value(one, level + 1) for one in body])}]}}'
    if tag == "BOOL" and type(body) is bool:
        return f'{{"BOOL":{"true" if body else "false"}}}'
    if tag == "NULL" and body is True:
        return '{"NULL":true}'
    if tag == "SS" and type(body) is list and body and all(map(lt, body, body[1:])):
        return f'{{"SS":[{",".join(map(_quote, body))}]}}'
    raise _NotCanonicalError


class Texts:
    """Writes images that came out of each other: a map or list that was written before isn't written again.

    That is told by identity: it holds on to what it wrote, so nothing of it may be changed afterwards.
    """

    def __init__(self) -> None:
        self._written: dict[int, tuple[object, str]] = {}
        self._at_most = 0

    def form(self, image: Image) -> Form:
        """Return the same as `canonical_form`."""
        afresh = len(self._written) >= self._at_most
        if afresh:
            self._written.clear()
        try:
            text = self._map(image, 0)
        except _NOT_CANONICAL:
            return _slowly(image)
        if afresh:
            self._at_most = 2 * len(self._written) + _FEW
        return Form(image, text, shallow=True)

    def _map(self, image: Image, level: int) -> str:
        if level > _SHALLOW:
            raise _NotCanonicalError
        if (found := self._written.get(id(image))) is not None:
            return found[1]
        parts = [f"{_quote(name)}:{self._value(image[name], level)}" for name in sorted(image)]
        return self._note(image, f"{{{','.join(parts)}}}")

    def _value(self, value: AttributeValue, level: int) -> str:
        (tag,) = value
        body = value[tag]
        if tag == "M" and type(body) is dict:
            return f'{{"M":{self._map(body, level + 1)}}}'
        if tag == "L" and type(body) is list and level < _SHALLOW:
            if (found := self._written.get(id(body))) is not None:
                return found[1]
            return self._note(body, f'{{"L":[{",".join([self._value(one, level + 1) for one in body])}]}}')
        return _value(value, level)

    def _note(self, body: object, text: str) -> str:
        self._written[id(body)] = body, text
        return text


class _Pair:
    """Writes two images side by side."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison

    def maps(self, old: Image, new: Image, level: int) -> tuple[str, str]:
        if level > _SHALLOW:
            raise _NotCanonicalError
        changed = dict.fromkeys(self._comparison.changed_names(old, new))
        if len(changed) > _MANY:
            return _map(old, level), _map(new, level)
        old_parts: list[str] = []
        new_parts: list[str] = []
        for name in sorted(old.keys() | changed.keys()):
            quoted = _quote(name)
            if name not in changed:
                part = f"{quoted}:{_value(old[name], level)}"
                old_parts.append(part)
                new_parts.append(part)
            elif name not in new:
                old_parts.append(f"{quoted}:{_value(old[name], level)}")
            elif name not in old:
                new_parts.append(f"{quoted}:{_value(new[name], level)}")
            else:
                before, after = self._values(old[name], new[name], level)
                old_parts.append(f"{quoted}:{before}")
                new_parts.append(f"{quoted}:{after}")
        return f"{{{','.join(old_parts)}}}", f"{{{','.join(new_parts)}}}"

    def _values(self, old: AttributeValue, new: AttributeValue, level: int) -> tuple[str, str]:
        (tag,), (new_tag,) = old, new
        if tag == new_tag == "M":
            before, after = self.maps(old["M"], new["M"], level + 1)
            return f'{{"M":{before}}}', f'{{"M":{after}}}'
        if tag == new_tag == "L" and type(old["L"]) is type(new["L"]) is list:
            before, after = self._lists(old["L"], new["L"], level + 1)
            return f'{{"L":[{before}]}}', f'{{"L":[{after}]}}'
        return _value(old, level), _value(new, level)

    def _lists(self, old: Values, new: Values, level: int) -> tuple[str, str]:
        if level > _SHALLOW:
            raise _NotCanonicalError
        middle = self._comparison.alignment(old, new).middle
        if middle is None or len(middle) > _MANY:
            return ",".join([_value(one, level) for one in old]), ",".join([_value(one, level) for one in new])
        old_own: dict[int, str] = {}
        new_own: dict[int, str] = {}
        for before, after in middle:
            if before is not None and after is not None:
                old_own[before], new_own[after] = self._values(old[before], new[after], level)
            elif before is not None:
                old_own[before] = _value(old[before], level)
            elif after is not None:
                new_own[after] = _value(new[after], level)
        old_texts = [old_own[index] if index in old_own else _value(value, level) for index, value in enumerate(old)]
        # What is left stands in the same order on both sides.
        shared = iter([text for index, text in enumerate(old_texts) if index not in old_own])
        new_texts = [new_own[index] if index in new_own else next(shared) for index in range(len(new))]
        return ",".join(old_texts), ",".join(new_texts)

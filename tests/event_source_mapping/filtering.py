"""FilterCriteria of an event source mapping: which records reach the function.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html#filtering-syntax (the operators), and for
`exists`, which sees leaves only:
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html#eb-filtering-exists-matching
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_Rule = Callable[[Any, Any], bool]
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_LEAF = (str, int, float, bool, type(None))


def matches(pattern: Mapping[str, Any], record: Any) -> bool:
    """Tell whether a record matches a pattern: every field of it by any of the field's rules.

    Raises:
        ValueError, TypeError: the pattern isn't one of AWS's.

    """
    for name, wanted in pattern.items():
        if name == "$or" and isinstance(wanted, list):
            if not any(matches(one, record) for one in wanted):
                return False
            continue
        inner = record.get(name) if isinstance(record, dict) else None
        if isinstance(wanted, dict):
            if not matches(wanted, inner):
                return False
        elif not isinstance(wanted, list) or not wanted:
            raise ValueError(f"{name}: a field's rules are a list of at least one")
        else:
            there = isinstance(record, dict) and name in record
            leaves = _leaves(inner) if there else []
            if not any(_allows(rule, leaves) for rule in wanted):
                return False
    return True


def _leaves(value: Any) -> list[Any]:
    """Return what rules can see of a value: itself, or the plain members of a list; nothing of an object."""
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, _LEAF)]


def _allows(rule: Any, leaves: Sequence[Any]) -> bool:
    if not isinstance(rule, dict):
        if not isinstance(rule, _LEAF):
            raise TypeError("a rule is a plain value, or an object with one operator")
        return any(_same(rule, leaf) for leaf in leaves)
    [(name, operand)] = rule.items()
    if name == "exists":
        if not isinstance(operand, bool):
            raise TypeError("exists takes true or false")
        return bool(leaves) is operand
    if name not in _OPERATORS:
        raise ValueError(f"{name} is no operator of Lambda's filters")
    return any(_OPERATORS[name](operand, leaf) for leaf in leaves)


def _same(one: Any, other: Any) -> bool:
    # In Python True is 1; in JSON it isn't.
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def _other_than(operand: Any, leaf: Any) -> bool:
    return not any(_same(one, leaf) for one in (operand if isinstance(operand, list) else [operand]))


def _in_range(operand: Sequence[Any], leaf: Any) -> bool:
    if isinstance(leaf, bool) or not isinstance(leaf, int | float):
        return False
    return all(_COMPARISONS[sign](leaf, bound) for sign, bound in zip(operand[::2], operand[1::2], strict=True))


_OPERATORS: dict[str, _Rule] = {
    "prefix": lambda operand, leaf: isinstance(leaf, str) and leaf.startswith(operand),
    "suffix": lambda operand, leaf: isinstance(leaf, str) and leaf.endswith(operand),
    "equals-ignore-case": lambda operand, leaf: isinstance(leaf, str) and leaf.lower() == operand.lower(),
    "anything-but": _other_than,
    "numeric": _in_range,
}

"""What the page says was verified, and what doesn't hold."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from audit_trail.core.checks import Check, Finding, Outcome

_NAMED_AT_MOST = 50  # changes a finding links to

_TITLES = {
    Check.BEGINNING: "The records begin where the item does",
    Check.CHAIN: "Each record's old digest is the new digest of the record before it, in the same stream",
    Check.BASELINE: "Each BASELINE shows the item as the records around it do",
    Check.RECORD: "Each record's parts agree with each other",
    Check.READABLE: "Each record's images can be read",
    Check.DIGEST: "Each image is the one that its digest (SHA-256) was made of",
    Check.DIFF: "Each diff leads from the old image to the new one",
}


class Reason(NamedTuple):
    """Why some changes don't pass, by their numbers."""

    outcome: Outcome
    why: str
    numbers: list[int]
    more: int
    """How many changes are not named."""


class CheckView(NamedTuple):
    """One kind of check: its worst outcome, how many it was made on, how many hold, and why the others don't."""

    title: str
    outcome: Outcome
    made: int
    hold: int
    reasons: list[Reason]


def views(findings: Iterable[Finding], numbers: dict[str, int]) -> list[CheckView]:
    """Sum findings up; ``numbers`` gives each change's by its timestamp."""
    outcomes: dict[Check, Counter[Outcome]] = defaultdict(Counter)
    reasons: dict[Check, dict[tuple[Outcome, str], dict[int, None]]] = defaultdict(lambda: defaultdict(dict))
    for finding in findings:
        outcomes[finding.check][finding.outcome] += 1
        if finding.outcome is not Outcome.HOLDS:
            reasons[finding.check][finding.outcome, finding.why][numbers[finding.timestamp]] = None
    return [
        CheckView(
            title=title,
            outcome=_worst(outcomes[check]),
            made=outcomes[check].total(),
            hold=outcomes[check][Outcome.HOLDS],
            reasons=[_reason(*key, list(found)) for key, found in sorted(reasons[check].items())],
        )
        for check, title in _TITLES.items()
    ]


def broken_by_timestamp(findings: Iterable[Finding]) -> dict[str, list[str]]:
    """Return what doesn't hold of each change."""
    broken: dict[str, list[str]] = defaultdict(list)
    for finding in findings:
        if finding.outcome is Outcome.BROKEN:
            broken[finding.timestamp].append(finding.why)
    return broken


def _worst(counts: Counter[Outcome]) -> Outcome:
    return next((outcome for outcome in (Outcome.BROKEN, Outcome.UNKNOWN) if counts[outcome]), Outcome.HOLDS)


def _reason(outcome: Outcome, why: str, numbers: list[int]) -> Reason:
    return Reason(outcome, why, numbers[:_NAMED_AT_MOST], max(0, len(numbers) - _NAMED_AT_MOST))

"""What `trail verify` counts."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from audit_trail.core.checks import Check, Finding, Outcome


@dataclass(slots=True)
class Tally:
    """Items, records, and the findings on them."""

    items: int = 0
    records: int = 0
    found: Counter[tuple[Check, Outcome, str]] = field(default_factory=Counter)
    """By what was looked at, what came out, and why."""

    def note(self, findings: Iterable[Finding]) -> list[Finding]:
        """Count findings, and return those that don't hold."""
        bad = []
        for finding in findings:
            self.found[finding.check, finding.outcome, finding.why] += 1
            if finding.outcome is not Outcome.HOLDS:
                bad.append(finding)
        return bad

    def add(self, other: "Tally") -> None:
        """Add what was counted elsewhere."""
        self.items += other.items
        self.records += other.records
        self.found.update(other.found)

    def take_back(self, other: "Tally") -> None:
        """Take out what was added."""
        self.items -= other.items
        self.records -= other.records
        self.found -= other.found  # and leaves no zeros

    def count(self, outcome: Outcome) -> int:
        """Return how many checks came out so."""
        return sum(count for (_, one, _), count in self.found.items() if one is outcome)

    @property
    def unreadable(self) -> int:
        """How many records have images that can't be read."""
        return sum(
            count for (check, one, _), count in self.found.items() if (check, one) == (Check.READABLE, Outcome.UNKNOWN)
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        rows = [{"check": c, "outcome": o, "why": why, "count": n} for (c, o, why), n in sorted(self.found.items())]
        return {"items": self.items, "records": self.records, "found": rows}

    @classmethod
    def from_json(cls, told: dict[str, Any] | None) -> "Tally":
        """Read what `as_json` returned."""
        if told is None:
            return cls()
        rows = told["found"]
        found = {(Check(one["check"]), Outcome(one["outcome"]), one["why"]): one["count"] for one in rows}
        return cls(told["items"], told["records"], Counter(found))

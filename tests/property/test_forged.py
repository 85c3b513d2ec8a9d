"""Whoever may insert records or put objects fools, stops and floods nobody who reads the trail.

As many forged records, objects and payloads as FORGERIES says; 3,000 without it, 100,000 with the nightly profile.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from audit_trail.cli.context import Exit
from tests.property.forged_trail import ForgedTrail
from tests.property.forging import archived, failure, forged, story

if TYPE_CHECKING:
    from typer.testing import Result

    from audit_trail.core.values import Image

_NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
FORGERIES = int(os.environ.get("FORGERIES") or (100_000 if _NIGHTLY else 3_000))
PARTS = 4
ITEMS, CHANGES, FORGED, FAILURES, ARCHIVED = 8, 40, 20, 80, 4
IN_A_TRAIL = ITEMS * FORGED + FAILURES + ARCHIVED
MEGABYTES = 256
LINES = ("--settle", "0", "--json")


def calm(made: ForgedTrail, *words: str) -> Result:
    """Run a command, and hold that it ends as it says it may, within its memory, with nothing that a terminal obeys."""
    before = reset_peak()
    result = made.run(*words)
    assert peak() - before < MEGABYTES - 80, words  # what an interpreter takes that has imported all of it
    told = f"{words}: {result.output!r}"
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise AssertionError(told) from result.exception
    assert result.exit_code in tuple(Exit), told
    for text in (result.stdout, result.stderr):
        assert all(one == "\n" or one.isprintable() for one in text), told
    if "--json" in words:
        for one in result.stdout.splitlines():
            json.loads(one, parse_constant=lambda name: pytest.fail(f"{name} in {told}"))
    if result.exit_code not in (Exit.FOUND, Exit.NOTHING_FOUND):
        assert result.stderr.strip(), told
    return result


def peak() -> float:
    """Return the most memory that this process has taken, in MB, since `reset_peak`."""
    [line] = [one for one in Path("/proc/self/status").read_text("ascii").splitlines() if one.startswith("VmHWM")]
    return int(line.split()[1]) / 1_024


def reset_peak() -> float:
    """Begin to measure anew; return the memory that is taken now."""
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    return peak()


@pytest.mark.parametrize("part", range(PARTS))
def test_forgeries_fool_nobody(part: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Forged records, objects and payloads stop no command, write into no terminal, fill no memory, and verify tells them."""
    for seed in range(part, -(-FORGERIES // IN_A_TRAIL), PARTS):
        _one_trail(random.Random(f"forged {seed}"), monkeypatch, tmp_path)


def _one_trail(rng: random.Random, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    made = ForgedTrail()
    made.attach(monkeypatch)
    honest: dict[str, list[str]] = {}
    broken: set[str] = set()
    some: list[Image] = []
    for number in range(1, ITEMS + 1):
        records, now = story(rng, number, CHANGES)
        if now is not None:
            made.live[str(number)] = now
        replaced = set(rng.sample(range(CHANGES), FORGED))
        for position, record in enumerate(records):
            item, certain = forged(rng, record, made.objects) if position in replaced else (record, False)
            made.put(item | {"order_id": {"N": str(number)}})
            if certain:
                broken.add(str(number))
        honest[str(number)] = [one["timestamp"]["S"] for n, one in enumerate(records) if n not in replaced]
        some += records
    for number in range(FAILURES):
        key, body = failure(rng, 100 + 2 * number, rng.choice(some))
        made.objects[key] = body
    _read(made, honest, rng, folder)
    _verified(made, broken, rng)
    for number in range(ARCHIVED):
        key, body = archived(rng, 900 + number, rng.choice(some), rng.choice(list(made.items.values())))
        made.objects[key] = body
    for words in (
        ("archive", "--json"),
        ("archive",),
        ("history", "1", "--archive"),
        ("verify", "1", "--archive", *LINES),
    ):
        calm(made, *words)
    assert made.asked_elsewhere == []


def _read(made: ForgedTrail, honest: dict[str, list[str]], rng: random.Random, folder: Path) -> None:
    number = rng.choice(list(honest))
    stamp = rng.choice(honest[number])
    any_stamp = rng.choice([timestamp for one, timestamp in made.items if one == number and timestamp.isprintable()])
    commands: tuple[tuple[str, ...], ...] = (
        ("history", number),
        ("history", number, "--attribute", "status", "--json", "--typed"),
        ("show", number, stamp),
        ("show", number, stamp, "--json"),
        ("show", number, any_stamp[:19]),
        ("as-of", number, any_stamp[:40]),
        ("as-of", number, "2026-11-24T12:08", "--json"),
        ("diff", number, "2026-11-24T12:03", "2026-11-24T12:20"),
        ("diff", number, "2026-11-24T12:03", "now", "--json"),
        ("restore", number, "2026-11-24T12:08", "--dry-run"),
        ("restore", number, "2026-11-24T12:03", "--dry-run", "--json"),
        ("search", "--since", "2026-11-24"),
        ("search", "--since", "2026-11-24", "--scan", "--json"),
        ("tail", "--since", "2026-11-24", "--limit", "1"),
        ("report", number, "--force", "-o", str(folder / "page.html")),
        ("failures",),
        ("failures", "--json"),
        ("redrive", "--dry-run"),
        ("redrive", "--json"),
    )
    for words in commands:
        calm(made, *words)
    for item, stamps in honest.items():
        words = ("history", item, "--json")
        result = calm(made, *words)
        shown = [json.loads(one)["timestamp"] for one in result.stdout.splitlines()]
        assert set(stamps) <= set(shown), (item, result.output)
        assert len(shown) <= CHANGES
    if (folder / "page.html").exists():
        page = (folder / "page.html").read_text("utf-8")
        assert "</script><script>" not in page
        assert all(one == "\n" or one.isprintable() for one in page)
    # What was put back is this trail's own, and nothing expired before its time.
    assert all(
        item["event_source_arn"]["S"].endswith(f":table/orders{_STREAM}") for item in made.inserted.stored.values()
    )
    assert not [key for key in made.objects if key.startswith("archive/dt=")]


_STREAM = "/stream/2026-11-24T00:00:00.000"


def _verified(made: ForgedTrail, broken: set[str], rng: random.Random) -> None:
    words: tuple[str, ...] = ("verify", *LINES)
    result = calm(made, *words)
    told = [json.loads(one) for one in result.stdout.splitlines()]
    found = {str(one["keys"]["order_id"]) for one in told if one.get("outcome") == "broken"}
    assert broken <= found, (broken - found, result.output)
    assert result.exit_code == (Exit.PROBLEM if told[-1]["broken"] else result.exit_code)
    for number in rng.sample(sorted(broken), min(2, len(broken))):
        for words in (("verify", number, *LINES), ("verify", number, "--settle", "0")):
            result = calm(made, *words)
            assert result.exit_code == Exit.PROBLEM, (number, result.output)

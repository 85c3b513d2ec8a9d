"""Programs can read a trail without the command line and what it is made of."""

from __future__ import annotations

import re
import subprocess
import sys

from scripts.project import ROOT

[PROGRAM] = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
AFTER_MAKING_A_TRAIL = """
import os, sys
os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "eu-central-1"}
from moto import mock_aws
from tests.unit import moto_trail
from tests.unit.fakes import numbered_record, order

moto_trail.AUDIT_TABLE = "audit"
old, new = order(123, status="NEW", updated_by="checkout"), order(123, status="PAID", updated_by="billing")
with mock_aws():
    moto_trail.MotoTrail().add(numbered_record(1, new=old), numbered_record(2, old=old, new=new))
    for name in [name for name in sys.modules if name.partition(".")[0] in {"audit_trail", "typer", "rich", "jinja2"}]:
        del sys.modules[name]
    sys.modules |= {"typer": None, "rich": None, "jinja2": None}
    exec(sys.stdin.read())
    assert "audit_trail.aws.reader" in sys.modules and "audit_trail.cli" not in sys.modules
"""
"""Makes a trail with two changes of one order; then runs a program as where no command line's libraries are."""


def test_the_readmes_program_reads_a_history() -> None:
    """The README's program prints an item's changes, newest first, where neither Typer nor Rich nor Jinja is there."""
    done = subprocess.run(
        [sys.executable, "-c", AFTER_MAKING_A_TRAIL],
        input=PROGRAM,
        env={"PYTHONPATH": f"{ROOT / 'handler'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    newest, oldest = done.stdout.splitlines()
    assert newest.startswith("2026-11-24T12:00:00.000Z MODIFY billing [Entry(op='replace', path='/status', ")
    assert oldest == "2026-11-24T12:00:00.000Z INSERT checkout []"

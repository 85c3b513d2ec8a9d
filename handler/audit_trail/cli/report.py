"""``trail report KEY -o FILE.html``: one item's history as a page that an auditor can keep."""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from audit_trail.cli import key as keys
from audit_trail.cli.context import UsageError, note, speaks_plainly, tell
from audit_trail.cli.history import KeyArgument
from audit_trail.cli.options import TrailOptions, grouped
from audit_trail.cli.screen import finish

_STDOUT = Path("-")


OutputOption = Annotated[
    Path,
    typer.Option(
        "--output", "-o", metavar="FILE", help="File to write, for you alone to read; - is stdout.", show_default=False
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")]


@grouped
@speaks_plainly
def report(key: KeyArgument, *, trail: TrailOptions, output: OutputOption, force: ForceOption = False) -> None:
    """Write one item's whole history as a web page that is a single file and asks nothing of any network.

    It has every change side by side, newest first, filters, each raw stream record, and what was verified.

    Exits with 0 when it is written, 1 when there are no changes, 2 when the command's words are off or a newer version
    wrote some records (the page has the others), 3 when AWS refuses, and 4 when a record is
    not what Table Trail writes (the page has the others); where only images can't be read, the page says of which
    changes, and is written.

    For example:

    trail report 123 -o order-123.html

    trail report customer-7 order-9 --force -o order-9.html
    """
    _refuse_to_write(output, force=force)
    with trail.open() as reader:
        item_key = keys.parse(key, reader.trail)
        changes = list(reader.history(item_key))
        if changes:
            # Jinja takes a while to import, and every other command would wait for it.
            from audit_trail.cli import page  # noqa: PLC0415

            made = page.Page(reader.trail, item_key, changes, datetime.now(UTC))
            tally = _Tally()
            _write(output, tally.through(made.chunks()), force=force)
            note(f"{output}: {len(changes):,} change(s), {tally.size:,} bytes, SHA-256 {tally.digest}")
            if made.broken:
                tell(f"{made.broken} check(s) do not hold: see “What was verified” in the page.")
        finish(reader, len(changes), f"{reader.trail.source_table} has no changes of this key in {trail.audit_table}.")


@contextmanager
def _explained(output: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise UsageError(f"{output} is there already: --force replaces it") from None
    except OSError as error:
        raise UsageError(f"{output} can't be written: {error.strerror}") from None


def _refuse_to_write(output: Path, *, force: bool) -> None:
    if output == _STDOUT:
        return
    with _explained(output):
        if output.is_dir():
            raise UsageError(f"{output} is a folder: name a file")
        if not output.parent.is_dir():
            raise UsageError(f"there is no folder {output.parent}")
        if not force and os.path.lexists(output):
            raise FileExistsError


def _write(output: Path, chunks: Iterable[bytes], *, force: bool) -> None:
    """Write all or nothing."""
    if output == _STDOUT:
        for chunk in chunks:
            typer.echo(chunk, nl=False)
        return
    with _explained(output):
        descriptor, name = tempfile.mkstemp(dir=output.parent, prefix=".trail-report-")
        partial = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.writelines(chunks)
                file.flush()
                os.fsync(file.fileno())
            if not force:
                output.touch(exist_ok=False)  # it may have come while the page was made
            partial.replace(output)
        finally:
            partial.unlink(missing_ok=True)


class _Tally:
    """Counts what goes through, and digests it."""

    def __init__(self) -> None:
        self.size = 0
        self._digest = hashlib.sha256()

    def through(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self.size += len(chunk)
            self._digest.update(chunk)
            yield chunk

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()

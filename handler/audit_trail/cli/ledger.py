"""What `trail verify` and `trail baseline` have to remember of a whole table: in a file, so that memory doesn't grow with the table.

With a file of their own they can go on where they were interrupted.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

from audit_trail.cli.context import UsageError
from audit_trail.core.values import Image

_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS live (id BLOB PRIMARY KEY, digest TEXT NOT NULL, keys TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS places (work TEXT, segment INTEGER, start TEXT, PRIMARY KEY (work, segment));
CREATE TABLE IF NOT EXISTS suspects (id BLOB PRIMARY KEY, suspect TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS findings (finding TEXT NOT NULL);
"""
_SOME = 1_000  # suspects in memory


class Ledger:
    """Items as they are, where each segment stands, which items are to be looked at closely, and what was found."""

    def __init__(self, path: Path | None, about: str) -> None:
        """Open a file, or one that is gone when it's closed.

        :raises UsageError: it can't be opened, or is about something else.
        """
        self._path = path
        try:
            # The empty name is a temporary file of SQLite's own.
            self._db = sqlite3.connect("" if path is None else path, isolation_level=None, check_same_thread=False)
            self._db.executescript(f"PRAGMA cache_size = -16000; PRAGMA synchronous = OFF; {_TABLES}")
        except sqlite3.Error as error:
            raise UsageError(f"{path} can't be used to remember where it stands: {error}") from None
        self._db.execute("BEGIN")
        if (known := self.fact("about")) not in (None, about):
            self._db.close()
            raise UsageError(f"{path} remembers the {known}: name another file")
        self.save(about=about)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def save(self, **facts: Any) -> None:
        """Remember facts, and all that was noted since the last time: together, or not at all."""
        rows = [(name, json.dumps(value)) for name, value in facts.items()]
        self._db.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", rows)
        self._db.execute("COMMIT")
        self._db.execute("BEGIN")

    def fact(self, name: str) -> Any:
        """Return a fact; None where it isn't known."""
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def done(self) -> None:
        """Take the file away: next time begins anew."""
        self._db.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def starts(self, work: str, segments: int) -> dict[int, Image | None]:
        """Return the segments that are not done, and where each is to start."""
        rows = self._db.execute("SELECT segment, start FROM places WHERE work = ?", (work,)).fetchall()
        places = {segment: json.loads(start) for segment, start in rows}
        return {one: places.get(one) for one in range(segments) if one not in places or places[one] is not None}

    def reached(self, work: str, segment: int, start: Image | None) -> None:
        """Note where a segment is to start the next time; None when it's done."""
        self._db.execute("INSERT OR REPLACE INTO places VALUES (?, ?, ?)", (work, segment, json.dumps(start)))

    def add_live(self, rows: Iterable[tuple[bytes, str, str]]) -> None:
        """Note items by their ids: the digest, and the key as JSON."""
        self._db.executemany("INSERT OR REPLACE INTO live VALUES (?, ?, ?)", rows)

    def live(self, item: bytes) -> str | None:
        """Return the digest of an item that was noted."""
        row = self._db.execute("SELECT digest FROM live WHERE id = ?", (item,)).fetchone()
        return None if row is None else str(row[0])

    def forget_live(self, item: bytes) -> None:
        """Strike an item off: it has records."""
        self._db.execute("DELETE FROM live WHERE id = ?", (item,))

    def unseen(self) -> Iterator[tuple[bytes, Image]]:
        """Yield the items that were noted and not struck off."""
        for item, keys in self._db.execute("SELECT id, keys FROM live"):
            yield item, json.loads(keys)

    def suspect(self, item: bytes, suspect: dict[str, Any]) -> None:
        """Note an item to be looked at closely."""
        self._db.execute("INSERT OR REPLACE INTO suspects VALUES (?, ?)", (item, json.dumps(suspect)))

    def suspects(self, after: bytes = b"") -> list[tuple[bytes, dict[str, Any]]]:
        """Return some of those that are left, by their ids, from behind one on."""
        rows = self._db.execute("SELECT id, suspect FROM suspects WHERE id > ? ORDER BY id LIMIT ?", (after, _SOME))
        return [(item, json.loads(suspect)) for item, suspect in rows.fetchall()]

    def cleared(self, item: bytes, found: Iterable[dict[str, Any]]) -> None:
        """Strike an item off those to be looked at, and note what was found."""
        self._db.execute("DELETE FROM suspects WHERE id = ?", (item,))
        self._db.executemany("INSERT INTO findings VALUES (?)", ((json.dumps(one),) for one in found))

    def findings(self) -> Iterator[dict[str, Any]]:
        """Yield all that was found."""
        for (finding,) in self._db.execute("SELECT finding FROM findings ORDER BY rowid"):
            yield json.loads(finding)

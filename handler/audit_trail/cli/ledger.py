"""What commands that go through whole tables have to remember: in a file, so that memory doesn't grow with the table.

With a file of their own they can go on where they were interrupted.
"""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from audit_trail.aws.archive import Archived, Between
from audit_trail.cli import private_file
from audit_trail.cli.context import UsageError
from audit_trail.core.copies import Copy, Found, joined
from audit_trail.core.values import AttributeValue, Image, canonical_text, canonical_value, utf8

_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS live (id BLOB PRIMARY KEY, digest TEXT NOT NULL, keys TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS places (work TEXT, segment INTEGER, start TEXT, PRIMARY KEY (work, segment));
CREATE TABLE IF NOT EXISTS suspects (id BLOB PRIMARY KEY, suspect TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS found (id BLOB NOT NULL, finding TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS found_by_id ON found (id);
CREATE TABLE IF NOT EXISTS objects (key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS archived (
    id BLOB, timestamp BLOB, digest BLOB, item TEXT NOT NULL, url TEXT NOT NULL, UNIQUE (id, timestamp, digest)
);
CREATE TABLE IF NOT EXISTS tallies (number INTEGER PRIMARY KEY, tally TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS counted (id BLOB PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
"""
_SOME = 1_000  # suspects in memory
_TOGETHER = 25  # archived records of one item in memory, the largest 400 KB each
_ARCHIVED = """
    SELECT timestamp, digest, item, url FROM archived
    WHERE id = ? AND timestamp BETWEEN ? AND ? AND (timestamp, digest)
"""
_OLDEST_FIRST = _ARCHIVED + " > (?, ?) ORDER BY timestamp ASC, digest ASC LIMIT ?"
_NEWEST_FIRST = _ARCHIVED + " < (?, ?) ORDER BY timestamp DESC, digest DESC LIMIT ?"
_HIGHEST = b"\xff"  # of all UTF-8


class Ledger:
    """Items as they are, where each segment stands, which items are to be looked at closely, and what was found.

    Beside these, archived records, for whoever reads the archive as well. Items go by their `identity`. From other
    threads than the one that writes, only `archived` may be called.
    """

    def __init__(self, path: Path | None, about: str) -> None:
        """Open a file, or one that is gone when it's closed.

        :raises UsageError: it can't be opened, or is about something else.
        """
        self._path = path
        self._lock = threading.Lock()
        try:
            if path is not None:
                private_file.make(path)  # SQLite's journals take its mode
            # The empty name is a temporary file of SQLite's own.
            self._db = sqlite3.connect("" if path is None else path, isolation_level=None, check_same_thread=False)
            self._db.executescript(f"PRAGMA cache_size = -16000; PRAGMA synchronous = OFF; {_TABLES}")
        except (OSError, sqlite3.Error) as error:
            raise UsageError(f"{path} can't be used to remember where it stands: {error}") from None
        self._all("BEGIN")
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
        self._each("INSERT OR REPLACE INTO facts VALUES (?, ?)", rows)
        self._all("COMMIT")
        self._all("BEGIN")

    def fact(self, name: str) -> Any:
        """Return a fact; None where it isn't known."""
        rows = self._all("SELECT value FROM facts WHERE name = ?", name)
        return json.loads(rows[0][0]) if rows else None

    def done(self) -> None:
        """Take the file away: next time begins anew."""
        self._db.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def starts(self, work: str, segments: int) -> dict[int, Image | None]:
        """Return the segments that are not done, and where each is to start."""
        rows = self._all("SELECT segment, start FROM places WHERE work = ?", work)
        places = {segment: json.loads(start) for segment, start in rows}
        return {one: places.get(one) for one in range(segments) if one not in places or places[one] is not None}

    def reached(self, work: str, segment: int, start: Image | None) -> None:
        """Note where a segment is to start the next time; None when it's done."""
        self._all("INSERT OR REPLACE INTO places VALUES (?, ?, ?)", work, segment, json.dumps(start))

    def add_live(self, rows: Iterable[tuple[bytes, str, str]]) -> None:
        """Note items by their ids: the digest, and the key as JSON."""
        self._each("INSERT OR REPLACE INTO live VALUES (?, ?, ?)", rows)

    def live(self, item: bytes) -> str | None:
        """Return the digest of an item that was noted."""
        rows = self._all("SELECT digest FROM live WHERE id = ?", item)
        return str(rows[0][0]) if rows else None

    def forget_live(self, item: bytes) -> None:
        """Strike an item off: it has records."""
        self._all("DELETE FROM live WHERE id = ?", item)

    def unseen(self) -> Iterator[tuple[bytes, Image]]:
        """Yield the items that were noted and not struck off."""
        for item, keys in self._db.execute("SELECT id, keys FROM live"):
            yield item, json.loads(keys)

    def suspect(self, item: bytes, suspect: dict[str, Any]) -> None:
        """Note an item to be looked at closely."""
        self._all("INSERT OR REPLACE INTO suspects VALUES (?, ?)", item, json.dumps(suspect))

    def suspect_too(self, item: bytes, suspect: dict[str, Any]) -> None:
        """Note one that isn't noted yet."""
        self._all("INSERT OR IGNORE INTO suspects VALUES (?, ?)", item, json.dumps(suspect))

    def suspects(self, after: bytes = b"") -> list[tuple[bytes, dict[str, Any]]]:
        """Return some of those that are left, by their ids, from behind one on."""
        rows = self._all("SELECT id, suspect FROM suspects WHERE id > ? ORDER BY id LIMIT ?", after, _SOME)
        return [(item, json.loads(suspect)) for item, suspect in rows]

    def cleared(self, item: bytes, found: Iterable[dict[str, Any]]) -> None:
        """Strike an item off those to be looked at, and note what was found."""
        self._all("DELETE FROM suspects WHERE id = ?", item)
        self._each("INSERT INTO found VALUES (?, ?)", [(item, json.dumps(one)) for one in found])

    def findings(self) -> Iterator[dict[str, Any]]:
        """Yield all that was found."""
        for (finding,) in self._db.execute("SELECT finding FROM found ORDER BY rowid"):
            yield json.loads(finding)

    def has_object(self, key: str) -> bool:
        """Tell whether an object of the archive was noted."""
        return bool(self._all("SELECT 1 FROM objects WHERE key = ?", key))

    def add_object(self, key: str, url: str, records: Iterable[tuple[bytes, Archived]]) -> None:
        """Note an object of the archive and the records in it, by the ids of their items; a copy that is there stays."""
        rows = []
        for item, one in records:
            text = json.dumps(one.item)
            digest = hashlib.blake2b(text.encode("ascii"), digest_size=16).digest()
            rows.append((item, utf8(one.timestamp), digest, text, url))
        self._each("INSERT OR IGNORE INTO archived VALUES (?, ?, ?, ?, ?)", rows)
        self._all("INSERT OR IGNORE INTO objects VALUES (?)", key)

    def archived(self, item: bytes, between: Between | None = None, *, oldest_first: bool = False) -> Iterator[Found]:
        """Yield an item's archived records in the order of their timestamps, each once."""
        return joined(self._copies(item, between, oldest_first=oldest_first), oldest_first=oldest_first)

    def partition(self, item: bytes, partition_key: str) -> AttributeValue:
        """Return the partition key of an item that has archived records."""
        [(text,)] = self._all("SELECT item FROM archived WHERE id = ? LIMIT 1", item)
        partition: AttributeValue = json.loads(text)[partition_key]
        return partition

    def _copies(self, item: bytes, between: Between | None, *, oldest_first: bool) -> Iterator[Copy]:
        low, high = (b"", _HIGHEST) if between is None else map(utf8, between)
        query, last = (_OLDEST_FIRST, (b"", b"")) if oldest_first else (_NEWEST_FIRST, (_HIGHEST, b""))
        while rows := self._all(query, item, low, high, *last, _TOGETHER):
            for timestamp, digest, text, url in rows:
                last = timestamp, digest
                yield Copy(json.loads(text), url)

    def archived_alone(self, after: bytes = b"") -> list[bytes]:
        """Return some items, from behind one on, that have archived records and were neither counted nor suspected."""
        rows = self._all(
            "SELECT DISTINCT id FROM archived WHERE id > ? AND NOT EXISTS (SELECT 1 FROM counted WHERE id = archived.id)"
            " AND NOT EXISTS (SELECT 1 FROM suspects WHERE id = archived.id) ORDER BY id LIMIT ?",
            after,
            _SOME,
        )
        return [item for (item,) in rows]

    def count(self, item: bytes, tally: dict[str, Any]) -> None:
        """Note what was counted of an item."""
        text = json.dumps(tally)
        self._all("INSERT OR IGNORE INTO tallies (tally) VALUES (?)", text)
        self._all("INSERT OR REPLACE INTO counted SELECT ?, number FROM tallies WHERE tally = ?", item, text)

    def forget_count(self, item: bytes) -> dict[str, Any] | None:
        """Strike off what was counted of an item and what was found, and return the one; None where it wasn't counted."""
        rows = self._all("SELECT tally FROM counted JOIN tallies USING (number) WHERE id = ?", item)
        if not rows:
            return None
        self._all("DELETE FROM counted WHERE id = ?", item)
        self._all("DELETE FROM found WHERE id = ?", item)
        told: dict[str, Any] = json.loads(rows[0][0])
        return told

    def _all(self, statement: str, *values: Any) -> list[Any]:
        with self._own():
            return self._db.execute(statement, values).fetchall()

    def _each(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        with self._own():
            self._db.executemany(statement, rows)

    @contextmanager
    def _own(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        except sqlite3.OperationalError as error:
            where = self._path or "the temporary file"
            raise UsageError(f"{where} can't be used to remember what was read: {error}") from None


def identity(partition: AttributeValue) -> bytes:
    """Return what stands for an item: for its partition key in the audit table."""
    return hashlib.blake2b(utf8(canonical_text(canonical_value(partition))), digest_size=16).digest()

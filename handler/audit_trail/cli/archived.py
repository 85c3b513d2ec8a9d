"""Archived records by DuckDB: the objects of the days in question are fetched, and DuckDB reads, sorts and narrows them.

Fetched by boto3 and not by DuckDB itself, whose reading from S3 is an extension that it would have to download.
"""

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

from audit_trail.aws.archive import THREADS, Archive
from audit_trail.cli.context import UsageError
from audit_trail.core.archive import fit, item_of
from audit_trail.core.copies import Copy, Found, agreed
from audit_trail.core.filters import Filter
from audit_trail.core.moments import FIRST, LAST, bound
from audit_trail.core.pointers import tokens

try:
    import duckdb
except ImportError:
    raise UsageError("trail archive needs DuckDB: pip install 'table-trail[archive]'") from None

_COLUMNS = {
    "key": "VARCHAR",
    "timestamp": "VARCHAR",
    "event_name": "VARCHAR",
    "actor": "VARCHAR",
    "changed_attributes": "VARCHAR[]",
    "item": "VARCHAR",
}
_ROWS = 1_000
_INSTANT = timedelta(milliseconds=1)
_LINES = "read_json($files, format = 'newline_delimited', compression = 'gzip', filename = true, columns = {columns})"
# All copies of a record that is wanted, those included of which the filter wants nothing: they may differ from it.
_QUERY = """
    SELECT item, filename FROM {lines}
    SEMI JOIN (SELECT DISTINCT "timestamp", key FROM {lines} WHERE {conditions}) USING ("timestamp", key)
    ORDER BY "timestamp" DESC, key
"""


@contextmanager
def opened(archive: Archive, wanted: Filter, say: Callable[[str], None]) -> "Iterator[Iterator[Found]]":
    """Give the archived records that a filter may want, the newest first, each once; ``say`` is told what is opened."""
    since, until = wanted.since or FIRST, wanted.until or LAST
    days = archive.days((bound(since), bound(until - _INSTANT)))
    keys = [key for day in days for key in archive.keys(day)]
    say(f"{len(keys)} object(s) of {len(days)} day(s) in {archive.bucket}.")
    with tempfile.TemporaryDirectory(prefix="trail-archive-") as directory, duckdb.connect() as connection:
        connection.execute("SET autoinstall_known_extensions = false")
        connection.execute("SET autoload_known_extensions = false")
        connection.execute("SET temp_directory = $directory", {"directory": directory})
        yield _found(connection, archive, _fetched(archive, keys, Path(directory)), wanted)


def _fetched(archive: Archive, keys: list[str], directory: Path) -> dict[str, str]:
    """Fetch the objects that are the archive's; return their URLs by the names of their files."""
    files = [directory / f"{number}.jsonl.gz" for number in range(len(keys))]

    def fetch(file: Path, key: str) -> bool:
        body = archive.body(key)
        if archive.readable(key, body) is None:
            return False
        file.write_bytes(body)
        return True

    with ThreadPoolExecutor(THREADS, "archive") as pool:
        fetched = list(pool.map(fetch, files, keys))
    return {str(file): archive.url(key) for file, key, is_there in zip(files, keys, fetched, strict=True) if is_there}


def _found(
    connection: "duckdb.DuckDBPyConnection", archive: Archive, urls: dict[str, str], wanted: Filter
) -> Iterator[Found]:
    if not urls:
        return
    values: dict[str, Any] = {"files": list(urls)}
    columns = "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in _COLUMNS.items()) + "}"
    conditions = " AND ".join(_conditions(wanted, values))
    rows = connection.execute(_QUERY.format(lines=_LINES.format(columns=columns), conditions=conditions), values)
    copies = (
        Copy(item_of(item), urls[file]) for some in iter(lambda: rows.fetchmany(_ROWS), []) for item, file in some
    )
    for _, those in groupby(copies, attrgetter("timestamp")):
        # Two keys may look the same where characters don't fit a line's plain fields, and lie between one another.
        by_item: dict[str, list[Copy]] = {}
        for one in those:
            by_item.setdefault(archive.item_of(one.item), []).append(one)
        yield from map(agreed, by_item.values())


def _conditions(wanted: Filter, values: dict[str, Any]) -> Iterator[str]:
    """Yield what a line must be like; the filter itself decides afterwards, on the whole record."""
    values["since"], values["until"] = bound(wanted.since or FIRST), bound(wanted.until or LAST)
    yield '"timestamp" >= $since AND "timestamp" < $until'
    if wanted.operations:
        values["operations"] = sorted(wanted.operations)
        yield "list_contains($operations, event_name)"
    if wanted.actors:
        values["actors"] = sorted(map(fit, wanted.actors))
        yield "list_contains($actors, actor)"
    if wanted.attributes:
        values["names"] = sorted({fit(tokens(pointer)[0]) for pointer in wanted.attributes})
        yield "(event_name <> 'MODIFY' OR changed_attributes IS NULL OR list_has_any(changed_attributes, $names))"

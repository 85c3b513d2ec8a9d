"""Archived records by DuckDB: the objects of the days in question are fetched, and DuckDB reads, sorts and narrows them.

Fetched by boto3 and not by DuckDB itself, whose reading from S3 is an extension that it would have to download.
"""

import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from audit_trail.aws.archive import THREADS, Archive
from audit_trail.cli.context import UsageError
from audit_trail.core.archive import fit, item_of
from audit_trail.core.errors import MalformedArchiveError
from audit_trail.core.filters import Filter
from audit_trail.core.limits import LARGEST_OBJECT, gunzipped_lines
from audit_trail.core.moments import FIRST, LAST, bound
from audit_trail.core.pointers import tokens
from audit_trail.core.values import Image

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
# A record that was archived twice is there twice.
_QUERY = """
    SELECT DISTINCT ON ("timestamp", key) item
    FROM read_json($files, format = 'newline_delimited', compression = 'gzip', columns = {columns})
    WHERE {conditions}
    ORDER BY "timestamp" DESC, key
"""


@contextmanager
def opened(archive: Archive, wanted: Filter, say: Callable[[str], None]) -> "Iterator[Iterator[Image]]":
    """Give the archived records that a filter may want, the newest first, each once; ``say`` is told what is opened."""
    since, until = wanted.since or FIRST, wanted.until or LAST
    days = archive.days((bound(since), bound(until - _INSTANT)))
    keys = [key for day in days for key in archive.keys(day)]
    say(f"{len(keys)} object(s) of {len(days)} day(s) in {archive.bucket}.")
    with tempfile.TemporaryDirectory(prefix="trail-archive-") as directory, duckdb.connect() as connection:
        connection.execute("SET autoinstall_known_extensions = false")
        connection.execute("SET autoload_known_extensions = false")
        connection.execute("SET temp_directory = $directory", {"directory": directory})
        yield _found(connection, _fetched(archive, keys, Path(directory)), wanted)


def _fetched(archive: Archive, keys: list[str], directory: Path) -> list[str]:
    files = [directory / f"{number}.jsonl.gz" for number in range(len(keys))]
    with ThreadPoolExecutor(THREADS, "archive") as pool:
        list(pool.map(lambda file, key: file.write_bytes(_bounded(archive, key)), files, keys))
    return list(map(str, files))


def _bounded(archive: Archive, key: str) -> bytes:
    body = archive.body(key)
    try:
        deque(gunzipped_lines(body, LARGEST_OBJECT), maxlen=0)
    except ValueError:
        raise MalformedArchiveError(f"s3://{archive.bucket}/{key} is not an object of this archive") from None
    return body


def _found(connection: "duckdb.DuckDBPyConnection", files: list[str], wanted: Filter) -> Iterator[Image]:
    if not files:
        return
    values: dict[str, Any] = {"files": files}
    columns = "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in _COLUMNS.items()) + "}"
    query = _QUERY.format(columns=columns, conditions=" AND ".join(_conditions(wanted, values)))
    try:
        rows = connection.execute(query, values)
        while some := rows.fetchmany(_ROWS):
            for (item,) in some:
                yield item_of(item)
    except duckdb.Error:
        raise MalformedArchiveError(
            "an object under archive/ holds a line that is not one of the archive's: trail verify --include-archive "
            "names it"
        ) from None


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

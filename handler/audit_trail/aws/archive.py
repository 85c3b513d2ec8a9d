"""Reads the archive in the history bucket: the objects of the days that are asked for, and no others."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from operator import itemgetter
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, Protocol

from audit_trail.core import archive
from audit_trail.core.copies import Copy, Found, agreed
from audit_trail.core.errors import MalformedArchiveError, TableTrailError
from audit_trail.core.values import AttributeValue, Image, canonical_text, canonical_value

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

THREADS = 8

Between = tuple[str, str]
"""The lowest and the highest timestamp, which needn't be any record's."""


class Archived(NamedTuple):
    """A record in the archive, with its key in the audit table."""

    partition: AttributeValue
    timestamp: str
    item: Image


class ArchivedRecords(Protocol):
    """What one item's archived records are read from."""

    unreadable: list[str]
    """URLs of the objects that are none of the archive's, so far; the records in the others are given all the same."""

    def records(
        self, partition: AttributeValue, between: Between | None = None, *, oldest_first: bool = False
    ) -> Iterator[Found]:
        """Yield them in the order of their timestamps, each once; the newest first, or the oldest."""

    def reaches(self, timestamp: str) -> bool:
        """Tell whether anything is archived of that day or before."""


class Archive:
    """The records that expired from one audit table; ``partition_key`` is the name of that table's.

    ``unreadable`` has the URLs of objects that are none of the archive's, as they are come across.

    Every method raises botocore's errors where S3 refuses.
    """

    def __init__(self, make_client: "Callable[[], S3Client]", bucket: str, partition_key: str) -> None:
        self._client = make_client()
        self.bucket = bucket
        self._partition_key = partition_key
        self.unreadable: list[str] = []
        self._one_at_a_time = Lock()

    def days(self, between: Between | None = None) -> list[str]:
        """Return the days, within a range, of which there are records, the oldest first."""
        lists = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=archive.PREFIX, Delimiter="/"
        )
        folders = (one["Prefix"] for page in lists for one in page.get("CommonPrefixes", []))
        days = sorted(filter(None, map(archive.day_of, folders)))
        return days if between is None else [day for day in days if between[0][:10] <= day <= between[1][:10]]

    def reaches(self, timestamp: str) -> bool:
        """Tell whether anything, of any item, is archived of that day or before."""
        return bool(self.days(("", timestamp)))

    def keys(self, day: str) -> list[str]:
        """Return the keys of a day's objects."""
        lists = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=archive.prefix(day))
        # A folder that was made in the console is an object, too.
        return [one["Key"] for page in lists for one in page.get("Contents", []) if not one["Key"].endswith("/")]

    def body(self, key: str) -> bytes:
        """Return what an object holds."""
        return self._client.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def url(self, key: str) -> str:
        """Return the URL of an object."""
        return f"s3://{self.bucket}/{key}"

    def records(
        self, partition: AttributeValue | None = None, between: Between | None = None, *, oldest_first: bool = False
    ) -> Iterator[Found]:
        """Yield archived records in the order of their timestamps, each once, day by day; the newest first, or the oldest.

        ``partition`` is an item's partition key in the audit table: its history alone; None: every item's. Nothing is
        indexed by it, so that each object of the days is read either way. Objects that aren't the archive's are left
        out, and kept in ``unreadable``.
        """
        days = self.days(between)
        with ThreadPoolExecutor(THREADS, "archive") as pool:
            for day in days if oldest_first else reversed(days):
                found: dict[tuple[str, str], list[Copy]] = {}
                keys = self.keys(day)
                for key, records in zip(keys, pool.map(partial(self._get, partition), keys), strict=True):
                    for one in records:
                        copies = found.setdefault((one.timestamp, _text(one.partition)), [])
                        copies.append(Copy(one.item, self.url(key)))
                for (timestamp, _), copies in sorted(found.items(), key=itemgetter(0), reverse=not oldest_first):
                    if between is None or between[0] <= timestamp <= between[1]:
                        yield agreed(copies)

    def readable(self, key: str, body: bytes, partition: AttributeValue | None = None) -> list[Archived] | None:
        """Return the records in an object, one item's or all; None where it isn't the archive's: then it's remembered."""
        try:
            return self.read(key, body, partition)
        except MalformedArchiveError:
            if self.url(key) not in self.unreadable:
                self.unreadable.append(self.url(key))
            return None

    def read(self, key: str, body: bytes, partition: AttributeValue | None = None) -> list[Archived]:
        """Return the records in an object, one item's or all.

        :raises MalformedArchiveError: the object isn't the archive's.
        """
        wanted = None if partition is None else archive.fit(archive.key_text(partition))
        history = None if partition is None else _text(partition)
        try:
            with self._one_at_a_time:  # forged objects, unpacked by many threads at once, would fill the memory
                items = archive.items(body, self._partition_key, archive.day_of_object(key), wanted)
                records = [Archived(item[self._partition_key], archive.timestamp_of(item), item) for item in items]
            # Two keys may look the same where characters don't fit a line's plain fields.
            return [one for one in records if history is None or _text(one.partition) == history]
        except (TableTrailError, KeyError, TypeError, AttributeError):
            raise MalformedArchiveError(f"{self.url(key)} is not an object of this archive") from None

    def item_of(self, item: Image) -> str:
        """Return what a record's item goes by: its partition key in the audit table, however that is spelled."""
        return _text(item[self._partition_key])

    def _get(self, partition: AttributeValue | None, key: str) -> list[Archived]:
        return self.readable(key, self.body(key), partition) or []


def _text(partition: AttributeValue) -> str:
    return canonical_text(canonical_value(partition))

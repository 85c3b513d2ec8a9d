"""Stream records of a batch as inserts that are ready to send, in a form that DynamoDB takes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from audit_trail.batch.quarantine import Refusals
from audit_trail.core.errors import MalformedRecordError
from audit_trail.core.records import RecordSettings, StreamRecord, audit_item
from audit_trail.core.sizes import LARGEST_ITEM, surely_fits
from audit_trail.core.spill import Form, movable, pack
from audit_trail.core.values import Image, canonical_value
from audit_trail.ports import AuditTable, BatchResult

MOST_STATEMENTS = 25
"""Statements a BatchExecuteStatement request may hold (docs.aws.amazon.com, Service quotas of DynamoDB)."""
MOST_BYTES = 4_000_000


@dataclass(slots=True)
class Insert:
    """One record on its way into the audit table."""

    positions: list[int]
    """Where in the batch the record stands: more than once where it was delivered twice."""
    event_name: str
    item: Image
    encoded: bytes
    form: Form = Form.INLINE
    object_key: str = ""
    object_body: bytes = field(default=b"", repr=False)
    """What has to be in S3 before the record is inserted; empty when nothing has, or when it is there."""
    code: str = "OutOfTime"
    """Why it isn't stored yet."""

    def take_form(self, table: AuditTable, bucket: str, at_least: Form) -> None:
        """Take the first form, not before this one, in which DynamoDB takes the record."""
        packed = pack(self.item, bucket, at_least)
        self.form, self.object_key, self.object_body = packed.form, packed.key, packed.body
        self.encoded = table.encode(packed.item)

    def can_move_more(self) -> bool:
        """Tell whether there is a form left in which less of the record lies inline."""
        return self.form is not Form.S3 and movable(self.item)


def inserts_of(  # noqa: PLR0913  what a batch is, and what it is for
    records: Sequence[StreamRecord],
    table: AuditTable,
    settings: RecordSettings,
    bucket: str,
    *,
    refusals: Refusals,
    result: BatchResult,
    time_left: Callable[[], bool],
) -> list[Insert]:
    """Make the batch's inserts, each key once; records that can never be made one become refusals."""
    inserts: dict[tuple[str, ...], Insert] = {}
    for position, record in enumerate(records):
        if not time_left():
            result.fail(range(position, len(records)), "not stored in time: OutOfTime")
            result.late += len(records) - position
            break
        try:
            insert = _insert_of(record, position, table, settings, bucket)
        except MalformedRecordError as error:
            refusals.add([position], str(error))
            continue
        except Exception as error:  # noqa: BLE001  one record that nobody foresaw must not cost its neighbours
            refusals.add_unforeseen([position], error)
            continue
        [(tag, body)] = canonical_value(insert.item[settings.key_schema.audit_partition_key]).items()
        key = (tag, body, insert.item["timestamp"]["S"])
        if key in inserts:
            # One request may not name a key twice, and the same key is the same stream record.
            inserts[key].positions.append(position)
            result.duplicates += 1
        else:
            inserts[key] = insert
    return list(inserts.values())


def _insert_of(record: StreamRecord, position: int, table: AuditTable, settings: RecordSettings, bucket: str) -> Insert:
    item = audit_item(record, settings)
    insert = Insert([position], record["eventName"], item, b"")
    # What is long is counted at once: its JSON would be written in vain.
    if item.length <= LARGEST_ITEM:
        insert.encoded = table.encode(item)
    if not insert.encoded or not surely_fits(item, insert.encoded, shallow=item.shallow):
        insert.take_form(table, bucket, Form.INLINE)
    return insert


def requests_of(inserts: Sequence[Insert]) -> Iterator[list[Insert]]:
    """Part inserts into requests, in their order, as few as the limits allow."""
    request: list[Insert] = []
    size = 0
    for insert in inserts:
        if request and (len(request) == MOST_STATEMENTS or size + len(insert.encoded) > MOST_BYTES):
            yield request
            request, size = [], 0
        request.append(insert)
        size += len(insert.encoded)
    if request:
        yield request

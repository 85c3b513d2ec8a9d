"""What can be wrong with data. No message ever holds a key value, an attribute value or an actor."""


class TableTrailError(Exception):
    """Base of all errors that Table Trail raises on purpose: one sentence that says what to do."""


class MalformedValueError(TableTrailError):
    """Something is not an attribute value of DynamoDB's ten types."""


class MalformedRecordError(TableTrailError):
    """A stream record that can never become an audit record, however often it is tried."""


class MalformedItemError(TableTrailError):
    """An item of the audit table that is not an audit record, or one that a newer version wrote."""


class NewerRecordError(MalformedItemError):
    """An audit record that a newer version of Table Trail wrote: what its attributes mean isn't known here."""

    def __init__(self, sentence: str, version: int) -> None:
        super().__init__(sentence)
        self.version = version


class ForeignItemError(MalformedItemError):
    """An item that Table Trail can't have written: which, by its timestamp, and why."""

    def __init__(self, which: str, why: str) -> None:
        super().__init__(f"the audit table holds an item that is not an audit record: {which} ({why})")
        self.which = f"{which} ({why})"
        self.why = why


class DiffError(TableTrailError):
    """A diff does not fit the image that it is applied to."""


class MalformedFailureError(TableTrailError):
    """An object in the trail's buckets is not a failure that can be put back."""


class ForeignFailureError(MalformedFailureError):
    """An object in the trail's bucket whose records aren't this trail's; ``records`` is how many it has."""

    def __init__(self, sentence: str, records: int) -> None:
        super().__init__(sentence)
        self.records = records


class MalformedArchiveError(TableTrailError):
    """An object under ``archive/`` is not what the function writes there."""


def kind_of(error: BaseException) -> str:
    """Tell an unexpected error's type and where it was raised: its message may quote data, so it is left out."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    name = type(error).__name__
    if place is None:
        return name
    return f"{name} at {place.tb_frame.f_code.co_filename.rpartition('/')[2]}:{place.tb_lineno}"

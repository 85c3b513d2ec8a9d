"""This machine's time, as the command line reads and shows it."""

from datetime import UTC, datetime, timedelta, tzinfo


def now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


class LocalZone(tzinfo):
    """The zone that this machine is set to (TZ, or its own setting), summer time and all."""

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        """Return how far it is from UTC at a local time."""
        return None if moment is None else moment.replace(tzinfo=None).astimezone().utcoffset()

    def dst(self, _moment: datetime | None) -> timedelta | None:
        """Return None: how much of the offset is summer time isn't known."""
        return None

    def tzname(self, moment: datetime | None) -> str | None:
        """Return what it's called at a local time."""
        return None if moment is None else moment.replace(tzinfo=None).astimezone().tzname()

    def fromutc(self, moment: datetime) -> datetime:
        """Return a local time, given UTC's."""
        return datetime.fromtimestamp(moment.replace(tzinfo=UTC).timestamp()).replace(tzinfo=self)  # noqa: DTZ006  local


def zone(*, utc: bool) -> tzinfo:
    """Return the zone that times are read and shown in."""
    return UTC if utc else LocalZone()

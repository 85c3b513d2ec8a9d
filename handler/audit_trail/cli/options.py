"""Groups of options: dataclasses whose fields are options, so that each is written down in one place."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import tzinfo
from typing import Any, get_type_hints

from audit_trail.aws import reading
from audit_trail.aws.archive import Archive
from audit_trail.aws.reader import THREADS, TrailReader
from audit_trail.cli import clock
from audit_trail.cli.context import (
    ActorOption,
    AttributeOption,
    AuditTableOption,
    ColorOption,
    Connection,
    EndpointOption,
    JsonOption,
    LimitOption,
    OperationOption,
    ProfileOption,
    RegionOption,
    SinceOption,
    TypedOption,
    UntilOption,
    UsageError,
    UtcOption,
)
from audit_trail.core.filters import Filter
from audit_trail.core.moments import Span, parse
from audit_trail.core.pointers import is_pointer, readings


@dataclass(frozen=True, slots=True)
class TrailOptions:
    """Which trail, and how to reach it."""

    audit_table: AuditTableOption
    profile: ProfileOption = None
    region: RegionOption = None
    endpoint_url: EndpointOption = None

    @property
    def connection(self) -> Connection:
        """How to reach AWS."""
        return Connection(self.profile, self.region, self.endpoint_url)

    def open(self, *, include_archive: bool = False) -> TrailReader:
        """Find the trail, and its archive where that is to be read too."""
        from botocore.config import Config  # noqa: PLC0415  takes longer than all the rest of `trail --help`

        connection = self.connection
        client = connection.dynamodb(Config(max_pool_connections=THREADS))
        trail = reading.find_trail(client, self.audit_table)
        archive = self.archive(trail) if include_archive else None
        return TrailReader(client, trail, connection.images(trail.buckets), archive)

    def archive(self, trail: reading.Trail) -> Archive:
        """Open a trail's archive."""
        if trail.bucket is None:
            raise reading.NotATrailError(f"the tags of {trail.audit_table} name no bucket: apply Terraform again")
        return Archive(self.connection.s3, trail.bucket, trail.key_schema.audit_partition_key)


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """How changes are printed."""

    as_json: JsonOption = False
    typed: TypedOption = False
    utc: UtcOption = False
    color: ColorOption = None

    def check(self) -> None:
        """Refuse what doesn't go together."""
        if self.typed and not self.as_json:
            raise UsageError("--typed goes with --json")

    @property
    def zone(self) -> tzinfo:
        """The zone of the times that are typed and shown."""
        return clock.zone(utc=self.utc)

    def span(self, text: str) -> Span:
        """Read a time."""
        return parse(text, clock.now(), self.zone)


@dataclass(frozen=True, slots=True)
class RangeOptions:
    """From when to when."""

    since: SinceOption = None
    until: UntilOption = None


@dataclass(frozen=True, slots=True)
class FilterOptions:
    """Which changes."""

    operation: OperationOption = None
    attribute: AttributeOption = None
    actor: ActorOption = None
    limit: LimitOption = None

    def wanted(self, within: RangeOptions, output: OutputOptions) -> Filter:
        """Return what changes must be."""
        for name in self.attribute or ():
            if not name or (name.startswith("/") and not is_pointer(name)):
                raise UsageError(f"{name!r} is neither an attribute's name nor a JSON Pointer such as /lines/0/qty")
        since = None if within.since is None else output.span(within.since).start
        until = None if within.until is None else output.span(within.until).end
        if since is not None and until is not None and since >= until:
            raise UsageError("--since is after --until")
        return Filter(
            since=since,
            until=until,
            operations=frozenset(map(str, self.operation or ())),
            attributes=frozenset().union(*map(readings, self.attribute or ())),
            actors=frozenset(self.actor or ()),
        )


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command every option of the groups that its parameters ask for.

    For Typer, a parameter that is annotated with a dataclass becomes one option for each of its fields; when the
    command runs, it gets the dataclass.
    """
    groups: dict[str, Any] = {}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        if is_dataclass(parameter.annotation):
            groups[parameter.name] = parameter.annotation
            parameters += _options(parameter.annotation)
        else:
            parameters.append(parameter)

    def run(**given: Any) -> None:
        made = {
            name: group(**{one.name: given.pop(one.name) for one in fields(group)}) for name, group in groups.items()
        }
        command(**given, **made)

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    vars(run)["__signature__"] = inspect.Signature(parameters)
    return run


def _options(group: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(group)
    ]

"""What every command shares: options, clients, and errors as one sentence with an exit code."""

import functools
import os
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, ParamSpec, TypeVar

import typer

from audit_trail.aws import reading
from audit_trail.cli.layout import visible
from audit_trail.core.errors import MalformedArchiveError, MalformedItemError, NewerRecordError, TableTrailError
from audit_trail.core.states import StateUnreadableError

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_iam import IAMClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_s3 import S3Client


class Operation(StrEnum):
    """What a change did."""

    INSERT = "INSERT"
    MODIFY = "MODIFY"
    REMOVE = "REMOVE"
    BASELINE = "BASELINE"


AuditTableOption = Annotated[
    str,
    typer.Option(
        "--audit-table", metavar="NAME", envvar="TRAIL_AUDIT_TABLE", help="Name of the audit table.", show_default=False
    ),
]
ProfileOption = Annotated[
    str | None, typer.Option("--profile", metavar="NAME", help="AWS profile, as for the AWS CLI.")
]
RegionOption = Annotated[str | None, typer.Option("--region", metavar="NAME", help="AWS region, as for the AWS CLI.")]
EndpointOption = Annotated[
    str | None, typer.Option("--endpoint-url", metavar="URL", help="Endpoint of AWS or of an emulator.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON Lines, for programs.")]
TypedOption = Annotated[bool, typer.Option("--typed", help="With --json: values as DynamoDB JSON.")]
UtcOption = Annotated[bool, typer.Option("--utc", help="Read and show times in UTC, not in this machine's zone.")]
ColorOption = Annotated[
    bool | None,
    typer.Option(
        "--color/--no-color", help="Colours, or none; unset: on terminals, unless NO_COLOR is set.", show_default=False
    ),
]
SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="TIME",
        help="From this time on: 2026-11-24T12:00 (with a zone or without), 2026-11-24, 2h, 30m, 7d, yesterday, today.",
    ),
]
UntilOption = Annotated[
    str | None,
    typer.Option(
        "--until", metavar="TIME", help="Up to this time, written like --since's; all of that second or day included."
    ),
]
OperationOption = Annotated[
    list[Operation] | None,
    typer.Option(
        "--operation",
        metavar="|".join(Operation),
        case_sensitive=False,
        help="Only changes of this kind; may be repeated.",
    ),
]
AttributeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--attribute",
        metavar="NAME",
        help="Only changes of this attribute, or of what lies inside: a name, a JSON Pointer such as /lines/0/qty, or "
        "the same as it is shown, lines[0].qty. May be repeated.",
    ),
]
ActorOption = Annotated[
    list[str] | None,
    typer.Option(
        "--actor",
        metavar="WHO",
        help="Only changes with this actor, `unchanged` ones included; may be repeated. A deletion has none.",
    ),
]
IncludeArchiveOption = Annotated[
    bool,
    typer.Option(
        "--include-archive",
        help="Read the archive as well: every archived object of the days in question, so give --since and --until.",
    ),
]
LimitOption = Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="No more changes than this.")]

_P = ParamSpec("_P")
_R = TypeVar("_R")


class Exit(IntEnum):
    """What the command line's exit codes mean."""

    FOUND = 0
    NOTHING_FOUND = 1
    NOT_ALL_DONE = 1
    PROBLEM = 1
    USAGE = 2
    AWS_REFUSED = 3
    UNTRUSTED = 4
    """What is stored is not what Table Trail writes: somebody else put it there, or changed it."""


class UsageError(TableTrailError):
    """The command's words are off."""


@dataclass(frozen=True)
class Connection:
    """How to reach AWS: its own options and environment, or what the command line says."""

    profile: str | None
    region: str | None
    endpoint_url: str | None

    def dynamodb(self, config: "Config | None" = None) -> "DynamoDBClient":
        """Make a client of the tables."""
        try:
            return self._session.client("dynamodb", endpoint_url=self.endpoint_url, config=config)
        except ValueError:
            raise UsageError(
                f"the endpoint {self.endpoint_url} is not a URL: write it like http://127.0.0.1:4566"
            ) from None

    def s3(self, config: "Config | None" = None) -> "S3Client":
        """Make a client of the trail's buckets."""
        return self._session.client("s3", endpoint_url=self.endpoint_url, config=config)

    def functions(self, config: "Config | None" = None) -> "LambdaClient":
        """Make a client of the functions and their event source mappings."""
        return self._session.client("lambda", endpoint_url=self.endpoint_url, config=config)

    def cloudwatch(self, config: "Config | None" = None) -> "CloudWatchClient":
        """Make a client of the metrics and alarms."""
        return self._session.client("cloudwatch", endpoint_url=self.endpoint_url, config=config)

    def iam(self, config: "Config | None" = None) -> "IAMClient":
        """Make a client of the roles."""
        return self._session.client("iam", endpoint_url=self.endpoint_url, config=config)

    def principal(self) -> str | None:
        """Return who is calling, or None where STS can't be asked: an emulator may have none, a network no way to it."""
        from botocore.config import Config  # noqa: PLC0415  as below

        from audit_trail.aws.identity import principal  # noqa: PLC0415  as below

        config = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 1})
        client: Any = self._session.client("sts", endpoint_url=self.endpoint_url, config=config)
        return principal(client)

    def images(self, buckets: Collection[str]) -> Callable[[str], bytes]:
        """Return what reads images that lie in the trail's own buckets, and nothing from elsewhere."""
        from audit_trail.aws.image_bucket import fetcher  # noqa: PLC0415  as below

        return fetcher(self.s3, buckets)

    @functools.cached_property
    def _session(self) -> "boto3.Session":
        # One for all clients: each would read botocore's data anew.
        import boto3  # noqa: PLC0415  takes longer than all the rest of `trail --help`

        # botocore reads AWS_DEFAULT_REGION alone; the AWS CLI lets AWS_REGION go before it.
        # https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-envvars.html
        region = self.region or os.environ.get("AWS_REGION") or None
        return boto3.Session(profile_name=self.profile, region_name=region)


def speaks_plainly(command: Callable[_P, _R]) -> Callable[_P, _R]:
    """Turn what can go wrong in a command into one sentence on stderr and an exit code."""

    @functools.wraps(command)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return command(*args, **kwargs)
        except (reading.RefusedError, StateUnreadableError) as error:
            _stop(str(error), Exit.AWS_REFUSED)
        except NewerRecordError as error:
            _stop(str(error), Exit.USAGE)
        except (MalformedItemError, MalformedArchiveError) as error:
            _stop(str(error), Exit.UNTRUSTED)
        except TableTrailError as error:
            _stop(str(error), Exit.USAGE)
        except Exception as error:
            from audit_trail.cli.refusals import explained  # noqa: PLC0415  needed when AWS was asked, and only then

            if (meant := explained(error)) is None:
                raise
            _stop(*meant)

    return run


def note(sentence: str) -> None:
    """Say something beside the output."""
    print(visible(sentence), file=sys.stderr)  # noqa: T201  the one place that speaks on stderr


def tell(sentence: str) -> None:
    """Say what is wrong."""
    note(f"trail: {sentence}")


def _stop(sentence: str, code: Exit) -> NoReturn:
    tell(sentence)
    raise typer.Exit(code)

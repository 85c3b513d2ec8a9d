"""What every command shares: options, clients, and errors as one sentence with an exit code."""

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, NoReturn, ParamSpec, TypeVar

import boto3
import typer
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)

from audit_trail.aws.reading import SourceGoneError
from audit_trail.core.errors import TableTrailError

if TYPE_CHECKING:
    from botocore.config import Config
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_s3 import S3Client

AuditTableOption = Annotated[
    str,
    typer.Option("--audit-table", envvar="TRAIL_AUDIT_TABLE", help="Name of the audit table.", show_default=False),
]
ProfileOption = Annotated[str | None, typer.Option("--profile", help="AWS profile, as for the AWS CLI.")]
RegionOption = Annotated[str | None, typer.Option("--region", help="AWS region, as for the AWS CLI.")]
EndpointOption = Annotated[str | None, typer.Option("--endpoint-url", help="Endpoint of AWS or of an emulator.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON Lines, for programs.")]
TypedOption = Annotated[bool, typer.Option("--typed", help="With --json: values as DynamoDB JSON.")]

_P = ParamSpec("_P")
_R = TypeVar("_R")


class Exit(IntEnum):
    """What the command line's exit codes mean."""

    FOUND = 0
    NOTHING_FOUND = 1
    NOT_ALL_DONE = 1
    USAGE = 2
    AWS_REFUSED = 3


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
        """Make a client of the trail's bucket."""
        return self._session.client("s3", endpoint_url=self.endpoint_url, config=config)

    @functools.cached_property
    def _session(self) -> boto3.Session:
        # One for all clients: each would read botocore's data anew.
        return boto3.Session(profile_name=self.profile, region_name=self.region)


def speaks_plainly(command: Callable[_P, _R]) -> Callable[_P, _R]:
    """Turn what can go wrong in a command into one sentence on stderr and an exit code."""

    @functools.wraps(command)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return command(*args, **kwargs)
        except SourceGoneError as error:
            _stop(str(error), Exit.AWS_REFUSED)
        except TableTrailError as error:
            _stop(str(error), Exit.USAGE)
        except (NoCredentialsError, PartialCredentialsError):
            _stop("no AWS credentials: set AWS_PROFILE or --profile, or sign in as for the AWS CLI", Exit.AWS_REFUSED)
        except ProfileNotFound as error:
            _stop(f"{error}: see `aws configure list-profiles`", Exit.USAGE)
        except NoRegionError:
            _stop("no AWS region: set AWS_REGION or --region", Exit.USAGE)
        except ClientError as error:
            _stop(_sentence(error), Exit.AWS_REFUSED)
        except BotoCoreError as error:
            _stop(f"AWS could not be reached: {error}", Exit.AWS_REFUSED)

    return run


_OPERATORS_ALONE = frozenset({"ListObjectsV2"})
"""What readers have no need to do."""


def _sentence(error: ClientError) -> str:
    code = error.response.get("Error", {}).get("Code", "Unknown")
    message = error.response.get("Error", {}).get("Message", "")
    operation = error.operation_name
    if code == "ResourceNotFoundException":
        return f"there is no such table in this account and region ({operation}): check --audit-table and --region"
    if code in ("AccessDeniedException", "AccessDenied"):
        policy = "operator" if operation in _OPERATORS_ALONE else "reader"
        return (
            f"these credentials may not do {operation}: attach the {policy} policy that Terraform outputs ({message})"
        )
    if code in ("UnrecognizedClientException", "InvalidClientTokenId", "ExpiredTokenException"):
        return f"AWS does not accept these credentials ({code}): sign in again"
    return f"AWS refused {operation}: {code}: {message}"


def _stop(sentence: str, code: Exit) -> NoReturn:
    print(f"trail: {sentence}", file=sys.stderr)  # noqa: T201  the one place that speaks for errors
    raise typer.Exit(code)

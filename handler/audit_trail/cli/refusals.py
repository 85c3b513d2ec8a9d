"""What AWS and its library refuse, in one sentence."""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)

from audit_trail.cli.context import Exit

_OPERATORS_ALONE = frozenset({"ListObjectsV2", "GetItem", "UpdateItem", "PutItem", "DeleteItem"})
"""What readers have no need to do."""


def explained(error: Exception) -> tuple[str, Exit] | None:
    """Return what an error of AWS or its library means to whoever ran the command; None if it is neither's."""
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return "no AWS credentials: set AWS_PROFILE or --profile, or sign in as for the AWS CLI", Exit.AWS_REFUSED
    if isinstance(error, ProfileNotFound):
        return f"{error}: see `aws configure list-profiles`", Exit.USAGE
    if isinstance(error, NoRegionError):
        return "no AWS region: set AWS_REGION or --region", Exit.USAGE
    if isinstance(error, ClientError):
        return _sentence(error), Exit.AWS_REFUSED
    if isinstance(error, BotoCoreError):
        return f"AWS could not be reached: {error}", Exit.AWS_REFUSED
    return None


def _sentence(error: ClientError) -> str:
    code = error.response.get("Error", {}).get("Code", "Unknown")
    message = error.response.get("Error", {}).get("Message", "")
    operation = error.operation_name
    if code == "ResourceNotFoundException":
        return f"there is no such table in this account and region ({operation}): check --audit-table and --region"
    if code in ("AccessDeniedException", "AccessDenied") and operation == "Scan":
        return (
            "that needs dynamodb:Scan, which the reader policy leaves out on purpose: attach the verifier policy that "
            f"Terraform outputs, or search by an index ({message})"
        )
    if code in ("AccessDeniedException", "AccessDenied"):
        policy = "operator" if operation in _OPERATORS_ALONE else "reader"
        return (
            f"these credentials may not do {operation}: attach the {policy} policy that Terraform outputs ({message})"
        )
    if code in ("UnrecognizedClientException", "InvalidClientTokenId", "ExpiredTokenException"):
        return f"AWS does not accept these credentials ({code}): sign in again"
    return f"AWS refused {operation}: {code}: {message}"

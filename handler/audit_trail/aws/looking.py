"""What could not be looked at is a fact, too."""

from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from audit_trail.core.doctor.facts import Unseen

_T = TypeVar("_T")

_DENIED = frozenset({"AccessDenied", "AccessDeniedException"})
# Elsewhere, an action is called like its operation. https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
_ACTIONS = {"ListObjectsV2": "ListBucket", "GetPublicAccessBlock": "GetBucketPublicAccessBlock"}


def look(service: str, ask: Callable[[], _T]) -> _T | Unseen:
    """Return what there is to see, or why it can't be seen; ``service`` is IAM's prefix of it, such as ``lambda``."""
    try:
        return ask()
    except ClientError as error:
        action = f"{service}:{_ACTIONS.get(error.operation_name, error.operation_name)}"
        code = error.response.get("Error", {}).get("Code", "Unknown")
        return Unseen(action, code, denied=code in _DENIED)
    except BotoCoreError as error:
        return Unseen(service, type(error).__name__, denied=False)

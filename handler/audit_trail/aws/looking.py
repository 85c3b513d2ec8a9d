"""What could not be looked at is a fact, too."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from audit_trail.core.doctor.facts import Unseen

_T = TypeVar("_T")

PATIENCE = 6.0
"""Seconds in which a question is answered, all its pages and attempts together; then it is given up."""
_DENIED = frozenset({"AccessDenied", "AccessDeniedException"})
# Elsewhere, an action is called like its operation. https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
_ACTIONS = {
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "ListObjectsV2": "ListBucket",
}


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
    except TimeoutError:
        return Unseen(
            service, "TimeoutError", denied=False, why=f"{service} did not answer within {PATIENCE:g} seconds"
        )


def begin(service: str, ask: Callable[[], _T]) -> Callable[[], _T | Unseen]:
    """Look at the same time as the caller does something else; what is returned waits for the answer.

    Whoever isn't answered in time is left to itself: nothing waits for its thread.
    """
    answer: Future[_T] = Future()
    deadline = time.monotonic() + PATIENCE

    def run() -> None:
        try:
            answer.set_result(ask())
        except Exception as error:  # noqa: BLE001  it is raised where the answer is wanted
            answer.set_exception(error)

    Thread(target=run, name=f"look at {service}", daemon=True).start()
    return lambda: look(service, lambda: answer.result(max(0.0, deadline - time.monotonic())))

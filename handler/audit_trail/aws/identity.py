"""Who the credentials in use belong to: STS.

https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html (it needs no permission)
"""

from typing import Protocol

from botocore.exceptions import BotoCoreError, ClientError


class SecurityTokenService(Protocol):
    """What is asked of STS."""

    def get_caller_identity(self) -> dict[str, str]:
        """Return the caller's account, ARN and id."""


def principal(client: SecurityTokenService) -> str | None:
    """Return the ARN of who is calling, as CloudTrail has it: a user, or a role and its session; None where STS won't say."""
    try:
        return client.get_caller_identity().get("Arn")
    except (ClientError, BotoCoreError):
        return None

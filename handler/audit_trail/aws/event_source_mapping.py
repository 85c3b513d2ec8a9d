"""An event source mapping between a table's stream and a function: what it reads, and whether it does."""

from typing import TYPE_CHECKING

from audit_trail.core.stream_health import Mapping

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient


def find_mapping(client: "LambdaClient", uuid: str) -> Mapping | None:
    """Return what the mapping says of itself; None if there is no such mapping.

    https://docs.aws.amazon.com/lambda/latest/api/API_GetEventSourceMapping.html

    :raises botocore.exceptions.ClientError: permission is missing, or Lambda can't answer.
    """
    try:
        answer = client.get_event_source_mapping(UUID=uuid)
    except client.exceptions.ResourceNotFoundException:
        return None
    return Mapping(event_source_arn=answer.get("EventSourceArn"), state=answer["State"])

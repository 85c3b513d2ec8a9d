"""The function: its configuration, the event source mappings that call it, and what its role may do."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from audit_trail.core.doctor.facts import Function, MappingSettings, Unseen
from audit_trail.core.stream_health import Mapping as StreamMapping

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_lambda.type_defs import EventSourceMappingConfigurationTypeDef

_ENDLESS = -1


def find_function(client: "LambdaClient", name: str) -> Function | None:
    """Return the function's configuration; None if there is no such function.

    https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html

    :raises botocore.exceptions.ClientError: permission is missing, or Lambda can't answer.
    """
    try:
        found = client.get_function_configuration(FunctionName=name)
    except client.exceptions.ResourceNotFoundException:
        return None
    environment = found.get("Environment", {})
    # Where the caller may not use the key that encrypts it, the environment is left out.
    hidden = environment.get("Error", {}).get("ErrorCode")
    return Function(
        name=name,
        role=found["Role"],
        state=found.get("State", "Active"),
        update_status=found.get("LastUpdateStatus", "Successful"),
        reason=found.get("StateReason", "") or found.get("LastUpdateStatusReason", ""),
        environment=Unseen("kms:Decrypt", hidden, denied=True) if hidden else environment.get("Variables", {}),
        log_group=found.get("LoggingConfig", {}).get("LogGroup", f"/aws/lambda/{name}"),
    )


def mappings_of(client: "LambdaClient", function: str) -> list[MappingSettings]:
    """Return every event source mapping of the function; none if there is no such function.

    https://docs.aws.amazon.com/lambda/latest/api/API_ListEventSourceMappings.html

    :raises botocore.exceptions.ClientError: permission is missing, or Lambda can't answer.
    """
    try:
        pages = list(client.get_paginator("list_event_source_mappings").paginate(FunctionName=function))
    except client.exceptions.ResourceNotFoundException:
        return []
    return [_settings(found) for page in pages for found in page.get("EventSourceMappings", [])]


def _settings(found: "EventSourceMappingConfigurationTypeDef") -> MappingSettings:
    return MappingSettings(
        mapping=StreamMapping(event_source_arn=found.get("EventSourceArn"), state=found["State"]),
        uuid=found["UUID"],
        last_result=found.get("LastProcessingResult", ""),
        response_types=tuple(found.get("FunctionResponseTypes", ())),
        bisects=found.get("BisectBatchOnFunctionError", False),
        most_retries=found.get("MaximumRetryAttempts", _ENDLESS),
        record_age=found.get("MaximumRecordAgeInSeconds", _ENDLESS),
        destination=found.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"),
        filters=tuple(one.get("Pattern", "") for one in found.get("FilterCriteria", {}).get("Filters", [])),
    )


def denied(client: "IAMClient", role: str, needed: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return those of the actions in ``needed`` that a role may not do; both are actions by ARN.

    IAM looks at the role's policies, its permissions boundary and the organization's policies, not at those of
    resources. https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html

    :raises botocore.exceptions.ClientError: permission is missing, or IAM can't answer.
    """
    found = {arn: list(_denied_on(client, role, arn, actions)) for arn, actions in needed.items()}
    return {arn: actions for arn, actions in found.items() if actions}


def _denied_on(client: "IAMClient", role: str, arn: str, actions: Sequence[str]) -> Iterator[str]:
    pages = client.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=role, ActionNames=actions, ResourceArns=[arn]
    )
    for page in pages:
        for result in page.get("EvaluationResults", []):
            if result["EvalDecision"] != "allowed":
                yield result["EvalActionName"]

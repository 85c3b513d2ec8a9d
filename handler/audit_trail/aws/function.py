"""The function: its configuration, the event source mappings that call it, and what its role may do."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from audit_trail.core.doctor.facts import Function, MappingSettings, Unseen
from audit_trail.core.doctor.function import Control
from audit_trail.core.stream_health import Mapping as StreamMapping

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient
    from types_boto3_iam.type_defs import EvaluationResultTypeDef
    from types_boto3_lambda import LambdaClient
    from types_boto3_lambda.type_defs import EventSourceMappingConfigurationTypeDef

_ENDLESS = -1
_IDLE = frozenset({"Disabled", "Disabling", "Deleting"})


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


def readers_of(client: "LambdaClient", stream: str) -> tuple[str, ...]:
    """Return the ARNs of the functions that event source mappings give a stream's records to, disabled ones left out.

    https://docs.aws.amazon.com/lambda/latest/api/API_ListEventSourceMappings.html

    :raises botocore.exceptions.ClientError: permission is missing, or Lambda can't answer.
    """
    pages = client.get_paginator("list_event_source_mappings").paginate(EventSourceArn=stream)
    found = [one for page in pages for one in page.get("EventSourceMappings", [])]
    return tuple(one["FunctionArn"] for one in found if one["State"] not in _IDLE)


def denied(
    client: "IAMClient", role: str, needed: Mapping[str, Sequence[str]], control: Control
) -> dict[str, list[str]] | Unseen:
    """Return those of the actions in ``needed`` that a role may not do; both are actions by ARN.

    A simulator whose answer to the control question is wrong isn't believed. IAM looks at the role's policies, its permissions boundary and the organization's policies, not at those of
    resources. https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html

    :raises botocore.exceptions.ClientError: permission is missing, or IAM can't answer.
    """
    if wrong := _wrong_about(client, role, control):
        return Unseen("iam:SimulatePrincipalPolicy", "ControlFailed", denied=False, why=wrong)
    found = {arn: list(_denied_on(client, role, arn, actions)) for arn, actions in needed.items()}
    return {arn: actions for arn, actions in found.items() if actions}


def _wrong_about(client: "IAMClient", role: str, control: Control) -> str:
    answer = client.simulate_principal_policy(
        PolicySourceArn=role,
        PolicyInputList=[control.policy],
        ActionNames=[control.allowed, control.refused],
        ResourceArns=[control.arn],
    )
    found = {result["EvalActionName"]: result for result in answer.get("EvaluationResults", [])}
    allowed, refused = found.get(control.allowed), found.get(control.refused)
    if allowed is None or not (allowed["EvalDecision"] == "allowed" or _says_what_forbids(allowed)):
        wrong = f"does not allow {control.allowed}, although a policy with a wildcard allows it"
    elif refused is None or refused["EvalDecision"] == "allowed":
        wrong = f"allows {control.refused}, although a policy with a wildcard denies it"
    else:
        return ""
    return f"IAM's simulator can't be believed: asked about {control.arn}, it {wrong}"


def _says_what_forbids(result: "EvaluationResultTypeDef") -> bool:
    # A permissions boundary, an organization or a statement that denies outweighs what the control's policy allows.
    return (
        bool(result.get("MatchedStatements"))
        or not result.get("PermissionsBoundaryDecisionDetail", {}).get("AllowedByPermissionsBoundary", True)
        or not result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True)
    )


def _denied_on(client: "IAMClient", role: str, arn: str, actions: Sequence[str]) -> Iterator[str]:
    pages = client.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=role, ActionNames=actions, ResourceArns=[arn]
    )
    for page in pages:
        for result in page.get("EvaluationResults", []):
            if result["EvalDecision"] != "allowed":
                yield result["EvalActionName"]

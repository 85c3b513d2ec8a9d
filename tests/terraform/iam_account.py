"""IAM's decision about single requests, and an account in which whoever has a role may change others.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from tests.terraform.test_permissions import as_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Statements = list[dict[str, Any]]
EVERYTHING: Statements = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]


def allowed(statements: Statements, action: str, resource: str, context: Mapping[str, str] | None = None) -> bool:
    """Tell whether the statements of identity policies allow a request: one Allow, and no Deny."""
    effects = {one["Effect"] for one in statements if _applies(one, action, resource, context or {})}
    return effects == {"Allow"}


def _applies(statement: dict[str, Any], action: str, resource: str, context: Mapping[str, str]) -> bool:
    assert statement.keys() <= {"Sid", "Effect", "Action", "Resource", "Condition"}
    return (
        any(fnmatchcase(action.lower(), pattern.lower()) for pattern in as_list(statement["Action"]))
        and any(fnmatchcase(resource, pattern) for pattern in as_list(statement["Resource"]))
        and all(
            _met(operator, context.get(key), as_list(values))
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def _met(operator: str, value: str | None, wanted: list[str]) -> bool:
    if operator == "ArnNotLike":  # met as well where the request has no such key
        return value is None or not any(fnmatchcase(value, pattern) for pattern in wanted)
    # A key that the request doesn't have meets none of these.
    if operator in {"StringEquals", "ArnEquals"}:
        return value in wanted
    assert operator == "StringLike", f"{operator} is not evaluated here"
    return value is not None and any(fnmatchcase(value, pattern) for pattern in wanted)


@dataclass(frozen=True)
class Role:
    """A role: its own policies by name, and the ARN of its boundary."""

    boundary: str | None = None
    policies: Mapping[str, Statements] = field(default_factory=dict)


class Refused(Exception):  # noqa: N818
    """IAM refuses the request."""


@dataclass
class Account:
    """Roles and managed policies, by ARN, and somebody who calls IAM with nothing but ``statements``."""

    statements: Statements
    roles: dict[str, Role]
    managed: dict[str, Statements]

    def create_role(self, role: str, boundary: str | None = None) -> None:
        """Make a role; the condition's key is the boundary that the request would set."""
        self._ask("iam:CreateRole", role, boundary)
        assert role not in self.roles
        self.roles[role] = Role(boundary)

    def delete_role(self, role: str) -> None:
        """Delete a role."""
        self._ask("iam:DeleteRole", role)
        del self.roles[role]

    def put_role_policy(self, role: str, statements: Statements) -> None:
        """Write an inline policy; the key is the boundary that the role has."""
        self._ask("iam:PutRolePolicy", role, self.roles[role].boundary)
        self.roles[role] = replace(self.roles[role], policies={**self.roles[role].policies, "put": statements})

    def put_role_permissions_boundary(self, role: str, boundary: str) -> None:
        """Set a role's boundary; the key is the one that the request would set."""
        self._ask("iam:PutRolePermissionsBoundary", role, boundary)
        self.roles[role] = replace(self.roles[role], boundary=boundary)

    def delete_role_permissions_boundary(self, role: str) -> None:
        """Take a role's boundary off."""
        self._ask("iam:DeleteRolePermissionsBoundary", role, self.roles[role].boundary)
        self.roles[role] = replace(self.roles[role], boundary=None)

    def attach_role_policy(self, role: str, policy: str) -> None:
        """Attach a managed policy; the key is the boundary that the role has."""
        self._ask("iam:AttachRolePolicy", role, self.roles[role].boundary)
        self.put_role_policy(role, self.managed[policy])

    def update_assume_role_policy(self, role: str) -> None:
        """Change who may take a role; IAM knows no such key here."""
        self._ask("iam:UpdateAssumeRolePolicy", role)

    def create_policy_version(self, policy: str, statements: Statements) -> None:
        """Change what a managed policy says."""
        self._ask("iam:CreatePolicyVersion", policy)
        self.managed[policy] = statements

    def set_default_policy_version(self, policy: str, statements: Statements) -> None:
        """Go back to what a managed policy said once."""
        self._ask("iam:SetDefaultPolicyVersion", policy)
        self.managed[policy] = statements

    def delete_policy(self, policy: str) -> None:
        """Delete a managed policy."""
        self._ask("iam:DeletePolicy", policy)
        del self.managed[policy]

    def pass_role(self, role: str, service: str) -> None:
        """Give a role to a service."""
        if not allowed(self.statements, "iam:PassRole", role, {"iam:PassedToService": service}):
            raise Refused("iam:PassRole")

    def may(self, role: str, action: str, resource: str) -> bool:
        """Tell what a role may do: what its policies and its boundary both allow."""
        one = self.roles[role]
        own = [statement for statements in one.policies.values() for statement in statements]
        bounds = EVERYTHING if one.boundary is None else self.managed[one.boundary]
        return allowed(own, action, resource) and allowed(bounds, action, resource)

    def can_do(self, role: str, requests: Iterable[tuple[str, str]]) -> set[str]:
        """Return the actions of those requests that a role may do."""
        return {action for action, resource in requests if self.may(role, action, resource)}

    def _ask(self, action: str, resource: str, boundary: str | None = None) -> None:
        context = {} if boundary is None else {"iam:PermissionsBoundary": boundary}
        if not allowed(self.statements, action, resource, context):
            raise Refused(action)

"""The function, its settings and its role."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from audit_trail.core.doctor.facts import Facts, Function, SourceTable, seen
from audit_trail.core.doctor.findings import Finding, Section, ok, problem, unknown, warning
from audit_trail.core.keys import KeySchema
from audit_trail.core.records import OLD_AND_NEW

_DEFAULTS = {"IMAGE_STORAGE": OLD_AND_NEW, "TIME_INDEX_SHARDS": "0", "ACTOR_INDEX_SHARDS": "0"}
SETTINGS = (
    "AUDIT_TABLE",
    "PARTITION_KEY",
    "SORT_KEY",
    "TRAIL_BUCKET",
    "FAILURES_BUCKET",
    "RETENTION_DAYS",
    "ACTOR_ATTRIBUTE",
    "REASON_ATTRIBUTE",
    *_DEFAULTS,
)
"""The function's settings by which records are made and stored."""


def state(facts: Facts) -> Finding:
    """Check that the function exists and runs.

    https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
    """
    found = seen(facts.function)
    name = found.name if found else seen(facts.settings)["FUNCTION"]
    return runs(found, name, Section.FUNCTION_ERRORS)


def runs(found: Function | None, name: str, section: Section) -> Finding:
    """Judge whether a function exists and runs."""
    if found is None:
        return problem(_gone(name), section)
    because = f" ({found.reason})" if found.reason else ""
    if found.state == "Failed":
        return problem(f"{name} is Failed{because}: `make deploy`", section)
    if found.update_status == "Failed":
        return problem(f"the last update of {name} failed{because}: `make deploy`", section)
    if found.state != "Active":
        return warning(f"{name} is {found.state}{because}, not Active: look again in a minute", section)
    return ok(f"{name} is Active")


def settings(facts: Facts) -> Finding:
    """Check that the function's settings are this audit table's, and its keys those of the tables."""
    found = seen(facts.function)
    if found is None:
        return unknown(_gone(seen(facts.settings)["FUNCTION"]), Section.FUNCTION_ERRORS)
    has = seen(found.environment)
    wanted = dict(seen(facts.settings))
    if isinstance(facts.source, SourceTable):
        keys = facts.source.key_schema
        wanted |= {"PARTITION_KEY": keys.partition_key, "SORT_KEY": keys.sort_key or ""}
    differing = [name for name in SETTINGS if _value(has, name) != _value(wanted, name)]
    if differing:
        return problem(
            f"{', '.join(differing)} of {found.name}: not what the tables and the audit table's tags say; `make deploy`",
            Section.FUNCTION_ERRORS,
        )
    written = KeySchema(has["PARTITION_KEY"], has.get("SORT_KEY") or None).audit_partition_key
    if written != facts.table.partition_key:
        return problem(
            f"{facts.table.name} has another partition key than the one that the function writes, so that every record "
            "is refused: `make plan` shows what differs",
            Section.CHANGES_NOT_STORED,
        )
    return ok("its settings agree with the tables' keys and the audit table's tags")


def _value(settings: Mapping[str, str], name: str) -> str:
    return settings.get(name) or _DEFAULTS.get(name, "")


def _gone(name: str) -> str:
    return f"the function {name} is gone: `make deploy`"


def needed_by_role(table: str, stream: str | None, history: str, failures: str, log_group: str) -> dict[str, list[str]]:
    """Return what the function's role must be allowed: actions by the ARN that they are for.

    Each argument is an ARN. Terraform grants them in audit_table.tf, event_source_mapping.tf, buckets.tf, lambda.tf.
    """
    needed = {
        table: ["dynamodb:PartiQLInsert"],
        f"{history}/images/x": ["s3:PutObject"],
        f"{failures}/quarantine/x": ["s3:PutObject"],
        f"{failures}/aws/lambda/x": ["s3:PutObject"],
        failures: ["s3:ListBucket"],
        f"{log_group}:log-stream:x": ["logs:CreateLogStream", "logs:PutLogEvents"],
    }
    if stream is not None:
        reading = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
        needed[stream] = [f"dynamodb:{action}" for action in reading]
    return needed


@dataclass(frozen=True, slots=True)
class Control:
    """A question whose right answer is known, so that an IAM simulator shows whether it can be believed.

    It is asked with a policy of its own beside the role's, which allows by a wildcard what the role may do anyway.
    """

    arn: str
    policy: str
    """JSON."""
    allowed: str
    refused: str
    """The actions that the policy allows and denies on the ARN."""


def control(bucket: str) -> Control:
    """Return the control question of a trail; ``bucket`` is the ARN of the one that has the quarantine."""
    objects, allowed, refused = f"{bucket}/quarantine/*", "s3:PutObject", "s3:DeleteObject"
    statements = [
        {"Effect": effect, "Action": action, "Resource": objects}
        for effect, action in (("Allow", allowed), ("Deny", refused))
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    return Control(f"{bucket}/quarantine/x", policy, allowed, refused)


def role_permissions(facts: Facts) -> Finding:
    """Check that the function's role may do what it needs, as far as IAM's simulator knows."""
    if seen(facts.function) is None:
        return unknown(_gone(seen(facts.settings)["FUNCTION"]), Section.FUNCTION_ERRORS)
    denied = seen(facts.denied_to_role)
    if denied:
        listed = "; ".join(f"{', '.join(actions)} on {arn}" for arn, actions in denied.items())
        return problem(
            f"the function's role may not do {listed}: `make plan` shows what differs", Section.CHANGES_NOT_STORED
        )
    return ok("the function's role may do all that it needs")

"""Who may do what, where the engine enforces IAM: the function's role, a reader, the application.

BatchExecuteStatement, which MiniStack alone takes for an action (enforcing.py), is granted, so that the tests make every
other PartiQL call by ExecuteStatement.
"""

from __future__ import annotations

import json
import random
import time
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.core.failures import quarantined
from tests.e2e.enforcing import DENIED, ORDER, allow, client_as, refusal, user
from tests.e2e.probing import zipped
from tests.unit.fakes import numbered_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Deployment


def _objects(enforcing: Deployment, bucket: str) -> list[str]:
    """Return the keys of everything in a bucket, in order."""
    return [one["Key"] for one in enforcing.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])]


def _failures(enforcing: Deployment) -> list[str]:
    """Return the keys of everything in the failures bucket, in order."""
    return _objects(enforcing, enforcing.failures_bucket)


def _until(done: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline, "the change did not reach the audit table within 20 seconds"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def record(enforcing: Deployment) -> dict[str, Any]:
    """Give the order's record from the audit table, read as root."""

    def found() -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = enforcing.client("dynamodb").scan(TableName=enforcing.audit_table)["Items"]
        return items

    _until(found)
    return found()[0]


@pytest.fixture(scope="module")
def attempts(enforcing: Deployment, record: dict[str, Any]) -> dict[str, str]:
    """Give what each call on the audit table met in a function that has the trail function's role."""
    table = enforcing.audit_table
    key = {"order_id": record["order_id"], "timestamp": record["timestamp"]}
    where = f"WHERE order_id = 4711 AND \"timestamp\" = '{record['timestamp']['S']}'"
    values = {":order": record["order_id"]}
    query = {"KeyConditionExpression": "order_id = :order", "ExpressionAttributeValues": values}
    insert = f"INSERT INTO \"{table}\" VALUE {{'order_id': 4712, 'timestamp': 'control'}}"
    calls = {
        "GetItem": ("get_item", {"TableName": table, "Key": key}),
        "BatchGetItem": ("batch_get_item", {"RequestItems": {table: {"Keys": [key]}}}),
        "Query": ("query", {"TableName": table, **query}),
        "Scan": ("scan", {"TableName": table}),
        "PutItem": ("put_item", {"TableName": table, "Item": key}),
        "UpdateItem": ("update_item", {"TableName": table, "Key": key}),
        "DeleteItem": ("delete_item", {"TableName": table, "Key": key}),
        "BatchWriteItem": ("batch_write_item", {"RequestItems": {table: [{"DeleteRequest": {"Key": key}}]}}),
        "TransactWriteItems": (
            "transact_write_items",
            {"TransactItems": [{"Delete": {"TableName": table, "Key": key}}]},
        ),
        "PartiQL SELECT": ("execute_statement", {"Statement": f'SELECT * FROM "{table}" {where}'}),  # noqa: S608  the test\'s own names
        "PartiQL UPDATE": ("execute_statement", {"Statement": f"UPDATE \"{table}\" SET actor = 'nobody' {where}"}),  # noqa: S608  the test\'s own names
        "PartiQL DELETE": ("execute_statement", {"Statement": f'DELETE FROM "{table}" {where}'}),  # noqa: S608  the test\'s own names
        "DeleteTable": ("delete_table", {"TableName": table}),
        "control": ("batch_execute_statement", {"Statements": [{"Statement": insert}]}),
    }
    function = enforcing.client("lambda")
    role = function.get_function(FunctionName=enforcing.function)["Configuration"]["Role"]
    function.create_function(
        FunctionName="probe",
        Role=role,
        Runtime="python3.13",
        Handler="permission_probe.handler",
        Code={"ZipFile": zipped("permission_probe.py")},
        Timeout=30,
    )
    answer = function.invoke(FunctionName="probe", Payload=json.dumps({"calls": calls}).encode())
    answers: dict[str, str] = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, answers
    return answers


def test_the_pipeline_works_under_enforced_permissions(record: dict[str, Any]) -> None:
    """With IAM enforced, the role and the one action that MiniStack invents bring a change into the audit table."""
    assert record["keys"] == {"M": ORDER}
    assert record["new_image"] == {"M": {**ORDER, "status": {"S": "new"}, "updated_by": {"S": "mia"}}}


def test_the_functions_role_can_neither_read_nor_rewrite_history(
    enforcing: Deployment, attempts: dict[str, str], record: dict[str, Any]
) -> None:
    """Every call of the function's role on the audit table, other than PartiQL INSERT, is denied."""
    refused = {name: code for name, code in attempts.items() if name != "control"}
    assert refused == dict.fromkeys(refused, DENIED)
    assert len(refused) == 13
    assert attempts["control"] == "ok"
    items = enforcing.client("dynamodb").scan(TableName=enforcing.audit_table)["Items"]
    assert record in items
    assert {"order_id": {"N": "4712"}, "timestamp": {"S": "control"}} in items


def test_the_check_of_the_stream_may_see_what_it_compares(enforcing: Deployment) -> None:
    """With IAM enforced, the check's own role, with the action that MiniStack invents, suffices for what it looks at."""
    name, function = enforcing.outputs["stream_check_function_name"], enforcing.client("lambda")
    role = function.get_function(FunctionName=name)["Configuration"]["Role"].rpartition("/")[2]
    # MiniStack takes GetEventSourceMapping for this one.
    listing = allow("lambda:ListEventSourceMappings", "*")
    enforcing.client("iam").put_role_policy(RoleName=role, PolicyName="emulator", PolicyDocument=listing)
    answer = function.invoke(FunctionName=name, Payload=b"{}")
    assert json.loads(answer["Payload"].read()) == {"problems": []}


@pytest.fixture(scope="module")
def reader(enforcing: Deployment) -> dict[str, str]:
    """Give the credentials of a user who has the reader policy alone."""
    credentials = user(enforcing, "reader", enforcing.outputs["reader_policy_json"])
    # MiniStack checks this one on no resource; AWS on the table, which the reader policy names.
    tags = allow("dynamodb:ListTagsOfResource", "*")
    enforcing.client("iam").put_user_policy(UserName="reader", PolicyName="emulator", PolicyDocument=tags)
    return credentials


@pytest.fixture(scope="module")
def large(enforcing: Deployment) -> None:
    """Let an order have a change whose images lie in the bucket: over 400 KB, of what gzip can't make less."""
    noise = random.Random(1).randbytes(390_000)
    large = {"order_id": {"N": "4713"}, "status": {"S": "large"}, "noise": {"B": noise}}
    dynamodb = enforcing.client("dynamodb")
    dynamodb.put_item(TableName=enforcing.source_table, Item=large)
    changed = large | {"noise": {"B": noise[::-1]}}
    dynamodb.put_item(TableName=enforcing.source_table, Item=changed)
    _until(lambda: [key for key in _objects(enforcing, enforcing.bucket) if key.startswith("images/")])


@pytest.mark.usefixtures("record", "large")
@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("history 4711 --json", '"status": "new"'),
        ("history 4713 --json", '"status": "large"'),
        ("show 4711 today --json", '"status": "new"'),
        ("diff 4711 2d now --json", '"status": "new"'),
        ("report 4711 -o -", "new"),
        ("search --attribute status --json", '"status": "new"'),
        ("search --actor mia --json", '"status": "new"'),
        ("tail --since 1h --limit 1 --json", '"status": "new"'),
    ],
)
def test_the_reader_policy_is_enough_to_read(
    enforcing: Deployment, reader: dict[str, str], command: str, shown: str
) -> None:
    """Whoever has the reader policy can run every command that reads, by either index, and read images in the bucket."""
    done = enforcing.trail(*command.split(), credentials=reader)
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout
    if "search" in command:
        assert done.stderr.startswith("Index by_actor" if "--actor" in command else "Index by_time")


def test_a_reader_needs_each_statement_of_the_policy(
    enforcing: Deployment, record: dict[str, Any], large: None
) -> None:
    """Without any one statement of the reader policy, some command that reads is refused: it holds nothing superfluous."""
    policy = json.loads(enforcing.outputs["reader_policy_json"])
    iam = enforcing.client("iam")
    credentials = user(enforcing, "lacking", json.dumps(policy))
    needed = {
        "ReadHistory": ("history", "4711"),
        "FindTrail": ("history", "4711"),
        "DescribeKeys": ("history", "4711"),
        "ReadImages": ("history", "4713"),
        "SearchHistory": ("search",),
    }
    assert [statement["Sid"] for statement in policy["Statement"]] == [*needed]
    for lacking, words in needed.items():
        rest = [statement for statement in policy["Statement"] if statement["Sid"] != lacking]
        # As above, for MiniStack, but for where it's this one that is lacking.
        tags = [] if lacking == "FindTrail" else [json.loads(allow("dynamodb:ListTagsOfResource", "*"))["Statement"][0]]
        iam.put_user_policy(
            UserName="lacking", PolicyName="only", PolicyDocument=json.dumps(policy | {"Statement": rest + tags})
        )
        done = enforcing.trail(*words, credentials=credentials)
        assert done.returncode == 3, lacking
        assert "attach" in done.stderr, lacking


def test_a_reader_reads_no_orders_and_changes_nothing(
    enforcing: Deployment, record: dict[str, Any], reader: dict[str, str]
) -> None:
    """Whoever has the reader policy can neither read orders, nor scan or change the history, nor put back failures."""
    scanned = enforcing.trail("search", "--scan", credentials=reader)
    assert (scanned.returncode, scanned.stdout) == (3, "")
    assert "the reader policy leaves out on purpose" in scanned.stderr
    assert enforcing.trail("redrive", credentials=reader).returncode == 3

    dynamodb = client_as(enforcing, reader)
    audit_key = {"order_id": record["order_id"], "timestamp": record["timestamp"]}
    orders, audit = enforcing.source_table, enforcing.audit_table
    assert refusal(dynamodb.get_item, TableName=orders, Key=ORDER) == DENIED
    assert refusal(dynamodb.scan, TableName=orders) == DENIED
    assert refusal(dynamodb.scan, TableName=audit, IndexName="by_time") == DENIED
    assert refusal(dynamodb.put_item, TableName=orders, Item=ORDER) == DENIED
    assert refusal(dynamodb.put_item, TableName=audit, Item=audit_key) == DENIED
    assert refusal(dynamodb.update_item, TableName=audit, Key=audit_key) == DENIED
    assert refusal(dynamodb.delete_item, TableName=audit, Key=audit_key) == DENIED
    insert = f"INSERT INTO \"{audit}\" VALUE {{'order_id': 1, 'timestamp': 'forged'}}"
    assert refusal(dynamodb.execute_statement, Statement=insert) == DENIED
    dynamodb.close()


def test_the_application_writes_orders_and_reads_no_history(enforcing: Deployment, record: dict[str, Any]) -> None:
    """Whoever has the application policy can write and read orders, and can't read or change the audit table."""
    credentials = user(enforcing, "application", enforcing.outputs["application_policy_json"])
    dynamodb = client_as(enforcing, credentials)
    audit_key = {"order_id": record["order_id"], "timestamp": record["timestamp"]}
    orders, audit = enforcing.source_table, enforcing.audit_table
    other = {"order_id": {"N": "4713"}}
    assert refusal(dynamodb.put_item, TableName=orders, Item=other) == "ok"
    assert refusal(dynamodb.get_item, TableName=orders, Key=other) == "ok"
    assert refusal(dynamodb.get_item, TableName=audit, Key=audit_key) == DENIED
    assert refusal(dynamodb.scan, TableName=audit) == DENIED
    assert refusal(dynamodb.delete_item, TableName=audit, Key=audit_key) == DENIED
    dynamodb.close()


def test_an_operator_puts_back_what_the_function_quarantined(enforcing: Deployment, record: dict[str, Any]) -> None:
    """The function's role suffices to quarantine, and the operator policy to list and put back, but to read no history."""
    source = enforcing.client("dynamodb").describe_table(TableName=enforcing.source_table)["Table"]
    own = {"eventSourceARN": source["LatestStreamArn"]}  # what comes from another table's stream isn't put back
    bad = numbered_record(1, new={"order_id": {"N": "1"}, "date": {"DATE": "today"}}) | own
    late = numbered_record(2, new={"order_id": {"N": "4714"}, "status": {"S": "late"}}) | own
    good = quarantined(late, "an old bug", "1")
    answer = enforcing.client("lambda").invoke(
        FunctionName=enforcing.function, Payload=json.dumps({"Records": [bad]}).encode()
    )
    assert json.loads(answer["Payload"].read()) == {"batchItemFailures": []}
    # Where the function put it when the trail had one bucket.
    enforcing.client("s3").put_object(Bucket=enforcing.bucket, Key=good[0], Body=good[1], IfNoneMatch="*")
    kept = quarantined(bad, "", "")[0]
    assert _failures(enforcing) == [kept]

    credentials = user(enforcing, "operator", enforcing.outputs["operator_policy_json"])
    # MiniStack checks both on no resource, and knows no PartiQLInsert; AWS checks what the operator policy names.
    emulator = allow("dynamodb:ListTagsOfResource", "*"), allow("dynamodb:BatchExecuteStatement", "*")
    for number, more in enumerate(emulator):
        enforcing.client("iam").put_user_policy(
            UserName="operator", PolicyName=f"emulator-{number}", PolicyDocument=more
        )
    listed = enforcing.trail("failures", "--json", credentials=credentials)
    done = enforcing.trail("redrive", "--json", credentials=credentials)

    assert (listed.returncode, len(listed.stdout.splitlines())) == (0, 2), listed.stderr
    assert done.returncode == 1, done.stderr
    became = {line["key"]: line["became"] for line in map(json.loads, done.stdout.splitlines())}
    assert became == {kept: "stays", good[0]: "moved"}
    assert _failures(enforcing) == sorted([kept, f"redriven/{good[0]}"])
    items = enforcing.client("dynamodb").scan(TableName=enforcing.audit_table)["Items"]
    assert {"M": {"order_id": {"N": "4714"}, "status": {"S": "late"}}} in [item.get("new_image") for item in items]

    dynamodb = client_as(enforcing, credentials)
    audit_key = {"order_id": record["order_id"], "timestamp": record["timestamp"]}
    assert refusal(dynamodb.get_item, TableName=enforcing.audit_table, Key=audit_key) == DENIED
    assert refusal(dynamodb.delete_item, TableName=enforcing.audit_table, Key=audit_key) == DENIED
    # Single items it may read and write, for restore.
    assert refusal(dynamodb.scan, TableName=enforcing.source_table) == DENIED
    dynamodb.close()


def test_the_doctor_sees_everything_it_judges(enforcing: Deployment, record: dict[str, Any]) -> None:
    """Whoever has the doctor policy misses no permission for `trail doctor`, and can read neither history nor orders."""
    credentials = user(enforcing, "doctor", enforcing.outputs["doctor_policy_json"])
    # MiniStack checks these on no resource; AWS on what the doctor policy names.
    for number, action in enumerate(
        ("dynamodb:ListTagsOfResource", "iam:SimulatePrincipalPolicy", "cloudwatch:DescribeAlarms")
    ):
        enforcing.client("iam").put_user_policy(
            UserName="doctor", PolicyName=f"emulator-{number}", PolicyDocument=allow(action, "*")
        )
    done = enforcing.trail("doctor", "--json", credentials=credentials)
    found = {line["check"]: line for line in map(json.loads, done.stdout.splitlines())}
    assert [line["sentence"] for line in found.values() if "may not do" in line["sentence"]] == [], done.stderr
    assert {name for name, line in found.items() if line["verdict"] == "unknown"} <= {"last-change"}
    assert found["role-permissions"]["verdict"] == "ok"

    dynamodb = client_as(enforcing, credentials)
    audit_key = {"order_id": record["order_id"], "timestamp": record["timestamp"]}
    assert refusal(dynamodb.get_item, TableName=enforcing.audit_table, Key=audit_key) == DENIED
    assert refusal(dynamodb.get_item, TableName=enforcing.source_table, Key=ORDER) == DENIED
    dynamodb.close()


def test_a_role_that_lost_a_permission_is_found(enforcing: Deployment) -> None:
    """A permission that is taken from the function's role is named by `trail doctor`, and so is one of the caller's own."""
    iam, role = enforcing.client("iam"), enforcing.outputs["function_role_name"]
    policy = iam.get_role_policy(RoleName=role, PolicyName="audit-table")["PolicyDocument"]
    iam.delete_role_policy(RoleName=role, PolicyName="audit-table")
    try:
        done = enforcing.trail("doctor", "--json")
    finally:
        iam.put_role_policy(RoleName=role, PolicyName="audit-table", PolicyDocument=json.dumps(policy))
    found = {line["check"]: line for line in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 1
    assert found["role-permissions"]["verdict"] == "problem"
    assert f"dynamodb:PartiQLInsert on {enforcing.outputs['audit_table_arn']}:" in found["role-permissions"]["sentence"]

    reader = user(enforcing, "blind", enforcing.outputs["reader_policy_json"])
    tags = allow("dynamodb:ListTagsOfResource", "*")
    iam.put_user_policy(UserName="blind", PolicyName="emulator", PolicyDocument=tags)
    blind = enforcing.trail("doctor", "--json", credentials=reader)
    sentences = [
        line["sentence"] for line in map(json.loads, blind.stdout.splitlines()) if line["verdict"] == "unknown"
    ]
    assert blind.returncode == 0, blind.stderr
    assert any("may not do lambda:ListEventSourceMappings" in sentence for sentence in sentences)
    assert any("may not do s3:ListBucket" in sentence for sentence in sentences)

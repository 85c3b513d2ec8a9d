"""Who may archive, verify, record baselines and restore, where the engine enforces IAM (enforcing.py)."""

from __future__ import annotations

import json
import random
import time
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.core.failures import quarantined, understand
from tests.builders import TTL_IDENTITY
from tests.e2e.enforcing import DENIED, allow, client_as, refusal, user
from tests.e2e.letters import Letters, key_of
from tests.e2e.probing import zipped
from tests.e2e.waiting import wait_until

if TYPE_CHECKING:
    import subprocess

    from tests.e2e.conftest import Deployment

REFUSED = {DENIED, "AccessDenied"}
EMULATOR = {"dynamodb:BatchExecuteStatement": "PartiQLInsert", "dynamodb:ListTagsOfResource": "ListTagsOfResource"}
"""What MiniStack checks on no resource, and what an IAM policy has for it (or would have) on AWS."""
OLD, LARGE, LATE = "old", "large", "late"
"""Letters: of one the first record has expired, one's images lie in the bucket, and one has no history."""


@pytest.fixture(scope="module")
def letters(enforcing: Deployment) -> Letters:
    """Give the trail with an archive and some history, part of it expired and archived under the archive's own role."""
    letters = Letters(enforcing)
    noise = random.Random(2).randbytes(390_000)
    written: dict[str, list[dict[str, Any]]] = {
        OLD: [{"status": {"S": "new"}}, {"status": {"S": "paid"}}],
        LARGE: [{"scan": {"B": noise}}, {"scan": {"B": noise[::-1]}}],
        LATE: [{"status": {"S": "new"}}],
    }
    for name, images in written.items():
        for image in images:
            put(letters, name, image)
    wait_until(lambda: len(letters.stored()) == 5, 30)
    letters.mapping("tampering")
    letters.expire([min(key_of(record) for record in letters.stored() if key_of(record)[0] == OLD)])
    letters.delete(next(key_of(record) for record in letters.stored() if key_of(record)[0] == LATE))
    letters.deliver("archive")
    return letters


def put(letters: Letters, name: str, image: dict[str, Any]) -> None:
    """Put a letter, as root."""
    item = {"letter": {"S": name}, "updated_by": {"S": "mia"}, **image}
    letters.dynamodb.put_item(TableName=letters.names["source_table"], Item=item)


def item(letters: Letters, name: str) -> dict[str, Any] | None:
    """Return a letter as it stands, as root."""
    found = letters.dynamodb.get_item(
        TableName=letters.names["source_table"], Key={"letter": {"S": name}}, ConsistentRead=True
    )
    image: dict[str, Any] | None = found.get("Item")
    return image


def statements(letters: Letters, *policies: str, but: str = "") -> list[dict[str, Any]]:
    """Return the statements of policies, and MiniStack's for those of them that AWS would check; all but one."""
    found = [one for name in policies for one in json.loads(letters.names[f"{name}_policy"])["Statement"]]
    kept = [one for one in found if one["Sid"] != but]
    actions = json.dumps([one["Action"] for one in kept])
    emulator = [name for name, on_aws in EMULATOR.items() if on_aws in actions]
    return kept + [one for name in emulator for one in json.loads(allow(name, "*"))["Statement"]]


class Person:
    """A user whose policies can be changed."""

    def __init__(self, letters: Letters, name: str) -> None:
        self._letters = letters
        self._name = name
        self.credentials = user(letters.deployment, name, allow("s3:ListAllMyBuckets", "*"))

    def may(self, allowed: list[dict[str, Any]]) -> None:
        """Let them do this and nothing else."""
        document = json.dumps({"Version": "2012-10-17", "Statement": allowed})
        iam = self._letters.deployment.client("iam")
        iam.put_user_policy(UserName=self._name, PolicyName="only", PolicyDocument=document)

    def runs(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `trail` on the letters' trail as this user."""
        return self._letters.deployment.trail(
            *words, audit_table=self._letters.names["audit_table"], credentials=self.credentials
        )


def probed(letters: Letters, service: str, calls: dict[str, tuple[str, dict[str, Any]]]) -> dict[str, str]:
    """Return what calls meet in a function that has the archive function's role."""
    functions, name = letters.deployment.client("lambda"), f"archive-probe-{service}"
    role = functions.get_function_configuration(FunctionName=letters.names["archive"])["Role"]
    functions.create_function(
        FunctionName=name,
        Role=role,
        Runtime="python3.13",
        Handler="permission_probe.handler",
        Code={"ZipFile": zipped("permission_probe.py")},
        Timeout=30,
    )
    answer = functions.invoke(
        FunctionName=name, Payload=json.dumps({"service": service, "calls": calls}).encode("ascii")
    )
    answers: dict[str, str] = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, answers
    return answers


def test_the_archives_role_is_enough_to_archive(letters: Letters) -> None:
    """With IAM enforced, the deployed archive function's role suffices to archive what expires, and to quarantine what can't be."""
    [key] = letters.objects()
    assert key.startswith(f"archive/dt={letters.expired[0][1][:10]}/")
    bad = {
        "eventName": "REMOVE",
        "userIdentity": TTL_IDENTITY,
        "eventSourceARN": letters.stream_arn("audit_table"),
        "dynamodb": {"SequenceNumber": "1", "Keys": {}, "ApproximateCreationDateTime": int(time.time())},
    }
    answer = letters.deployment.client("lambda").invoke(
        FunctionName=letters.names["archive"], Payload=json.dumps({"Records": [bad]}).encode()
    )
    assert json.loads(answer["Payload"].read()) == {"batchItemFailures": []}
    kept = quarantined(bad, "", "")[0]
    body = letters.deployment.client("s3").get_object(Bucket=letters.names["failures_bucket"], Key=kept)["Body"].read()
    assert understand(kept, body).records == [bad]
    letters.deployment.client("s3").delete_object(Bucket=letters.names["failures_bucket"], Key=kept)


def test_the_archives_role_can_do_nothing_else(letters: Letters) -> None:
    """With IAM enforced, the archive function's role can read or delete neither objects nor items, and write no others."""
    bucket, [archived] = letters.names["bucket"], letters.objects()
    [image, *_] = letters.objects("images/")
    objects = probed(
        letters,
        "s3",
        {
            "read the archive": ("get_object", {"Bucket": bucket, "Key": archived}),
            "delete from it": ("delete_object", {"Bucket": bucket, "Key": archived}),
            "read images": ("get_object", {"Bucket": bucket, "Key": image}),
            "write images": ("put_object", {"Bucket": bucket, "Key": "images/forged"}),
            "write elsewhere": ("put_object", {"Bucket": bucket, "Key": "redriven/forged"}),
            "read failures": ("get_object", {"Bucket": letters.names["failures_bucket"], "Key": "quarantine/x"}),
            "move failures": ("put_object", {"Bucket": letters.names["failures_bucket"], "Key": "redriven/x"}),
            "archive among failures": ("put_object", {"Bucket": letters.names["failures_bucket"], "Key": "archive/x"}),
            "control": ("put_object", {"Bucket": bucket, "Key": "archive/control"}),
        },
    )
    name, kept = letters.names["audit_table"], letters.stored()[0]
    key = {attribute: kept[attribute] for attribute in ("letter", "timestamp")}
    items = probed(
        letters,
        "dynamodb",
        {
            "read": ("get_item", {"TableName": name, "Key": key}),
            "scan": ("scan", {"TableName": name}),
            "write": ("put_item", {"TableName": name, "Item": key}),
            "change": ("update_item", {"TableName": name, "Key": key}),
            "delete": ("delete_item", {"TableName": name, "Key": key}),
            "insert": ("batch_write_item", {"RequestItems": {name: [{"PutRequest": {"Item": key}}]}}),
            "read letters": ("scan", {"TableName": letters.names["source_table"]}),
        },
    )
    letters.deployment.client("s3").delete_object(Bucket=bucket, Key="archive/control")
    assert objects.pop("control") == "ok"
    assert set(objects.values()) == {"AccessDenied"}, objects
    assert set(items.values()) == {DENIED}, items
    assert kept in letters.stored()


def test_a_verifier_needs_each_statement_of_the_policy(letters: Letters) -> None:
    """The verifier policy is enough to verify the whole table and an item with its archive; less any one statement, it isn't."""
    person = Person(letters, "verifier")
    across = ("verify", OLD, "--include-archive")
    needed = {
        "VerifyHistory": ("verify",),
        "CompareItems": ("verify",),
        "ReadImages": ("verify", LARGE),
        "TellGoneFromForbidden": across,
        "ReadArchive": across,
    }
    policy = json.loads(letters.names["verifier_policy"])
    assert [statement["Sid"] for statement in policy["Statement"]] == [*needed]
    person.may(statements(letters, "verifier"))
    for words in sorted({*needed.values()}):
        done = person.runs(*words)
        assert done.returncode == 0, done.stdout + done.stderr
    for lacking, words in needed.items():
        person.may(statements(letters, "verifier", but=lacking))
        done = person.runs(*words)
        assert done.returncode == 3, (lacking, done.stdout + done.stderr)


def test_a_verifier_changes_nothing(letters: Letters) -> None:
    """Whoever has the verifier policy can change neither items, nor their history, nor any object."""
    person = Person(letters, "changing")
    person.may(statements(letters, "verifier"))
    dynamodb = client_as(letters.deployment, person.credentials)
    s3 = client_as(letters.deployment, person.credentials, "s3")
    record = letters.stored()[0]
    key = {attribute: record[attribute] for attribute in ("letter", "timestamp")}
    for table, some in ((letters.names["audit_table"], key), (letters.names["source_table"], {"letter": {"S": OLD}})):
        assert refusal(dynamodb.put_item, TableName=table, Item=some) in REFUSED
        assert refusal(dynamodb.update_item, TableName=table, Key=some) in REFUSED
        assert refusal(dynamodb.delete_item, TableName=table, Key=some) in REFUSED
        assert refusal(dynamodb.get_item, TableName=table, Key=some) == (
            "ok" if table == letters.names["source_table"] else DENIED
        )
    statement = f"INSERT INTO \"{letters.names['audit_table']}\" VALUE {{'letter': 'x', 'timestamp': 'forged'}}"
    assert refusal(dynamodb.batch_execute_statement, Statements=[{"Statement": statement}]) in REFUSED
    for key_of_object in (letters.objects()[0], letters.objects("images/")[0]):
        where = {"Bucket": letters.names["bucket"], "Key": key_of_object}
        assert refusal(s3.put_object, **where, Body=b"") in REFUSED
        assert refusal(s3.delete_object, **where) in REFUSED
        assert refusal(s3.get_object, **where) == "ok"
    s3.close()
    dynamodb.close()


def test_a_baseline_takes_both_policies(letters: Letters) -> None:
    """With the verifier and the operator policy, `trail baseline` records an item without history; with the latter alone it can't."""
    person = Person(letters, "baseliner")
    for policies, code in ((["operator"], 3), (["verifier", "operator"], 0)):
        person.may(statements(letters, *policies))
        done = person.runs("baseline", "--json")
        assert done.returncode == code, (policies, done.stdout + done.stderr)
    assert json.loads(done.stdout) == {"dry_run": False, "items": 3, "without_history": 1, "recorded": 1, "failed": 0}
    assert [one["event_name"] for one in letters.trail("history", LATE)] == ["BASELINE"]


def test_an_operator_restores_by_one_statement(letters: Letters) -> None:
    """With reader and operator policy, `trail restore` updates, deletes and creates anew; less the action for it, it changes nothing."""
    person = Person(letters, "restorer")
    put(letters, "lost", {"status": {"S": "new"}})
    put(letters, "lost", {"status": {"S": "lost"}})
    wait_until(lambda: len([one for one in letters.stored() if one["letter"] == {"S": "lost"}]) == 2, 30)
    first = letters.trail("history", "lost")[1]["timestamp"]
    allowed = statements(letters, "reader", "operator")
    [restoring] = [one for one in allowed if one.get("Sid") == "RestoreItems"]
    rest = [one for one in allowed if one is not restoring]

    for action, words in (
        ("UpdateItem", ["--change", first]),
        ("DeleteItem", ["1d", "--allow-delete"]),
        ("PutItem", ["--change", first]),
    ):
        before = item(letters, "lost")
        for lacking in (action, "GetItem"):
            actions = [one for one in restoring["Action"] if one != f"dynamodb:{lacking}"]
            assert len(actions) == len(restoring["Action"]) - 1
            person.may([*rest, restoring | {"Action": actions}])
            refused = person.runs("restore", "lost", *words, "--yes")
            assert refused.returncode == 3, (action, lacking, refused.stdout + refused.stderr)
            assert item(letters, "lost") == before
        person.may(allowed)
        done = person.runs("restore", "lost", *words, "--yes")
        assert done.returncode == 0, (action, done.stdout + done.stderr)
        now = item(letters, "lost")
        assert now is None if action == "DeleteItem" else now is not None and now["status"] == {"S": "new"}
    person.may(rest)
    refused = person.runs("restore", "lost", "--change", letters.trail("history", "lost")[0]["timestamp"], "--yes")
    assert refused.returncode == 3

"""The bucket as a place for images: written once, and every failure told as one that may pass."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto.core import set_initial_no_auth_action_count

from audit_trail.aws.image_bucket import S3ImageStore, fetcher
from audit_trail.core.records import audit_item
from audit_trail.core.spill import Form, pack, unpack
from audit_trail.ports import RequestFailedError
from scripts.processes import free_port
from tests.unit.fakes import SETTINGS, numbered_record, order
from tests.unit.moto_bucket import BUCKET, REGION, body_of, make_client, moto_bucket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from types_boto3_s3 import S3Client

KEY = f"images/{hashlib.sha256(b'body').hexdigest()}.json.gz"
OTHER = f"images/{'b' * 64}.json.gz"


@pytest.fixture
def s3() -> Iterator[S3Client]:
    """Give a client in an account with the trail's bucket."""
    with moto_bucket() as client:
        yield client


def failure_of(make: Callable[[], S3Client], bucket: str = BUCKET) -> str:
    """Return the code with which a put fails."""
    with pytest.raises(RequestFailedError) as caught:
        S3ImageStore(make, bucket).put(KEY, b"body")
    assert caught.value.__cause__ is None
    return caught.value.code


def test_what_is_put_lies_in_the_bucket(s3: S3Client) -> None:
    """An object is stored under its key, byte by byte."""
    S3ImageStore(lambda: s3, BUCKET).put(KEY, b"\x1f\x8b\x00body")

    assert body_of(s3, KEY) == b"\x1f\x8b\x00body"
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == [KEY]


def test_a_second_put_is_success_and_replaces_nothing(s3: S3Client) -> None:
    """An object that is there already stays as it is, and putting it again is success."""
    store = S3ImageStore(lambda: s3, BUCKET)
    store.put(KEY, b"first")

    store.put(KEY, b"second")

    assert body_of(s3, KEY) == b"first"
    assert "Versions" in s3.list_object_versions(Bucket=BUCKET)
    assert len(s3.list_object_versions(Bucket=BUCKET)["Versions"]) == 1


def test_every_put_is_on_condition(s3: S3Client) -> None:
    """Every put carries If-None-Match: *, which the bucket's policy asks for, and is sent once."""
    sent: list[Any] = []
    s3.meta.events.register("before-send.s3.PutObject", lambda request, **_: sent.append(request.headers))
    store = S3ImageStore(lambda: s3, BUCKET)

    store.put(KEY, b"body")
    store.put(KEY, b"body")

    assert [headers["If-None-Match"] for headers in sent] == [b"*", b"*"]


def test_a_bucket_that_is_not_there(s3: S3Client) -> None:
    """Without the bucket, a put fails with S3's own code."""
    assert failure_of(lambda: s3, "another-bucket") == "NoSuchBucket"


def test_a_permission_that_is_missing(s3: S3Client) -> None:
    """Without the permission, a put fails with S3's own code."""
    iam = boto3.client("iam", region_name=REGION)
    iam.create_user(UserName="function")
    policy = {"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}, "Version": "2012-10-17"}
    iam.put_user_policy(UserName="function", PolicyName="reads", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName="function")["AccessKey"]
    named = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}

    enforced = set_initial_no_auth_action_count(0)(failure_of)
    assert enforced(lambda: make_client(**named)) == "AccessDenied"


def test_a_bucket_that_cannot_be_reached() -> None:
    """Where nothing answers, a put fails with the kind of failure as its code."""
    endpoint = f"http://127.0.0.1:{free_port()}"

    assert failure_of(lambda: make_client(endpoint_url=endpoint)) == "EndpointConnectionError"


@pytest.mark.parametrize(
    ("status", "code"), [(503, "SlowDown"), (500, "InternalError"), (409, "ConditionalRequestConflict")]
)
def test_a_bucket_that_cannot_now(s3: S3Client, status: int, code: str) -> None:
    """An answer that asks to try later is a failure with its code, never taken for a stored object."""
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}

    class Response:
        status_code = status

    def respond(**_: Any) -> Any:
        return Response(), answer

    s3.meta.events.register("before-call.s3.PutObject", respond)

    assert failure_of(lambda: s3) == code


def test_the_client_is_made_when_it_is_needed(s3: S3Client) -> None:
    """No client is made before the first object, and one for all of them."""
    made: list[S3Client] = []

    def make() -> S3Client:
        made.append(s3)
        return s3

    store, fetch = S3ImageStore(make, BUCKET), fetcher(make, [BUCKET])
    assert made == []
    assert store.bucket == BUCKET

    store.put(KEY, b"body")
    store.put(OTHER, b"body")
    assert len(made) == 1
    assert [fetch(f"s3://{BUCKET}/{key}") for key in (KEY, OTHER)] == [b"body", b"body"]
    assert len(made) == 2


def test_a_record_goes_there_and_back(s3: S3Client) -> None:
    """A record packed for S3 is read back equal by the object that lies there."""
    item = audit_item(numbered_record(1, old=order(1, text="a"), new=order(1, text="b")), SETTINGS)
    packed = pack(item, BUCKET, Form.S3)

    S3ImageStore(lambda: s3, BUCKET).put(packed.key, packed.body)

    assert unpack(packed.item, fetcher(lambda: s3, [BUCKET])) == item


def test_the_client_gives_up_soon() -> None:
    """The function's client tries once and waits for seconds, for its retries and its deadline are ours."""
    config: Any = make_client().meta.config

    assert (config.connect_timeout, config.read_timeout) == (1, 3)
    assert config.retries["total_max_attempts"] == 1

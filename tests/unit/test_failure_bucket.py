"""The bucket as the place where failures wait: every page listed, nothing moved that isn't copied first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.aws.failure_bucket import S3FailureBucket
from audit_trail.ports import RequestFailedError
from scripts.processes import free_port
from tests.unit.moto_bucket import BUCKET, FAILURES, body_of, keys_in, make_client, moto_bucket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from types_boto3_s3 import S3Client

KEY = "quarantine/b1946ac9.json"


@pytest.fixture
def s3() -> Iterator[S3Client]:
    """Give a client in an account with the trail's bucket."""
    with moto_bucket() as client:
        yield client


@pytest.fixture
def bucket(s3: S3Client) -> S3FailureBucket:
    """Give the adapter."""
    return S3FailureBucket(lambda: s3, BUCKET)


def put(s3: S3Client, *keys: str, body: bytes = b"body") -> None:
    """Put objects."""
    for key in keys:
        s3.put_object(Bucket=BUCKET, Key=key, Body=body)


def refuse(s3: S3Client, operation: str, code: str, when: Callable[[Any], bool] = lambda _: True) -> None:
    """Have S3 refuse an operation."""

    class Response:
        status_code = 403

    def respond(params: Any, **_: Any) -> Any:
        error = {"Error": {"Code": code, "Message": "body"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
        return (Response(), error) if when(params) else None

    s3.meta.events.register(f"before-call.s3.{operation}", respond)


def failure_of(call: Callable[[], object]) -> str:
    """Return the code with which a call fails."""
    with pytest.raises(RequestFailedError) as caught:
        call()
    assert caught.value.__cause__ is None
    return caught.value.code


def test_a_move_goes_into_the_bucket_that_is_told(s3: S3Client) -> None:
    """What waits in one bucket moves under redriven/ of another, where that is so; nothing of that name need be there."""
    put(s3, KEY)

    S3FailureBucket(lambda: s3, BUCKET, FAILURES).move(KEY, b"body")

    assert (keys_in(s3), keys_in(s3, FAILURES)) == ([], [f"redriven/{KEY}"])


def test_a_put_is_written_once(bucket: S3FailureBucket, s3: S3Client) -> None:
    """A quarantined record is stored under its key; a second put of that key is success and replaces nothing."""
    bucket.put(KEY, b"first")
    bucket.put(KEY, b"second")

    assert body_of(s3, KEY) == b"first"
    assert len(s3.list_object_versions(Bucket=BUCKET)["Versions"]) == 1


def test_a_put_that_is_refused_says_why(bucket: S3FailureBucket, s3: S3Client) -> None:
    """A put that S3 refuses fails with S3's code and without its message."""
    refuse(s3, "PutObject", "AccessDenied")

    assert failure_of(lambda: bucket.put(KEY, b"body")) == "AccessDenied"


def test_what_waits_is_listed_with_its_size_and_time(bucket: S3FailureBucket, s3: S3Client) -> None:
    """Objects under a prefix are listed in order, with key, size and time; others are not."""
    put(s3, "quarantine/b", "quarantine/a", "redriven/quarantine/c", "images/d")

    found = list(bucket.waiting("quarantine/"))

    assert [(one.key, one.size) for one in found] == [("quarantine/a", 4), ("quarantine/b", 4)]
    assert all(abs((datetime.now(UTC) - one.since).total_seconds()) < 60 for one in found)


def test_every_page_is_listed(bucket: S3FailureBucket, s3: S3Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more objects than S3 lists at once, every one is listed."""
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "10")
    keys = [f"aws/lambda/{number:04d}" for number in range(35)]
    put(s3, *keys)
    assert len(s3.list_objects_v2(Bucket=BUCKET)["Contents"]) == 10

    assert [one.key for one in bucket.waiting("aws/lambda/")] == keys


def test_an_empty_prefix_is_nothing(bucket: S3FailureBucket) -> None:
    """Where nothing waits, nothing is listed."""
    assert list(bucket.waiting("quarantine/")) == []


def test_an_object_is_read_whole(bucket: S3FailureBucket, s3: S3Client) -> None:
    """An object is read byte by byte."""
    put(s3, KEY, body=b"\x00\xffbody")

    assert bucket.read(KEY) == b"\x00\xffbody"


def test_an_object_that_is_gone_is_no_failure(bucket: S3FailureBucket, s3: S3Client) -> None:
    """An object that is not there any more reads as None, and moving it is success and makes none."""
    put(s3, KEY)
    s3.delete_object(Bucket=BUCKET, Key=KEY)

    assert bucket.read(KEY) is None
    bucket.move(KEY, b"body")
    assert keys_in(s3) == []


def test_a_read_that_is_refused_says_why(bucket: S3FailureBucket, s3: S3Client) -> None:
    """A read that S3 refuses fails with S3's code, and is never taken for an object that is gone."""
    refuse(s3, "GetObject", "AccessDenied")

    assert failure_of(lambda: bucket.read(KEY)) == "AccessDenied"


def test_an_object_moves_under_redriven(bucket: S3FailureBucket, s3: S3Client) -> None:
    """An object moves to the same key under redriven/, byte by byte."""
    put(s3, KEY, "quarantine/other")

    bucket.move(KEY, b"body")

    assert keys_in(s3) == ["quarantine/other", f"redriven/{KEY}"]
    assert body_of(s3, f"redriven/{KEY}") == b"body"


def test_a_move_may_be_repeated(bucket: S3FailureBucket, s3: S3Client) -> None:
    """Moving again what was moved before, by this run or another, changes nothing that counts."""
    put(s3, KEY)
    bucket.move(KEY, b"body")
    bucket.move(KEY, b"body")
    put(s3, KEY)

    bucket.move(KEY, b"body")

    assert keys_in(s3) == [f"redriven/{KEY}"]
    assert body_of(s3, f"redriven/{KEY}") == b"body"


@pytest.mark.parametrize("operation", ["CopyObject", "GetObject", "DeleteObject"])
def test_a_move_that_fails_anywhere_leaves_the_object(bucket: S3FailureBucket, s3: S3Client, operation: str) -> None:
    """Whichever step of a move S3 refuses, it fails with the code, and the object is where it was."""
    put(s3, KEY)
    refuse(s3, operation, "AccessDenied")

    assert failure_of(lambda: bucket.move(KEY, b"body")) == "AccessDenied"

    assert KEY in keys_in(s3)


def test_nothing_is_deleted_that_was_not_put_back(bucket: S3FailureBucket, s3: S3Client) -> None:
    """Where the copy is not what was put back, because somebody replaced the object, it stays."""
    put(s3, KEY, body=b"replaced")

    assert failure_of(lambda: bucket.move(KEY, b"body")) == "CopyDiffers"

    assert body_of(s3, KEY) == b"replaced"


def test_a_copy_that_is_gone_is_a_failure(bucket: S3FailureBucket, s3: S3Client) -> None:
    """Where the copy can't be found after it was made, the object is not deleted."""
    put(s3, KEY)
    refuse(s3, "GetObject", "NoSuchKey")

    assert failure_of(lambda: bucket.move(KEY, b"body")) == "CopyDiffers"

    assert KEY in keys_in(s3)


def test_a_bucket_that_cannot_be_reached() -> None:
    """Where nothing answers, each call fails with the kind of failure as its code."""
    bucket = S3FailureBucket(lambda: make_client(endpoint_url=f"http://127.0.0.1:{free_port()}"), BUCKET)

    calls: list[Callable[[], object]] = [
        lambda: bucket.read(KEY),
        lambda: bucket.move(KEY, b""),
        lambda: bucket.put(KEY, b""),
    ]
    assert [failure_of(call) for call in calls] == ["EndpointConnectionError"] * 3


def test_the_client_is_made_when_it_is_needed(s3: S3Client) -> None:
    """No client is made before the first call, and one for all of them."""
    made: list[S3Client] = []

    def make() -> S3Client:
        made.append(s3)
        return s3

    bucket = S3FailureBucket(make, BUCKET)
    assert made == []

    bucket.put(KEY, b"body")
    bucket.read(KEY)
    bucket.move(KEY, b"body")
    assert len(made) == 1

"""What every test can ask for."""

from __future__ import annotations

import functools
import os
import signal
import time
from typing import TYPE_CHECKING

import botocore.session
import pytest
from hypothesis import HealthCheck, settings

from scripts import engine, terraform
from tests import engines

if TYPE_CHECKING:
    from collections.abc import Iterator

# Time limits on single examples would make tests fail by the machine's load; large items are slow to make, not wrong.
_COMMON = settings(deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("default", _COMMON, max_examples=100)
settings.register_profile("nightly", _COMMON, max_examples=10_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or "default")

# No test, and no code under test, may find its way to a real account.
for _name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[_name]
os.environ |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
os.environ |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_DEFAULT_REGION": engine.REGION}

# Each session of boto3's reads and parses botocore's data anew, which takes longer than most tests: they share it.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)

# `trail` shows times in this machine's zone: in tests it's the same everywhere.
os.environ["TZ"] = "UTC"
time.tzset()


def pytest_configure() -> None:
    """Have SIGTERM (of `timeout`, or of a cancelled CI job) end the engines too, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --endpoint-url, so that the same tests run on any engine, and --leave-deployed for one that is thrown away."""
    parser.addoption("--endpoint-url", default=None, help="an engine that runs already, http://127.0.0.1:… for example")
    parser.addoption("--leave-deployed", action="store_true", help="don't destroy what was deployed there in the end")


@pytest.fixture(scope="session")
def endpoint_url(pytestconfig: pytest.Config) -> str | None:
    """Give the engine that was named by --endpoint-url or ENDPOINT."""
    given: str | None = pytestconfig.getoption("endpoint_url") or os.environ.get("ENDPOINT")
    return given or None


@pytest.fixture(scope="session")
def dynamodb_endpoint(endpoint_url: str | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give a DynamoDB by its true rules: DynamoDB Local, unless --endpoint-url names another engine."""
    if endpoint_url:
        yield endpoint_url
    else:
        with engines.dynamodb_local(tmp_path_factory.mktemp("dynamodb-local")) as endpoint:
            yield endpoint


@pytest.fixture(scope="session")
def needs_terraform() -> None:
    """Skip, with the reason, where ALLOW_NO_TERRAFORM=1 and Terraform can't be had."""
    if reason := terraform.missing():
        pytest.skip(reason)

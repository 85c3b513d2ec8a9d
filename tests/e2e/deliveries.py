"""Two event source mappings that do what AWS documents when a delivery fails: our model, and an engine's own.

Both bring the changes of a deployed source table to the deployed function, and what they give up to the real failures bucket.
"""

from __future__ import annotations

import json
import random
import time
from contextlib import contextmanager
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Literal, Protocol

from tests.e2e.waiting import wait_until
from tests.event_source_mapping import (
    DeployedFunction,
    DynamoDBStream,
    EventSourceMapping,
    MappingConfig,
    S3Destination,
    SimulatedClock,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from tests.e2e.conftest import Deployment

PATIENCE = 180
"""Seconds for what an engine does in its own time: retries with pauses, records that become a minute old."""


class Limit(Enum):
    """What makes a mapping give up on a batch."""

    RECORD_AGE = auto()
    RETRIES = auto()


SOON: dict[Limit, dict[str, Any]] = {
    Limit.RECORD_AGE: {"MaximumRecordAgeInSeconds": 60},
    # Bisecting doesn't use up retries: each record would get its own.
    Limit.RETRIES: {"MaximumRetryAttempts": 2, "BisectBatchOnFunctionError": False},
}
"""The least that a mapping takes for the record age, and a few retries."""


class Delivery(Protocol):
    """An event source mapping, from now on."""

    def deliver(self, until: Callable[[], bool]) -> None:
        """Deliver what was written, until this is so; fail where it doesn't become so."""

    def try_in_vain(self) -> None:
        """Try a few times to deliver what was written, while that can't succeed."""

    def giving_up(self, limit: Limit) -> AbstractContextManager[None]:
        """Give up soon, by this limit alone, for a while; nothing may be on its way when that begins."""

    def give_up(self, until: Callable[[], bool]) -> None:
        """Let the limit pass, until this is so."""

    def pass_days(self, days: int) -> None:
        """Let days pass, where they're simulated."""


class OverOurModel:
    """Our model, set as the mapping that Terraform deployed is set; that one is disabled. Its clock is simulated."""

    def __init__(self, deployment: Deployment, names: dict[str, str]) -> None:
        functions, dynamodb = deployment.client("lambda"), deployment.client("dynamodb")
        functions.update_event_source_mapping(UUID=names["mapping"], Enabled=False)
        self.clock = SimulatedClock(time.time())
        # Delivering begins at the stream's end: what others wrote is theirs.
        self.config = config_of(mapping_when(deployment, names["mapping"], "Disabled"), "LATEST")
        arn = dynamodb.describe_table(TableName=names["source_table"])["Table"]["LatestStreamArn"]
        self.mapping = EventSourceMapping(
            DeployedFunction(functions, names["function"]),
            DynamoDBStream(deployment.client("dynamodbstreams"), arn),
            self.clock,
            self.config,
            on_failure=S3Destination(deployment.client("s3"), names["failures_bucket"]),
            rng=random.Random(5),
        )
        assert self.mapping.step() is None

    def deliver(self, until: Callable[[], bool]) -> None:
        """Deliver what was written."""
        self.mapping.run_until_idle(max_invocations=40)
        assert until()

    def try_in_vain(self) -> None:
        """Invoke the function twice."""
        outcomes = [invocation and invocation.outcome for invocation in (self.mapping.step(), self.mapping.step())]
        assert outcomes == ["failed", "failed"]

    @contextmanager
    def giving_up(self, limit: Limit) -> Iterator[None]:
        """Leave the record age as it was deployed: this clock gets there at once. Retries without end stay without."""
        assert limit is Limit.RECORD_AGE
        yield

    def give_up(self, until: Callable[[], bool]) -> None:
        """Let the record age pass."""
        self.clock.sleep(self.config.maximum_record_age_in_seconds + 1)
        self.deliver(until)

    def pass_days(self, days: int) -> None:
        """Let days pass."""
        self.clock.sleep(days * 24 * 60 * 60)


class OverTheEngine:
    """The engine's own mapping, which nobody sees but by what it does."""

    def __init__(self, deployment: Deployment, names: dict[str, str]) -> None:
        self._deployment = deployment
        self._names = names
        mapping_when(deployment, names["mapping"], "Enabled")

    def deliver(self, until: Callable[[], bool]) -> None:
        """Wait for what was written."""
        wait_until(until, PATIENCE)

    def try_in_vain(self) -> None:
        """Wait for as long as an invocation or two take."""
        time.sleep(10)

    @contextmanager
    def giving_up(self, limit: Limit) -> Iterator[None]:
        """Set the limit while nothing is retried: an engine's mapping may finish what it has begun by its old settings."""
        found = mapping_when(self._deployment, self._names["mapping"], "Enabled")
        soon = SOON[limit]
        self._set(soon)
        try:
            yield
        finally:
            self._set({name: found[name] for name in soon})

    def give_up(self, until: Callable[[], bool]) -> None:
        """Wait for it."""
        wait_until(until, PATIENCE)

    def _set(self, settings: dict[str, Any]) -> None:
        self._deployment.client("lambda").update_event_source_mapping(UUID=self._names["mapping"], **settings)
        mapping_when(self._deployment, self._names["mapping"], "Enabled")

    def pass_days(self, days: int) -> None:
        """Days don't pass here."""


def mapping_when(deployment: Deployment, uuid: str, state: str) -> dict[str, Any]:
    """Wait until an engine's own mapping is in a state, and return it."""
    found: dict[str, Any] = {}

    def is_there() -> bool:
        found.update(deployment.client("lambda").get_event_source_mapping(UUID=uuid))
        return bool(found["State"] == state)

    wait_until(is_there, PATIENCE)
    return found


def config_of(mapping: dict[str, Any], starting_position: Literal["TRIM_HORIZON", "LATEST"]) -> MappingConfig:
    """Return a deployed mapping's settings, but for where it starts."""
    defaults = MappingConfig()
    return MappingConfig(
        batch_size=mapping["BatchSize"],
        maximum_batching_window_in_seconds=mapping["MaximumBatchingWindowInSeconds"],
        parallelization_factor=mapping.get("ParallelizationFactor", defaults.parallelization_factor),
        starting_position=starting_position,
        report_batch_item_failures="ReportBatchItemFailures" in mapping["FunctionResponseTypes"],
        bisect_batch_on_function_error=mapping.get(
            "BisectBatchOnFunctionError", defaults.bisect_batch_on_function_error
        ),
        maximum_retry_attempts=mapping["MaximumRetryAttempts"],
        maximum_record_age_in_seconds=mapping["MaximumRecordAgeInSeconds"],
        filter_patterns=tuple(
            json.loads(one["Pattern"]) for one in mapping.get("FilterCriteria", {}).get("Filters", [])
        ),
    )

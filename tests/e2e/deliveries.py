"""Two event source mappings that do what AWS documents when a delivery fails: our model, and an engine's own.

Both bring the changes of a deployed source table to the deployed function, and what they give up to the real failures bucket.
"""

from __future__ import annotations

import json
import random
import time
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
    from collections.abc import Callable

    from tests.e2e.conftest import Deployment

PATIENCE = 180
"""Seconds for what an engine does in its own time: retries with pauses, records that become a minute old."""


class Delivery(Protocol):
    """An event source mapping, from now on."""

    def deliver(self, until: Callable[[], bool]) -> None:
        """Deliver what was written, until this is so; fail where it doesn't become so."""

    def try_in_vain(self) -> None:
        """Try a few times to deliver what was written, while that can't succeed."""

    def give_up(self, until: Callable[[], bool]) -> None:
        """Let everything become older than the mapping's maximum record age, until this is so."""

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

    def give_up(self, until: Callable[[], bool]) -> None:
        """Wait for a minute, which is the least that a mapping takes for the record age."""
        before = mapping_when(self._deployment, self._names["mapping"], "Enabled")["MaximumRecordAgeInSeconds"]
        try:
            self._set_record_age(60)
            wait_until(until, 2 * PATIENCE)
        finally:
            self._set_record_age(before)

    def _set_record_age(self, seconds: int) -> None:
        functions = self._deployment.client("lambda")
        functions.update_event_source_mapping(UUID=self._names["mapping"], MaximumRecordAgeInSeconds=seconds)
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

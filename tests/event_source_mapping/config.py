"""The knobs of an event source mapping, with AWS's names, defaults and limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

FOREVER = -1
MAXIMUM_BATCH_SIZE = 10_000
MAXIMUM_WINDOW_SECONDS = 300
MAXIMUM_PARALLELIZATION_FACTOR = 10
MAXIMUM_RETRY_ATTEMPTS = 10_000
MINIMUM_RECORD_AGE_SECONDS, MAXIMUM_RECORD_AGE_SECONDS = 60, 604_800


@dataclass(frozen=True, kw_only=True)
class MappingConfig:
    """What CreateEventSourceMapping takes for a DynamoDB stream; times in seconds, -1 means without limit.

    `filter_patterns` are FilterCriteria patterns as objects, any of which lets a record through (`filtering`).

    AWS: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
    and https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html

    Raises:
        ValueError: a value that AWS refuses.

    """

    batch_size: int = 100
    maximum_batching_window_in_seconds: int = 0
    parallelization_factor: int = 1
    starting_position: Literal["TRIM_HORIZON", "LATEST"] = "TRIM_HORIZON"
    report_batch_item_failures: bool = False
    bisect_batch_on_function_error: bool = False
    maximum_retry_attempts: int = FOREVER
    maximum_record_age_in_seconds: int = FOREVER
    filter_patterns: tuple[Mapping[str, Any], ...] = ()

    def __post_init__(self) -> None:
        """Hold the values to AWS's ranges."""
        self._require("batch_size", 1, MAXIMUM_BATCH_SIZE)
        self._require("maximum_batching_window_in_seconds", 0, MAXIMUM_WINDOW_SECONDS)
        self._require("parallelization_factor", 1, MAXIMUM_PARALLELIZATION_FACTOR)
        self._require("maximum_retry_attempts", FOREVER, MAXIMUM_RETRY_ATTEMPTS)
        if self.maximum_record_age_in_seconds != FOREVER:
            self._require("maximum_record_age_in_seconds", MINIMUM_RECORD_AGE_SECONDS, MAXIMUM_RECORD_AGE_SECONDS)

    def _require(self, name: str, lowest: int, highest: int) -> None:
        value = getattr(self, name)
        if not lowest <= value <= highest:
            raise ValueError(f"{name} is {value}; AWS takes {lowest} to {highest}.")

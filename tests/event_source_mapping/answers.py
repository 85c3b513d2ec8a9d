"""What the function's answer means for the batch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def records_done(answer: str, sequence_numbers: Sequence[str]) -> int:
    """Return how many records from the front of the batch a partial batch response lets the checkpoint pass.

    All of them: a null or empty answer, one without `batchItemFailures`, or with a null or empty list of them.
    Up to the lowest sequence number returned: when every identifier is one of the batch.
    None: one identifier is missing, empty, null, not text or unknown, or the answer can't be understood at all.

    AWS: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html (success and failure
    conditions). That an unknown identifier fails the batch is recorded from AWS in LocalStack's aws-validated snapshot
    `test_dynamodb_report_batch_item_failure_scenarios`.
    """
    try:
        response = json.loads(answer) if answer else None
    except ValueError:
        return 0
    if not response:
        return len(sequence_numbers)
    if not isinstance(response, dict):
        return 0
    failures = response.get("batchItemFailures")
    if not failures:
        return len(sequence_numbers)
    if not isinstance(failures, list):
        return 0
    return _first_failure(failures, sequence_numbers)


def _first_failure(failures: list[Any], sequence_numbers: Sequence[str]) -> int:
    positions = {number: position for position, number in enumerate(sequence_numbers)}
    lowest = len(sequence_numbers)
    for failure in failures:
        identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
        if not isinstance(identifier, str) or identifier not in positions:
            return 0
        lowest = min(lowest, positions[identifier])
    return lowest

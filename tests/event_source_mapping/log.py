"""What the model remembers of each invocation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["succeeded", "partly", "failed", "refused"]


@dataclass(frozen=True)
class Invocation:
    """One line of the log: which records were delivered when, and what came of it. `done` counts those checkpointed."""

    time: float
    shard_id: str
    start_sequence_number: str
    end_sequence_number: str
    size: int
    done: int
    outcome: Outcome
    iterator_age_milliseconds: float
    error: BaseException | None

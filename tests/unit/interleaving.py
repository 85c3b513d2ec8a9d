"""Actors that take turns, one call at a time, in an order that a seed decides."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence


class Turns:
    """Runs actors in threads of which one at a time goes on, from one call of `wait` to the next."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._gates: dict[int, threading.Semaphore] = {}
        self._back = threading.Semaphore(0)
        self._errors: list[BaseException] = []
        self.now = -1
        """Which actor is going on."""

    def wait(self) -> None:
        """Let somebody go on: perhaps oneself."""
        gate = self._gates[self.now]
        self._back.release()
        gate.acquire()

    def run(self, actors: Sequence[Callable[[], None]]) -> None:
        """Run them to their ends, and raise what they raised."""
        self._gates = {number: threading.Semaphore(0) for number in range(len(actors))}
        ended: set[int] = set()

        def act(number: int, actor: Callable[[], None]) -> None:
            self._gates[number].acquire()
            try:
                actor()
            except BaseException as error:
                self._errors.append(error)
                raise
            finally:
                ended.add(number)
                self._back.release()

        threads = [threading.Thread(target=act, args=one, daemon=True) for one in enumerate(actors)]
        for thread in threads:
            thread.start()
        while left := sorted(self._gates.keys() - ended):
            self.now = self._rng.choice(left)
            self._gates[self.now].release()
            self._back.acquire()
        for thread in threads:
            thread.join()
        if self._errors:
            raise self._errors[0]

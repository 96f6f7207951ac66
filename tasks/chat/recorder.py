"""What a run did by slots of its time: few slots, which double in length as it grows."""

import time
from collections.abc import Callable

from docmill.schemas.timeline import MEASURES, Measure

MOST = 120  # slots; even
SHORTEST_S = 1.0


class Recorder:
    """Sums what is added by the time at which it is; no sum is lost as the slots are joined."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._slot_s = SHORTEST_S
        self._length = 0
        self._sums: dict[Measure, list[float]] = {name: [0] * MOST for name in MEASURES}

    def add(self, measure: Measure, amount: float) -> None:
        """Add an amount now."""
        if amount:
            number = self._slot()  # first: it may join the slots
            self._sums[measure][number] += amount

    def series(self) -> dict[str, object]:
        """Give the length of a slot, and the sums until now, as a Timeline has them."""
        self._slot()
        told: dict[str, object] = {"slot_s": self._slot_s}
        return told | {name: values[: self._length] for name, values in self._sums.items()}

    def _slot(self) -> int:
        elapsed = self._clock() - self._began
        while elapsed >= MOST * self._slot_s:
            self._slot_s *= 2
            for name, values in self._sums.items():
                joined = [sum(pair) for pair in zip(values[::2], values[1::2], strict=True)]
                self._sums[name] = joined + [0] * (MOST // 2)
            self._length = (self._length + 1) // 2
        number = int(elapsed / self._slot_s)
        self._length = max(self._length, number + 1)
        return number

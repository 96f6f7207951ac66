"""Whether something that is asked again and again can be used."""

import time
from collections.abc import Callable

FIRST_S, MOST_S = 1.0, 30.0


class Availability:
    """Says once that something has gone and once that it is back; meanwhile it is asked ever less often."""

    def __init__(self, what: str, say: Callable[[str], None]) -> None:
        self._what = what
        self._say = say
        self._delay_s = 0.0
        self._ask_at = 0.0

    def may_be_asked(self) -> bool:
        """Say whether it is time to ask."""
        return time.monotonic() >= self._ask_at

    def failed(self, reason: str) -> None:
        """Take in that it did not answer."""
        if not self._delay_s:
            self._say(f"{self._what} cannot be used, what arrives is announced when it can: {reason}")
        self._delay_s = min(2 * self._delay_s or FIRST_S, MOST_S)
        self._ask_at = time.monotonic() + self._delay_s

    def answered(self) -> None:
        """Take in that it answered."""
        if self._delay_s:
            self._say(f"{self._what} can be used again")
        self._delay_s = self._ask_at = 0.0

"""When a shard that did not come through is started again."""

import time
from collections import Counter
from collections.abc import Callable

from docmill.schemas.shard import Shard
from docmill.tasks.chat.lane import retry_scale

MOST_FRUITLESS = 3  # attempts in a row that bring no document to its outcome
AGAIN_AFTER_S = 20.0  # after the second of them: what is away may come back


class Attempts:
    """Counts the attempts of shards that came to nothing, and says when the next is due."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._done: dict[int, int] = {}
        self._fruitless: Counter[int] = Counter()
        self._due: dict[int, tuple[int, float]] = {}  # of which attempt's end on

    def is_news(self, shard: Shard) -> bool:
        """Note that an attempt has ended before its end; says whether that is new."""
        if self._due.get(shard.shard, (0, 0.0))[0] == shard.attempt:
            return False
        done = sum(count for status, count in shard.counts.items() if status != "deferred")  # taken up again
        is_fruitless = done == self._done.get(shard.shard, 0)
        count = self._fruitless[shard.shard] = self._fruitless[shard.shard] + 1 if is_fruitless else 0
        self._done[shard.shard] = done
        due = self._clock() + AGAIN_AFTER_S * max(0, count - 1) * retry_scale()
        self._due[shard.shard] = shard.attempt, due
        return True

    def is_over(self, shard: Shard) -> bool:
        """Say whether too many in a row came to nothing."""
        return self._fruitless[shard.shard] >= MOST_FRUITLESS

    def is_due(self, shard: Shard) -> bool:
        """Say whether the next may begin."""
        return self._clock() >= self._due[shard.shard][1]

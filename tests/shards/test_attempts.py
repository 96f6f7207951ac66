"""When a shard that did not come through is started again."""

from typing import Any

import pytest

from docmill.flows.shards.attempts import AGAIN_AFTER_S, Attempts
from docmill.schemas.shard import Shard


class Clock:
    """Stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        """Give the time."""
        return self.now


def shard(attempt: int, done: int = 0) -> Shard:
    counts: Any = {"done": done}
    return Shard(shard=1, first=0, beyond=9, documents=9, attempt=attempt, counts=counts)


@pytest.fixture(autouse=True)
def _unscaled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCMILL_RETRY_SCALE", raising=False)


def test_an_attempt_that_brought_documents_is_followed_at_once():
    attempts = Attempts(Clock())
    assert attempts.is_news(shard(1, done=3))
    assert attempts.is_due(shard(1, done=3))


def test_a_second_that_brought_none_is_followed_later():
    attempts = Attempts(clock := Clock())
    attempts.is_news(shard(1))
    assert attempts.is_due(shard(1))
    attempts.is_news(shard(2))
    clock.now += AGAIN_AFTER_S - 0.1
    assert not attempts.is_due(shard(2))
    clock.now += 0.1
    assert attempts.is_due(shard(2))


def test_an_end_that_is_seen_again_counts_once():
    attempts = Attempts(Clock())
    assert [attempts.is_news(shard(1)) for _ in range(9)] == [True] + [False] * 8
    assert not attempts.is_over(shard(1))


def test_three_in_a_row_that_brought_none_are_the_end():
    attempts = Attempts(Clock())
    for attempt in (1, 2, 3):
        assert not attempts.is_over(shard(attempt))
        attempts.is_news(shard(attempt))
    assert attempts.is_over(shard(3))


def test_one_that_brought_some_of_those_that_the_last_had_deferred_begins_the_row_anew():
    """A worker that is shut down defers all that it had begun."""
    attempts = Attempts(Clock())
    for attempt, done in ((1, 2), (2, 4), (3, 6), (4, 8)):
        counts: Any = {"done": done, "deferred": 9 - done}
        attempts.is_news(shard(attempt).model_copy(update={"counts": counts}))
        assert not attempts.is_over(shard(attempt))


def test_one_that_brought_some_begins_the_row_anew():
    attempts = Attempts(Clock())
    for attempt, done in ((1, 0), (2, 0), (3, 5), (4, 5), (5, 5)):
        attempts.is_news(shard(attempt, done))
    assert not attempts.is_over(shard(5, 5))

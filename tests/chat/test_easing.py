"""The share of a limit that is used where a server has lowered its own without a word."""

from collections import deque

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from docmill.tasks.chat.easing import LEAST, Easing

WINDOW_S = 60.0


class Server:
    """Takes so many calls a window; counts what it refuses."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.refused = 0
        self.taken: deque[float] = deque()

    def takes(self, now: float) -> bool:
        """Answer a call at that moment, or refuse it."""
        while self.taken and self.taken[0] <= now - WINDOW_S:
            self.taken.popleft()
        if len(self.taken) >= self.limit:
            self.refused += 1
            return False
        self.taken.append(now)
        return True


def send(
    easing: Easing, server: Server, known: float, begin: float, windows: int, pause_s: float = 2.0
) -> tuple[float, int]:
    """Send at the eased pace, with pauses after a refusal; gives the end and how many were taken."""
    now, taken = begin, 0
    while now < begin + windows * WINDOW_S:
        if server.takes(now):
            taken += 1
            easing.answered(now, now, 1 / known)
            now += WINDOW_S / (known * easing.share(now))
        else:
            now += max(pause_s, easing.refused(now))
    return now, taken


def test_without_a_refusal_the_whole_limit_is_used():
    easing = Easing(WINDOW_S)
    assert [easing.share(now) for now in (0.0, 60.0, 1e6)] == [1, 1, 1]


def pause(easing: Easing, begin: float, end: float) -> None:
    easing.refused(begin)
    easing.answered(end, end, 0.1)


def test_one_refusal_a_window_is_no_lower_limit():
    easing = Easing(WINDOW_S)
    for now in (0.0, 61.0, 122.0):
        pause(easing, now, now + 20)
        assert easing.share(now + 60) == 1


def test_several_lower_it_by_what_was_lost_to_them():
    easing = Easing(WINDOW_S)
    pause(easing, 0.0, 10.0)
    pause(easing, 30.0, 50.0)
    assert easing.share(59.0) == 1
    assert easing.share(60.0) == 0.5


def test_an_answer_to_a_call_sent_before_the_pause_does_not_end_it():
    easing = Easing(WINDOW_S)
    easing.refused(10.0)
    easing.answered(now=11.0, sent=9.0, used=0.1)
    easing.refused(30.0)
    easing.answered(now=40.0, sent=39.0, used=0.1)
    assert easing.share(70.0) == 0.5


def test_a_try_that_is_refused_is_taken_back_and_waits_longer():
    easing = Easing(WINDOW_S)
    pause(easing, 0.0, 20.0)
    pause(easing, 30.0, 40.0)
    assert easing.share(60.0) == 0.5
    assert easing.share(100.0) == 0.75  # a window after the last refusal
    pause(easing, 101.0, 102.0)
    assert easing.share(103.0) == 0.5
    assert easing.share(101.0 + 1.5 * WINDOW_S) == 0.5
    assert easing.share(101.0 + 2 * WINDOW_S) > 0.5


def test_where_the_minute_is_used_up_the_wait_grows_with_its_pauses():
    easing = Easing(WINDOW_S)
    easing.answered(0.0, 0.0, used=0.5)
    assert [easing.refused(float(now)) for now in range(5)] == [0, 0, 1.2, 2.4, pytest.approx(3.6)]
    easing.share(60.0)
    assert easing.refused(60.0) == 0


def test_where_little_was_sent_the_servers_own_word_is_all_that_is_waited_for():
    easing = Easing(WINDOW_S)
    easing.answered(0.0, 0.0, used=0.4)
    assert [easing.refused(float(now)) for now in range(30)] == [0] * 30


@given(st.floats(0.1, 0.98), st.sampled_from([60.0, 600.0, 6000.0]), st.sampled_from([0.2, 2.0, 10.0]))
@example(0.5, 600.0, 0.2)
def test_a_lowered_limit_is_found_and_used(fall: float, known: float, pause_s: float):
    easing, server = Easing(WINDOW_S), Server(known)
    now, _ = send(easing, server, known, 0.0, 2)
    server.limit, server.refused = known * fall, 0
    now, _ = send(easing, server, known, now, 12, pause_s)
    assert server.refused <= 40
    server.refused = 0
    _, taken = send(easing, server, known, now, 30, pause_s)
    assert server.refused <= 33  # one a window is taken for a late call
    assert taken >= 0.8 * 30 * server.limit


@given(st.floats(0.2, 0.9))
def test_a_limit_that_rises_again_is_used_again(fall: float):
    easing, server = Easing(WINDOW_S), Server(600)
    now, _ = send(easing, server, 600, 0.0, 2)
    server.limit = 600 * fall
    now, _ = send(easing, server, 600, now, 10)
    server.limit = 600
    now, _ = send(easing, server, 600, now, 60)
    assert easing.share(now) > 0.9


def test_it_never_goes_below_a_twentieth():
    easing = Easing(WINDOW_S)
    for now in range(200):
        easing.refused(now)
        assert easing.share(now) >= LEAST
    assert easing.share(200.0) == LEAST

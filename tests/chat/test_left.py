"""What a server says is left: a call waits for what it lacks, and for no more."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from docmill.tasks.chat.left import seconds_to
from docmill.tasks.chat.pace import Pace
from docmill.tasks.chat.usage import Allowed, Tokens
from docmill.tasks.chat.window_file import SharedWindows, window_file
from docmill.tasks.chat.windows import Rates

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
CALL = Allowed(300, 400, 32_000)  # 100 tokens to read and 100 to write, by the first estimate
OPENAI = {"x-ratelimit-limit-requests": "60", "x-ratelimit-limit-tokens": "60000"}


class Waiting:
    """A pace on a clock that only its waits move on."""

    def __init__(self, folder: Path) -> None:
        self.now = 1000.0
        self.waits: list[float] = []
        self._windows = window_file(folder, "e", "m")
        self.pace = Pace(Rates(), self._open, self._sleep, clock=lambda: self.now)

    def _open(self) -> SharedWindows:
        raise AssertionError("no limit a minute is known")

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(round(seconds, 3))
        self.now += seconds

    async def call(
        self, headers: Mapping[str, str], used: Tokens | None = None, lasts_s: float = 0.0
    ) -> None:
        """Make a call whose answer has these headers."""
        async with self.pace.taken(CALL) as take:
            take.sent = True
            self.now += lasts_s
            self.pace.heard(headers, take)
            take.used = used


@pytest.fixture
def waiting(tmp_path: Path) -> Waiting:
    return Waiting(tmp_path)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("6m0s", 360),
        ("1h2m3.5s", 3723.5),
        ("120ms", 0.12),
        ("17", 17),
        ("0.5", 0.5),
        ("2026-05-04T12:00:30Z", 30),
        ("2026-05-04T11:59:00Z", 0),
        (str(NOW.timestamp() + 20), 20),
        (str(int((NOW.timestamp() + 20) * 1000)), 20),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_a_reset_is_read_in_each_way_that_servers_write_it(said: str, seconds: float | None):
    assert seconds_to(said, NOW) == pytest.approx(seconds)


async def test_where_none_is_left_it_waits_until_the_reset(waiting: Waiting):
    await waiting.call({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "4s"})
    await waiting.call({})
    assert waiting.waits == [4]


async def test_where_the_limit_is_told_it_waits_for_what_is_lacking_alone(waiting: Waiting):
    left = {"anthropic-ratelimit-tokens-remaining": "80", "anthropic-ratelimit-tokens-limit": "60080"}
    resets = {"anthropic-ratelimit-tokens-reset": "60"}
    waiting.pace._learned = Rates()
    await waiting.call(left | resets)
    waiting.pace._learned = Rates()  # its windows are another test's
    await waiting.call({})
    assert waiting.waits == [0.12]  # 120 of 200 tokens, of which 1,000 come in a second


async def test_what_fills_up_while_a_call_lasts_is_counted(waiting: Waiting):
    said = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "4"}
    await waiting.call(said, lasts_s=3)
    await waiting.call({})
    assert waiting.waits == [1]


async def test_calls_that_were_sent_since_are_taken_off(waiting: Waiting):
    await waiting.call({"x-ratelimit-remaining-requests": "2", "x-ratelimit-reset-requests": "9"})
    for _ in range(3):
        await waiting.call({})
    assert waiting.waits == [9]


async def test_what_a_call_did_not_need_is_given_back(waiting: Waiting):
    said = {"x-ratelimit-remaining-tokens": "400", "x-ratelimit-reset-tokens": "9"}
    await waiting.call(said)
    for _ in range(5):
        await waiting.call({}, used=Tokens(50, 10))
    assert waiting.waits == []


async def test_an_older_answer_says_nothing_new(waiting: Waiting):
    none_left = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "9"}
    async with waiting.pace.taken(CALL) as slow:
        slow.sent = True
        waiting.now += 1
        await waiting.call({"x-ratelimit-remaining-requests": "50", "x-ratelimit-reset-requests": "9"})
        waiting.pace.heard(none_left, slow)
    await waiting.call({})
    assert waiting.waits == []


@pytest.mark.parametrize(
    "headers",
    [
        {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "7h12m0s"},
        {"x-ratelimit-remaining-requests": "0"},
        {"x-ratelimit-remaining-requests": "none", "x-ratelimit-reset-requests": "4s"},
        {"x-ratelimit-reset-requests": "4s"},
        {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "0s"},
        OPENAI | {"x-ratelimit-remaining-requests": "59", "x-ratelimit-reset-requests": "1s"},
    ],
    ids=["a day's", "no reset", "no number", "nothing left is not said", "whole already", "enough"],
)
async def test_what_is_no_minutes_limit_holds_nothing_back(waiting: Waiting, headers: dict[str, str]):
    await waiting.call(headers)
    waiting.pace._learned = Rates()
    await waiting.call({})
    assert waiting.waits == []

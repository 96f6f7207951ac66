"""The pace of calls, by a provider's own count: it has to refuse next to nothing."""

import asyncio
import math
import os
from functools import partial
from pathlib import Path

import pytest

from docmill.tasks.chat.pace import Pace
from docmill.tasks.chat.usage import Allowed, Tokens
from docmill.tasks.chat.window_file import SharedWindows, window_file
from docmill.tasks.chat.windows import Rates
from tests.support.asking import ask, free, target
from tests.support.enforcing import Enforcing
from tests.support.provider import Provider

WINDOW_S = 2.0
SMALL, LARGE = Allowed(300, 40, 32_000), Allowed(3000, 400, 32_000)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a minute of two seconds."""
    monkeypatch.setattr("docmill.tasks.chat.session.WINDOW_S", WINDOW_S)


def pace(tmp_path: Path, rates: Rates) -> Pace:
    return Pace(rates, lambda: SharedWindows(window_file(tmp_path, "e", "m"), WINDOW_S))


async def took(pace: Pace, allowed: Allowed, sent: list[Allowed], *, used: Tokens | None = None) -> None:
    async with pace.taken(allowed) as take:
        take.sent = True
        take.used = used
        sent.append(allowed)


@pytest.mark.slow
async def test_two_runs_share_one_limit_and_neither_starves(tmp_path: Path):
    sent: list[Allowed] = []
    limit = Rates(tokens=20_000)
    calls = [
        took(pace_, size, sent)
        for size, number in ((SMALL, 60), (LARGE, 60))
        for pace_ in [pace(tmp_path, limit)]
        for _ in range(number)
    ]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2 * WINDOW_S):
            await asyncio.gather(*calls)
    used = sum(pace(tmp_path, limit).expected(each) for each in sent)
    assert 20_000 < used <= 2 * 20_000 + 20_000 * 0.1
    assert 0.4 < sent.count(SMALL) / len(sent) < 0.6  # each in turn


async def test_without_a_limit_nothing_is_taken_or_written(tmp_path: Path):
    sent: list[Allowed] = []
    await took(pace(tmp_path, Rates()), SMALL, sent)
    assert not list(tmp_path.iterdir())


async def test_a_window_that_cannot_be_written_loses_no_reply(tmp_path: Path):
    windows, sent = SharedWindows(window_file(tmp_path, "e", "m")), list[Allowed]()
    paced = Pace(Rates(requests=600), lambda: windows)
    async with paced.taken(SMALL) as take:
        read_only = os.open(os.devnull, os.O_RDONLY)
        os.dup2(read_only, windows._stream.fileno())  # what is written from now on is refused
        os.close(read_only)
        take.sent, take.used = True, Tokens(60, 5)
        sent.append(SMALL)
    assert sent == [SMALL]
    with pytest.raises(OSError, match="Bad file descriptor"):
        await windows.take(Rates(requests=600), 1)


async def test_the_estimate_follows_what_usage_says(tmp_path: Path):
    paced = pace(tmp_path, Rates(requests=10_000))
    assert paced.expected(SMALL) == 300 / 3 + 10
    for _ in range(60):
        await took(paced, SMALL, [], used=Tokens(60, 5))
    assert paced.expected(SMALL) == pytest.approx(65, rel=0.02)


def test_a_limit_that_the_server_names_holds_where_it_is_smaller(tmp_path: Path):
    paced = pace(tmp_path, Rates(requests=600))
    paced.heard({"x-ratelimit-limit-requests": "300", "x-ratelimit-limit-tokens": "9000"})
    assert paced.rates == Rates(300, 9000)
    paced.heard({"x-ratelimit-limit-requests": "900"})
    assert paced.rates == Rates(600, 9000)


@pytest.mark.parametrize("said", ["0", "-1", "nan", "inf", "many", "", "1e999"])
def test_what_is_no_sound_number_is_no_limit(tmp_path: Path, said: str):
    paced = pace(tmp_path, Rates())
    paced.heard({"x-ratelimit-limit-requests": said, "anthropic-ratelimit-tokens-limit": said})
    assert paced.rates == Rates(math.inf, math.inf)


async def test_that_calls_go_slower_is_told_once(tmp_path: Path):
    now, told = [0.0], list[str]()
    windows = partial(SharedWindows, window_file(tmp_path, "e", "m"), WINDOW_S)
    paced = Pace(Rates(requests=10_000), windows, tell=told.append, window_s=WINDOW_S, clock=lambda: now[0])
    for now[0] in (0.0, 0.5):
        paced.refused()
    await took(paced, SMALL, [], used=Tokens(60, 5))
    assert not told
    now[0] = WINDOW_S
    for _ in range(3):
        await took(paced, SMALL, [], used=Tokens(60, 5))
    assert paced.rates.requests < 10_000
    assert len(told) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_api", "cache")
@pytest.mark.parametrize(("window_s", "calls"), [(6.0, 180), (60.0, 700)])
@pytest.mark.parametrize("calendar", [False, True])
async def test_a_provider_that_enforces_its_limit_refuses_next_to_nothing(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, window_s: float, calls: int, calendar: bool
):
    monkeypatch.setattr("docmill.tasks.chat.session.WINDOW_S", window_s)
    limit = 600 if window_s == 60 else 60
    enforcing = Enforcing(window_s, limit, 1_000_000, calendar=calendar)
    provider.rule(enforcing)
    bodies = [free(f"{number}") for number in range(calls)]
    asked = await ask(target(provider.url, requests_per_minute=limit), *bodies, concurrency=16)
    assert asked.names == ["Completed"] * len(bodies)
    assert enforcing.refused <= max(2, 0.01 * len(bodies))  # a late wake-up of a busy machine or two
    first, last = enforcing.taken[0][0], enforcing.taken[-1][0]
    assert (len(bodies) - 1) / (last - first) >= 0.95 * limit / window_s


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_api", "cache", "short")
async def test_a_limit_lowered_midway_is_kept_from_its_header_on(provider: Provider):
    enforcing = Enforcing(WINDOW_S, 30, 1_000_000, told=True)

    def lowered(request: object) -> None:
        enforcing.requests = 15 if len(enforcing.taken) >= 45 else 30

    provider.rule(lowered)
    provider.rule(enforcing)
    asked = await ask(
        target(provider.url, requests_per_minute=30), *[free(f"{n}") for n in range(75)], concurrency=8
    )
    assert asked.names == ["Completed"] * 75
    assert enforcing.refused <= 8  # what was on its way when the limit fell


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.usefixtures("prefect_api", "cache")
@pytest.mark.parametrize("calendar", [False, True])
async def test_tokens_that_bind_are_used_up_and_refused_next_to_never(provider: Provider, calendar: bool):
    enforcing = Enforcing(60.0, 600, 200_000, calendar=calendar)
    provider.rule(enforcing)
    bodies = [free(f"{number} " + "It rained. " * (40, 360)[number % 2]) for number in range(430)]
    asked = await ask(
        target(provider.url, requests_per_minute=600, tokens_per_minute=200_000), *bodies, concurrency=16
    )
    assert asked.names == ["Completed"] * len(bodies)
    assert enforcing.refused < 0.01 * (len(bodies) + enforcing.refused)
    begun = enforcing.taken[0][0] + 10
    used = [(at, tokens) for at, tokens in enforcing.taken if at >= begun]
    seconds = used[-1][0] - begun
    assert seconds > 50
    assert len(used) < 0.9 * 600 * seconds / 60  # it is not the requests that hold it back
    assert sum(tokens for _, tokens in used) >= 0.95 * 200_000 * seconds / 60


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_api", "cache", "short")
async def test_a_limit_lowered_midway_without_a_word_is_found(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DOCMILL_RETRY_SCALE", "1")
    enforcing = Enforcing(WINDOW_S, 60, 1_000_000)
    refused_by: dict[int, int] = {}

    def lowered(request: object) -> None:
        taken = len(enforcing.taken)
        enforcing.requests = 30 if taken >= 120 else 60
        refused_by[taken] = enforcing.refused

    provider.rule(lowered)
    provider.rule(enforcing)
    asked = await ask(
        target(provider.url, requests_per_minute=60), *[free(f"{n}") for n in range(480)], concurrency=16
    )
    assert asked.names == ["Completed"] * 480
    assert refused_by[239] <= 40  # in the four windows after the fall; 16 were in flight
    assert enforcing.refused - refused_by[239] <= 12  # of 240; each try of more costs one
    seconds = enforcing.taken[-1][0] - enforcing.taken[240][0]
    assert 239 / seconds >= 0.6 * 30 / WINDOW_S  # of a window of two seconds a pause is a tenth

"""What holds a run back, as its progress line says it."""

import pytest

from docmill.flows.observe.progress import RunProgress
from docmill.schemas.timeline import Cause


def said(elapsed_s: float, seconds: dict[Cause, float]) -> str:
    progress = RunProgress()
    progress.waited = lambda: seconds
    return progress.held_back(elapsed_s)


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ("tokens", "tokens a minute"),
        ("requests", "requests a minute"),
        ("concurrency", "concurrency"),
        ("server", "the server"),
        ("budget", "the budget"),
        ("cpu", "this machine's CPU"),
        ("prefect", "Prefect's server"),
    ],
)
def test_what_took_most_is_named_with_its_share(cause: Cause, words: str):
    assert said(100, {"requests": 3.0, "concurrency": 30.0, cause: 62.0}) == (
        f"held back by {words} 62 % of the time"
    )


def test_a_run_that_hardly_waits_is_not_held_back():
    assert said(100, {}) == ""
    assert said(100, {"requests": 3.0, "tokens": 0.0}) == ""

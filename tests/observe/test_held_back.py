"""Which limit holds a run back, as its progress line says it."""

from docmill.flows.observe.progress import RunProgress


def test_the_limit_that_was_waited_for_longest_is_named_with_its_share():
    progress = RunProgress()
    progress.waited = lambda: {"requests": 3.0, "tokens": 62.0}
    assert progress.held_back(100) == "held back by tokens a minute 62 % of the time"


def test_a_run_that_hardly_waits_is_not_held_back():
    progress = RunProgress()
    assert progress.held_back(100) == ""
    progress.waited = lambda: {"requests": 3.0, "tokens": 0.0}
    assert progress.held_back(100) == ""

"""A run's time in characters."""

from docmill.flows.observe.sparkline import WIDEST, sparkline, sparklines
from docmill.schemas.timeline import Timeline


def test_the_highest_sum_is_the_full_block_and_nothing_is_a_blank():
    assert sparkline([1, 0, 4, 8]) == "▂ ▅█"


def test_a_long_run_is_as_wide_as_a_line():
    assert sparkline([1.0] * 120) == "█" * WIDEST
    assert len(sparkline([1.0] * 61)) == 31


def test_what_a_run_did_not_do_has_no_line():
    time = Timeline(calls=(3, 1), refused=(0, 0), tokens=(0, 0), usd=(0.0, 0.0))
    assert list(sparklines(time)) == [("calls", "█▃", "3 in 1 s at most")]
    assert list(sparklines(Timeline())) == []

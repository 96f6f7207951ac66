"""How long a server asks to wait: what is a time to come is taken, all else is none."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.tasks.chat.retry_after import seconds

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("20", 20),
        ("60", 60),
        ("120", 120),
        ("121", 121),
        ("0.5", 0.5),
        ("1e1", 10),
        (" 7 ", 7),
        ("+7", 7),
        ("9" * 30, 1e30),
        ("0", None),
        ("0.0", None),
        ("-0", None),
        ("-10", None),
        ("inf", None),
        ("-inf", None),
        ("Infinity", None),
        ("nan", None),
        ("9" * 400, None),
        ("1e999", None),
        ("", None),
        (" ", None),
        ("soon", None),
        ("20 s", None),
        ("20, 30", None),
        ("0x10", None),
    ],
)
def test_seconds(value, wait):
    assert seconds({"retry-after": value}, NOW) == wait


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("Tue, 24 Nov 2026 12:00:20 GMT", 20),
        ("Tue, 24 Nov 2026 12:02:01 GMT", 121),
        ("Tue, 24 Nov 2026 13:00:20 +0100", 20),
        ("Tue, 24 Nov 2026 07:00:20 -0500", 20),
        ("24 Nov 2026 12:00:20 -0000", 20),
        ("Tuesday, 24-Nov-26 12:00:20 GMT", 20),
        ("Tue Nov 24 12:00:20 2026", 20),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 251_606_779_199),
        ("Tue, 24 Nov 2026 12:00:00 GMT", None),
        ("Tue, 24 Nov 2026 11:59:59 GMT", None),
        ("Fri, 29 Sep 2023 16:26:57 GMT", None),
        ("Mon, 01 Jan 0001 00:00:00 GMT", None),
        ("Zun, 29 Sep", None),
        ("Tue, 31 Feb 2027 12:00:00 GMT", None),
        ("Tue, 24 Nov 2026 25:00:00 GMT", None),
        ("Tue, 24 Nov 2026", None),
        ("Fri, 29 Sep 100000 16:26:57 GMT", None),
        ("Tue, 24 Nov 2027 12:00:00 +99999999", None),
        ("2026-11-24T12:00:20Z", None),
    ],
)
def test_dates(value, wait):
    assert seconds({"retry-after": value}, NOW) == wait


def test_a_date_is_compared_with_the_clock():
    later = datetime.now(UTC) + timedelta(seconds=100)
    assert seconds({"retry-after": later.strftime("%a, %d %b %Y %H:%M:%S GMT")}) == pytest.approx(100, abs=5)


@pytest.mark.parametrize(
    ("milliseconds", "value", "wait"),
    [
        ("1500", "20", 1.5),
        ("0.5", None, 0.0005),
        ("1500", "Fri, 29 Sep 2023 16:26:57 GMT", 1.5),
        ("0", "20", 20),
        ("-1", "20", 20),
        ("nan", "20", 20),
        ("soon", "20", 20),
        ("", "Tue, 24 Nov 2026 12:00:20 GMT", 20),
        ("0", None, None),
    ],
)
def test_milliseconds_come_before_seconds_where_they_are_a_time(milliseconds, value, wait):
    headers = {"retry-after-ms": milliseconds} | ({"retry-after": value} if value else {})
    assert seconds(headers, NOW) == wait


def test_no_header_is_no_wait():
    assert seconds({}) is None


DATES = st.builds(
    "{}, {} {} {} {}:{}:{} {}".format,
    st.sampled_from(["Tue", "Zun", ""]),
    st.integers(-1, 40),
    st.sampled_from(["Nov", "Feb", "Now"]),
    st.integers(-1, 100_000),
    st.integers(-1, 30),
    st.integers(-1, 70),
    st.integers(-1, 70),
    st.sampled_from(["GMT", "+0100", "-0000", "+9999", "-99999999999", "CEST", ""]),
)


@given(st.none() | st.text(), st.text() | DATES | st.floats().map(str) | st.integers().map(str))
def test_any_header_is_a_time_to_come_or_none(milliseconds, value):
    """Nothing crashes, and nothing makes a lane wait for ever or backwards."""
    headers = {"retry-after": value} | ({"retry-after-ms": milliseconds} if milliseconds is not None else {})
    wait = seconds(headers, NOW)
    assert wait is None or (wait > 0 and math.isfinite(wait))

"""Dates by their day, however they are written; times of day beside them."""

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.tasks.checks.evidence import dates
from docmill.tasks.checks.evidence.folding import folded

DAY = date(2024, 1, 31)


def quotes(text: str, day: date = DAY) -> list[str]:
    whole = folded(text)
    spans = {whole.original(*span) for _, span in dates.places(whole.text, {day})}
    return [text[start:end] for start, end in sorted(span for span in spans if span)]


@pytest.mark.parametrize(
    "around", ["{}", "on {}.", "({})", "| {} |", "{}, Berlin", "合計{}です", "{} – 05.02.2024"]
)
@pytest.mark.parametrize(
    "written",
    [
        "2024-01-31",
        "2024/1/31",
        "2024.01.31",
        "20240131",
        "31.1.2024",
        "31.01.2024",
        "31. 1. 2024",
        "31.01.24",
        "31/1/2024",
        "1/31/2024",
        "31-01-2024",
        "31 January 2024",
        "31 JAN 2024",
        "31-Jan-2024",
        "31st of January, 2024",
        "January 31, 2024",
        "Jan. 31st, 2024",
        "Jan 31st 2024",
        "January\n31,\n2024",
        "Jan.\n31st, 2024",
        "31. Januar 2024",
        "31. Jan. 2024",
        "31. Jänner 2024",
        "31 janvier 2024",
        "31 de enero de 2024",
        "31 gennaio 2024",
        "2024 January 31",
        "2024年1月31日",
        "2024年01月31日",
        "2024년 1월 31일",
        "２０２４年１月３１日",
    ],
)
def test_a_day_is_found_in_every_format(written: str, around: str):
    assert quotes(around.format(written)) == [written]


@pytest.mark.parametrize(
    ("written", "days"),
    [
        ("3/4/2024", {date(2024, 3, 4), date(2024, 4, 3)}),
        ("03.04.24", {date(2024, 3, 4), date(2024, 4, 3), date(1924, 3, 4), date(1924, 4, 3)}),
        ("31/1/2024", {DAY}),
        ("1. März 2024", {date(2024, 3, 1)}),
        ("1. Ma\u0308rz 2024", {date(2024, 3, 1)}),
        ("Sept 5 2023", {date(2023, 9, 5)}),
        ("30/2/2024", set()),
        ("31 Foo 2024", set()),
        ("on 31 January 2024", set()),
        ("2024-01", set()),
        ("20240131", set()),  # a number, where it is nothing else
        ("", set()),
    ],
)
def test_a_text_is_read_as_a_date_in_each_way_that_it_can_be_read(written: str, days: set[date]):
    assert dates.days(written) == days


@pytest.mark.parametrize(
    "text",
    [
        "131.1.2024",
        "31.1.20245",
        "31.1.2024.5",
        "1.31.1.2024",
        "12024-01-31",
        "x2024-01-31",
        "31 January 20244",
        "331 January 2024",
        "Decjan 31, 2024",
        "31 January",
        "January 2024",
        "31 of 31 January 31 2023",
        "31. Januarius 2024",
        "31.\t| 1.2024",
        "2023-01-31",
        "1 February 2024",
    ],
)
def test_another_day_is_not_found(text: str):
    assert quotes(text) == []


@given(st.dates(date(1950, 1, 1), date(2049, 12, 31)), st.integers(1, 400))
def test_a_day_is_found_and_its_neighbours_are_not(day: date, off: int):
    for written in (
        f"{day:%d.%m.%Y}",
        f"{day:%Y-%m-%d}",
        f"{day:%d %B %Y}",
        f"{day:%B %d, %Y}",
        f"{day:%d-%b-%y}",
    ):
        text = f"It was on {written}, was it not?"
        assert quotes(text, day) == [written]
    assert quotes(f"{day:%d %B %Y} {day:%Y-%m-%d}", day + timedelta(off)) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("14:30", {time(14, 30)}),
        ("2:30 pm", {time(14, 30)}),
        ("2.30 p.m.", {time(14, 30)}),
        ("12 am, 12 pm", {time(0), time(12)}),
        ("14.30 Uhr", {time(14, 30)}),
        ("14 Uhr", {time(14)}),
        ("14h30", {time(14, 30)}),
        ("2024-01-31T14:30:15.5Z", {time(14, 30, 15)}),
        ("14.30", set()),
        ("25:00", set()),
        ("14 apples", set()),
    ],
)
def test_times_of_day_are_read(text: str, found: set[time]):
    assert set(dates.times(folded(text).text)) == found


@given(st.text("0123456789./-janmräz年月日 ,'tz:", max_size=30))
def test_whatever_the_text_a_search_ends(text: str):
    whole = folded(text)
    for _, span in dates.places(whole.text, {DAY, date(2001, 1, 1), date(2011, 11, 11)}):
        assert whole.original(*span)
    dates.days(text)
    list(dates.times(whole.text))

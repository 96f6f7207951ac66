"""Rows of a sheet with a formula that no program has ever computed: its value is not known, and not NULL."""

from pathlib import Path
from typing import Any

import openpyxl
import pytest

from docmill.schemas.pipeline import Rows as Declared
from docmill.tasks.sources.parsing.excel import rows
from docmill.tasks.sources.rows import Rows
from tests.support.tickets import read, refusal

NOT_COMPUTED = "a formula without a saved value: open the file in its own program, and save it anew"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)


def rows_of(*written: tuple[Any, ...], query: str | None = None) -> Rows:
    """Write a sheet, as programs write it that compute nothing, and give its rows."""
    book = openpyxl.Workbook()
    for row in written:
        book.active.append(row)
    book.save("t.xlsx")
    return Rows(Declared(files="t.xlsx", key="id", text="{{ total }}", query=query))


def told(source: Rows) -> dict[str, str]:
    return {ref.document_id: ref.fault or ref.text for ref in read(source)}


def test_a_row_with_a_formula_that_was_never_computed_is_told_by_its_cell_and_the_others_are_read():
    source = rows_of(("id", "total"), (1, 5), (2, "=1+1"), (3, None), (4, 7.5))
    assert told(source) == {
        "1": "5",
        "3": "no text: the row's text is empty",
        "4": "7.5",
        "t.xlsx#3": f"row 3 of t.xlsx is not read: B3 holds {NOT_COMPUTED}",
    }


def test_a_sum_below_the_rows_is_told_too_and_a_query_does_not_hide_it():
    source = rows_of(
        ("id", "total"), (1, 5), (None, "=SUM(B2:B2)"), query="select * from rows where total > 0"
    )
    assert list(told(source)) == ["1", "t.xlsx#3"]


def test_a_formula_in_a_column_without_a_name_does_not_matter():
    assert told(rows_of(("id", "total"), (1, 5, "=B2*2"))) == {"1": "5"}


def test_a_sheet_whose_names_were_never_computed_is_refused():
    assert "its formulas were never computed" in refusal(rows_of(("id", '="to"&"tal"'), (1, 5)))


def test_a_sheet_of_too_many_such_rows_is_refused(monkeypatch: pytest.MonkeyPatch):
    source = rows_of(("id", "total"), *((number, "=1") for number in range(rows.MAX_UNSAVED + 1)))
    assert "of more than 10,000 rows" in refusal(source)

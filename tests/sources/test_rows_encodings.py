"""Rows of PostgreSQL databases that are not of UTF-8."""

import pytest

from tests.support.databases import fresh
from tests.support.tickets import read, rows_of, table

ROWS = [(1, "café", "£ 5"), (2, "plain", "text")]


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1", "UTF8"])
def test_they_are_read_as_any(postgres: str, encoding: str):
    url = fresh(postgres, encoding)
    table(f"{url}&client_encoding=utf8", ROWS)
    refs = read(rows_of(url, "select * from tickets order by id"))
    assert [ref.read().text for ref in refs] == [f"{subject}\n\n{body}" for _, subject, body in ROWS]

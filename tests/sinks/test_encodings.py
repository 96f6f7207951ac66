"""Results in a PostgreSQL database that is not of UTF-8: kept whole, or refused in words."""

import pytest

from docmill.schemas.errors import StorageError
from docmill.schemas.outcome import Outcome
from docmill.schemas.pipeline import Into
from docmill.tasks.sinks.results import Results
from tests.support.databases import fresh

OUTCOME = Outcome(
    document_id="café.txt", uri="u", content_sha256="c", status="done", summary="模型", record={"模": "型"}
)


def test_a_database_without_an_encoding_keeps_every_text(postgres: str):
    results = Results.open(Into(url=fresh(postgres, "SQL_ASCII")), "p", {})
    results.write([OUTCOME], "r", "h")
    [row] = results.outcomes()
    assert (row["document_id"], row["summary"], row["record"]) == ("café.txt", "模型", {"模": "型"})
    assert results.unchanged({"café.txt": "c"}, "h") == {"café.txt"}
    results.close()


def test_a_database_whose_encoding_lacks_a_character_says_so(postgres: str):
    results = Results.open(Into(url=fresh(postgres, "LATIN1")), "p", {})
    with pytest.raises(StorageError, match=r"its encoding lacks a character of a text: .*UTF8"):
        results.write([OUTCOME], "r", "h")
    results.write([OUTCOME.model_copy(update={"summary": "é", "record": None})], "r", "h")
    [row] = results.outcomes()
    assert row["summary"] == "é"
    results.close()

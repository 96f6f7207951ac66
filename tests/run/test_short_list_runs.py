"""A model that leaves rows out of a list, in runs: what is short is told with its rows, and never done."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.support.connection import Reply, Request
from tests.support.longlists import (
    DECLARED,
    Sold,
    aligned,
    bullets,
    document,
    leaving_out,
    piped,
    sold,
    sort_of,
)
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.shapes import completion, written

pytestmark = pytest.mark.usefixtures("prefect_api")

ROOM = "context_tokens: 400000, max_output_tokens: 100000"
LEFT: dict[str, Callable[[Sequence[Sold]], Sequence[Sold]]] = {
    "one row": lambda rows: rows[len(rows) // 2 :][:1],
    "every seventh row": lambda rows: rows[::7],
    "all after the first tenth": lambda rows: rows[len(rows) // 10 :],
    "all rows": lambda rows: rows,
}
EACH_LEFT = pytest.mark.parametrize("left", LEFT.values(), ids=LEFT)
FULL = [pytest.param(many, marks=pytest.mark.slow) for many in (500, 2_000)]
EACH_LENGTH = pytest.mark.parametrize("many", [50, *FULL])


def run(project: Project, provider: Provider, text: str, lists: str) -> int:
    project.documents(a=text)
    project.schema("note", DECLARED)
    steps = f"  - extract: {{schema: note, max_tokens: 100000{lists}}}\n"
    return project.run("run", str(project.pipeline(f"{{base_url: '{provider.url}', {ROOM}}}", steps)))


def check_told(project: Project, text: str, rows: Sequence[Sold], absent: Sequence[Sold]) -> None:
    """The document is in review, with the items that the model gave, and exactly the others' rows."""
    [(status, error, record, missing)] = project.rows(
        "select status, error, record, missing from docmill_outcomes"
    )
    stand = "row of the document stands" if len(absent) == 1 else "rows of the document stand"
    assert (status, error) == ("review", f"extract: {len(absent):,} {stand} for no item of lines")
    assert json.loads(record)["lines"] == [row.record for row in rows if row not in absent]
    told = json.loads(missing)
    assert [each["path"] for each in told] == ["lines"] * len(absent)
    assert all(row.item in each["quote"] for row, each in zip(absent, told, strict=True))
    assert all(text[each["start"] : each["end"]] == each["quote"] for each in told)
    assert project.rows("select count(*) from p__note") == [(0,)]


def check_complete(project: Project, rows: Sequence[Sold]) -> None:
    """The document is done with all of its rows."""
    assert project.rows("select status, error, missing from docmill_outcomes") == [("done", None, "[]")]
    [(record,)] = project.rows("select record from docmill_outcomes")
    assert json.loads(record)["lines"] == [row.record for row in rows]
    assert project.rows("select count(*) from p__note") == [(1,)]


@EACH_LEFT
@EACH_LENGTH
@pytest.mark.parametrize("write", [piped, pytest.param(bullets, marks=pytest.mark.slow)])
def test_a_short_list_of_the_model_alone_is_in_review_with_the_rows_that_it_lacks(
    project: Project, provider: Provider, write: Any, many: int, left: Any
):
    rows = sold(many)
    text = document(rows, write)
    provider.always(leaving_out(rows, left(rows)))
    assert run(project, provider, text, ", lists: model") == 0
    check_told(project, text, rows, left(rows))
    assert len(provider.requests) == 2


@EACH_LEFT
@EACH_LENGTH
@pytest.mark.parametrize("write", [piped, pytest.param(aligned, marks=pytest.mark.slow)])
def test_by_default_code_reads_the_columns_and_nothing_is_short(
    project: Project, provider: Provider, write: Any, many: int, left: Any
):
    rows = sold(many)
    provider.always(leaving_out(rows, left(rows)))
    assert run(project, provider, document(rows, write), "") == 0
    check_complete(project, rows)


@EACH_LEFT
@EACH_LENGTH
def test_by_default_parts_that_are_short_are_in_review_with_the_rows_that_they_lack(
    project: Project, provider: Provider, many: int, left: Any
):
    rows = sold(many)
    text = document(rows, bullets)
    provider.always(leaving_out(rows, left(rows)))
    assert run(project, provider, text, "") == 0
    check_told(project, text, rows, left(rows))


@pytest.mark.slow
@EACH_LEFT
@pytest.mark.parametrize("many", [50, 500])
def test_a_short_list_is_in_review_where_the_model_denies_the_table(
    project: Project, provider: Provider, many: int, left: Any
):
    rows = sold(many)
    text = document(rows, piped)
    short = leaving_out(rows, left(rows))

    def denying(request: Request) -> Reply:
        if sort_of(request) != "columns":
            return short(request)
        return written(completion(request, json.dumps({"rows_are_items": False, "columns": {}})))

    provider.always(denying)
    assert run(project, provider, text, "") == 0
    check_told(project, text, rows, left(rows))


@EACH_LENGTH
def test_rows_that_the_model_gives_when_asked_once_more_make_the_list_complete(
    project: Project, provider: Provider, many: int
):
    rows = sold(many)
    first, second = leaving_out(rows, rows[::7]), leaving_out(rows, [])
    provider.always(lambda request: (second if "leaves out rows" in request.text else first)(request))
    assert run(project, provider, document(rows, piped), ", lists: model") == 0
    check_complete(project, rows)

"""Long lists in a run: the model names columns and code reads the rows, or rows are asked for in parts."""

import copy
import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from docmill.schemas.steps import Extract
from docmill.tasks.steps import extract
from tests.support.asking import target
from tests.support.connection import Reply, Request
from tests.support.longlists import (
    DECLARED,
    FORMS,
    TOOL,
    Sold,
    bullets,
    columns,
    copied,
    document,
    honest,
    piped,
    sold,
    sort_of,
)
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.shapes import completion, error, finishing, written

pytestmark = pytest.mark.usefixtures("prefect_api")
Change = Callable[[Request], Any]
COLUMNS = (
    "status",
    "error",
    "record",
    "evidence",
    "missing",
    "calls",
    "cached_calls",
    "prompt_tokens",
    "completion_tokens",
)


def run(
    project: Project,
    provider: Provider,
    text: str,
    *options: str,
    endpoint: str = "",
    schema: dict[str, Any] = DECLARED,
) -> int:
    """Run one document; `endpoint` are further keys of the endpoint's mapping."""
    project.documents(a=text)
    project.schema("note", schema)
    steps = f"  - extract: {{{', '.join(['schema: note', *options])}}}\n"
    mapping = f"{{base_url: '{provider.url}', {endpoint}}}" if endpoint else provider.url
    return project.run("run", str(project.pipeline(mapping, steps)))


def outcome(project: Project) -> dict[str, Any]:
    [row] = project.rows(f"select {', '.join(COLUMNS)} from docmill_outcomes")
    found = dict(zip(COLUMNS, row, strict=True))
    return found | {name: json.loads(found[name] or "null") for name in ("record", "evidence", "missing")}


def sorts(provider: Provider) -> Counter[str]:
    return Counter(sort_of(request) for request in provider.requests)


def records(rows: Sequence[Sold]) -> list[dict[str, Any]]:
    return [row.record for row in rows]


def saying(sort: str, answer: Change) -> Callable[[Request], Reply]:
    """Answer requests of one sort so, and all others honestly."""

    def answered(request: Request) -> Reply:
        if sort_of(request) != sort:
            return honest(request)
        return written(completion(request, json.dumps(answer(request))))

    return answered


def check_done(project: Project, text: str, rows: Sequence[Sold]) -> dict[str, Any]:
    found = outcome(project)
    assert (found["status"], found["error"], found["missing"]) == ("done", None, [])
    record = found["record"]
    assert (record["number"], record["received_by"]) == ("LW-4711", "A. Pellworth")
    assert record["lines"] == records(rows)
    assert len(found["evidence"]) == 2 + 4 * len(rows)
    assert all(text[each["start"] : each["end"]] == each["quote"] for each in found["evidence"])
    assert project.rows("select count(*), number from p__note") == [(1, "LW-4711")]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("form", ["pipes", "aligned"])
def test_code_reads_the_rows_once_the_columns_are_named(project: Project, provider: Provider, form: str):
    provider.always(honest)
    rows = sold(120)
    text = document(rows, FORMS[form])
    assert run(project, provider, text) == 0
    assert check_done(project, text, rows)["calls"] == 2
    assert sorts(provider) == {"columns": 1, "rest": 1}


def test_a_list_without_columns_is_asked_for_in_parts(project: Project, provider: Provider):
    provider.always(honest)
    rows = sold(120)
    text = document(rows, bullets)
    assert run(project, provider, text) == 0
    found = check_done(project, text, rows)
    asked = sorts(provider)
    assert (asked["rest"], asked["columns"], asked["whole"]) == (1, 0, 0)
    assert 4 <= asked["part"] <= 6
    assert found["calls"] == asked.total()
    assert project.rows("select attempts from docmill_outcomes") == [(asked.total(),)]


@pytest.mark.slow
@pytest.mark.parametrize("write", [piped, bullets])
def test_two_thousand_rows_come_out_complete(
    project: Project, provider: Provider, write: Any, capsys: pytest.CaptureFixture[str]
):
    provider.always(honest)
    rows = sold(2_000)
    text = document(rows, write)
    assert run(project, provider, text) == 0
    found = check_done(project, text, rows)
    assert found["calls"] == (2 if write is piped else sorts(provider).total())


@pytest.mark.slow
def test_a_single_reply_that_is_cut_has_none_of_them(project: Project, provider: Provider):
    provider.always(lambda request: finishing("length")(request))
    text = document(sold(2_000))
    assert run(project, provider, text, "lists: model", endpoint="context_tokens: 200000") == 1
    assert outcome(project)["status"] == "invalid"


def body(provider: Provider, text: str) -> bytes:
    """Build the request for the whole record."""
    return extract.KIND.request(text.strip(), Extract(schema="note"), TOOL, target(provider.url))


def test_below_thirty_rows_the_request_is_what_it_was(project: Project, provider: Provider):
    provider.always(honest)
    rows = sold(29)
    text = document(rows)
    assert run(project, provider, text) == 0
    assert provider.bodies() == [body(provider, text)]
    check_done(project, text, rows)


@pytest.mark.slow
def test_columns_reads_short_tables_and_model_asks_for_long_ones_at_once(
    project: Project, provider: Provider
):
    provider.always(honest)
    rows = sold(5)
    assert run(project, provider, document(rows), "lists: columns") == 0
    check_done(project, document(rows), rows)
    assert sorts(provider) == {"columns": 1, "rest": 1}
    rows = sold(40)
    assert run(project, provider, document(rows), "lists: model") == 0
    check_done(project, document(rows), rows)
    assert provider.bodies()[2:] == [body(provider, document(rows))]


@pytest.mark.slow
def test_rows_that_do_not_fit_are_read_by_the_model_and_put_in_their_place(
    project: Project, provider: Provider
):
    rows = sold(60)
    text = document(rows).replace(f"| {rows[7].item} | {rows[7].quantity} |", f"| {rows[7].item} | plenty |")
    text = text.replace(f"| {rows[31].item} | {rows[31].quantity} |", f"| {rows[31].item} | heaps |")

    def part(request: Request) -> Any:
        said = {"plenty": 4321, "heaps": 4322}
        items = []
        for number, row in [(1, rows[7]), (2, rows[31])]:
            assert f"row {number}: | {row.item} | {list(said)[number - 1]} |" in request.text
            items.append({"row": number, "item": {**row.record, "quantity": list(said.values())[number - 1]}})
        return {"lines": items}

    provider.always(saying("part", part))
    assert run(project, provider, text) == 0
    assert sorts(provider) == {"columns": 1, "rest": 1, "part": 1}
    found = outcome(project)
    lines = found["record"]["lines"]
    assert [line["item"] for line in lines] == [row.item for row in rows]
    assert (lines[7]["quantity"], lines[31]["quantity"]) == (4321, 4322)
    # What the document does not say is not found, as of any record.
    assert (found["status"], found["missing"]) == ("review", [])
    assert found["error"] == "extract: not found in the document: lines[7].quantity, lines[31].quantity"


def test_a_row_that_the_model_makes_nothing_of_is_told(project: Project, provider: Provider):
    rows = sold(40)
    text = document(rows).replace(f"| {rows[7].quantity} |", "| some |", 1)
    provider.always(saying("part", lambda _: {"lines": []}))
    assert run(project, provider, text) == 0
    found = outcome(project)
    assert (found["status"], sorts(provider)["part"]) == ("review", 2)
    assert found["error"] == "extract: 1 row of the document stands for no item of lines"
    assert [text[each["start"] : each["end"]] for each in found["missing"]] == [found["missing"][0]["quote"]]
    assert "some" in found["missing"][0]["quote"]
    assert len(found["record"]["lines"]) == 39


def dropping(request: Request) -> Any:
    """Leave out every seventh row of a part of many."""
    lines = copied(request)["lines"]
    return {"lines": [line for n, line in enumerate(lines) if n % 7 or len(lines) < 20]}


def test_rows_that_a_part_leaves_out_are_asked_for_once_more(project: Project, provider: Provider):
    rows = sold(90)
    text = document(rows, bullets)
    provider.always(saying("part", dropping))
    assert run(project, provider, text) == 0
    check_done(project, text, rows)


def test_rows_that_are_left_out_twice_are_told(project: Project, provider: Provider):
    rows = sold(90)
    text = document(rows, bullets)

    def careless(request: Request) -> Any:
        lines = copied(request)["lines"]
        return {"lines": [line for line in lines if line["item"]["item"] != rows[50].item]}

    provider.always(saying("part", careless))
    assert run(project, provider, text) == 0
    found = outcome(project)
    assert found["status"] == "review"
    assert [rows[50].item in each["quote"] for each in found["missing"]] == [True]
    assert found["record"]["lines"] == records([*rows[:50], *rows[51:]])


@pytest.mark.slow
def test_an_edited_row_pays_for_its_own_part_alone(project: Project, provider: Provider):
    provider.always(honest)
    rows = sold(200)
    assert run(project, provider, document(rows, bullets)) == 0
    before = len(provider.requests)
    edited = [*rows[:100], rows[100]._replace(quantity=4_999), *rows[101:]]
    text = document(edited, bullets)
    assert run(project, provider, text) == 0
    found = check_done(project, text, edited)
    paid = len(provider.requests) - before
    assert 1 <= paid <= 2  # its part, and the next where it ends one or did so before
    assert found["calls"] == paid
    assert found["cached_calls"] >= before - paid - 1


@pytest.mark.slow
def test_columns_that_cannot_be_are_asked_for_once_more(project: Project, provider: Provider):
    rows = sold(40)
    wrong: list[Request] = []

    def named(request: Request) -> Any:
        answer = columns(request)
        if not wrong:
            wrong.append(request)
            answer["columns"]["price"] = answer["columns"]["item"]
        else:
            assert "item, price" in request.parsed["messages"][-1]["content"]
        return answer

    provider.always(saying("columns", named))
    assert run(project, provider, document(rows)) == 0
    assert check_done(project, document(rows), rows)["calls"] == 3


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["twice", "no JSON"])
def test_where_no_columns_come_rows_are_asked_for_in_parts(project: Project, provider: Provider, answer: str):
    rows = sold(40)

    def named(request: Request) -> Any:
        if answer == "no JSON":
            return "the columns"
        return {
            "rows_are_items": True,
            "columns": dict.fromkeys(("item", "quantity", "price", "delivered"), "column_1"),
        }

    provider.always(saying("columns", named))
    assert run(project, provider, document(rows)) == 0
    check_done(project, document(rows), rows)
    assert sorts(provider)["part"] == 2
    assert sorts(provider)["whole"] == 0


@pytest.mark.slow
def test_a_table_that_is_not_the_arrays_is_left_to_the_model(project: Project, provider: Provider):
    rows = sold(40)
    provider.always(saying("columns", lambda request: {**columns(request), "rows_are_items": False}))
    assert run(project, provider, document(rows)) == 0
    assert sorts(provider) == {"columns": 1, "whole": 1}
    check_done(project, document(rows), rows)
    assert provider.bodies()[1] == body(provider, document(rows))


@pytest.mark.slow
@pytest.mark.parametrize("output", ["json_schema", "text"])
@pytest.mark.parametrize("write", [piped, bullets])
def test_every_kind_of_endpoint_will_do(project: Project, provider: Provider, output: str, write: Any):
    def answered(request: Request) -> Reply:
        if output == "text":
            schema = json.loads(request.text[request.text.rindex("\n") + 1 :])
            request.parsed["response_format"] = {"json_schema": {"schema": schema}}
        return honest(request)

    provider.always(answered)
    rows = sold(40)
    endpoint = f"structured_output: {output}"
    assert run(project, provider, document(rows, write), endpoint=endpoint) == 0
    check_done(project, document(rows, write), rows)


@pytest.mark.slow
def test_a_part_that_is_cut_short_is_divided(project: Project, provider: Provider):
    rows = sold(60)
    text = document(rows, bullets)

    def answered(request: Request) -> Reply:
        if sort_of(request) == "part" and request.text.count("\nrow ") > 12:
            return finishing("length")(request)
        return honest(request)

    provider.always(answered)
    assert run(project, provider, text) == 0
    check_done(project, text, rows)


@pytest.mark.slow
def test_a_part_that_cannot_be_had_defers_the_document_and_what_was_paid_is_kept(
    project: Project, provider: Provider
):
    rows = sold(120)
    text = document(rows, bullets)
    down = [True]

    def answered(request: Request) -> Reply:
        if down[0] and rows[60].item in request.text and sort_of(request) == "part":
            return error(503, "Service unavailable")
        return honest(request)

    provider.always(answered)
    assert run(project, provider, text) == 1
    assert outcome(project)["status"] == "deferred"
    before = len(provider.requests)
    down[0] = False
    assert run(project, provider, text) == 0
    check_done(project, text, rows)
    assert len(provider.requests) == before + 1


@pytest.mark.slow
def test_a_broken_rule_is_told_with_the_rest_of_the_record(project: Project, provider: Provider):
    rows = sold(40)
    rule = "rules: [{name: receiver, that: 'size(lines) == 40 && received_by == \"A. Pellworth\"'}]"

    def rest(request: Request) -> Any:
        again = len(request.parsed["messages"]) > 2
        return {"number": "LW-4711", "received_by": "A. Pellworth" if again else "Quillhaven Joinery"}

    provider.always(saying("rest", rest))
    assert run(project, provider, document(rows), rule) == 0
    check_done(project, document(rows), rows)
    assert sorts(provider) == {"columns": 1, "rest": 2}


@pytest.mark.slow
def test_a_row_left_out_of_a_short_list_beside_a_long_one_is_asked_for(project: Project, provider: Provider):
    rows, boxes = sold(40), [{"box": f"B-{number}", "weight": 3 * number} for number in (11, 12, 13, 14)]
    written_boxes = [f"| {each['box']} | {each['weight']} |" for each in boxes]
    text = "\n".join([document(rows), "", "| Box | Weight |", "| --- | --- |", *written_boxes, ""])
    with_boxes = copy.deepcopy(DECLARED)
    box = {"type": "object", "properties": {"box": {"type": "string"}, "weight": {"type": "number"}}}
    with_boxes["parameters"]["properties"]["boxes"] = {"type": "array", "items": box}

    def rest(request: Request) -> Any:
        again = len(request.parsed["messages"]) > 2
        told = {"number": "LW-4711", "received_by": "A. Pellworth"}
        return {**told, "boxes": boxes if again else boxes[:3]}

    provider.always(saying("rest", rest))
    assert run(project, provider, text, schema=with_boxes) == 0
    assert outcome(project)["record"]["boxes"] == boxes
    assert sorts(provider) == {"columns": 1, "rest": 2}


@pytest.mark.slow
def test_a_model_that_keeps_to_no_part_is_asked_for_the_whole(project: Project, provider: Provider):
    rows = sold(40)
    text = document(rows, bullets)
    provider.always(saying("part", lambda _: {"lines": records(rows)}))
    assert run(project, provider, text) == 0
    check_done(project, text, rows)
    assert sorts(provider)["whole"] == 1
    assert body(provider, text) in provider.bodies()

"""Long documents in a run: asked for in parts, merged, and held against the whole."""

import json
from typing import Any

import pytest

from tests.support import longlists
from tests.support.connection import Reply, Request
from tests.support.longlists import DECLARED, document, sold
from tests.support.longtexts import FACTS, facts, honest, instruction, long_text, record, said
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.shapes import Shape, completion, error, written

pytestmark = pytest.mark.usefixtures("prefect_api")
Printed = pytest.CaptureFixture[str]

HIDDEN = facts(6)
TEXT = long_text(12, HIDDEN, many=40)
EXTRACT = "  - extract: {schema: facts, long: parts}\n"
SUMMARIZE = "  - summarize: {max_words: 30, long: parts}\n"
LABELS = "labels: {register: a list, other: all else}"
COLUMNS = ("status", "error", "summary", "label", "record", "evidence", "calls", "cached_calls", "truncated")
PRICES = "prices: {input: 1, output: 2}"


def pipeline(project: Project, provider: Provider, steps: str, context: int = 2_000, **keys: str) -> str:
    endpoint = f"{{base_url: '{provider.url}', context_tokens: {context}, max_output_tokens: 400, {PRICES}}}"
    project.schema("facts", FACTS)
    return str(project.pipeline(endpoint, steps, **keys))


def run(project: Project, provider: Provider, steps: str, text: str = TEXT, context: int = 2_000) -> int:
    project.documents(a=text)
    return project.run("run", pipeline(project, provider, steps, context))


def outcome(project: Project) -> dict[str, Any]:
    [row] = project.rows(f"select {', '.join(COLUMNS)} from docmill_outcomes")
    found = dict(zip(COLUMNS, row, strict=True))
    return found | {name: json.loads(found[name] or "null") for name in ("record", "evidence")}


def changing(name: str, value: Any, where: str) -> Any:
    """Answer honestly, but where a part shows some words give another value of a field."""

    def answer(request: Request) -> Shape:
        given = record(request) | ({name: value} if where in request.document else {})
        return written(completion(request, json.dumps(given)))

    return answer


def edited(text: str = TEXT) -> str:
    """Change a word of a paragraph in the middle."""
    at = text.index("\n\n", len(text) // 2) + 2
    return f"{text[:at]}Altogether {text[at:]}"


def test_a_record_is_read_a_part_at_a_time(project: Project, provider: Provider):
    provider.always(honest)
    assert run(project, provider, EXTRACT) == 0
    found = outcome(project)
    assert (found["status"], found["error"], found["truncated"]) == ("done", None, 0)
    title = {"title": "Register of the northern harbours", "signed": "2025-03-14"}
    assert found["record"] == {**title, "seals": HIDDEN}
    assert len(found["evidence"]) == 2 + 2 * len(HIDDEN)
    assert all(TEXT[each["start"] : each["end"]] == each["quote"] for each in found["evidence"])
    assert found["calls"] == len(provider.requests) > 4
    assert project.rows("select title from p__facts") == [(title["title"],)]


def test_parts_are_asked_for_at_the_same_time(project: Project, provider: Provider):
    provider.always(honest)
    provider.hold(4)
    assert run(project, provider, EXTRACT) == 0
    assert 4 <= provider.most_in_flight <= 8


def test_once_a_part_fails_no_other_is_begun(project: Project, provider: Provider):
    provider.always(lambda _: error(400, "no"))
    assert run(project, provider, EXTRACT, context=800) == 1
    assert outcome(project)["status"] == "failed"
    assert len(provider.requests) <= 8


@pytest.mark.slow
def test_a_text_that_fits_is_asked_for_as_a_whole(project: Project, provider: Provider):
    provider.always(honest)
    assert run(project, provider, EXTRACT, context=20_000) == 0
    as_parts, [body] = outcome(project), provider.bodies()
    assert run(project, provider, EXTRACT.replace(", long: parts", ""), context=20_000) == 0
    assert outcome(project)["record"] == as_parts["record"]
    assert provider.bodies() == [body]


def test_without_it_a_long_text_is_failed_with_the_remedy(project: Project, provider: Provider):
    assert run(project, provider, EXTRACT.replace("parts", "fail")) == 1
    found = outcome(project)
    assert found["status"] == "failed"
    assert "Give the step `long: parts`" in found["error"]
    assert not provider.requests


@pytest.mark.parametrize(("steps", "paid"), [(EXTRACT, 1), (SUMMARIZE, 2)])
def test_an_edited_paragraph_pays_for_its_own_part(
    project: Project, provider: Provider, steps: str, paid: int
):
    provider.always(honest)
    assert run(project, provider, steps) == 0
    before = len(provider.requests)
    provider.always(
        lambda request: written(completion(request, "It changed.")) if paid > 1 else honest(request)
    )
    assert run(project, provider, steps, edited()) == 0
    assert len(provider.requests) - before == paid
    assert (outcome(project)["calls"], outcome(project)["cached_calls"]) == (paid, before - paid)


@pytest.mark.slow
def test_a_summary_is_made_of_summaries_in_levels(project: Project, provider: Provider):
    def wordy(request: Request) -> Reply:
        return written(completion(request, f"{said(request)} {'And so on. ' * 20}"))

    provider.always(wordy)
    assert run(project, provider, SUMMARIZE, context=700) == 0
    levels = {"is a part of a longer" in instruction(each) for each in provider.requests}
    together = [each for each in provider.requests if "consists of summaries" in instruction(each)]
    assert levels == {True, False}
    assert 1 < len(together) < len(provider.requests) / 2
    assert [fact["name"] in outcome(project)["summary"] for fact in HIDDEN] == [True] * len(HIDDEN)


def test_summaries_that_stay_too_long_fail_the_document(project: Project, provider: Provider):
    provider.always(lambda request: written(completion(request, "It goes on. " * 30)))
    steps = SUMMARIZE.replace("long:", "max_input_tokens: 100, long:")
    assert run(project, provider, steps, TEXT[:3_000], context=20_000) == 1
    found = outcome(project)
    assert found["status"] == "failed"
    assert "do not fit into one request. Have them shorter" in found["error"]


def test_what_another_step_has_put_out_is_read_in_parts_too(project: Project, provider: Provider):
    provider.always(honest)
    hidden = facts(30)
    text = long_text(30, hidden, many=10)
    steps = (
        "  - ask: {prompt: Where do the seals lie?}\n"
        "  - extract: {schema: seals, input: ask, max_input_tokens: 200, long: parts}\n"
    )
    required = {**FACTS["parameters"], "required": ["seals"]}
    project.schema("seals", {**FACTS, "parameters": required})
    assert run(project, provider, steps, text, context=60_000) == 0
    found = outcome(project)
    assert (found["status"], found["record"]) == ("done", {"seals": hidden})
    assert all(text[each["start"] : each["end"]] == each["quote"] for each in found["evidence"])
    assert len(provider.requests) > 3


@pytest.mark.slow
def test_a_question_is_answered_out_of_the_parts_answers(project: Project, provider: Provider):
    provider.always(honest)
    assert run(project, provider, "  - ask: {prompt: Where do the seals lie?, long: parts}\n") == 0
    [[steps]] = project.rows("select steps from docmill_outcomes")
    assert all(str(fact["vault"]) in json.loads(steps)["ask"]["output"] for fact in HIDDEN)


@pytest.mark.slow
def test_a_label_is_that_of_most_of_the_first_parts(project: Project, provider: Provider):
    provider.always(honest)
    assert run(project, provider, f"  - classify: {{{LABELS}, long: parts, parts: 3}}\n") == 0
    found = outcome(project)
    assert (found["label"], found["calls"], found["truncated"]) == ("other", 3, 1)
    assert run(project, provider, f"  - classify: {{{LABELS}, long: parts}}\n") == 0
    assert (outcome(project)["label"], outcome(project)["cached_calls"]) == ("register", 1)


def test_a_label_may_be_that_of_the_summary(project: Project, provider: Provider):
    provider.always(honest)
    assert (
        run(project, provider, f"{SUMMARIZE}  - classify: {{{LABELS}, input: summarize, long: parts}}\n") == 0
    )
    assert (outcome(project)["label"], outcome(project)["truncated"]) == ("other", 0)


def test_max_input_tokens_is_the_size_of_a_part(project: Project, provider: Provider):
    provider.always(honest)
    steps = EXTRACT.replace("long:", "max_input_tokens: 500, long:")
    assert run(project, provider, steps, context=20_000) == 0
    assert max(len(each.document.encode()) for each in provider.requests) <= 1_500
    assert (outcome(project)["record"]["seals"], outcome(project)["truncated"]) == (HIDDEN, 0)


def test_what_parts_give_differently_is_decided_by_a_person(
    project: Project, provider: Provider, capsys: Printed
):
    seal = f"The seal of {HIDDEN[4]['name']}"
    provider.always(changing("title", HIDDEN[4]["name"], seal))
    assert run(project, provider, EXTRACT) == 0
    found = outcome(project)
    assert (found["status"], found["error"]) == ("review", "extract: parts of the document differ on title")
    assert found["record"]["title"] == "Register of the northern harbours"
    capsys.readouterr()
    assert project.run("review", "p.yaml", "--json") == 0
    printed = capsys.readouterr().out
    assert "Register of the northern harbours" in printed
    assert HIDDEN[4]["name"] in printed
    assert project.run("review", "p.yaml", "--set", "in/a.txt", f"title={HIDDEN[4]['name']}") == 0
    assert outcome(project)["status"] == "done"
    assert run(project, provider, EXTRACT.replace("long:", "instructions: Be exact, long:")) == 0
    assert (outcome(project)["status"], outcome(project)["record"]["title"]) == ("done", HIDDEN[4]["name"])


def test_what_no_part_says_makes_the_record_invalid(project: Project, provider: Provider):
    provider.always(honest)
    assert run(project, provider, EXTRACT, TEXT.replace("Register of", "Of")) == 1
    found = outcome(project)
    assert found["status"] == "invalid"
    assert 'property "title" is missing' in found["error"]


def test_a_part_whose_reply_is_cut_short_is_divided(project: Project, provider: Provider):
    provider.rule(lambda request: "length" if len(request.document) > 2_500 else None)
    provider.always(honest)
    assert run(project, provider, EXTRACT) == 0
    assert outcome(project)["record"]["seals"] == HIDDEN


@pytest.mark.slow
@pytest.mark.parametrize("steps", [EXTRACT, SUMMARIZE])
def test_a_plan_counts_the_parts_and_show_shows_them(
    project: Project, provider: Provider, capsys: Printed, steps: str
):
    provider.always(honest)
    project.documents(a=TEXT)
    file = pipeline(project, provider, steps)
    capsys.readouterr()
    assert project.run("plan", file, "--json") == 0
    planned = json.loads(capsys.readouterr().out)
    assert not provider.requests
    assert project.run("run", file) == 0
    low, high = planned["calls"] if steps == SUMMARIZE else [planned["calls"]] * 2
    assert low <= len(provider.requests) <= high < 2 * low
    [(cost,)] = project.rows("select cost_usd from docmill_runs")
    assert 0 < cost <= planned["cost_usd"][1]
    capsys.readouterr()
    assert project.run("show", file, "--json") == 0
    [shown] = json.loads(capsys.readouterr().out)["steps"]
    assert {each["request"].encode() for each in shown["requests"]} == set(provider.bodies())
    assert all(each["completion"] for each in shown["requests"])


def test_a_budget_holds_within_a_document(project: Project, provider: Provider):
    provider.always(honest)
    project.documents(a=TEXT)
    file = pipeline(project, provider, EXTRACT)
    assert project.run("run", file, "--max-cost", "0.008") == 3
    [(spent,)] = project.rows("select cost_usd from docmill_runs")
    before = len(provider.requests)
    assert 0 < spent <= 0.008
    assert outcome(project)["status"] == "deferred"
    assert project.run("run", file) == 0
    assert outcome(project)["cached_calls"] == before
    assert len({*provider.bodies()}) == len(provider.requests)


def test_rows_that_a_part_leaves_out_are_asked_for_again_and_told(project: Project, provider: Provider):
    rows = sold(60)
    text = document(rows)
    left_out = rows[45]

    def forgetful(request: Request) -> Reply:
        given = longlists.whole(request)
        lines = [each for each in given["lines"] if each["item"] != left_out.item]
        return written(completion(request, json.dumps(given | {"lines": lines})))

    provider.always(forgetful)
    project.documents(a=text)
    project.schema("note", DECLARED)
    steps = "  - extract: {schema: note, long: parts, lists: model, max_input_tokens: 500}\n"
    assert project.run("run", str(project.pipeline(provider.url, steps))) == 0
    found = outcome(project)
    assert found["record"]["lines"] == [row.record for row in rows if row is not left_out]
    assert found["error"] == "extract: 1 row of the document stands for no item of lines"
    [[missing]] = project.rows("select missing from docmill_outcomes")
    [row] = json.loads(missing)
    assert (row["path"], left_out.item in text[row["start"] : row["end"]]) == ("lines", True)
    again = [each for each in provider.requests if b"leaves out rows of the document" in each.body]
    assert 1 <= len(again) <= 2  # of the part, and of the next one where both show the row


def test_long_lists_of_a_long_document_are_read_by_code(project: Project, provider: Provider):
    rows = sold(300)
    text = document(rows)
    provider.always(longlists.honest)
    project.documents(a=text)
    project.schema("note", DECLARED)
    steps = "  - extract: {schema: note, long: parts, max_input_tokens: 2000}\n"
    assert project.run("run", str(project.pipeline(provider.url, steps))) == 0
    found = outcome(project)
    assert (found["status"], found["error"]) == ("done", None)
    assert found["record"]["lines"] == [row.record for row in rows]
    assert (found["record"]["number"], found["record"]["received_by"]) == ("LW-4711", "A. Pellworth")
    assert all(text[each["start"] : each["end"]] == each["quote"] for each in found["evidence"])


@pytest.mark.slow
def test_a_table_that_a_cut_divides_is_one_table(project: Project, provider: Provider):
    items = [{"name": f"Ada {number}", "fee": 40 + number} for number in range(120)]
    table = "\n".join(["Name;Fee", *(f"{each['name']};{each['fee']}" for each in items)])
    text = f"{'It rained. ' * 100}\n\n{table}\n\n{'It snowed. ' * 100}\n"

    def forgetful(request: Request) -> Reply:
        shown = request.document
        given = [each for each in items if f"{each['name']};" in shown and "Name;Fee" in shown]
        return written(completion(request, json.dumps({"fees": given})))

    provider.always(forgetful)
    project.documents(a=text)
    fee = {"type": "object", "properties": {"name": {"type": "string"}, "fee": {"type": "integer"}}}
    parameters = {"type": "object", "properties": {"fees": {"type": "array", "items": fee}}}
    project.schema("fees", {"name": "fees", "parameters": parameters})
    steps = "  - extract: {schema: fees, long: parts, lists: model, max_input_tokens: 300}\n"
    assert project.run("run", str(project.pipeline(provider.url, steps))) == 0
    given = outcome(project)["record"]["fees"]
    assert 0 < len(given) < len(items)
    [[missing]] = project.rows("select missing from docmill_outcomes")
    assert [row["quote"] for row in json.loads(missing)] == table.split("\n")[1 + len(given) :]

"""Records are held against their documents in runs: what is not in them ends in review."""

import json
from typing import Any

import pytest

from tests.support.project import THING, Project
from tests.support.provider import Provider
from tests.support.shapes import Shape, saying
from tests.support.tickets import tell

pytestmark = pytest.mark.usefixtures("prefect_api")

PARAMETERS: Any = THING["parameters"]
PROPERTIES = PARAMETERS["properties"]
CHECKED: Any = {
    **THING,
    "parameters": {"type": "object", "properties": PROPERTIES, "required": ["name", "on"]},
}
EXTRACT = "  - extract: {schema: thing}\n"
TRUE = {"name": "Ada Ltd", "count": 1130, "on": "2024-01-31"}
TEXT = "Ada\nLtd sent 1.130 things on 31. Januar 2024."


def record(**changes: Any) -> Shape:
    return saying(json.dumps(TRUE | changes))


def run(project: Project, provider: Provider, steps: str = EXTRACT, schema: Any = CHECKED) -> int:
    project.schema("thing", schema)
    return project.run("run", str(project.pipeline(provider.url, steps)))


def outcome(project: Project) -> dict[str, Any]:
    columns = ("status", "record", "evidence", "error", "steps", "summary")
    [row] = project.rows(f"select {', '.join(columns)} from docmill_outcomes")
    found = dict(zip(columns, row, strict=True))
    return found | {name: json.loads(found[name] or "null") for name in ("record", "evidence", "steps")}


def test_what_is_in_the_document_in_other_formats_is_done_with_its_evidence(
    project: Project, provider: Provider
):
    project.documents(a=TEXT)
    provider.always(record())
    assert run(project, provider) == 0
    found = outcome(project)
    assert (found["status"], found["error"]) == ("done", None)
    quotes = {each["path"]: each["quote"] for each in found["evidence"]}
    assert quotes == {"name": "Ada\nLtd", "count": "1.130", "on": "31. Januar 2024"}
    assert all(TEXT[each["start"] : each["end"]] == each["quote"] for each in found["evidence"])
    assert project.rows('select name, count, "on" from p__thing') == [("Ada Ltd", 1130, "2024-01-31")]


def test_an_invented_value_is_in_review_with_its_field_and_without_a_row(
    project: Project, provider: Provider, capfd: pytest.CaptureFixture[str]
):
    project.documents(a=TEXT)
    provider.always(record(name="Eve Ltd", count=99))
    assert run(project, provider) == 0
    found = outcome(project)
    assert found["status"] == found["steps"]["extract"]["status"] == "review"
    assert found["error"] == "extract: not found in the document: name, count"
    assert found["record"]["name"] == "Eve Ltd"
    assert [each["path"] for each in found["evidence"] if each["start"] is None] == ["name", "count"]
    assert project.rows("select * from p__thing") == []
    said = capfd.readouterr()
    assert said.out.rstrip().splitlines()[-1].startswith("1 waits in review, of this run: docmill review ")


@pytest.mark.parametrize("field", ["name", "count", "on"])
@pytest.mark.slow
def test_one_invented_value_in_every_record_puts_every_document_in_review(
    project: Project, provider: Provider, field: str
):
    project.documents(**{f"d{number}": f"{TEXT} {number}" for number in range(10)})
    invented = {"name": "Eve Ltd", "count": 77, "on": "2023-12-24"}
    provider.always(record(**{field: invented[field]}))
    assert run(project, provider) == 0
    rows = project.rows("select status, error from docmill_outcomes")
    assert rows == [("review", f"extract: not found in the document: {field}")] * 10


@pytest.mark.slow
def test_a_document_in_review_is_unchanged_in_the_next_run(project: Project, provider: Provider):
    project.documents(a=TEXT)
    provider.always(record(count=99))
    assert [run(project, provider), run(project, provider)] == [0, 0]
    assert len(provider.requests) == 1
    assert project.rows("select unchanged, review from docmill_runs order by started_at") == [(0, 1), (1, 0)]


@pytest.mark.slow
def test_a_row_of_a_good_record_is_kept_through_review(project: Project, provider: Provider):
    project.documents(a=TEXT)
    provider.script(record(), record(count=99))
    assert run(project, provider) == 0
    project.documents(a=f"{TEXT} And more.")
    assert run(project, provider) == 0
    assert outcome(project)["status"] == "review"
    assert project.rows("select count from p__thing") == [(1130,)]


def test_steps_after_one_in_review_run_and_read_its_record(project: Project, provider: Provider):
    project.documents(a=TEXT)
    provider.script(record(count=99), saying("a summary"))
    assert run(project, provider, EXTRACT + "  - summarize: {input: extract}\n") == 0
    assert '"count": 99' in provider.requests[1].text
    found = outcome(project)
    assert (found["status"], found["summary"]) == ("review", "a summary")
    assert found["steps"]["summarize"]["status"] == "done"


def test_a_failure_goes_before_review(project: Project, provider: Provider):
    project.documents(a=TEXT)
    provider.script(record(count=99), "bad_request")
    assert run(project, provider, EXTRACT + "  - summarize:\n") == 1
    found = outcome(project)
    assert found["status"] == "failed"
    assert found["error"].startswith("summarize: the server answered 400")
    assert found["record"]["count"] == 99
    assert found["evidence"][1]["start"] is None


@pytest.mark.slow
def test_a_record_of_a_summary_is_held_against_the_document(project: Project, provider: Provider):
    project.documents(a=TEXT)
    provider.script(saying("Eve Ltd sent 99"), record(name="Eve Ltd"))
    assert run(project, provider, "  - summarize:\n  - extract: {schema: thing, input: summarize}\n") == 0
    assert outcome(project)["error"] == "extract: not found in the document: name"


@pytest.mark.slow
def test_a_record_of_a_beginning_is_held_against_the_whole_document(project: Project, provider: Provider):
    project.documents(a=f"{'word ' * 100}\n{TEXT}")
    provider.always(record())
    assert run(project, provider, "  - extract: {schema: thing, max_input_tokens: 5}\n") == 0
    assert outcome(project)["status"] == "done"


def test_evidence_is_that_of_the_last_record(project: Project, provider: Provider):
    project.documents(a=TEXT)
    provider.script(record(name="Eve Ltd"), record(name="Ada"))
    project.schema("other", {**CHECKED, "name": "other"})
    steps = EXTRACT + "  - extract: {id: again, schema: other}\n"
    assert run(project, provider, steps) == 0
    found = outcome(project)
    assert (found["status"], found["record"]["name"]) == ("review", "Ada")
    assert found["evidence"][0]["quote"] == "Ada"
    assert found["error"] == "extract: not found in the document: name"


def test_labels_summaries_and_answers_in_text_are_not_held_against_the_document(
    project: Project, provider: Provider
):
    project.documents(a=TEXT)
    steps = "  - classify: {labels: {x: , y: }}\n  - summarize:\n  - ask: {prompt: What?}\n"
    assert run(project, provider, steps) == 0
    assert outcome(project)["status"] == "done"


@pytest.mark.parametrize(("name", "status"), [("Ada Ltd", "done"), ("Eve Ltd", "review")])
def test_a_record_that_answers_is_held_against_the_document(
    project: Project, provider: Provider, name: str, status: str
):
    project.documents(a=TEXT)
    provider.always(record(name=name))
    assert run(project, provider, "  - ask: {prompt: What?, schema: thing}\n") == 0
    found = outcome(project)
    assert found["status"] == status
    assert found["error"] == (None if status == "done" else "ask: not found in the document: name")
    assert found["steps"]["ask"]["output"]["name"] == name


@pytest.mark.slow
def test_the_keyword_is_never_sent(project: Project, provider: Provider):
    parameters: Any = {"type": "object", "properties": {"name": {"type": "string", "x-evidence": False}}}
    project.documents(a=TEXT)
    provider.always(saying('{"name": "Eve Ltd"}'))
    for form in ("tools", "json_schema", "text"):
        endpoint = f'{{base_url: "{provider.url}", structured_output: {form}}}'
        project.schema("thing", {**CHECKED, "parameters": parameters})
        assert project.run("run", str(project.pipeline(endpoint, EXTRACT))) == 0
    assert len(provider.requests) == 3
    assert not any("x-evidence" in request.body.decode() for request in provider.requests)
    assert outcome(project)["status"] == "done"


@pytest.mark.slow
def test_an_exemption_that_is_added_is_looked_at_again_and_paid_once(project: Project, provider: Provider):
    project.documents(a=TEXT)
    provider.always(record(name="Eve Ltd"))
    assert run(project, provider) == 0
    assert outcome(project)["status"] == "review"
    exempt = {**PROPERTIES, "name": {**PROPERTIES["name"], "x-evidence": False}}
    parameters = {**CHECKED["parameters"], "properties": exempt}
    assert run(project, provider, schema={**CHECKED, "parameters": parameters}) == 0
    assert outcome(project)["status"] == "done"
    assert len(provider.requests) == 1


def test_a_keyword_that_is_no_truth_value_is_refused(
    project: Project, provider: Provider, capfd: pytest.CaptureFixture[str]
):
    parameters: Any = {"type": "object", "properties": {"name": {"x-evidence": "no"}}}
    project.documents(a=TEXT)
    assert run(project, provider, schema={**CHECKED, "parameters": parameters}) == 2
    assert '/parameters/properties/name: x-evidence must be true or false, not "no"' in capfd.readouterr().err


@pytest.mark.slow
def test_records_of_long_documents_are_held_against_them_beside_the_other_calls(
    project: Project, provider: Provider
):
    long = "word\n" * 20_000
    project.documents(a=f"{long}{TEXT}", b=f"{TEXT}{long}")
    provider.always(record())
    assert run(project, provider, "  - extract: {schema: thing, max_input_tokens: 50}\n") == 0
    assert set(project.statuses().values()) == {"done"}


def test_rows_are_held_against_their_rendered_text(project: Project, provider: Provider):
    tell(
        "sqlite:///t.db",
        "create table t (id int, who text)",
        "insert into t values (1, 'Ada Ltd'), (2, 'Eve')",
    )
    provider.always(record())
    project.schema("thing", CHECKED)
    rows = (
        '{url: "sqlite:///t.db", query: select * from t, key: id, text: "{{ who }} sent 1,130 on 31/1/2024"}'
    )
    text = project.pipeline(provider.url, EXTRACT).read_text().replace("documents: in/*.txt", f"rows: {rows}")
    (project.root / "p.yaml").write_text(text)
    assert project.run("run", "p.yaml") == 0
    assert project.statuses() == {"1": "done", "2": "review"}

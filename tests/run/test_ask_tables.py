"""Records of `ask` with a schema fill a typed table, as those of `extract` do."""

import pytest

from docmill.flows.pipeline.file import load
from docmill.flows.pipeline.plan import resolve
from tests.support.project import Project
from tests.support.provider import Provider

ASK = "  - ask: {prompt: 'What is it?', schema: thing}\n"
EXTRACT = "  - extract: {schema: thing}\n"


def typed(project: Project, steps: str, into: str = "'sqlite:///results.db'") -> list[str]:
    return list(resolve(load(project.pipeline("http://127.0.0.1:9/v1", steps, into=into))).typed())


def test_the_schema_of_an_ask_step_has_a_table(project: Project):
    assert typed(project, ASK) == ["thing"]
    assert typed(project, "  - ask: {prompt: 'What is it?'}\n") == []


def test_a_schema_of_several_steps_is_extracts(project: Project):
    assert typed(project, EXTRACT + ASK) == ["thing"]
    two = ASK + "  - ask: {id: again, prompt: 'Again?', schema: thing}\n"
    assert typed(project, two) == []


def test_the_one_table_that_into_names_is_extracts(project: Project):
    project.schema("other", {"name": "other", "parameters": {"type": "object", "properties": {"n": {}}}})
    one = "{url: 'sqlite:///results.db', table: things}"
    assert typed(project, EXTRACT + ASK.replace("thing", "other"), one) == ["thing"]
    assert typed(project, ASK, one) == ["thing"]


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_api")
def test_a_run_fills_it_and_a_later_one_keeps_it(project: Project, provider: Provider):
    project.documents(a="first", b="second")
    pipeline = str(project.pipeline(provider.url, ASK))
    assert project.run("run", pipeline) == 0
    rows = project.rows('select document_id, name, "on" from p__thing order by document_id')
    assert [row[0] for row in rows] == ["in/a.txt", "in/b.txt"]
    assert all(name for _, name, _ in rows)
    assert project.run("run", pipeline) == 0
    assert project.rows("select count(*) from p__thing") == [(2,)]

"""What a shard finds again of what its run has listed: the same documents, with the same hashes."""

from pathlib import Path

import pytest

from docmill.flows.pipeline.file import load
from docmill.flows.pipeline.plan import Plan, resolve
from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.dealt import Dealt, written
from docmill.tasks.sources.source import Source
from tests.support.project import Project
from tests.support.tickets import tell

ROWS = """
name: p
rows: {url: "sqlite:///t.db", query: "select id, body, file from t", key: id, text: "{{ body }}"%s}
endpoint: http://127.0.0.1:9/v1
model: m
steps: [{summarize: {max_words: 20}}]
"""


def plan(project: Project, declared: str) -> Plan:
    file = project.root / "p.yaml"
    file.write_text(declared)
    return resolve(load(file))


def again(source: Source) -> None:
    """List a source, and compare each of its documents with what a shard finds of it."""
    dealt = Dealt(source)
    with source.opened() as listed, dealt.opened() as nothing:
        assert not list(nothing)
        refs = list(listed)
        assert refs
        for ref in refs:
            found = dealt.ref(ref.document_id, ref.uri, *written(ref))
            assert (found.document_id, found.uri, found.sha256()) == (ref.document_id, ref.uri, ref.sha256())
            if ref.sha256() is not None:
                assert found.read() == ref.read()


def test_files(project: Project):
    project.documents(a="one", b="two", **{"c d": "three"})
    Path("in/deep").mkdir()
    again(
        plan(project, (project.pipeline("http://127.0.0.1:9/v1", documents="in/**/*.txt")).read_text()).source
    )


@pytest.fixture
def table(project: Project) -> Project:
    project.documents(a="one", b="two")
    rows = (
        "insert into t values (1, 'first', 'in/a.txt'), (1, 'again', 'in/b.txt'), (null, 'x', 'in/none.txt')"
    )
    tell("sqlite:///t.db", "create table t (id integer, body text, file text)", rows)
    return project


def test_rows(table: Project):
    again(plan(table, ROWS % "").source)


def test_rows_that_name_files(table: Project):
    again(plan(table, ROWS % ", document: file").source)


def test_a_file_that_the_pattern_does_not_match_is_never_opened(project: Project):
    project.documents(a="one")
    source = plan(project, project.pipeline("http://127.0.0.1:9/v1").read_text()).source
    with Dealt(source).opened():
        found = Dealt(source).ref("/etc/passwd", "file:///etc/passwd", None, None, None)
    assert found.sha256() is None


def test_a_row_whose_file_this_worker_may_not_read_fails_alone(table: Project, tmp_path: Path):
    dealt = Dealt(plan(table, ROWS % ", document: file").source)
    with dealt.opened():
        found = dealt.ref("1", "sqlite:///t.db#1", "first", None, "/etc/passwd")
    with pytest.raises(Unreadable, match="DOCMILL_ROOTS"):
        found.read()

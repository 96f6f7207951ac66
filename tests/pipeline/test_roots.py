"""DOCMILL_ROOTS: what a pipeline that is a parameter may read and write, judged before it is looked at."""

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from prefect.client.schemas.objects import State

from docmill.flows.pipeline.parameter import require_safe
from docmill.flows.pipeline.roots import Roots
from docmill.flows.process import process
from docmill.schemas.errors import ConfigError
from docmill.schemas.pipeline import Pipeline
from tests.support.project import Project
from tests.support.provider import Provider

REFUSED = "does not lie below"


def declared(**keys: Any) -> dict[str, Any]:
    own = {"name": "p", "documents": "in/*.txt", "endpoint": "local", "into": "sqlite:///results.db"}
    return {**own, "steps": [{"summarize": {}}], **keys}


def rows(url: str) -> dict[str, Any]:
    return {"documents": None, "rows": {"url": url, "query": "select 1 as id", "key": "id", "text": "x"}}


def judged(**keys: Any) -> None:
    require_safe(Pipeline.model_validate(declared(**keys)))


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Give a folder beside the project, with a file of each kind that a pipeline reads."""
    folder = tmp_path / "secret"
    folder.mkdir()
    (folder / "a.txt").write_text("the secret")
    (folder / "tool.json").write_text("not for the sender")
    sqlite3.connect(folder / "rows.db").close()
    return folder


@pytest.mark.parametrize(
    "keys",
    [
        {"documents": "{secret}/*.txt"},
        {"documents": ["in/*.txt", "../secret/a.txt"]},
        {"documents": "file://{secret}/a.txt"},
        {"documents": "in/../../secret/*"},
        {"documents": "in/*/../../../secret/a.txt"},
        {"documents": "/*"},
        {"documents": "link/*.txt"},
        {"documents": "a.txt"},
        {"documents": "s3://bucket/in/*"},
        {"steps": [{"extract": {"schema": "{secret}/tool.json"}}]},
        {"steps": [{"extract": {"schema": "link/tool.json"}}]},
        {"steps": [{"ask": {"prompt": "?", "schema": "../secret/tool.json"}}]},
        {"steps": [{"extract": {"schema": "linked"}}]},
        {"into": "sqlite:///../secret/new.db"},
        {"into": "sqlite:///{secret}/new.db"},
        {"into": "sqlite:////{secret}/new.db"},
        {"into": {"url": "sqlite:///link/new.db"}},
        rows("sqlite:///{secret}/rows.db"),
        rows("sqlite:///link/rows.db"),
        {"documents": None, "rows": {"files": "{secret}/*.csv", "key": "id", "text": "x"}},
        {"documents": None, "rows": {"files": ["in/*", "link/*.csv"], "key": "id", "text": "x"}},
        {"documents": None, "rows": {"files": "s3://bucket/in/*.csv", "key": "id", "text": "x"}},
    ],
    ids=str,
)
def test_what_lies_elsewhere_is_refused(keys: dict[str, Any], project: Project, secret: Path):
    (project.root / "in").mkdir()
    (project.root / "link").symlink_to(secret)
    (project.root / "a.txt").symlink_to(secret / "a.txt")
    (project.root / "schemas/tools/linked.json").symlink_to(secret / "tool.json")

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(each) for key, each in value.items()}
        if isinstance(value, list):
            return [filled(each) for each in value]
        return value.replace("{secret}", str(secret)) if isinstance(value, str) else value

    with pytest.raises(ConfigError, match=REFUSED):
        judged(**filled(keys))


@pytest.mark.parametrize("url", ["sqlite:///x.db?uri=true", "sqlite:///file:x.db?mode=rwc&uri=true"])
def test_nor_does_sqlite_take_options(url: str, project: Project):
    with pytest.raises(ConfigError, match="a file of SQLite alone"):
        judged(into=url)


def test_nor_a_url_with_a_variable(project: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DOCMILL_ROOTS", "s3://bucket/in")
    with pytest.raises(ConfigError, match="takes nothing from the environment"):
        judged(documents="s3://bucket/in/${DOCMILL_SECRET}*")


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"documents": "**/*.txt"},
        {"documents": "file://{root}/in/*"},
        {"steps": [{"extract": {"schema": "thing"}}]},
        {"steps": [{"extract": {"schema": "schemas/tools/thing.json"}}]},
        {"steps": [{"extract": {"schema": "invoice"}}]},
        rows("sqlite:///in/rows.db"),
    ],
    ids=str,
)
def test_the_working_directory_and_docmills_own_schemas_are_open(keys: dict[str, Any], project: Project):
    if isinstance(keys.get("documents"), str):
        keys = {"documents": keys["documents"].replace("{root}", str(project.root))}
    judged(**keys)


@pytest.mark.parametrize(
    ("roots", "documents", "held"),
    [
        ("{secret}", "{secret}/*.txt", True),
        ("../secret", "{secret}/**", True),
        ("../secret", "in/*.txt", False),
        (".:../secret", "in/*.txt", True),
        ("{secret}", "{secret}2/*.txt", False),
        ("s3://bucket/in:.", "s3://bucket/in/*.txt", True),
        ("S3://bucket/in/", "s3://bucket/in/a/*.txt", True),
        ("s3://bucket/in", "s3://bucket/inside/*.txt", False),
        ("s3://bucket/in", "s3://bucket/in*", False),
        ("s3://bucket/in", "s3://bucket2/in/*.txt", False),
        ("s3://bucket", "s3://bucket/in/*.txt", True),
        ("s3://bucket/in", "gs://bucket/in/*.txt", False),
    ],
)
def test_roots_are_folders_and_beginnings_of_urls(
    roots: str, documents: str, held: bool, project: Project, secret: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DOCMILL_ROOTS", roots.replace("{secret}", str(secret)))
    given = documents.replace("{secret}", str(secret))
    if held:
        Roots.of_environment().require_documents("documents", [given])
    else:
        with pytest.raises(ConfigError, match=REFUSED):
            Roots.of_environment().require_documents("documents", [given])


async def ran(pipeline: Any, **parameters: Any) -> State[Any]:
    """Run the flow as a deployed one."""
    state: State[Any] = await process(pipeline, **parameters, return_state=True)
    return state


@pytest.mark.usefixtures("prefect_api")
class TestRuns:
    @pytest.fixture(autouse=True)
    def _hosts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DOCMILL_HOSTS", "127.0.0.1")

    async def test_nothing_of_it_is_read_or_written(self, project: Project, secret: Path):
        """A pipe would block whoever reads it."""
        os.mkfifo(secret / "pipe.json")
        state = await ran(declared(steps=[{"extract": {"schema": f"{secret}/pipe.json"}}]))
        assert state.is_failed()
        assert f"steps[0].extract.schema: '{secret}/pipe.json' {REFUSED}" in str(state.message)
        state = await ran(declared(into=f"sqlite:///{secret}/new.db"))
        assert f"into: '{secret}/new.db' {REFUSED}" in str(state.message)
        assert not (secret / "new.db").exists()

    async def test_a_link_that_is_matched_further_down_is_not_followed_out(
        self, project: Project, provider: Provider, secret: Path
    ):
        project.documents(a="text")
        (project.root / "in/sub").mkdir()
        (project.root / "in/sub/link").symlink_to(secret)
        (project.root / "in/sub/b.txt").symlink_to(secret / "a.txt")
        given = declared(
            endpoint={"base_url": provider.url},
            model="m",
            documents=["in/*/link/*.txt", "in/*/b.txt", "in/*.txt"],
        )
        await ran(given)
        statuses = project.statuses()
        assert {statuses.pop("in/a.txt"), *statuses.values()} == {"done", "failed"}
        assert len(statuses) == 2
        assert not any(b"the secret" in body for body in provider.bodies())
        errors = project.rows("select error from docmill_outcomes where status = 'failed'")
        assert all("may not read" in error for (error,) in errors)

    @pytest.mark.slow
    async def test_the_parameter_documents_replaces_a_files_own_by_others_of_its_folder_alone(
        self, project: Project, provider: Provider, secret: Path
    ):
        project.documents(a="text")
        file = str(project.pipeline(provider.url, "  - summarize:\n", documents=f"{secret}/*.md"))
        (secret / "b.md").write_text("public")
        refused = await ran(file, documents="/etc/*")
        assert refused.is_failed()
        assert f"documents: '/etc/*' {REFUSED}" in str(refused.message)
        assert (await ran(file, documents=f"{secret}/a.txt")).is_completed()
        assert (await ran(file, documents="in/a.txt")).is_completed()


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ("/etc/labels.csv", "evaluate.labels: '/etc/labels.csv' does not lie below"),
        ({"url": "sqlite:////etc/labels.db", "query": "q"}, "evaluate.labels.url: '/etc/labels.db' does not"),
        ({"url": "postgresql://u@elsewhere.example/d", "query": "q"}, "evaluate.labels.url: .*DOCMILL_HOSTS"),
    ],
)
def test_labels_of_a_parameter_lie_below_the_roots_and_on_permitted_hosts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, labels: Any, said: str
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=said):
        judged(evaluate={"labels": labels})

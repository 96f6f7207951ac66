"""What the documents say is so: every example runs, every key is described."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from docmill.schemas import pipeline as declared
from docmill.schemas import steps
from docmill.schemas.alert import Alert
from docmill.schemas.bundle import Split
from docmill.schemas.endpoint import Endpoint, Prices
from docmill.schemas.evaluate import Evaluate, LabelsQuery
from docmill.schemas.published import FILE, published
from tests.support.bundled import by_the_page, letter
from tests.support.documents import pdf
from tests.support.project import THING, Project
from tests.support.provider import Provider
from tests.support.tickets import tell

SUPPORT = (
    "create table customers (id integer primary key, name text)",
    "create table tickets (id integer primary key, customer integer, subject text, body text, closed date)",
    "insert into customers values (1, 'Ada'), (2, 'Bob')",
    "insert into tickets values (7, 1, 'Late', 'Where is it?', null), (8, 2, 'Thanks', null, null)",
)
ROOT = Path(__file__).parents[2]
PIPELINES = (ROOT / "docs" / "pipelines.md").read_text()
BUNDLES = (ROOT / "docs" / "bundles.md").read_text()
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", PIPELINES, re.MULTILINE | re.DOTALL)
OF_BUNDLES = re.findall(r"^```yaml\n(.*?)^```$", BUNDLES, re.MULTILINE | re.DOTALL)
MODELS: tuple[type[BaseModel], ...] = (
    declared.Pipeline,
    declared.Rows,
    steps.Summarize,
    steps.Classify,
    steps.Extract,
    steps.Ask,
    steps.Label,
    declared.Limits,
    declared.Into,
    Split,
    Alert,
    Evaluate,
    LabelsQuery,
    Endpoint,
    Prices,
)


# With what the examples' rules speak of.
THINGS: Any = THING["parameters"]
PARAMETERS = {
    **THINGS,
    "properties": {
        **THINGS["properties"],
        **{name: {"type": "number"} for name in ("net", "tax", "total")},
        **{name: {"type": "string", "format": "date"} for name in ("issued", "due")},
    },
    "required": ["name"],
}


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=re.findall(r"^name: (\S+)", PIPELINES, re.MULTILINE))
def test_every_example_runs(
    project: Project, provider: Provider, prefect_api: str, example: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DOCMILL_GATEWAY", "gateway.example")
    monkeypatch.setenv("DOCMILL_API_KEY", "sk-none")
    for name in ("bill", "agreement"):
        project.schema(name, {**THING, "name": name, "parameters": PARAMETERS})
    project.documents(a="one", b="two")
    (project.root / "in" / "2026").mkdir()
    tell("sqlite:///support.db", *SUPPORT)
    (project.root / "labels.csv").write_text("document,label\na.txt,bill\n")
    file = project.root / "example.yaml"
    file.write_text(example)
    into = "sqlite:///results.db"
    asked = ("--endpoint", provider.url, "--model", "claude-3-5-haiku-20241022")  # which has a price
    assert project.run("run", str(file), *asked, "--into", into) == 0
    ended = "review" if "rules:" in example else "done"  # what the provider invents keeps no rule
    assert Counter(project.statuses().values()) == {ended: 2}


@pytest.mark.slow
@pytest.mark.parametrize("example", OF_BUNDLES, ids=re.findall(r"^name: (\S+)", BUNDLES, re.MULTILINE))
def test_every_example_of_bundles_divides_a_file(
    project: Project, provider: Provider, prefect_api: str, example: str
):
    provider.rule(by_the_page)
    (project.root / "in").mkdir()
    (project.root / "in/scan.pdf").write_bytes(
        pdf(*letter("Ada Ltd", "one", "two"), *letter("Bob & Co", "three"))
    )
    (project.root / "example.yaml").write_text(example)
    asked = ("--endpoint", provider.url, "--model", "m", "--into", "sqlite:///results.db")
    assert project.run("run", "example.yaml", *asked) == 0
    assert project.statuses() == {"in/scan.pdf#pages=1-2": "done", "in/scan.pdf#pages=3-3": "done"}


@pytest.mark.parametrize("model", MODELS)
def test_every_key_is_described(model: type[BaseModel]):
    for name, field in model.model_fields.items():
        assert re.search(rf"\b{field.alias or name}\b", PIPELINES), f"{model.__name__}.{name}"


def test_the_published_schema_is_current():
    """Where this fails: python -m docmill.schemas.published."""
    assert FILE.read_text() == published()


def test_the_published_schema_takes_every_example():
    from io import StringIO

    from jsonschema import Draft202012Validator
    from ruamel.yaml import YAML

    schema = Draft202012Validator(json.loads(FILE.read_text()))
    for text in [*EXAMPLES, *OF_BUNDLES, *(each.read_text() for each in ROOT.glob("flows/pipelines/*.yaml"))]:
        assert not list(schema.iter_errors(YAML(typ="safe").load(StringIO(text))))


def test_the_samples_name_the_schema_for_editors():
    for file in ROOT.glob("flows/pipelines/*.yaml"):
        named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", file.read_text())
        assert named, file
        assert (file.parent / named[1]).resolve() == FILE.resolve()

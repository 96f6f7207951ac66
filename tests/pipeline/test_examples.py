"""Examples of a step: from the pipeline's file or files of their own, wrong ones told with their place."""

import json
from pathlib import Path
from typing import Any

import pytest

from docmill.flows.pipeline.file import load
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.pipeline.plan import Plan, resolve
from docmill.schemas.errors import ConfigError
from docmill.tasks.steps.kind import kind
from tests.support.project import Project

RECORD = {"name": "Ada", "on": "2024-01-31"}


def planned(project: Project, steps: str) -> Plan:
    return resolve(load(project.pipeline("local", f"  - {steps}\n")), RunOptions(model="m"))


def refusal(project: Project, steps: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(project.pipeline("local", f"  - {steps}\n"))
    return str(caught.value)


def written(name: str, **said: Any) -> None:
    file = Path("shown", name)
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(said))


@pytest.mark.parametrize("named", ["shown", "shown/*.json"])
def test_a_folder_or_a_glob_names_files_of_examples(project: Project, named: str):
    written("b.json", document="second", record=RECORD)
    written("a.json", document="first", record=RECORD)
    [step] = planned(project, f"extract: {{schema: thing, examples: '{named}'}}").steps
    assert [each.document for each in kind(step.kind).examples(step.options, None)] == ["first", "second"]


def test_a_changed_example_changes_the_hash_of_its_step(project: Project):
    steps = "extract: {schema: thing, examples: shown}"
    written("a.json", document="first", record=RECORD)
    before = planned(project, steps)
    assert planned(project, steps).sha256 == before.sha256
    written("a.json", document="first", record=RECORD | {"name": "Bob"})
    assert planned(project, steps).steps[0].sha256 != before.steps[0].sha256


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (
            "extract: {schema: thing, examples: [{document: a, record: {name: 7, on: 2024-01-31}}]}",
            "steps[0].extract.examples[0].record.name: must be string, not 7",
        ),
        (
            "extract: {schema: thing, examples: [{document: a, summary: b}]}",
            "steps[0].extract.examples[0]: an example of this step has document, record",
        ),
        (
            "summarize: {examples: [{document: a}]}",
            "steps[0].summarize.examples[0]: an example of this step has document, summary",
        ),
        (
            "classify: {labels: {bill: , other: }, examples: [{document: a, label: bil}]}",
            "steps[0].classify.examples[0].label: there is no label 'bil'; did you mean bill?",
        ),
        ("summarize: {examples: [{document: a, sumary: b}]}", "did you mean summary?"),
        ("summarize: {examples: shown}", "steps[0].summarize.examples: 'shown' names no file"),
    ],
)
def test_a_wrong_example_is_refused_with_its_place(project: Project, steps: str, said: str):
    told = refusal(project, steps)
    assert "/p.yaml:8:" in told
    assert said in told


def test_an_example_says_which_label_chose_its_schema(project: Project):
    told = refusal(
        project,
        "classify: {labels: {a: , b: }}\n"
        "  - extract: {by: classify, schemas: {a: thing}, examples: [{document: a, record: {}}]}",
    )
    assert "steps[1].extract.examples[0]: an example of this step has document, label and record" in told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "shown/a.json: not JSON in UTF-8: "),
        ('{"document": "a"}', "shown/a.json: an example of this step has document, record"),
        ('{"document": "a", "recrd": {}}', "shown/a.json: recrd: unknown key; did you mean record?"),
        (
            '{"document": "a", "record": {"name": "A", "on": "soon"}}',
            'shown/a.json: record.on: "soon" has not the format date',
        ),
    ],
)
def test_a_wrong_file_of_an_example_is_named(project: Project, text: str, said: str):
    Path("shown").mkdir()
    Path("shown/a.json").write_text(text)
    told = refusal(project, "extract: {schema: thing, examples: shown}")
    assert "/p.yaml:8:" in told
    assert said in told

"""Declared pipelines: right ones are taken, wrong ones refused with the place and what was meant."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from docmill.flows.pipeline.checked import checked
from docmill.flows.pipeline.file import load, named, pipeline_file
from docmill.schemas.bundle import Split
from docmill.schemas.endpoint import Endpoint, Prices
from docmill.schemas.errors import ConfigError
from docmill.schemas.example import Example
from docmill.schemas.pipeline import Into, Limits, Pipeline, Rows
from docmill.schemas.steps import Classify, Extract, Label, Summarize
from tests.support.project import THING, Project
from tests.support.wrong_pipelines import FILES, PASSWORDS, STEPS, TOP

HEAD = "name: p\ndocuments: in/*\n"
SUMMARIZE = "steps: [summarize: ]\n"
BAD_PROPERTIES: dict[str, dict[str, Any]] = {
    "remote": {"a": {"$ref": "https://example.com/a"}},
    "fixed": {"Run_ID": {"type": "string"}},
    "case": {"Ab": {"type": "string"}, "aB": {"type": "string"}},
    "long": {"ä" * 32: {"type": "string"}},
    "thing": {"a": {"type": "string"}},
}
URL = "https://models.example/v1"
MAPPED = """\
endpoint:
  base_url: https://${DOCMILL_HOST}/v1
  api_key_env: DOCMILL_OTHER_KEY
  structured_output: json_schema
  stream: true
  timeout_s: 30.5
  context_tokens: 8000
  max_output_tokens: 1000
  max_tokens_name: max_completion_tokens
  strict: false
  choices: true
  vision: true
  picture_tokens: 37000
  prices: {input: 0.15, output: 0.6, cached_input: 0.075, cache_write: 0.2}
  cache_id: ours
  allow_http: true
"""
CLASSIFY = "  - classify: {labels: {a: the first, b: the second}}\n"
LABELS = {"a": {"description": "the first"}, "b": {"description": "the second"}}

# What stands below `name` and `documents`, and what of it is read.
RIGHT: dict[str, tuple[str, dict[str, Any]]] = {
    "a step without options": (SUMMARIZE, {"steps": [{"summarize": {}}]}),
    "pictures that are read": (f"ocr: always\n{SUMMARIZE}", {"ocr": "always"}),
    "files that hold several documents": (f"split: true\n{SUMMARIZE}", {"split": True}),
    "how pages are looked at": (
        "split:\n  labels: {bill: to pay, other: the rest}\n  model: [m, n]\n  instructions: Look.\n"
        f"  max_tokens: 99\n  max_input_tokens: 900\n  params: {{seed: 1}}\n{SUMMARIZE}",
        {
            "split": {
                "labels": {"bill": {"description": "to pay"}, "other": {"description": "the rest"}},
                "model": ["m", "n"],
                "instructions": "Look.",
                "max_tokens": 99,
                "max_input_tokens": 900,
                "params": {"seed": 1},
            }
        },
    ),
    "documents that are gone": (f"gone: remove\n{SUMMARIZE}", {"gone": "remove"}),
    "parts that may be unread": (f"unread: allow\n{SUMMARIZE}", {"unread": "allow"}),
    "a pause for review": (f"review: pause\n{SUMMARIZE}", {"review": "pause"}),
    "a budget": (
        f"budget: {{run_usd: 5, day_usd: 20}}\n{SUMMARIZE}",
        {"budget": {"run_usd": "5", "day_usd": "20"}},
    ),
    "a question before it costs much": (f"confirm_above_usd: 10\n{SUMMARIZE}", {"confirm_above_usd": 10}),
    "what a run may leave undone, and what it is not to pass in silence": (
        f"fail_above: 0.1\nalert: {{cost_usd: 10, review: 0.2, bad: 0.1, deferred: 0}}\n{SUMMARIZE}",
        {"fail_above": 0.1, "alert": {"cost_usd": 10, "review": 0.2, "bad": 0.1, "deferred": 0}},
    ),
    "a summary in words": (
        "steps:\n  - summarize: {max_words: 60}\n",
        {"steps": [{"summarize": {"max_words": 60}}]},
    ),
    "a summary in sentences": (
        "steps:\n  - summarize: {sentences: 1}\n",
        {"steps": [{"summarize": {"sentences": 1}}]},
    ),
    "labels as text, as a mapping and bare": (
        "steps:\n  - classify:\n      labels:\n        yes: the first\n        no:\n"
        "        1_000 EUR: {description: x, examples: [one, two]}\n",
        {
            "steps": [
                {
                    "classify": {
                        "labels": {
                            "yes": {"description": "the first"},
                            "no": {"description": ""},
                            "1_000 EUR": {"description": "x", "examples": ["one", "two"]},
                        }
                    }
                }
            ]
        },
    ),
    "a schema by its name": (
        "steps:\n  - extract: {schema: thing}\n",
        {"steps": [{"extract": {"schema": "thing"}}]},
    ),
    "a schema by its path": (
        "steps:\n  - extract: {schema: bad/thing.json}\n",
        {"steps": [{"extract": {"schema": "bad/thing.json"}}]},
    ),
    "who is told": (
        f"notify: {{url: 'https://h/x', statuses: [done, review], batch: 10}}\n{SUMMARIZE}",
        {"notify": {"url": "https://h/x", "statuses": ["done", "review"], "batch": 10}},
    ),
    "rows that may be missing": (
        "steps:\n  - extract: {schema: thing, complete: off, lists: columns}\n",
        {"steps": [{"extract": {"schema": "thing", "complete": "off", "lists": "columns"}}]},
    ),
    "long texts in parts": (
        "steps:\n  - summarize: {long: parts}\n"
        "  - classify: {labels: {a: the first, b: the second}, long: parts, parts: 3}\n",
        {
            "steps": [
                {"summarize": {"long": "parts"}},
                {"classify": {"labels": LABELS, "long": "parts", "parts": 3}},
            ]
        },
    ),
    "a rule": (
        "steps:\n  - extract: {schema: thing, rules: [{name: few, that: count < 9, message: too many}]}\n",
        {
            "steps": [
                {
                    "extract": {
                        "schema": "thing",
                        "rules": [{"name": "few", "that": "count < 9", "message": "too many"}],
                    }
                }
            ]
        },
    ),
    "schemas by the label": (
        f"steps:\n{CLASSIFY}  - extract: {{by: classify, schemas: {{a: thing, b: thing}}}}\n",
        {
            "steps": [
                {"classify": {"labels": LABELS}},
                {"extract": {"by": "classify", "schemas": {"a": "thing", "b": "thing"}}},
            ]
        },
    ),
    "a question": (
        "steps:\n  - ask: {prompt: Why?}\n  - ask: {id: more, prompt: What?, schema: thing}\n",
        {
            "steps": [
                {"ask": {"prompt": "Why?"}},
                {"ask": {"id": "more", "prompt": "What?", "schema": "thing"}},
            ]
        },
    ),
    "every option of a step": (
        f"steps:\n{CLASSIFY}  - summarize: {{needs: [], max_tokens: 100, instructions: In German.}}\n"
        "  - summarize: {id: short, needs: [classify, summarize], input: summarize, when: {classify: a}}\n"
        "  - summarize: {id: long, when: {classify: [a, b]}, max_input_tokens: 50, "
        "first: instructions, params: {temperature: null, top_p: 0.5, stop: [x]}}\n",
        {
            "steps": [
                {"classify": {"labels": LABELS}},
                {"summarize": {"needs": [], "max_tokens": 100, "instructions": "In German."}},
                {
                    "summarize": {
                        "id": "short",
                        "needs": ["classify", "summarize"],
                        "input": "summarize",
                        "when": {"classify": "a"},
                    }
                },
                {
                    "summarize": {
                        "id": "long",
                        "when": {"classify": ["a", "b"]},
                        "max_input_tokens": 50,
                        "first": "instructions",
                        "params": {"temperature": None, "top_p": 0.5, "stop": ["x"]},
                    }
                },
            ]
        },
    ),
    "labels that results are held against": (
        f"evaluate: {{labels: labels.csv, min_label: 0.9}}\n{SUMMARIZE}",
        {"evaluate": {"labels": "labels.csv", "min_label": 0.9}},
    ),
    "examples": (
        "steps:\n  - extract: {schema: thing, "
        "examples: [{document: A b, record: {name: b, on: 2024-01-31}}]}\n"
        "  - summarize: {examples: [{document: A b, summary: b}]}\n"
        "  - ask: {prompt: Why?, examples: [{document: A b, answer: b}]}\n"
        "  - classify: {labels: {a: the first, b: the second}, examples: [{document: A b, label: b}]}\n",
        {
            "steps": [
                {
                    "extract": {
                        "schema": "thing",
                        "examples": [{"document": "A b", "record": {"name": "b", "on": "2024-01-31"}}],
                    }
                },
                {"summarize": {"examples": [{"document": "A b", "summary": "b"}]}},
                {"ask": {"prompt": "Why?", "examples": [{"document": "A b", "answer": "b"}]}},
                {"classify": {"labels": LABELS, "examples": [{"document": "A b", "label": "b"}]}},
            ]
        },
    ),
    "examples from reviews": (
        f"steps:\n{CLASSIFY}  - extract: {{schema: thing, examples_from_reviews: 3}}\n",
        {
            "steps": [
                {"classify": {"labels": LABELS}},
                {"extract": {"schema": "thing", "examples_from_reviews": 3}},
            ]
        },
    ),
    "votes": (
        "steps:\n  - classify: {labels: {a: the first, b: the second}, votes: 3}\n"
        "  - extract: {schema: thing, votes: 5}\n  - ask: {prompt: What?, schema: thing, votes: 2}\n",
        {
            "steps": [
                {"classify": {"labels": LABELS, "votes": 3}},
                {"extract": {"schema": "thing", "votes": 5}},
                {"ask": {"prompt": "What?", "schema": "thing", "votes": 2}},
            ]
        },
    ),
    "an answer that is held against its document": (
        "steps:\n  - ask: {prompt: What?, schema: thing, complete: review, lists: columns, "
        "rules: [{name: few, that: count < 9, message: too many}]}\n",
        {
            "steps": [
                {
                    "ask": {
                        "prompt": "What?",
                        "schema": "thing",
                        "complete": "review",
                        "lists": "columns",
                        "rules": [{"name": "few", "that": "count < 9", "message": "too many"}],
                    }
                }
            ]
        },
    ),
    "models in turn": (
        "steps:\n  - summarize: {model: [a, b]}\n",
        {"steps": [{"summarize": {"model": ["a", "b"]}}]},
    ),
    "a date in parameters": (
        "steps:\n  - summarize: {params: {since: 2024-01-31}}\n",
        {"steps": [{"summarize": {"params": {"since": "2024-01-31"}}}]},
    ),
    "anchors, aliases and merges": (
        "steps:\n  - summarize: &short {max_words: 9}\n  - summarize: {<<: *short, id: again}\n",
        {"steps": [{"summarize": {"max_words": 9}}, {"summarize": {"max_words": 9, "id": "again"}}]},
    ),
    "an endpoint that is built in": (f"endpoint: 302ai\n{SUMMARIZE}", {"endpoint": "302ai"}),
    "an endpoint's URL": (f"endpoint: {URL}\n{SUMMARIZE}", {"endpoint": URL}),
    "an endpoint's URL on loopback": (
        f"endpoint: http://127.0.0.1:8000/v1\n{SUMMARIZE}",
        {"endpoint": "http://127.0.0.1:8000/v1"},
    ),
    "an endpoint's URL by a variable": (
        f"endpoint: ${{DOCMILL_URL}}\n{SUMMARIZE}",
        {"endpoint": "${DOCMILL_URL}"},
    ),
    "every key of an endpoint": (
        MAPPED + SUMMARIZE,
        {
            "endpoint": {
                "base_url": "https://${DOCMILL_HOST}/v1",
                "api_key_env": "DOCMILL_OTHER_KEY",
                "structured_output": "json_schema",
                "stream": True,
                "timeout_s": 30.5,
                "context_tokens": 8000,
                "max_output_tokens": 1000,
                "max_tokens_name": "max_completion_tokens",
                "vision": True,
                "picture_tokens": 37_000,
                "strict": False,
                "choices": True,
                "prices": {"input": "0.15", "output": "0.6", "cached_input": "0.075", "cache_write": "0.2"},
                "cache_id": "ours",
                "allow_http": True,
            }
        },
    ),
    "a model, limits and a database": (
        "model: m\nlimits: {concurrency: 16, requests_per_minute: 600, tokens_per_minute: 200000}\n"
        f"into: postgresql+psycopg://u:${{PGPASSWORD}}@h/db\n{SUMMARIZE}",
        {
            "model": "m",
            "limits": {"concurrency": 16, "requests_per_minute": 600, "tokens_per_minute": 200_000},
            "into": "postgresql+psycopg://u:${PGPASSWORD}@h/db",
        },
    ),
    "a table and its key": (
        "into: {url: 'sqlite:///x.db', table: things, key: doc}\nsteps: [extract: {schema: thing}]\n",
        {"into": {"url": "sqlite:///x.db", "table": "things", "key": "doc"}},
    ),
}


@pytest.fixture
def written(project: Project) -> Path:
    """Give the path of the pipeline, in a project with good and bad tool schemas."""
    project.schema("other", THING)
    bad = project.root / "bad"
    bad.mkdir()
    for name, properties in BAD_PROPERTIES.items():
        parameters = {"type": "object", "properties": properties}
        tool = {"name": name, "description": "Bad.", "parameters": parameters}
        (bad / f"{name}.json").write_text(json.dumps(tool))
    (bad / "broken.json").write_text('{"name": "broken",\n "description" "x"}')
    return Path("p.yaml")


def loaded(path: Path, text: str) -> dict[str, Any]:
    path.write_text(text)
    return load(path).pipeline.model_dump(mode="json", by_alias=True, exclude_unset=True)


def refusal(path: Path, text: str) -> str:
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    return str(caught.value)


@pytest.mark.parametrize(("below", "read"), RIGHT.values(), ids=RIGHT)
def test_what_is_right_is_read_as_written(written: Path, below: str, read: dict[str, Any]):
    found = loaded(written, HEAD + below)
    assert {key: found[key] for key in read} == read


def test_the_source_is_a_glob_or_a_list_of_them(written: Path):
    for documents in ("in/*", ["in/*.txt", "more/**/*.md"]):
        text = f"name: p\ndocuments: {json.dumps(documents)}\n{SUMMARIZE}"
        assert loaded(written, text)["documents"] == documents


def test_the_source_may_be_the_rows_of_a_query(written: Path):
    rows = {"url": "postgresql://u:${PGPASSWORD}@h/db", "query": "select 1", "key": "id", "text": "{{ a }}"}
    found = loaded(written, f"name: p\nrows: {json.dumps(rows)}\n{SUMMARIZE}")
    assert {key: found["rows"][key] for key in rows} == rows


def test_the_source_may_be_the_rows_of_files(written: Path):
    for files in ("s3://${BUCKET}/t/*.parquet", ["in/*.csv", "in/*.xlsx"]):
        rows = {"files": files, "sheet": "Mail", "query": "select 1", "key": "id", "text": "{{ a }}"}
        assert rows.keys() | {"url", "document", "since"} == set(names(Rows))
        found = loaded(written, f"name: p\nrows: {json.dumps(rows)}\n{SUMMARIZE}")
        assert {key: found["rows"][key] for key in rows} == rows


def test_the_right_pipelines_hold_every_key_of_the_format():
    models = (Pipeline, Limits, Into, Endpoint, Prices, Label, Example, Summarize, Classify, Extract, Split)
    known = {name for model in models for name in names(model)}
    shown = {key for _, read in RIGHT.values() for key in keys(read)}
    assert known <= shown | {"name", "documents", "rows"}


def names(model: type[BaseModel]) -> Iterator[str]:
    yield from (field.alias or name for name, field in model.model_fields.items())


def keys(value: Any) -> Iterator[str]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    yield from value if isinstance(value, dict) else ()
    for each in inner:
        yield from keys(each)


@pytest.mark.parametrize(("top", "said"), TOP.values(), ids=TOP)
def test_what_is_wrong_at_the_top_is_refused_with_its_place(written: Path, top: str, said: str):
    assert refusal(written, HEAD + top) == f"p.yaml:{said}"


@pytest.mark.parametrize(("steps", "said"), STEPS.values(), ids=STEPS)
def test_what_is_wrong_in_the_steps_is_refused_with_its_place(written: Path, steps: str, said: str):
    assert refusal(written, f"{HEAD}steps:\n{steps}") == f"p.yaml:{said}"


@pytest.mark.parametrize(("text", "said"), FILES.values(), ids=FILES)
def test_what_is_no_pipeline_is_refused_with_its_place(written: Path, text: str, said: str):
    assert refusal(written, text) == f"p.yaml:{said}"


@pytest.mark.parametrize(("line", "place"), PASSWORDS.items())
def test_a_password_in_a_pipeline_is_refused_and_not_repeated(written: Path, line: str, place: str):
    assert refusal(written, f"{HEAD}{line}\n{SUMMARIZE}") == (
        f"p.yaml:{place}: a password must not stand in a pipeline: write ${{NAME}} and set NAME in the "
        "environment"
    )


def test_all_faults_are_told_at_once_and_no_more_than_twenty(written: Path):
    said = refusal(written, "".join(f"wrong{number}: x\n" for number in range(30)))
    assert said.splitlines()[:3] == [
        "p.yaml:1:1: name: is missing",
        "p.yaml:1:1: steps: is missing",
        "p.yaml:1:1: wrong0: unknown key; known: name, documents, rows, endpoint, model, steps, into, "
        "limits, budget, confirm_above_usd, unread, ocr, …",
    ]
    assert said.splitlines()[20:] == ["12 more"]


def test_a_pipeline_that_comes_from_no_file_is_checked_too(project: Project):
    """It is the deployed flow's parameter: there is no line to point at."""
    steps: list[Any] = [{"summarize": {"needs": ["later"]}}, {"extract": {"schema": "thnig"}}]
    pipeline = Pipeline.model_validate({"name": "p", "documents": "in/*", "steps": steps})
    with pytest.raises(ConfigError, match=r"^steps\[0\].summarize.needs\[0\]: there is no step 'later'"):
        checked(pipeline)
    pipeline = Pipeline.model_validate({"name": "p", "documents": "in/*", "steps": steps[1:]})
    with pytest.raises(ConfigError, match=r"^steps\[0\].extract.schema: there is no tool schema"):
        checked(pipeline)


@pytest.mark.parametrize(
    ("steps", "waits"),
    [
        ("[summarize: , classify: {L}]", {"summarize": (), "classify": ("summarize",)}),
        ("[summarize: , classify: {L, needs: []}]", {"summarize": (), "classify": ()}),
        (
            "[classify: {L}, summarize: , extract: {by: classify, schemas: {a: thing}}]",
            {"classify": (), "summarize": ("classify",), "extract": ("summarize", "classify")},
        ),
        (
            "[classify: {L, id: c}, summarize: {needs: [], when: {c: a}}]",
            {"c": (), "summarize": ("c",)},
        ),
        (
            "[extract: {needs: [], input: summarize, schema: thing}, summarize: {needs: []}]",
            {"extract": ("summarize",), "summarize": ()},
        ),
        (
            "[classify: {L}, extract: {needs: [classify], by: classify, schemas: {a: thing}}]",
            {"classify": (), "extract": ("classify",)},
        ),
    ],
    ids=["the one above", "needs: []", "by", "when", "input", "each once"],
)
def test_a_step_waits_for_what_it_needs_and_reads(written: Path, steps: str, waits: dict[str, Any]):
    written.write_text(f"{HEAD}steps: {steps.replace('L', 'labels: {a: x, b: y}')}\n")
    assert load(written).waits == waits


def test_a_parameter_that_cannot_be_sent_hides_no_other_fault(written: Path):
    first = "  - summarize: {params: {seed: 12345678901234567890, temperature: 3}}\n"
    said = refusal(written, f"{HEAD}steps:\n{first}  - summarize: {{id: second, params: {{top_p: 2}}}}\n")
    assert "params.seed: cannot be sent as JSON" in said
    assert "params.temperature: must be less than or equal to 2, not 3" in said
    assert "params.top_p: must be less than or equal to 1, not 2" in said


class TestWhereAPipelineIsFound:
    @pytest.fixture(autouse=True)
    def _folders(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DOCMILL_PIPELINES", "own")
        for place in ("own/a", "flows/pipelines/a", "flows/pipelines/b", "pipelines/a", "pipelines/c"):
            file = project.root / f"{place}.yaml"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"name: {file.stem}\ndocuments: in/*\n{SUMMARIZE}")

    @pytest.mark.parametrize(
        ("name", "file"),
        [
            ("a", "own/a.yaml"),
            ("b", "flows/pipelines/b.yaml"),
            ("c", "pipelines/c.yaml"),
            ("pipelines/a.yaml", "pipelines/a.yaml"),
            ("missing.yaml", "missing.yaml"),
        ],
    )
    def test_by_its_name_in_the_first_folder_that_has_it_and_by_its_path(self, name: str, file: str):
        assert pipeline_file(name) == Path(file)

    @pytest.mark.parametrize("unset", ["", None])
    def test_without_the_variable_in_the_working_directory(
        self, monkeypatch: pytest.MonkeyPatch, unset: str | None
    ):
        monkeypatch.delenv("DOCMILL_PIPELINES")
        if unset is not None:
            monkeypatch.setenv("DOCMILL_PIPELINES", unset)
        assert pipeline_file("a") == Path("flows/pipelines/a.yaml")

    def test_an_unknown_name_is_told_with_where_it_was_looked_for_and_what_was_meant(self):
        Path("pipelines/invoices.yaml").touch()
        with pytest.raises(ConfigError) as caught:
            pipeline_file("invoice")
        assert str(caught.value) == (
            "there is no pipeline 'invoice' in own, flows/pipelines or pipelines; did you mean invoices?"
        )

    def test_an_event_names_it_by_its_name_alone(self):
        assert named("c", "pipeline").pipeline.name == "c"
        for name in ("pipelines/c.yaml", "c.yaml", "../c", "", None):
            with pytest.raises(ConfigError, match=r"^pipeline: must be the name of a file in own, flows/"):
                named(name, "pipeline")
        with pytest.raises(ConfigError, match=r"^pipeline: there is no pipeline 'd' in own, flows/"):
            named("d", "pipeline")

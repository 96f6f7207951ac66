"""What OpenTelemetry is told of a run, where an SDK is configured: spans, figures, and never content."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan

from tests.support.browser import elsewhere
from tests.support.project import Project
from tests.support.provider import serving
from tests.support.shapes import error
from tests.support.spans import Told, is_own, telling

pytestmark = pytest.mark.usefixtures("prefect_api")
STEPS = "  - summarize:\n  - classify: {labels: {a: the first, b: the second}}\n"
SECRET = "CONTENTMARK"
KEY = "KEYMARK-0123456789"
ENDPOINT = "{{base_url: '{url}', api_key_env: DOCMILL_TEST_KEY, prices: {{input: 1, output: 2}}}}"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, prefect_api: str) -> Iterator[Told]:
    """Run two documents of which one fails, then a second time, of which the spans are not kept."""
    told = telling()
    with elsewhere(tmp_path_factory) as project, serving() as provider, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCMILL_TEST_KEY", KEY)
        told.clear()
        project.documents(good=f"{SECRET} of the first", bad=f"{SECRET} of the bad one")
        provider.rule(lambda request: error(400, SECRET) if "bad one" in request.text else None)
        _run(project, provider.url)
        spans = told.spans()
        _run(project, provider.url)
        patch.setattr(told, "spans", lambda: spans)
        yield told


def _run(project: Project, url: str) -> None:
    assert project.run("run", str(project.pipeline(ENDPOINT.format(url=url), STEPS))) == 1


def test_calls_stand_below_steps_below_documents_below_the_run(told: Told):
    [run] = _spans(told, "run")
    assert run.name == "run p"
    assert {_above(told, span) for span in _spans(told, "document")} == {run.name}
    assert {_above(told, span) for span in _spans(told, "step")} == {"document"}
    assert {_above(told, span) for span in _spans(told, "chat")} == {"step summarize", "step classify"}


def test_there_is_a_span_for_each_of_them(told: Told):
    names = Counter(span.name for span in _spans(told))
    assert names == {"run p": 1, "document": 2, "step summarize": 2, "step classify": 1, "chat m": 3}


def test_a_call_has_the_names_of_the_genai_conventions(told: Told):
    attributes = dict(_spans(told, "chat")[0].attributes or {})
    assert attributes["gen_ai.operation.name"] == "chat"
    assert attributes["gen_ai.request.model"] == "m"
    assert attributes["server.address"] == "127.0.0.1"
    good = [dict(span.attributes or {}) for span in _spans(told, "chat") if span.status.is_unset]
    assert all(each["gen_ai.usage.input_tokens"] and each["gen_ai.usage.output_tokens"] for each in good)
    assert {each["gen_ai.response.finish_reasons"] for each in good} <= {("stop",), ("tool_calls",)}


def test_a_call_that_fails_is_told_by_its_class(told: Told):
    [failed] = [span for span in _spans(told, "chat") if not span.status.is_unset]
    assert (failed.attributes or {})["error.type"] == "Permanent"
    assert (failed.status.description, list(failed.events)) == (None, [])


def test_documents_and_steps_say_what_became_of_them(told: Told):
    found = {str((span.attributes or {})["docmill.document_id"]): span for span in _spans(told, "document")}
    statuses = {name: (span.attributes or {})["docmill.status"] for name, span in found.items()}
    assert statuses == {"in/good.txt": "done", "in/bad.txt": "failed"}
    assert not found["in/bad.txt"].status.is_unset


def test_the_run_says_how_it_ended(told: Told):
    [run] = _spans(told, "run")
    attributes = run.attributes or {}
    assert (attributes["docmill.state"], attributes["docmill.documents_in"]) == ("incomplete", 2)


def test_no_text_of_document_or_server_and_no_key_is_told(told: Told):
    whole = "".join(span.to_json() for span in told.spans())
    assert SECRET not in whole
    assert KEY not in whole


def test_documents_are_counted_by_status(told: Told):
    counts = [
        told.count("docmill.documents", docmill__status=each) for each in ("done", "failed", "unchanged")
    ]
    assert counts == [1, 2, 1]


def test_calls_tokens_and_cost_are_counted(told: Told):
    assert told.count("docmill.calls") == 2
    tokens = {each: told.count("docmill.tokens", gen_ai__token__type=each) for each in ("input", "output")}
    spans = [dict(span.attributes or {}) for span in _spans(told, "chat") if span.status.is_unset]
    assert tokens == {
        each: sum(int(str(span[f"gen_ai.usage.{each}_tokens"])) for span in spans) for each in tokens
    }
    assert told.count("docmill.cost") == pytest.approx((tokens["input"] + 2 * tokens["output"]) / 1e6)


def test_each_request_has_its_duration(told: Told):
    points = told.points("gen_ai.client.operation.duration")
    assert sum(point.count for point in points if "error.type" not in point.attributes) == 2
    assert sum(point.count for point in points if point.attributes.get("error.type") == "Permanent") == 2


@pytest.mark.parametrize("name", ["docmill.flows.cli", "docmill.flows.pipeline.plan"])
def test_what_needs_no_prefect_imports_no_opentelemetry(name: str):
    code = f"import sys, {name}; print([each for each in sys.modules if each.startswith('opentelemetry')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _spans(told: Told, name: str = "") -> list[ReadableSpan]:
    return [span for span in told.spans() if is_own(span) and span.name.startswith(name)]


def _above(told: Told, span: ReadableSpan) -> str | None:
    """Name the next of docmill's spans above, over Prefect's own of the task run."""
    by_id = {each.context.span_id: each for each in told.spans() if each.context}
    above = by_id.get(span.parent.span_id) if span.parent else None
    if above is None or is_own(above):
        return above.name if above else None
    return _above(told, above)

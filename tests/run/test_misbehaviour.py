"""Each way in which servers are known to answer, by name, and what becomes of the documents.

The shapes stand in tests/shapes.py and tests/streams.py, with the source of each habit.
"""

from collections import Counter

import pytest

from tests.support.project import Project
from tests.support.provider import Provider, Rule
from tests.support.shapes import SHAPES, Shape, rate_limited
from tests.support.streams import BAD, GOOD

pytestmark = pytest.mark.usefixtures("prefect_api")

TEXT = "  - summarize: {max_tokens: 200}\n"  # asks for free text
CALL = "  - classify: {labels: {a: the first, b: the second}, max_tokens: 200}\n"  # forces a tool
DOCUMENTS = 4
MOST_ATTEMPTS, MOST_OF_A_RATE_LIMIT = 40, 60
RATE_LIMITS = {
    "rate_limited",
    "overloaded",
    "limit_again",
    "limit_bad_date",
    "limit_zero",
    "limit_with_200",
}

# What becomes of four documents where the server always answers so; `stopped` is a run that is
# stopped, its documents deferred, as every other call would get the same answer.
ALWAYS: dict[str, dict[str, str]] = {
    TEXT: {
        "stopped": """
            quota spend_limit no_balance user_quota unauthorized payment_required forbidden not_found
            method_not_allowed redirect no_model no_model_with_200 quota_with_200""",
        "failed": """
            bad_request too_large unprocessable parameter_error conflict_forbidden error_forbidden
            limit_forbidden bad_request_bad_date envelope_error_message envelope_message envelope_msg
            envelope_err envelope_error_msg envelope_header envelope_response envelope_text envelope_list
            envelope_detail envelope_string envelope_empty envelope_not_utf8 no_content""",
        "deferred": """
            rate_limited overloaded limit_again limit_too_long limit_for_ever limit_until_9999 limit_bad_date
            limit_zero limit_with_200 bad_request_again server_error bad_gateway unavailable gateway_timeout
            cloudflare_timeout request_timeout disconnect disconnect_mid_body stall stall_mid_body html_page
            error_with_200 text_with_200 not_json null empty half_status_line other_protocol bad_chunk
            not_gzip garbage_after_json 100_mb no_choices null_choices""",
        "refused": "content_filter refusal refusal_finish",
        "invalid": """
            length max_tokens model_context_window_exceeded cut pause_turn empty_finish unknown_finish
            missing_finish null_finish empty_content null_content blank_content nul_content
            parts_without_text no_message null_message huge""",
    },
    CALL: {
        "invalid": """
            invalid_json schema_invalid nan infinity lone_surrogate duplicate_keys trailing_brace cut_but_stop
            class_name empty_arguments null_arguments triply_encoded wrong_tool no_call
            arguments_list null_call null_function""",
    },
}
TOLERATED = {
    TEXT: """
        ok gzip chunked garbage_after_chunks space_after_json bom missing_usage null_usage zero_usage
        empty_usage huge_usage negative_usage odd_usage usage_list number_as_id further_fields content_parts
        raw_finish stop_sequence function_call""",
    CALL: """
        ok gzip missing_usage odd_usage number_as_id further_fields raw_finish pause_turn empty_finish
        unknown_finish missing_finish null_finish stop_with_call doubly_encoded arguments_object
        call_without_id two_calls""",
}
STREAMS_ALWAYS = {
    "stopped": "stream_no_model",
    "deferred": """
        stream_cut stream_cut_but_done stream_disconnect stream_stall stream_error stream_raw_error
        stream_not_json stream_without_finish stream_empty stream_endless_line""",
}
LANES = ("stopped", "deferred")  # these outcomes concern all calls, so such a server is met alone
ALONE = [
    (step, shape, outcome)
    for step, outcomes in ALWAYS.items()
    for outcome in LANES
    for shape in outcomes.get(outcome, "").split()
]
TOGETHER = [
    (step, outcome) for step, outcomes in ALWAYS.items() for outcome in outcomes if outcome not in LANES
]
BAD_STREAMS = [(shape, outcome) for outcome, shapes in STREAMS_ALWAYS.items() for shape in shapes.split()]
ODD_WAITS = """
    20|0|-10|60|61|120|0.5|1e1|inf|-inf|nan|soon|20 s||20, 30|Zun, 29 Sep|Fri, 29 Sep 2023 16:26:57 GMT
    |Fri, 29 Sep 100000 16:26:57 GMT|-1100|Tue, 31 Feb 2027 12:00:00 GMT|2026-11-24T12:00:20Z
""".replace("\n", "").split("|")


@pytest.fixture(autouse=True)
def _without_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCMILL_RETRY_SCALE", "0")


def test_every_shape_has_an_outcome():
    listed = [*TOLERATED.values(), *(shapes for outcomes in ALWAYS.values() for shapes in outcomes.values())]
    assert {shape for shapes in listed for shape in shapes.split()} == set(SHAPES)
    assert {shape for shape, _ in BAD_STREAMS} == set(BAD)


def _endpoint(provider: Provider, shape: str = "", *, stream: bool = False) -> str:
    timeout_s = 0.3 if "stall" in shape else 60
    return f"{{base_url: '{provider.url}', timeout_s: {timeout_s}, stream: {str(stream).lower()}}}"


def _to(name: str, shape: Shape) -> Rule:
    return lambda request: shape if f" {name}." in request.text else None


def _answering_each(project: Project, provider: Provider, shapes: dict[str, Shape], copies: int) -> None:
    """Write documents for each shape, which is what the provider answers to them."""
    for name, shape in shapes.items():
        project.documents(**{f"{name}-{copy}": f"the shape {name}. {copy}" for copy in range(copies)})
        provider.rule(_to(name, shape))


def _run(project: Project, pipeline: str, capfd: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Run; gives the outcomes where they add up and the exit code says the same."""
    code = project.run("run", pipeline)
    assert "Traceback" not in "".join(capfd.readouterr())
    statuses = project.statuses()
    [(state, documents_in)] = project.rows("select state, documents_in from docmill_runs")
    assert documents_in == len(statuses)
    assert code == {"complete": 0, "incomplete": 1, "stopped": 3}[state]
    if state == "stopped":
        return {document: "stopped" if was == "deferred" else was for document, was in statuses.items()}
    return statuses


@pytest.mark.slow
@pytest.mark.parametrize(("step", "shape", "outcome"), ALONE, ids=[shape for _, shape, _ in ALONE])
def test_a_server_that_fails_in_the_same_way_always_has_one_outcome_and_a_bounded_price(
    project: Project,
    provider: Provider,
    step: str,
    shape: str,
    outcome: str,
    capfd: pytest.CaptureFixture[str],
):
    provider.always(shape)
    project.documents(**{f"d{number}": f"text {number}" for number in range(DOCUMENTS)})
    statuses = _run(project, str(project.pipeline(_endpoint(provider, shape), step)), capfd)
    assert Counter(statuses.values()) == {outcome: DOCUMENTS}
    assert len(provider.requests) <= (MOST_OF_A_RATE_LIMIT if shape in RATE_LIMITS else MOST_ATTEMPTS)


@pytest.mark.slow
@pytest.mark.parametrize(("step", "outcome"), TOGETHER, ids=[outcome for _, outcome in TOGETHER])
def test_an_answer_that_is_always_bad_has_one_outcome_and_a_bounded_price(
    project: Project, provider: Provider, step: str, outcome: str, capfd: pytest.CaptureFixture[str]
):
    shapes = ALWAYS[step][outcome].split()
    _answering_each(project, provider, {name: SHAPES[name] for name in shapes}, DOCUMENTS)
    statuses = _run(project, str(project.pipeline(_endpoint(provider), step)), capfd)
    assert {document: status for document, status in statuses.items() if status != outcome} == {}
    assert len(statuses) == DOCUMENTS * len(shapes)
    for name in shapes:
        assert sum(f" {name}." in request.text for request in provider.requests) <= MOST_ATTEMPTS, name


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "outcome"), BAD_STREAMS, ids=[shape for shape, _ in BAD_STREAMS])
def test_a_stream_that_is_always_bad_has_one_outcome_and_a_bounded_price(
    project: Project,
    provider: Provider,
    shape: str,
    outcome: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("docmill.tasks.chat.transport.CHUNK_TIMEOUT_S", 0.3 if "stall" in shape else 60)
    provider.always(BAD[shape])
    project.documents(**{f"d{number}": f"text {number}" for number in range(DOCUMENTS)})
    statuses = _run(project, str(project.pipeline(_endpoint(provider, stream=True), TEXT)), capfd)
    assert Counter(statuses.values()) == {outcome: DOCUMENTS}
    assert len(provider.requests) <= MOST_ATTEMPTS


@pytest.mark.slow
@pytest.mark.parametrize("step", TOLERATED, ids=["text", "call"])
def test_an_odd_but_good_answer_is_taken_at_once(
    project: Project, provider: Provider, step: str, capfd: pytest.CaptureFixture[str]
):
    shapes = TOLERATED[step].split()
    _answering_each(project, provider, {name: SHAPES[name] for name in shapes}, 1)
    statuses = _run(project, str(project.pipeline(_endpoint(provider), step)), capfd)
    assert statuses == {f"in/{name}-0.txt": "done" for name in shapes}
    assert len(provider.requests) == len(shapes)


@pytest.mark.parametrize("step", [TEXT, CALL], ids=["text", "call"])
def test_a_good_stream_is_taken_at_once_and_so_is_a_server_that_does_not_stream(
    project: Project, provider: Provider, step: str, capfd: pytest.CaptureFixture[str]
):
    shapes = {"ok": "ok", **GOOD}
    _answering_each(project, provider, shapes, 1)
    statuses = _run(project, str(project.pipeline(_endpoint(provider, stream=True), step)), capfd)
    assert statuses == {f"in/{name}-0.txt": "done" for name in shapes}
    assert len(provider.requests) == len(shapes)


@pytest.mark.slow
def test_a_rate_limit_with_any_odd_wait_is_waited_out(
    project: Project, provider: Provider, capfd: pytest.CaptureFixture[str]
):
    """The values that OpenAI's SDK is tested with, but for those over 120 s."""
    project.documents(**{f"d{number:02}": f"text {number}" for number in range(len(ODD_WAITS))})
    provider.script(*(rate_limited(wait) for wait in ODD_WAITS))
    statuses = _run(project, str(project.pipeline(provider.url, TEXT)), capfd)
    assert Counter(statuses.values()) == {"done": len(ODD_WAITS)}
    assert len(provider.requests) == 2 * len(ODD_WAITS)

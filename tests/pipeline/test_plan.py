"""What a run will do: precedence, where keys go, and the hash of all that decides an answer."""

from typing import Any

import pytest
from sqlalchemy import make_url

from docmill.flows.pipeline.checked import checked
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.pipeline.plan import Plan, resolve
from docmill.schemas.endpoint import BUILT_IN, Endpoint
from docmill.schemas.errors import ConfigError
from docmill.schemas.pipeline import Pipeline
from docmill.tasks.chat.environment import endpoint_key, environment_target
from docmill.tasks.checks.evidence import grounding
from docmill.tasks.checks.variables import expanded
from docmill.tasks.sources.files import Files
from docmill.tasks.steps import prompt
from tests.support.project import THING, Project

DECLARED = "https://declared.example/v1"
OTHER = "https://other.example/v1"
AS_DECLARED = RunOptions()
STEPS: list[dict[str, Any]] = [
    {"summarize": {}},
    {"classify": {"labels": {"a": "the first", "b": "the second"}}},
    {"extract": {"schema": "thing"}},
]
pytestmark = pytest.mark.usefixtures("project")


def declared(**keys: Any) -> Pipeline:
    whole = {"name": "p", "documents": "in/*", "endpoint": DECLARED, "model": "m", "steps": STEPS}
    return Pipeline.model_validate(whole | keys)


def plan(options: RunOptions = AS_DECLARED, **keys: Any) -> Plan:
    return resolve(checked(declared(**keys)), options)


def mapped(**settings: Any) -> dict[str, Any]:
    return {"base_url": DECLARED, **settings}


def refusal(options: RunOptions = AS_DECLARED, **keys: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        plan(options, **keys)
    return str(caught.value)


def test_an_option_goes_before_the_environment_and_that_before_the_pipeline(
    monkeypatch: pytest.MonkeyPatch,
):
    assert plan().origin == f"endpoint {DECLARED} (pipeline), model m (pipeline)"
    monkeypatch.setenv("DOCMILL_BASE_URL", OTHER)
    monkeypatch.setenv("DOCMILL_MODEL", "env-model")
    assert plan().origin == f"endpoint {OTHER} (DOCMILL_BASE_URL), model env-model (DOCMILL_MODEL)"
    named = plan(RunOptions(endpoint="https://third.example/v1", model="option-model"))
    assert named.origin == "endpoint https://third.example/v1 (--endpoint), model option-model (--model)"
    assert (named.target.endpoint.base_url, named.target.model) == (
        "https://third.example/v1",
        "option-model",
    )


def test_model_and_endpoint_may_come_from_different_places(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DOCMILL_MODEL", "env-model")
    assert plan().origin == f"endpoint {DECLARED} (pipeline), model env-model (DOCMILL_MODEL)"
    named = plan(RunOptions(endpoint=OTHER))
    assert named.origin == f"endpoint {OTHER} (--endpoint), model env-model (DOCMILL_MODEL)"


def test_the_results_go_to_the_option_then_the_environment_then_the_pipeline(
    monkeypatch: pytest.MonkeyPatch,
):
    into = {"url": "sqlite:///declared.db", "table": "things"}
    assert plan(into=into).into.url == "sqlite:///declared.db"
    monkeypatch.setenv("DOCMILL_INTO", "sqlite:///env.db")
    assert plan(into=into).into.url == "sqlite:///env.db"
    option = plan(RunOptions(into="sqlite:///option.db"), into=into)
    assert (option.into.url, option.into.table) == ("sqlite:///option.db", "things")


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch):
    for name in ("DOCMILL_BASE_URL", "DOCMILL_MODEL", "DOCMILL_INTO"):
        monkeypatch.setenv(name, "")
    assert plan().origin == f"endpoint {DECLARED} (pipeline), model m (pipeline)"
    assert plan().into.url == "sqlite:///docmill.db"


def test_an_empty_source_on_the_command_line_is_not_the_whole_one():
    assert plan().source == Files(("in/*",))
    assert plan(RunOptions(documents="")).source == Files(("",))


def test_concurrency_is_the_options_then_the_pipelines_and_bounded():
    assert plan(limits={"concurrency": 3}).concurrency == 3
    assert plan(RunOptions(concurrency=5), limits={"concurrency": 3}).concurrency == 5
    assert plan().concurrency == 8
    assert refusal(RunOptions(concurrency=1001)) == (
        "--concurrency: must be less than or equal to 1000, not 1001"
    )


def test_the_embedded_model_has_two_slots_whatever_is_asked_for():
    local = plan(RunOptions(concurrency=64), endpoint="local", model=None)
    assert (local.concurrency, local.target.model) == (2, "smollm2-135m-instruct")
    assert local.target.identity.startswith("local/")


def test_the_environments_url_replaces_the_whole_endpoint(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DOCMILL_BASE_URL", OTHER)
    monkeypatch.setenv("DOCMILL_MODEL", "env-model")
    endpoint = mapped(
        api_key_env="DOCMILL_SECRET", structured_output="json_schema", context_tokens=9, cache_id="c"
    )
    target = plan(endpoint=endpoint).target
    assert target.endpoint == Endpoint(base_url=OTHER)
    assert target.identity == OTHER


@pytest.mark.parametrize("url", [OTHER, "https://api.302.ai/v1"])
def test_a_url_that_replaces_the_endpoint_needs_a_model(monkeypatch: pytest.MonkeyPatch, url: str):
    """The pipeline's model is one of the pipeline's endpoint."""
    assert refusal(RunOptions(endpoint=url)) == (
        "--endpoint replaces the pipeline's endpoint and needs a model: --model ID"
    )
    monkeypatch.setenv("DOCMILL_BASE_URL", url)
    assert refusal().startswith("DOCMILL_BASE_URL replaces the pipeline's endpoint and needs a model")


def test_a_built_in_endpoint_by_its_name_keeps_the_pipelines_model():
    assert plan(RunOptions(endpoint="302ai")).origin == "endpoint 302ai (--endpoint), model m (pipeline)"


def test_a_pipeline_without_a_model_needs_one():
    assert refusal(model=None) == "the pipeline p names no model: add `model:`, or --model ID"


@pytest.mark.parametrize("url", ["https://api.302.ai/v1", "https://API.302.ai:443/v1/"])
def test_a_built_ins_url_takes_the_built_ins_settings(monkeypatch: pytest.MonkeyPatch, url: str):
    target = plan(RunOptions(endpoint=url, model="x")).target
    assert (target.name, target.endpoint) == ("302ai", BUILT_IN["302ai"])
    monkeypatch.setenv("DOCMILL_BASE_URL", url)
    monkeypatch.setenv("DOCMILL_MODEL", "x")
    assert environment_target() == plan().target == target


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("302", "not a URL; did you mean 302ai?"),
        ("models.example", "not a URL; known: local, 302ai"),
        ("https://h:port/v1", "the URL names no host, or a port that is none"),
        ("https://[::1/v1", "the URL names no host, or a port that is none"),
        ("https:///v1", "the URL names no host, or a port that is none"),
        (
            "https://u:secret@h/v1",
            "the URL must hold no user and no password: a key goes by its variable",
        ),
        ("ftp://h/v1", "must be a URL with https:// in front, such as https://api.302.ai/v1"),
        (
            "http://h/v1",
            "plain http to h would send documents and the key unencrypted: "
            "use https, or say allow_http: true",
        ),
    ],
)
def test_what_is_no_endpoint_is_refused_by_its_origin(monkeypatch: pytest.MonkeyPatch, url: str, said: str):
    assert refusal(RunOptions(endpoint=url, model="x")) == f"--endpoint: {said}"
    monkeypatch.setenv("DOCMILL_BASE_URL", url)
    monkeypatch.setenv("DOCMILL_MODEL", "x")
    assert refusal() == f"DOCMILL_BASE_URL: {said}"


@pytest.mark.parametrize("url", ["https://h:99999/v1", "https:///v1"])
def test_a_url_that_leads_nowhere_is_refused_before_the_run(url: str):
    assert refusal(endpoint=url).startswith("endpoint: ")
    assert refusal(endpoint={"base_url": url}).startswith("endpoint.base_url: ")


def test_variables_stand_in_into(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PGPASSWORD", "p:w@1")
    monkeypatch.setenv("PGHOST", "db")
    into = "postgresql+psycopg://u:${PGPASSWORD}@${PGHOST}/results"
    assert plan(into=into).into.url == "postgresql+psycopg://u:p%3Aw%401@db/results"
    assert plan(into={"url": into, "table": "t"}).into.url == "postgresql+psycopg://u:p%3Aw%401@db/results"


def test_variables_of_docmills_own_stand_in_the_endpoint(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DOCMILL_GATEWAY", "gateway.example")
    url = "https://${DOCMILL_GATEWAY}/v1"
    for endpoint in (url, {"base_url": url}):
        target = plan(endpoint=endpoint).target
        assert target.endpoint.base_url == target.identity == "https://gateway.example/v1"


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (
            {"into": "sqlite:///${DOCMILL_API_KEY}"},
            "into: ${DOCMILL_API_KEY} is a key, which goes nowhere but into requests",
        ),
        (
            {"into": "sqlite:///${DOCMILL_SECRET}", "endpoint": mapped(api_key_env="DOCMILL_SECRET")},
            "into: ${DOCMILL_SECRET} is a key, which goes nowhere but into requests",
        ),
        ({"into": "sqlite:///${NOWHERE}"}, "into: ${NOWHERE} is not set in the environment"),
        (
            {"endpoint": "https://${DOCMILL_API_KEY}.example/v1"},
            "endpoint: ${DOCMILL_API_KEY} is a key, which goes nowhere but into requests",
        ),
        (
            {"endpoint": {"base_url": "https://h/${DOCMILL_SECRET}", "api_key_env": "DOCMILL_SECRET"}},
            "endpoint.base_url: ${DOCMILL_SECRET} is a key, which goes nowhere but into requests",
        ),
        (
            {"endpoint": "https://${AWS_SECRET}.example/v1"},
            "endpoint: ${AWS_SECRET}: only variables that begin with DOCMILL_ are taken here",
        ),
        (
            {"endpoint": {"base_url": "https://${AWS_SECRET}.example/v1"}},
            "endpoint.base_url: ${AWS_SECRET}: only variables that begin with DOCMILL_ are taken here",
        ),
        (
            {"endpoint": {"base_url": "${DOCMILL_NOWHERE}"}},
            "endpoint.base_url: ${DOCMILL_NOWHERE} is not set in the environment",
        ),
        (
            {"endpoint": {"base_url": "https://u:${DOCMILL_OTHER}@h/v1"}},
            "endpoint.base_url: the URL must hold no user and no password: a key goes by its variable",
        ),
        (
            {"endpoint": "https://${DOCMILL_OTHER}@h/v1"},
            "endpoint: the URL must hold no user and no password: a key goes by its variable",
        ),
        (
            {"endpoint": {"base_url": "${DOCMILL_PLAIN}"}},
            "endpoint.base_url: plain http to h would send documents and the key unencrypted: "
            "use https, or say allow_http: true",
        ),
    ],
)
def test_a_variable_that_may_not_stand_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, keys: dict[str, Any], said: str
):
    for name in ("DOCMILL_API_KEY", "DOCMILL_SECRET", "DOCMILL_OTHER", "AWS_SECRET"):
        monkeypatch.setenv(name, "the-key")
    monkeypatch.setenv("DOCMILL_PLAIN", "http://h/v1")
    assert refusal(**keys) == said


def test_a_key_goes_only_to_the_endpoint_that_names_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DOCMILL_API_KEY", "the-key")
    monkeypatch.setenv("DOCMILL_SECRET", "another")

    def key(options: RunOptions = AS_DECLARED, **keys: Any) -> str | None:
        return endpoint_key(plan(options, **keys).target.endpoint)

    assert key() is None
    assert key(endpoint=mapped()) is None
    assert key(endpoint=mapped(api_key_env="DOCMILL_SECRET")) == "another"
    assert key(endpoint="302ai") == "the-key"
    assert key(RunOptions(endpoint="302ai")) == "the-key"
    assert key(RunOptions(endpoint=OTHER, model="x")) == "the-key"
    assert BUILT_IN["local"].api_key_env == "DOCMILL_LOCAL_TOKEN"
    monkeypatch.setenv("DOCMILL_BASE_URL", OTHER)
    monkeypatch.setenv("DOCMILL_MODEL", "x")
    assert key(endpoint=mapped(api_key_env="DOCMILL_SECRET")) == "the-key"
    assert endpoint_key(environment_target().endpoint) == "the-key"


def test_complete_outside_of_a_session_names_what_is_unset(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ConfigError, match="needs DOCMILL_BASE_URL and DOCMILL_MODEL in the environment"):
        environment_target()
    monkeypatch.setenv("DOCMILL_BASE_URL", OTHER)
    with pytest.raises(ConfigError, match="needs DOCMILL_MODEL in the environment"):
        environment_target()


def changed(index: int, **options: Any) -> list[dict[str, Any]]:
    """Give the steps with options of one of them replaced."""
    [(kind, old)] = STEPS[index].items()
    return [*STEPS[:index], {kind: old | options}, *STEPS[index + 1 :]]


@pytest.mark.parametrize(
    "keys",
    [
        {"steps": changed(0, max_words=60)},
        {"steps": changed(0, params={"top_p": 0.5})},
        {"steps": changed(0, instructions="In German.")},
        {"steps": changed(0, first="instructions")},
        {"steps": changed(0, max_input_tokens=9)},
        {"steps": changed(1, labels={"a": "the first", "b": "another"})},
        {"steps": changed(1, labels={"b": "the second", "a": "the first"})},
        {"steps": changed(1, needs=[])},
        {"steps": changed(2, when={"classify": "a"})},
        {"steps": STEPS[:2]},
        {"model": "another"},
        {"endpoint": OTHER},
        {"endpoint": mapped(cache_id="another")},
        {"endpoint": mapped(structured_output="json_schema")},
        {"endpoint": mapped(max_output_tokens=100)},
        {"unread": "allow"},
        {"steps": changed(2, complete="off")},
        {"steps": changed(2, lists="columns")},
        {"steps": changed(2, lists="model")},
        {"steps": changed(0, long="parts")},
        {"steps": changed(1, long="parts", parts=2)},
    ],
    ids=str,
)
def test_what_can_change_an_answer_changes_the_hash(keys: dict[str, Any]):
    assert plan(**keys).sha256 != plan().sha256


@pytest.mark.parametrize(
    "keys",
    [
        {"name": "q"},
        {"documents": ["in/*", "more/*"]},
        {"limits": {"concurrency": 1}},
        {"into": {"url": "sqlite:///x.db", "table": "t"}},
        {"endpoint": f"{DECLARED}/"},
        {"endpoint": mapped(api_key_env="DOCMILL_SECRET", timeout_s=9, context_tokens=9000)},
        {"endpoint": mapped(prices={"input": 1, "output": 1}, allow_http=True)},
        {"endpoint": {"base_url": OTHER, "cache_id": DECLARED}},
        {"steps": changed(0, max_words=100)},
        {"unread": "review"},
        {"steps": changed(2, complete="review")},
        {"steps": changed(2, lists="auto")},
        {"steps": changed(0, long="fail")},
        {"steps": changed(1, parts=1)},
    ],
    ids=str,
)
def test_what_changes_no_answer_leaves_the_hash(keys: dict[str, Any]):
    assert plan(**keys).sha256 == plan().sha256


def test_the_context_is_a_part_of_the_hash_where_it_is_the_size_of_parts():
    long, small, large = changed(0, long="parts"), mapped(context_tokens=9000), mapped(context_tokens=90_000)
    assert plan(steps=long, endpoint=small).sha256 != plan(steps=long, endpoint=large).sha256


def test_what_becomes_of_unread_parts_changes_no_step():
    allowed, usual = plan(unread="allow"), plan()
    assert (allowed.allow_unread, usual.allow_unread) == (True, False)
    assert allowed.steps == usual.steps


def test_whether_records_have_to_be_complete_changes_no_step_that_asks():
    off, usual = plan(steps=changed(2, complete="off")), plan()
    assert [step.sha256 for step in off.steps] == [step.sha256 for step in usual.steps]


def test_the_hash_is_of_the_schemas_content_and_of_the_prompts(
    project: Project, monkeypatch: pytest.MonkeyPatch
):
    before = plan()
    project.schema("thing", dict(reversed(THING.items())))
    assert plan() == before
    project.schema("thing", THING | {"description": "Extract the things."})
    after = plan()
    assert [new.sha256 == old.sha256 for new, old in zip(after.steps, before.steps, strict=True)] == [
        True,
        True,
        False,
    ]
    monkeypatch.setattr(prompt, "VERSION", prompt.VERSION + 1)
    assert not {step.sha256 for step in plan().steps} & {step.sha256 for step in after.steps}


@pytest.mark.parametrize("password", ["a@b/c", "p:q?r#s", "%41", "plain"])
def test_a_password_of_any_characters_stays_one(monkeypatch: pytest.MonkeyPatch, password: str):
    """As it stands in the environment: who writes ${NAME} need not know of percent signs."""
    monkeypatch.setenv("PGPW", password)
    for written in ("postgresql://u:${PGPW}@h/d", "postgresql://h/d?password=${PGPW}"):
        url = make_url(expanded(written, "into"))
        assert password in (url.password, url.query.get("password"))
        assert (url.host, url.database) == ("h", "d")


def test_a_directory_stays_a_path(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DIR", "/tmp/a b")
    assert expanded("sqlite:///${DIR}/x.db", "into") == "sqlite:////tmp/a b/x.db"


def test_the_rules_of_evidence_are_in_the_hash_of_extract_steps_alone(monkeypatch: pytest.MonkeyPatch):
    before = {step.id: step.sha256 for step in plan().steps}
    monkeypatch.setattr(grounding, "VERSION", grounding.VERSION + 1)
    after = {step.id: step.sha256 for step in plan().steps}
    assert [name for name in before if before[name] != after[name]] == ["extract"]

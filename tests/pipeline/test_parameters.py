"""A pipeline as a flow's parameter: its place is named where it is wrong, and it sends nowhere else."""

from typing import Any

import pytest
from prefect.client.schemas.objects import State

from docmill.flows.pipeline.parameter import require_safe
from docmill.flows.process import process
from docmill.schemas.endpoint import BUILT_IN
from docmill.schemas.errors import ConfigError
from docmill.schemas.pipeline import Pipeline
from tests.support.deploying import Site
from tests.support.processes import eventually
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.untouched import untouched

SUMMARIZE: list[dict[str, Any]] = [{"summarize": {}}]


def declared(endpoint: object, **keys: object) -> dict[str, Any]:
    own = {"name": "p", "documents": "in/*.txt", "endpoint": endpoint, "model": "m", "steps": SUMMARIZE}
    return {**own, "into": "sqlite:///results.db", **keys}


async def ran(pipeline: Any, **parameters: Any) -> State[Any]:
    """Run the flow as a deployed one: with what JSON can hold, and no command line."""
    state: State[Any] = await process(pipeline, **parameters, return_state=True)
    return state


class TestSafety:
    @pytest.fixture(autouse=True)
    def _key(self, project: Project, prefect_api: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DOCMILL_API_KEY", "sk-none")
        project.documents(a="text")

    @pytest.mark.parametrize("hosts", [None, "localhost, api.302.ai"])
    @pytest.mark.parametrize(
        "key", [{}, {"api_key_env": "DOCMILL_API_KEY"}, {"api_key_env": "DOCMILL_LOCAL_TOKEN"}]
    )
    async def test_an_endpoint_of_its_own_is_sent_nothing(
        self, key: dict[str, str], hosts: str | None, monkeypatch: pytest.MonkeyPatch
    ):
        if hosts:
            monkeypatch.setenv("DOCMILL_HOSTS", hosts)
        with untouched() as url:
            state = await ran(declared({"base_url": url, **key}))
        assert state.is_failed()
        assert "endpoint.base_url: a pipeline that is given as a parameter" in str(state.message)

    @pytest.mark.parametrize("as_model", [False, True])
    async def test_nor_is_a_bare_url(self, as_model: bool, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("DOCMILL_HOSTS", "127.0.0.1")
        with untouched() as url:
            given = declared(url)
            state = await ran(Pipeline.model_validate(given) if as_model else given)
        assert state.is_failed()
        assert "names local or 302ai, or a mapping" in str(state.message)

    async def test_a_host_in_docmill_hosts_is(
        self, project: Project, provider: Provider, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv("DOCMILL_HOSTS", "127.0.0.1")
        given = {"base_url": provider.url, "api_key_env": "DOCMILL_API_KEY"}
        assert (await ran(declared(given))).is_completed()
        assert project.statuses() == {"in/a.txt": "done"}
        assert [request.headers["authorization"] for request in provider.requests] == ["Bearer sk-none"]

    @pytest.mark.slow
    async def test_the_environments_endpoint_replaces_its_own(
        self, project: Project, provider: Provider, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv("DOCMILL_BASE_URL", provider.url)
        monkeypatch.setenv("DOCMILL_MODEL", "m")
        with untouched() as url:
            assert (await ran(declared({"base_url": url}))).is_completed()
        assert len(provider.requests) == 1

    async def test_a_file_is_not_restricted(self, project: Project, provider: Provider):
        file = project.pipeline(provider.url, "  - summarize:\n")
        assert (await ran(str(file))).is_completed()
        assert len(provider.requests) == 1

    @pytest.mark.parametrize("variable", ["PREFECT_API_AUTH_STRING", "DOCMILL_GATEWAY_TOKEN"])
    @pytest.mark.parametrize("place", ["into", "rows.url"])
    @pytest.mark.slow
    async def test_nor_does_its_database_get_what_the_environment_holds(
        self, place: str, variable: str, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv(variable, "sk-none")
        with untouched() as url:
            database = f"postgresql+psycopg://u:${{{variable}}}@{url.split('/')[2]}/d"
            given = declared("local", **({"into": database} if place == "into" else {}))
            if place == "rows.url":
                given |= {"rows": {"url": database, "query": "select 1 as id", "key": "id", "text": "x"}}
                del given["documents"]
            state = await ran(given)
        assert state.is_failed()
        assert f"{place}: a pipeline that is given as a parameter" in str(state.message)

    @pytest.mark.parametrize(
        "url",
        [
            "postgresql://u@evil.example/d",
            "postgresql+psycopg://u@ok.example,evil.example/d",
            "postgresql+psycopg://u@ok.example/d?host=evil.example",
            "postgresql+psycopg:///d?host=evil.example",
            "mysql://u@evil.example/d",
            "postgresql:///d",
            "postgresql:///d?application_name=ok.example",
            "postgresql://u@ok.example/d?hostaddr=10.0.0.1",
            "postgresql://u@ok.example/d?host=ok.example,,",
            "postgresql://u@ok.example/d?host=ok.example:5432&host=evil.example:5432",
        ],
    )
    def test_nor_is_a_database_asked_on_a_host_of_the_senders(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ):
        """Its driver would send the password that PGPASSWORD holds."""
        monkeypatch.setenv("DOCMILL_HOSTS", "ok.example")
        with pytest.raises(ConfigError, match=r"into: .* may send to the hosts in DOCMILL_HOSTS alone"):
            require_safe(Pipeline.model_validate(declared("local", into=url)))

    @pytest.mark.parametrize(
        "url",
        [
            "postgresql://ok.example#@evil.example:5432/d",
            "postgresql://ok.example?@evil.example/d",
            "postgresql://u@ok.example/d?service=evil",
            "postgresql://u@ok.example/d?passfile=/tmp/x",
            "postgresql://u@ok.example/d?sslmode=disable",
            "mysql://u@ok.example/d?read_default_file=/tmp/x",
            "postgresql://u@ok.example:x/d",
        ],
    )
    @pytest.mark.parametrize("place", ["into", "rows.url"])
    def test_nor_by_a_url_that_two_readers_read_differently(
        self, url: str, place: str, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv("DOCMILL_HOSTS", "ok.example")
        given = declared("local", into=url)
        if place == "rows.url":
            rows = {"url": url, "query": "select 1 as id", "key": "id", "text": "x"}
            given = {**declared("local"), "rows": rows, "documents": None}
        with pytest.raises(ConfigError, match=f"^{place}: "):
            require_safe(Pipeline.model_validate(given))

    @pytest.mark.parametrize(
        "url", ["https://evil.example/x", "https://ok.example@evil.example/x", "${HOOK}"]
    )
    def test_nor_is_a_webhook_of_the_senders_told(self, url: str, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("DOCMILL_HOSTS", "ok.example")
        with pytest.raises(ConfigError, match=r"^notify\.url: a pipeline that is given as a parameter"):
            require_safe(Pipeline.model_validate(declared("local", notify={"url": url})))
        require_safe(Pipeline.model_validate(declared("local", notify={"url": "https://ok.example/x"})))

    @pytest.mark.parametrize(
        "url",
        [
            "postgresql://u@ok.example:5433/d",
            "postgresql://u%40x@OK.example/d?application_name=x&connect_timeout=3",
            "postgresql:///d?host=ok.example&port=5433",
            "postgresql://u@/d?host=ok.example:5432&host=db2.example:5432",
            "postgresql://u@[::1]:5432/d",
            "sqlite:///results.db",
        ],
    )
    def test_a_database_on_an_allowed_host_is(self, url: str, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("DOCMILL_HOSTS", "ok.example db2.example ::1")
        pipeline = Pipeline.model_validate(declared("local", into=url))
        require_safe(pipeline)

    @pytest.mark.parametrize("name", BUILT_IN)
    def test_a_built_in_may_be_named(self, name: str):
        pipeline = Pipeline.model_validate(declared(name))
        require_safe(pipeline)

    @pytest.mark.parametrize(
        "url",
        [
            "https://${DOCMILL_HOST}/v1",
            "${DOCMILL_URL}",
            "https://ok.example.evil.example/v1",
            "https://ok.example@evil.example",
        ],
    )
    def test_a_host_that_only_looks_allowed_is_not(self, url: str, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("DOCMILL_HOSTS", "ok.example")
        with pytest.raises(ConfigError, match=r"endpoint\.base_url"):
            require_safe(Pipeline.model_validate(declared({"base_url": url})))


class TestWrong:
    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("keys", "said"),
        [
            ({"modle": "m"}, "modle: unknown key; did you mean model?"),
            ({"steps": [{"summarize": {"max_wrods": 9}}]}, "max_wrods: unknown key; did you mean max_words?"),
            ({"steps": [{"sumarize": {}}]}, "did you mean summarize?"),
            ({"steps": [{"extract": {"schema": "thin"}}]}, "did you mean thing?"),
            ({"steps": []}, "steps: "),
            ({"limits": {"concurrency": "8"}}, "limits.concurrency: "),
        ],
    )
    async def test_the_flow_names_the_place_before_anything_is_sent(
        self,
        project: Project,
        provider: Provider,
        prefect_api: str,
        keys: dict[str, Any],
        said: str,
        monkeypatch: pytest.MonkeyPatch,
    ):
        monkeypatch.setenv("DOCMILL_HOSTS", "127.0.0.1")
        project.documents(a="text")
        state = await ran(declared({"base_url": provider.url}, **keys))
        assert state.is_failed()
        assert said in str(state.message)
        assert not provider.requests

    async def test_a_file_that_is_not_there_is_named(self, project: Project, prefect_api: str):
        state = await ran("flows/pipelines/none.yaml")
        assert state.is_failed()
        assert "flows/pipelines/none.yaml" in str(state.message)


@pytest.mark.slow
class TestDeployed:
    @pytest.mark.parametrize(
        ("parameters", "field"),
        [
            ({"pipeline": 7}, "pipeline"),
            ({"pipeline": "inbox", "limit": 0}, "limit"),
            ({"pipeline": "inbox", "limit": "many"}, "limit"),
            ({"pipeline": "inbox", "refresh": "perhaps"}, "refresh"),
            ({"pipeline": "inbox", "documents": 3}, "documents"),
            ({"pipeline": {"name": "p"}}, "pipeline"),
        ],
    )
    def test_the_server_refuses_a_wrong_value_with_its_field(
        self, site: Site, parameters: dict[str, Any], field: str
    ):
        refused = site.start("nightly", **parameters)
        assert refused.status_code in (409, 422)
        assert field in refused.text

    def test_the_form_has_descriptions_enums_and_defaults(self, site: Site):
        schema = site.deployment("nightly")["parameter_openapi_schema"]
        fields = schema["properties"]
        assert all(fields[name]["description"] for name in ("pipeline", "documents", "limit", "refresh"))
        assert (fields["refresh"]["default"], fields["limit"]["default"]) == (False, None)
        definitions = schema["definitions"]
        assert definitions["Endpoint"]["properties"]["structured_output"]["enum"][:2] == [
            "tools",
            "json_schema",
        ]
        assert definitions["Pipeline"]["properties"]["endpoint"]["default"] == "local"
        for model in ("Pipeline", "Endpoint", "Rows", "Limits"):
            for name, field in definitions[model]["properties"].items():
                assert "description" in field or "$ref" in field or "title" in field, f"{model}.{name}"

    def test_the_server_refuses_a_misspelt_key(self, site: Site):
        given = site.declared("misspelt", endpoint="302ai", steps=[{"summarize": {"max_wrods": 9}}])
        refused = site.start("nightly", pipeline=given)
        assert refused.status_code in (409, 422)
        assert "pipeline" in refused.text

    @pytest.mark.parametrize(
        ("parameters", "said"),
        [
            ({"pipeline": "pages", "pages": 3}, "pages: unknown parameter"),
            ({"pipelin": "pages"}, "pipelin: unknown parameter; did you mean pipeline?"),
        ],
    )
    def test_a_parameter_that_does_not_exist_fails_the_run_before_anything_runs(
        self, site: Site, parameters: dict[str, object], said: str
    ):
        site.pipeline("pages", "a")
        before = len(site.provider.requests)
        flow_run_id = site.start("nightly", **parameters).json()["id"]
        assert eventually(lambda: site.flow_run(flow_run_id)["state_name"] == "Failed", 90)
        assert said in site.flow_run(flow_run_id)["state"]["message"]
        assert not site.rows("pages", "select 1 from docmill_runs")
        assert len(site.provider.requests) == before

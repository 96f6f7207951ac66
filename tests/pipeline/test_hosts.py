"""DOCMILL_HOSTS: the only hosts that any request goes to, whatever named the endpoint."""

from collections.abc import Callable, Iterator

import pytest
from prefect import flow
from prefect.utilities.annotations import quote

from docmill.schemas.endpoint import LOCAL, Endpoint
from docmill.schemas.errors import ConfigError
from docmill.tasks.chat.complete import complete
from docmill.tasks.chat.environment import require_allowed
from tests.support.asking import free
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.untouched import untouched

ONE_STEP = "  - summarize:\n"


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """Give the base URL of a listener that must get no connection."""
    with untouched() as url:
        yield url


def by_file(project: Project, url: str, monkeypatch: pytest.MonkeyPatch) -> int:
    return project.run("run", str(project.pipeline(url, ONE_STEP)))


def by_mapping(project: Project, url: str, monkeypatch: pytest.MonkeyPatch) -> int:
    return project.run("run", str(project.pipeline(f"{{base_url: {url}}}", ONE_STEP)))


def by_option(project: Project, url: str, monkeypatch: pytest.MonkeyPatch) -> int:
    return project.run("run", str(project.pipeline("local", ONE_STEP)), "--endpoint", url, "--model", "m")


def by_environment(project: Project, url: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("DOCMILL_BASE_URL", url)
    monkeypatch.setenv("DOCMILL_MODEL", "m")
    return project.run("run", str(project.pipeline("local", ONE_STEP)))


every_way = pytest.mark.parametrize("way", [by_file, by_mapping, by_option, by_environment])


@every_way
@pytest.mark.usefixtures("prefect_api")
def test_a_host_that_is_not_named_gets_no_connection(
    project: Project,
    elsewhere: str,
    way: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
):
    monkeypatch.setenv("DOCMILL_HOSTS", "api.302.ai, localhost")
    project.documents(a="text")
    assert way(project, elsewhere, monkeypatch) == 2
    assert "DOCMILL_HOSTS does not hold 127.0.0.1" in capfd.readouterr().err


@every_way
@pytest.mark.usefixtures("prefect_api")
def test_one_that_is_gets_the_requests(
    project: Project, provider: Provider, way: Callable[..., int], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DOCMILL_HOSTS", "api.302.ai,LocalHost")
    project.documents(a="text")
    assert way(project, provider.url.replace("127.0.0.1", "LOCALHOST"), monkeypatch) == 0
    assert len(provider.requests) == 1


async def test_nor_does_a_call_outside_of_a_session(
    cache: object, prefect_api: str, elsewhere: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DOCMILL_BASE_URL", elsewhere)
    monkeypatch.setenv("DOCMILL_MODEL", "m")
    monkeypatch.setenv("DOCMILL_HOSTS", "api.302.ai")

    @flow
    async def asking() -> None:
        await complete(quote(free()), step="ask", document="d")  # type: ignore[call-overload]

    with pytest.raises(ConfigError, match=r"DOCMILL_HOSTS does not hold 127\.0\.0\.1"):
        await asking()


@pytest.mark.parametrize(
    ("hosts", "url"),
    [
        ("llm.example", "https://llm.example/v1"),
        ("LLM.Example", "https://llm.EXAMPLE:8443/v1"),
        ("a.example llm.example", "https://llm.example/v1"),
        ("a.example,\n llm.example,", "https://llm.example/v1"),
        ("::1", "http://[::1]:8000/v1"),
        ("", "https://llm.example/v1"),
    ],
)
def test_hosts_are_named_without_ports_in_any_case(hosts: str, url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DOCMILL_HOSTS", hosts)
    require_allowed(Endpoint(base_url=url))


@pytest.mark.parametrize(
    "url",
    [
        "https://llm.example.evil.example/v1",
        "https://sub.llm.example/v1",
        "https://evil.example/llm.example",
        "https://llm.example./v1",
    ],
)
def test_a_host_is_named_whole(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DOCMILL_HOSTS", "llm.example")
    with pytest.raises(ConfigError, match="DOCMILL_HOSTS does not hold"):
        require_allowed(Endpoint(base_url=url))


def test_the_embedded_model_is_always_allowed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DOCMILL_HOSTS", "llm.example")
    require_allowed(LOCAL.model_copy(update={"base_url": "http://127.0.0.1:40123/v1"}))


def test_its_token_makes_no_other_host_the_embedded_model(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DOCMILL_HOSTS", "llm.example")
    with pytest.raises(ConfigError, match=r"does not hold evil\.example"):
        require_allowed(Endpoint(base_url="https://evil.example/v1", api_key_env="DOCMILL_LOCAL_TOKEN"))

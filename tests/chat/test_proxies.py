"""Proxies of the environment carry what leaves this machine, and nothing that does not."""

import os
from collections.abc import Iterator

import pytest

from docmill.flows.server.settings import spare_loopback
from docmill.schemas.endpoint import Endpoint, is_loopback
from docmill.schemas.errors import Transient
from docmill.tasks.chat.transport import Transport
from tests.support.asking import free
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.untouched import untouched

VARIABLES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


def _proxied(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in VARIABLES:
        monkeypatch.setenv(name, url)


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Name a proxy on loopback that must get no connection."""
    with untouched() as url:
        _proxied(url.removesuffix("/v1"), monkeypatch)
        yield


async def _post(url: str) -> bytes:
    async with Transport(Endpoint(base_url=url, allow_http=True), 1) as transport:
        return await transport.post(free())


@pytest.mark.usefixtures("proxy")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST"])
async def test_an_endpoint_on_this_machine_is_asked_without(host: str, provider: Provider):
    assert await _post(provider.url.replace("127.0.0.1", host))
    assert len(provider.requests) == 1


@pytest.mark.usefixtures("proxy")
@pytest.mark.parametrize("host", ["[::1]", "127.0.0.2", "127.255.0.1"])
async def test_nor_is_one_that_does_not_listen_asked_by_the_proxy(host: str):
    with pytest.raises(Transient):
        await _post(f"http://{host}:9/v1")


async def test_another_endpoint_is_asked_through_it(provider: Provider, monkeypatch: pytest.MonkeyPatch):
    _proxied(provider.url.removesuffix("/v1"), monkeypatch)
    assert await _post("http://llm.example/v1")
    assert [request.path for request in provider.requests] == ["http://llm.example/v1/chat/completions"]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "localhost", "::1"])
def test_this_machine_has_many_names(host: str):
    assert is_loopback(host)


@pytest.mark.parametrize("host", [None, "", "localhost.example", "127.0.0.1.example", "10.0.0.1", "::2", "0"])
def test_others_only_look_like_it(host: str | None):
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("said", "spared"),
    [
        ({}, "127.0.0.1,localhost,::1,127.0.0.9"),
        ({"NO_PROXY": "a.example, b.example"}, "a.example,b.example,127.0.0.1,localhost,::1,127.0.0.9"),
        ({"NO_PROXY": "a", "no_proxy": "localhost"}, "localhost,127.0.0.1,::1,127.0.0.9"),
        ({"NO_PROXY": "*"}, "*"),
    ],
)
def test_prefects_server_is_spared_beside_what_was(
    said: dict[str, str], spared: str, monkeypatch: pytest.MonkeyPatch
):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    spare_loopback("http://127.0.0.9:4200/api")
    assert os.environ["NO_PROXY"] == os.environ.get("no_proxy", "*") == spared


def test_a_server_elsewhere_is_not(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_PROXY", "a.example")
    spare_loopback("https://prefect.example/api")
    assert os.environ["NO_PROXY"] == "a.example"


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_api", "proxy")
def test_a_run_reaches_prefects_server_and_the_endpoint_without(project: Project, provider: Provider):
    project.documents(a="text")
    run = project.begin("run", str(project.pipeline(provider.url, "  - summarize:\n")))
    printed, _ = run.communicate(timeout=100)
    assert run.returncode == 0, printed

"""`docmill.session`: where completions go, said in Python or by the environment."""

import asyncio
import os
from collections.abc import Mapping
from typing import Any

import pytest

import docmill
from docmill.schemas.endpoint import BUILT_IN, LOCAL
from docmill.tasks.chat.session import Session, opened
from tests.support.own_flow import in_flow
from tests.support.provider import Provider

URL = "https://e.example/v1"
USER = [{"role": "user", "content": "hello"}]


async def open_session(*arguments: Any, **named: Any) -> Session:
    """Open a session and give what stands open within it."""
    async with docmill.session(*arguments, **named):
        session = opened()
    assert session is not None
    return session


async def test_a_built_in_endpoint_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DOCMILL_API_KEY", "sk-none")
    session = await open_session("302ai", "m")
    assert (session.target.endpoint, session.target.model) == (BUILT_IN["302ai"], "m")
    assert session.transport.secret == "sk-none"


async def test_a_url_is_sent_the_key_of_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DOCMILL_API_KEY", "sk-none")
    session = await open_session("https://gateway.example/v1/", "m")
    assert session.target.identity == "https://gateway.example/v1"
    assert session.transport.secret == "sk-none"


async def test_an_endpoint_is_sent_the_key_that_it_names_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DOCMILL_API_KEY", "sk-none")
    endpoint = docmill.Endpoint(base_url="https://${DOCMILL_GATEWAY}/v1", cache_id="shared")
    monkeypatch.setenv("DOCMILL_GATEWAY", "gateway.example")
    session = await open_session(endpoint, "m")
    assert session.target.endpoint.base_url == "https://gateway.example/v1"
    assert session.target.identity == "shared"
    assert session.transport.secret is None


async def test_python_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DOCMILL_BASE_URL", "https://environment.example/v1")
    monkeypatch.setenv("DOCMILL_MODEL", "environment")
    assert (await open_session()).target.name == "https://environment.example/v1"
    assert (await open_session()).target.model == "environment"
    session = await open_session("https://python.example/v1", "python")
    assert (session.target.name, session.target.model) == ("https://python.example/v1", "python")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "no endpoint is named"),
        ({"endpoint": URL}, "no model is named"),
        ({"endpoint": "302a", "model": "m"}, "endpoint: not a URL; did you mean 302ai"),
        ({"endpoint": "http://e.example/v1", "model": "m"}, "plain http"),
        ({"endpoint": "302ai", "model": "m"}, "DOCMILL_API_KEY is not set"),
        (
            {"endpoint": URL, "model": "m", "limits": {"concurency": 4}},
            "limits: concurency",
        ),
        ({"endpoint": URL, "model": "m", "limits": {"concurrency": 0}}, "must be greater"),
    ],
)
async def test_what_is_wrong_is_told_before_anything_is_sent(arguments: dict[str, Any], said: str):
    with pytest.raises(docmill.ConfigError, match=said):
        await open_session(**arguments)


async def test_only_the_hosts_that_are_allowed_are_reached(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DOCMILL_HOSTS", "other.example")
    with pytest.raises(docmill.ConfigError, match=r"DOCMILL_HOSTS does not hold e\.example"):
        await open_session(URL, "m")


@pytest.mark.usefixtures("prefect_api", "cache")
@pytest.mark.parametrize(("limits", "most"), [({"concurrency": 2}, 2), (None, 5)])
@pytest.mark.slow
async def test_its_limits_hold_for_all_flow_runs_within(
    provider: Provider, limits: Mapping[str, Any] | None, most: int
):
    provider.delay_s = 0.3

    async def five() -> None:
        await asyncio.gather(*[docmill.summarize(f"text {number}") for number in range(5)])

    async with docmill.session(provider.url, "m", limits=limits):
        await in_flow(five)
    assert provider.most_in_flight == most


@pytest.mark.usefixtures("prefect_api", "cache")
async def test_refresh_takes_no_reply_that_is_older(provider: Provider):
    for refresh in (False, False, True):
        async with docmill.session(provider.url, "m", refresh=refresh):
            await in_flow(lambda: docmill.complete(messages=USER))
    assert len(provider.requests) == 2


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_api", "cache")
async def test_the_embedded_model_answers_and_ends_with_the_session(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    async with docmill.session("local", limits={"concurrency": 16}):
        session = opened()
        assert session is not None
        label = await in_flow(lambda: docmill.classify("Total due: 318.40 EUR", ["invoice", "poem"]))
    assert label in ("invoice", "poem")
    assert session.target.identity.startswith("local/")
    assert session.lane("m").ceiling == 2
    assert LOCAL.api_key_env not in os.environ

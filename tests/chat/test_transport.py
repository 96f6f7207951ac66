"""The transport: a request's bytes out, a reply's bytes in, and nothing of httpx's and no key beside them."""

import asyncio
import pickle
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from docmill.schemas.endpoint import Endpoint
from docmill.schemas.errors import (
    ChatError,
    ConfigError,
    DocmillError,
    Fatal,
    MaybeBilled,
    Permanent,
    Transient,
)
from docmill.tasks.chat.transport import CALLS_PER_CLIENT, Transport
from tests.support.asking import forced, free
from tests.support.connection import Reply
from tests.support.processes import eventually
from tests.support.provider import Provider, serving
from tests.support.shapes import SHAPES, Shape, written

KEY = "sk-very/secret"
VARIABLE = "DOCMILL_TEST_TOKEN"
SHORT_S = 0.3


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, KEY)


def endpoint(url: str, **settings: Any) -> Endpoint:
    return Endpoint.model_validate({"base_url": url, "api_key_env": VARIABLE, "timeout_s": 10, **settings})


async def post(url: str, body: bytes = b"{}", **settings: Any) -> bytes:
    async with Transport(endpoint(url, **settings), 1) as transport:
        return await transport.post(body)


async def failed(url: str, **settings: Any) -> ChatError:
    """Post a body; gives the error."""
    with pytest.raises(ChatError) as caught:
        await post(url, **settings)
    return caught.value


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Walk an error and all that came before it."""
    if error is not None:
        yield error
        yield from chain(error.__cause__)
        yield from chain(error.__context__)


def assert_clean(error: BaseException) -> None:
    """Assert that an error holds neither httpx's errors nor the key, in itself and in its chain."""
    for each in chain(error):
        assert isinstance(each, DocmillError)
        assert KEY not in f"{each!r} {each.args} {each.__dict__} {getattr(each, '__notes__', '')}"
        assert KEY.encode() not in pickle.dumps(each)


@asynccontextmanager
async def speaking(answer: bytes) -> AsyncIterator[str]:
    """Serve this to whoever comes, be it HTTP or not; gives the base URL."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


@pytest.fixture
def nobody() -> Iterator[str]:
    """Give a base URL where nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/v1"


# What is sent


@pytest.mark.parametrize(
    "body", [free(), b'{ "b":1.0,\n"a" : "\xc3\xa4\\u00e4"}', b"", b"\x00\xff" * 200_000]
)
async def test_the_bytes_that_are_given_are_sent(provider: Provider, body: bytes):
    provider.always(written({}))
    await post(provider.url, body)
    assert provider.bodies() == [body]


async def test_a_request_is_a_post_with_the_protocols_headers(provider: Provider):
    await post(provider.url, free())
    [request] = provider.requests
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept"] == "application/json"
    assert request.headers["authorization"] == f"Bearer {KEY}"


async def test_no_key_is_sent_where_the_endpoint_names_none(provider: Provider):
    await post(provider.url, free(), api_key_env=None)
    assert "authorization" not in provider.requests[0].headers


async def test_a_slash_at_the_end_of_the_base_url_changes_nothing(provider: Provider):
    await post(f"{provider.url}/", free())
    assert provider.requests[0].path == "/v1/chat/completions"


@pytest.mark.parametrize("value", [None, ""])
def test_a_key_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch, value: str | None):
    monkeypatch.delenv(VARIABLE)
    if value is not None:
        monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(ConfigError, match=f"export {VARIABLE}"):
        Transport(endpoint("http://127.0.0.1/v1"), 1)


@pytest.mark.parametrize("value", ["sk-a\n", " sk-a", "sk a", "sk-ä", "sk-\x01", "sk-a\r\nx-evil: 1"])
def test_a_key_that_no_header_takes_is_refused_without_being_shown(
    monkeypatch: pytest.MonkeyPatch, value: str
):
    monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(ConfigError, match=VARIABLE) as caught:
        Transport(endpoint("http://127.0.0.1/v1"), 1)
    assert "sk" not in str(caught.value)
    assert list(chain(caught.value)) == [caught.value]


# What comes back


async def test_the_bytes_of_a_reply_are_given_as_they_came(provider: Provider):
    provider.always(Reply(200, (b"\x00not", b" JSON\xff")))
    assert await post(provider.url) == b"\x00not JSON\xff"


@pytest.mark.parametrize("status", [201, 204, 304, 400, 401, 418, 500])
async def test_another_status_is_an_error(provider: Provider, status: int):
    provider.always(Reply(status))
    assert (await failed(provider.url)).status == status


async def test_what_a_server_says_to_an_error_is_kept(provider: Provider):
    provider.always(written({"error": {"message": f"Bearer {KEY}", "code": "odd"}}, 422, retry_after="7"))
    error = await failed(provider.url)
    assert type(error) is Permanent
    assert (error.code, error.request_id, error.retry_after_s) == ("odd", "req_1", 7)
    assert "Bearer [key]" in error.body


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_and_no_key_goes_elsewhere(provider: Provider, status: int):
    with serving() as elsewhere:
        provider.always(Reply(status, (), {"location": f"{elsewhere.url}/chat/completions"}))
        error = await failed(provider.url)
        assert elsewhere.requests == []
    assert type(error) is Fatal
    assert len(provider.requests) == 1


# What does not come back


async def test_a_refused_connection_has_sent_nothing(nobody: str):
    error = await failed(nobody)
    assert type(error) is Transient
    assert_clean(error)


async def test_a_server_without_tls_has_been_sent_nothing(provider: Provider):
    error = await failed(provider.url.replace("http:", "https:"))
    assert type(error) is Transient
    assert provider.requests == []
    assert_clean(error)


@pytest.mark.parametrize("shape", ["stall", "stall_mid_body"])
async def test_a_reply_that_does_not_come_in_time_may_have_been_billed(provider: Provider, shape: str):
    provider.always(shape)
    error = await failed(provider.url, timeout_s=SHORT_S)
    assert type(error) is MaybeBilled
    assert str(error) == f"no whole reply within {SHORT_S} s"
    assert_clean(error)


async def test_the_time_is_for_the_whole_reply(provider: Provider):
    slowly: tuple[bytes | float, ...] = (b" ", SHORT_S / 3) * 12
    provider.always(Reply(200, slowly))
    assert type(await failed(provider.url, timeout_s=SHORT_S)) is MaybeBilled


@pytest.mark.parametrize(
    "shape", ["disconnect", "disconnect_mid_body", Reply(200, (b"not gzip",), {"content-encoding": "gzip"})]
)
async def test_a_reply_that_is_lost_after_sending_may_have_been_billed(provider: Provider, shape: Shape):
    provider.always(shape)
    error = await failed(provider.url)
    assert type(error) is MaybeBilled
    assert_clean(error)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnot a chunk",
        b"HTTP/1.1 200 OK\r\nx: " + b"x" * 200_000,
    ],
    ids=["nothing", "ssh", "bad length", "too short", "bad chunk", "huge header"],
)
async def test_what_is_no_http_may_have_been_billed(answer: bytes):
    async with speaking(answer) as url:
        error = await failed(url)
    assert type(error) is MaybeBilled
    assert_clean(error)


@pytest.mark.parametrize("url", ["http://127.0.0.1/v1\n", "${DOCMILL_NOT_RESOLVED}/v1"])
async def test_an_address_that_cannot_be_sent_to_stops_the_run(url: str):
    error = await failed(url, allow_http=True)
    assert type(error) is Fatal
    assert "base_url" in error.remedy
    assert_clean(error)


@pytest.mark.parametrize("shape", sorted(set(SHAPES) - {"huge"}))
async def test_whatever_happens_no_error_of_httpx_and_no_key_leaves(provider: Provider, shape: str):
    provider.always(shape)
    try:
        await post(provider.url, forced(), timeout_s=SHORT_S)
    except ChatError as error:
        assert_clean(error)


@pytest.mark.parametrize("status", [302, 400, 401, 429, 500])
async def test_a_server_that_shows_the_key_everywhere_does_not_spread_it(provider: Provider, status: int):
    said = {"error": {"message": KEY, "code": KEY, "type": KEY}, KEY: KEY}
    provider.always(written(said, status, x_request_id=KEY))
    assert_clean(await failed(provider.url))


async def test_a_call_that_is_cancelled_is_cancelled(provider: Provider):
    provider.always("stall")
    async with Transport(endpoint(provider.url), 1) as transport:
        call = asyncio.create_task(transport.post(b"{}"))
        while not provider.requests:
            await asyncio.sleep(0.01)
        call.cancel()
        await asyncio.wait([call])
        assert call.cancelled()
        provider.always(written({}))
        assert await transport.post(b"{}") == b"{}"


# Many at once


async def at_once(transport: Transport, provider: Provider, calls: int) -> None:
    """Have so many calls in flight at the same moment."""
    provider.hold(len(provider.requests) + calls)
    await asyncio.gather(*(transport.post(free()) for _ in range(calls)))


@pytest.mark.parametrize("concurrency", [1, CALLS_PER_CLIENT, 2 * CALLS_PER_CLIENT, 20])
async def test_every_call_in_flight_has_a_connection_that_is_kept(provider: Provider, concurrency: int):
    """A client keeps 8: more calls than that need several, each as busy as the others."""
    async with Transport(endpoint(provider.url), concurrency) as transport:
        for _ in range(3):
            await at_once(transport, provider, concurrency)
    assert provider.most_in_flight == concurrency
    assert len({request.client_port for request in provider.requests}) == concurrency


async def test_no_connection_is_left_open(provider: Provider):
    async with Transport(endpoint(provider.url), 16) as transport:
        await at_once(transport, provider, 16)
        assert len(provider._connections) == 16
    assert eventually(lambda: not provider._connections, 5)


@pytest.mark.parametrize(
    ("shape", "named"),
    [
        ("unauthorized", "The key is the one in DOCMILL_TEAM_KEY."),
        ("forbidden", "The key is the one in DOCMILL_TEAM_KEY. The model asked for is 'm', at "),
        ("not_found", "The model asked for is 'm', at "),
    ],
)
async def test_a_refusal_names_the_keys_variable_and_the_model(
    shape: str, named: str, provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DOCMILL_TEAM_KEY", "sk-none")
    provider.always(shape)
    endpoint = Endpoint(base_url=provider.url, api_key_env="DOCMILL_TEAM_KEY")
    async with Transport(endpoint, 1) as transport:
        with pytest.raises(Fatal) as caught:
            await transport.post(free())
    assert named in caught.value.remedy


async def test_and_says_where_no_key_was_sent(provider: Provider):
    provider.always("unauthorized")
    async with Transport(Endpoint(base_url=provider.url), 1) as transport:
        with pytest.raises(Fatal) as caught:
            await transport.post(free())
    assert "No key was sent: name its variable by api_key_env" in caught.value.remedy

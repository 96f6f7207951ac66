"""`docmill chat`: one request to an endpoint, as it stands; no Prefect, no cache, nothing tried again."""

import asyncio
import json as jsontext
import os
import sys
from pathlib import Path
from typing import Annotated

import rfc8785
from cyclopts import Parameter
from rich.text import Text

from docmill.flows.cli.options import FLAG, EndpointName, Json, Model
from docmill.flows.cli.output import console, fail, print_json, printable
from docmill.flows.server.home import home
from docmill.schemas.chat import Reply, ToolCall
from docmill.schemas.endpoint import BUILT_IN, Endpoint, Target, normalised
from docmill.schemas.errors import ConfigError, DocmillError
from docmill.schemas.money import money
from docmill.tasks.chat.envelope import reply_of
from docmill.tasks.chat.environment import endpoint_at
from docmill.tasks.chat.prices import cost_usd
from docmill.tasks.chat.streaming import asks_for_stream
from docmill.tasks.chat.transport import Transport
from docmill.tasks.chat.usage import Allowed, tokens_of
from docmill.tasks.checks import regular
from docmill.tasks.checks.jsontext import parse
from docmill.tasks.checks.request import parsed, require_request
from docmill.tasks.local_model.serving import serving

Request = Annotated[
    str,
    Parameter(
        help="A file with the request's JSON; - reads standard input",
        show_default=False,
        allow_leading_hyphen=True,
    ),
]
Stream = Annotated[bool, FLAG, Parameter(help="Ask for a stream, and show the text as it arrives")]
DEFAULT = "302ai"


def chat(
    request: Request,
    /,
    *,
    endpoint: EndpointName = None,
    model: Model = None,
    stream: Stream = False,
    json: Json = False,
) -> int:
    """Send one request and print its reply; exit code 1 where the server refuses it.

    The endpoint is --endpoint, else DOCMILL_BASE_URL, else 302ai. The request's model is asked unless
    --model names another. What breaks a rule of the protocol is not sent: exit code 2.
    """
    body = _body(request, model, stream)
    name, served = _endpoint(endpoint)
    screen = Screen(silent=json)
    try:
        reply, content = asyncio.run(_ask(name, served, body, screen))
    except ConfigError:
        raise
    except DocmillError as error:
        return _refused(error)
    except KeyboardInterrupt:
        console(stderr=True).print("interrupted: what was sent may have been billed")
        return 3
    if json:
        print_json(jsontext.loads(content))
        return 0
    _print(reply, screen)
    footer = _footer(reply, name, served, body)
    console().print(Text(footer, style="dim"), soft_wrap=True)
    return 0


class Screen:
    """Shows a stream's text as it arrives; `begun` says that there was some."""

    def __init__(self, *, silent: bool) -> None:
        self.begun = False
        self._silent = silent

    def show(self, text: str) -> None:
        """Print a part of the text."""
        if not self._silent:
            self.begun = True
            sys.stdout.write(printable(text))
            sys.stdout.flush()


def _body(file: str, model: str | None, stream: bool) -> bytes:
    """Read and check the request: the very JSON value that is sent, in canonical form."""
    try:
        text = sys.stdin.read() if file == "-" else _text(Path(file))
        request = parse(text)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"{file}: is not JSON: {error}") from None
    if not isinstance(request, dict):
        raise ConfigError(f"{file}: must be an object: a chat-completions request")
    request = {**request, **({"model": model} if model else {}), **({"stream": True} if stream else {})}
    try:
        body = rfc8785.dumps(request)
    except rfc8785.CanonicalizationError as error:
        raise ConfigError(f"{file}: cannot be sent as JSON: {error}") from None
    require_request(parsed(body))
    return body


def _text(file: Path) -> str:
    with regular.opened(file) as stream:
        return stream.read().decode()


def _endpoint(said: str | None) -> tuple[str, Endpoint]:
    named = said or os.environ.get("DOCMILL_BASE_URL") or DEFAULT
    if named in BUILT_IN:
        return named, BUILT_IN[named]
    return endpoint_at(named, "--endpoint" if said else "DOCMILL_BASE_URL")


async def _ask(name: str, endpoint: Endpoint, body: bytes, screen: Screen) -> tuple[Reply, bytes]:
    if name == "local":
        async with serving(home(), console(stderr=True).print, lambda _: None) as served:
            os.environ[endpoint.api_key_env or ""] = served.token
            local = endpoint.model_copy(update={"base_url": served.base_url})
            return await _sent(local, body, screen)
    return await _sent(endpoint, body, screen)


async def _sent(endpoint: Endpoint, body: bytes, screen: Screen) -> tuple[Reply, bytes]:
    async with Transport(endpoint, 1) as transport:
        content = await transport.post(body, stream=asks_for_stream(body), tell=screen.show)
        return reply_of(content, transport.secret), content


def _refused(error: DocmillError) -> int:
    fail(error)
    if body := getattr(error, "body", ""):
        console(stderr=True).print(Text(printable(body), style="dim"), soft_wrap=True)
    return 1


def _print(reply: Reply, screen: Screen) -> None:
    """Print every choice's text and tool calls; the first text may stand on the screen already."""
    out = console()
    choices = reply.choices or []
    for number, choice in enumerate(choices):
        if len(choices) > 1:
            out.print(Text(f"choice {number + 1}", style="bold"))
        if text := choice.message.text():
            screen.show("\n" if screen.begun and number == 0 else f"{text}\n")
        for call in choice.message.tool_calls or []:
            out.print(_laid_out(call), soft_wrap=True)
        if choice.message.refusal:
            out.print(Text(f"refused: {printable(choice.message.refusal)}"), soft_wrap=True)


def _laid_out(call: ToolCall) -> Text:
    """Write a tool call: its name, and an argument a line."""
    arguments = call.function.arguments
    try:
        values = jsontext.loads(arguments) if isinstance(arguments, str) else arguments
    except (ValueError, RecursionError):
        values = None
    laid = Text(printable(call.function.name or "(no name)"), style="bold")
    if not isinstance(values, dict):
        return laid.append(f"\n  {printable(str(arguments))}", style="default")
    for name, value in values.items():
        said = value if isinstance(value, str) else jsontext.dumps(value, ensure_ascii=False)
        laid.append(f"\n  {printable(name)}: {printable(said)}", style="default")
    return laid


def _footer(reply: Reply, name: str, endpoint: Endpoint, body: bytes) -> str:
    model = parsed(body)["model"]
    tokens = tokens_of(reply, Allowed.of(parsed(body), len(body), endpoint))
    target = Target(name=name, endpoint=endpoint, model=model, identity=normalised(endpoint.base_url))
    cost = money(
        cost_usd(target, tokens),
        estimated=tokens.estimated,
        listed=endpoint.prices is None and tokens.billed_usd is None,
    )
    finishes = ", ".join(
        dict.fromkeys(choice.finish_reason or "no finish_reason" for choice in reply.choices or [])
    )
    return (
        f"{tokens.prompt:,} tokens read, {tokens.completion:,} written, {cost}; {finishes}; {model} at {name}"
    )

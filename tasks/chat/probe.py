"""What a server can: a handful of cheap calls, and the endpoint's mapping that follows from them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import rfc8785

from docmill.schemas.chat import Reply
from docmill.schemas.endpoint import Endpoint
from docmill.schemas.errors import ChatError, CutShort, Fatal, RateLimited
from docmill.tasks.chat.envelope import reply_of
from docmill.tasks.chat.expected import Expected
from docmill.tasks.chat.lane import retry_scale
from docmill.tasks.chat.reading import accepted
from docmill.tasks.chat.streaming import streamed
from docmill.tasks.chat.transport import Transport
from docmill.tasks.chat.usage import Allowed
from docmill.tasks.checks.jsontext import parse

ROOM, SHORT = 512, 64  # tokens of an answer
WAITS, LONGEST_WAIT_S = 3, 30.0
STOP = "gamma"
CHOICES = "n: 2"
QUESTION = "A parcel with 3 red boxes has arrived. Which colour, and how many? Answer in one word each."
COUNT = {"type": "integer", "description": "How many boxes"}
COLOUR = {"type": "string", "description": "Their colour"}
CLOSED = {"type": "object", "additionalProperties": False}
ALL_REQUIRED = {**CLOSED, "properties": {"colour": COLOUR, "count": COUNT}, "required": ["colour", "count"]}
ONE_OPTIONAL = {**ALL_REQUIRED, "required": ["colour"]}
FUNCTION = {"name": "record_boxes", "description": "Record the boxes", "parameters": ALL_REQUIRED}
TOOLS = [{"type": "function", "function": FUNCTION}]
FORCED = {"type": "function", "function": {"name": "record_boxes"}}


@dataclass(frozen=True)
class Finding:
    """Whether a server can one thing, and what it said or what it means; `works` is None where it is open."""

    name: str
    works: bool | None
    means: str


class Probe:
    """Asks a model of an endpoint; each finding is one call, sent once but for rate limits."""

    def __init__(self, transport: Transport, endpoint: Endpoint, model: str) -> None:
        self._transport = transport
        self._endpoint = endpoint
        self._model = model
        self._limit = endpoint.max_tokens_name

    async def findings(self) -> AsyncIterator[Finding]:
        """Give what is found, call by call; raises ChatError where the server answers no plain request."""
        yield await self._limits()
        yield await self._temperature()
        choice = "structured_output: tools"
        yield await self._judged("tools, forced by name", choice, tools=TOOLS, tool_choice=FORCED)
        choice = "docmill forces by name"
        yield await self._judged("tools, required", choice, tools=TOOLS, tool_choice="required")
        choice = "structured_output: json_schema"
        yield await self._judged("json_schema, strict", choice, **_schema(ALL_REQUIRED, strict=True))
        yield await self._judged("json_schema, not strict", choice, **_schema(ONE_OPTIONAL, strict=False))
        yield await self._stop()
        yield await self._choices()
        for finding in await self._stream():
            yield finding
        yield await self._models()

    def mapping(self, findings: list[Finding]) -> dict[str, Any]:
        """Write the endpoint's mapping: what it has of its own, and what the findings ask for."""
        works = {finding.name: finding.works for finding in findings}
        declared = self._endpoint.model_dump(mode="json", exclude_unset=True, exclude_none=True)
        forms = {"tools": "tools, forced by name", "json_schema": "json_schema, not strict"}
        form = next((name for name, found in forms.items() if works.get(found)), None)
        if form is None and works.get("json_schema, strict"):
            form = "json_schema"
        found: dict[str, Any] = {"structured_output": form or "text"}
        if self._limit != "max_tokens":
            found["max_tokens_name"] = self._limit
        if form == "json_schema" and not works.get("json_schema, strict"):
            found["strict"] = False
        if works.get(CHOICES):
            found["choices"] = True
        return {**declared, **found}

    async def _limits(self) -> Finding:
        """Find under which name the limit of a reply is taken; without any nothing else can be asked."""
        try:
            await self._reply(SHORT)
        except ChatError as error:
            other = {"max_tokens": "max_completion_tokens"}.get(self._limit)
            if other is None or isinstance(error, Fatal) or other not in f"{error}{error.body}":
                raise
            self._limit = "max_completion_tokens"
            await self._reply(SHORT)
            return Finding("max_tokens", works=False, means="max_tokens_name: max_completion_tokens")
        return Finding(self._limit, works=True, means="taken")

    async def _temperature(self) -> Finding:
        try:
            await self._reply(SHORT, temperature=0)
        except ChatError as error:
            return Finding(
                "temperature 0", _open(error), f"{error}; steps need params: {{temperature: null}}"
            )
        return Finding("temperature 0", works=True, means="taken")

    async def _judged(self, name: str, means: str, **asked: Any) -> Finding:
        """Ask for a record: the reply has to be one in that very form, without prose around it."""
        request = self._request(ROOM, **asked)
        body = rfc8785.dumps(request)
        try:
            reply = await self._sent(body)
            accepted(reply, Expected.of(request, None), Allowed.of(request, len(body), self._endpoint))
        except CutShort:
            return Finding(name, works=None, means=f"cut short at {ROOM} tokens")
        except ChatError as error:
            return Finding(name, works=_open(error), means=str(error))
        [first, *_] = reply.choices or []
        formed = bool(first.message.tool_calls) if "tools" in asked else _is_json(first.message.text())
        return Finding(name, works=formed, means=means if formed else "answered in another form")

    async def _stop(self) -> Finding:
        request = self._request(SHORT, stop=[STOP])
        request["messages"] = [{"role": "user", "content": f"Write in one line: alpha {STOP} omega"}]
        try:
            reply = await self._sent(rfc8785.dumps(request))
        except ChatError as error:
            return Finding("stop", works=_open(error), means=str(error))
        said = "".join(choice.message.text() for choice in reply.choices or [])
        return Finding("stop", STOP not in said, "heeded" if STOP not in said else "not heeded")

    async def _choices(self) -> Finding:
        try:
            reply = await self._reply(SHORT, n=2)
        except ChatError as error:
            return Finding(CHOICES, works=_open(error), means=str(error))
        given = len(reply.choices or [])
        means = "choices: true" if given == 2 else f"{given} choice{'s' * (given != 1)} came"
        return Finding(CHOICES, works=given == 2, means=means)

    async def _stream(self) -> list[Finding]:
        told: list[str] = []
        body = rfc8785.dumps(self._request(SHORT))
        try:
            answer = await self._posted(streamed(body), stream=True, told=told)
            reply = reply_of(answer, self._transport.secret)
        except ChatError as error:
            return [Finding("stream", works=_open(error), means=str(error))]
        counted = bool(reply.usage and reply.usage.prompt_tokens and reply.usage.completion_tokens)
        usage = "counted" if counted else "not told: docmill estimates it"
        return [
            Finding(
                "stream", works=bool(told), means="stream: true may be set" if told else "came in one piece"
            ),
            Finding("stream, its usage", works=counted, means=usage),
        ]

    async def _models(self) -> Finding:
        try:
            models = await self._transport.models()
        except ChatError as error:
            return Finding("list of models", works=_open(error), means=str(error))
        there = "has" if self._model in models else "has not"
        return Finding("list of models", works=True, means=f"{len(models):,}, {there} {self._model}")

    def _request(self, room: int, **parameters: Any) -> dict[str, Any]:
        asked = {"model": self._model, "messages": [{"role": "user", "content": QUESTION}]}
        return {**asked, self._limit: min(room, self._endpoint.max_output_tokens), **parameters}

    async def _reply(self, room: int, **parameters: Any) -> Reply:
        return await self._sent(rfc8785.dumps(self._request(room, **parameters)))

    async def _sent(self, body: bytes) -> Reply:
        return reply_of(await self._posted(body), self._transport.secret)

    async def _posted(self, body: bytes, *, stream: bool = False, told: list[str] | None = None) -> bytes:
        """Send a body; a rate limit is waited out, a few times."""
        for _ in range(WAITS):
            try:
                tell = (lambda _: None) if told is None else told.append
                return await self._transport.post(body, stream=stream, tell=tell)
            except RateLimited as error:
                wait_s = min(LONGEST_WAIT_S, error.retry_after_s or 1.0)
                await asyncio.sleep(wait_s * retry_scale())
        return await self._transport.post(body, stream=stream)


def _open(error: ChatError) -> bool | None:
    """Say that it does not work, or, where the failure was not the request's, that it is open."""
    return False if error.status in (200, 400, 404, 405, 406, 415, 422, 501) or error.status is None else None


def _is_json(text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _schema(schema: dict[str, Any], *, strict: bool) -> dict[str, Any]:
    declared = {"name": "boxes", "schema": schema, "strict": strict}
    return {"response_format": {"type": "json_schema", "json_schema": declared}}

"""Asks an endpoint whether it is there and serves its models, for as little as it can."""

from collections.abc import Sequence
from typing import Any

import rfc8785
from pydantic import BaseModel, ConfigDict

from docmill.schemas.endpoint import Endpoint, Target
from docmill.schemas.errors import ChatError, MaybeBilled
from docmill.tasks.chat.envelope import reply_of
from docmill.tasks.chat.transport import Transport
from docmill.tasks.checks.spelling import meant

NO_LIST = (404, 405, 501)  # not every endpoint lists its models


class Reached(BaseModel):
    """What an endpoint answered: how many models it lists, None without a list, and whether it has the model.

    `called` says that the model was asked for one token, as no list holds it. `said` puts it in words.
    """

    model_config = ConfigDict(frozen=True)

    models: int | None
    listed: bool
    called: bool
    said: str


async def reach(target: Target, models: Sequence[str]) -> dict[str, Reached | ChatError]:
    """Ask for the list of models, and each of some models itself where the list does not hold it.

    Gives what each answered, or the error that its answer or silence means. Raises the ChatError of an
    endpoint that gives no list and says why.
    """
    async with Transport(target.endpoint, 1) as transport:
        listed = await _models(transport)
        return {model: await _reached(transport, target.endpoint, listed, model) for model in models}


async def _reached(
    transport: Transport, endpoint: Endpoint, listed: list[str] | None, model: str
) -> Reached | ChatError:
    if model in (listed or ()):
        said = f"answers and lists {model} among {len(listed or ()):,} models"
        return Reached(models=len(listed or ()), listed=True, called=False, said=said)
    without = "lists no models" if listed is None else _without(model, listed)
    try:
        reply_of(await transport.post(_shortest(endpoint, model)), transport.secret)
    except ChatError as error:
        if listed is not None:
            error.remedy = f"{error.remedy} It {without}".lstrip()
        return error
    said = f"answers; it {without}; {model} was asked for one token and answers"
    return Reached(models=None if listed is None else len(listed), listed=False, called=True, said=said)


def _shortest(endpoint: Endpoint, model: str) -> bytes:
    messages = [{"role": "user", "content": "Say ok."}]
    request: dict[str, Any] = {"model": model, "messages": messages, endpoint.max_tokens_name: 1}
    return rfc8785.dumps(request)


async def _models(transport: Transport) -> list[str] | None:
    """List the models; None where the endpoint has no list, or one that cannot be read."""
    try:
        return await transport.models()
    except MaybeBilled:  # an answer that is no list
        return None
    except ChatError as error:
        if error.status in NO_LIST:
            return None
        raise


def _without(model: str, models: list[str]) -> str:
    return f"does not list {model} among {len(models):,} models{meant(model, models)}"

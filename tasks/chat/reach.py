"""Asks an endpoint whether it is there and serves a model, for as little as it can."""

from typing import Any

import rfc8785
from pydantic import BaseModel, ConfigDict

from docmill.schemas.endpoint import Target
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


async def reach(target: Target) -> Reached:
    """Ask for the list of models, and the model itself where the list does not hold it.

    Raises the ChatError that the endpoint's answer, or its silence, means.
    """
    async with Transport(target.endpoint, 1) as transport:
        models = await _models(transport)
        if target.model in (models or ()):
            said = f"answers and lists {target.model} among {len(models or ()):,} models"
            return Reached(models=len(models or ()), listed=True, called=False, said=said)
        without = "lists no models" if models is None else _without(target.model, models)
        reply_of(await transport.post(_shortest(target.model)), transport.secret)
        said = f"answers; it {without}; {target.model} was asked for one token and answers"
        return Reached(models=None if models is None else len(models), listed=False, called=True, said=said)


def _shortest(model: str) -> bytes:
    messages = [{"role": "user", "content": "Say ok."}]
    request: dict[str, Any] = {"model": model, "messages": messages, "max_tokens": 1}
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

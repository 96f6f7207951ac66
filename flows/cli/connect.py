"""`docmill check --connect`: whether endpoint, models, results, source and a cache in a database answer."""

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Any

from docmill.flows.cli.output import console
from docmill.flows.pipeline.plan import Plan
from docmill.flows.server.home import home
from docmill.schemas.endpoint import Target
from docmill.schemas.errors import ChatError, DocmillError
from docmill.tasks.chat.places import default_database
from docmill.tasks.chat.reach import Reached, reach
from docmill.tasks.local_model.serving import serving
from docmill.tasks.sinks.database import answers, shown

Answer = dict[str, Any]


def connected(plan: Plan) -> dict[str, Answer]:
    """Ask all of them, whatever the others say; `ok` is whether each answers, `said` what."""
    told: dict[str, Answer] = {
        **_endpoint(plan),
        "into": {"url": shown(plan.into.url), **_tried(lambda: {"said": answers(plan.into.url)})},
        "source": {"name": plan.source.described(), **_tried(lambda: _source(plan))},
    }
    if url := default_database():
        told["cache"] = _tried(lambda: {"said": _cache(url)})
    return told


def _tried(ask: Callable[[], Answer]) -> Answer:
    try:
        return {"ok": True, **ask()}
    except DocmillError as error:
        return _failed(error)


def _failed(error: DocmillError) -> Answer:
    return {"ok": False, "said": error.advice if isinstance(error, ChatError) else str(error)}


def _endpoint(plan: Plan) -> dict[str, Answer]:
    """Ask for every model that a step may ask; the first stands for the endpoint."""
    url = {"url": plan.target.endpoint.base_url}
    models = plan.models
    try:
        found = asyncio.run((_embedded if plan.target.local else reach)(plan.target, models))
    except DocmillError as error:
        return {"endpoint": {**url, **_failed(error)}}
    first, *others = (
        _failed(each) if isinstance(each, ChatError) else {"ok": True, **each.model_dump()}
        for each in found.values()
    )
    named = {f"model {name}": answer for name, answer in zip(models[1:], others, strict=True)}
    return {"endpoint": {**url, **first}, **named}


def _cache(url: str) -> str:
    from docmill.tasks.chat.database_cache import database_cache

    cache = database_cache(url)
    return f"{cache} {cache.ask()}"


def _source(plan: Plan) -> Answer:
    with plan.source.opened() as refs:
        first = next(refs, None)
    return {"said": "answers, and has no documents" if first is None else f"answers: {first.document_id} …"}


async def _embedded(target: Target, models: Sequence[str]) -> dict[str, Reached | ChatError]:
    async with serving(home(), console(stderr=True).print, lambda _: None) as served:
        endpoint = target.endpoint.model_copy(update={"base_url": served.base_url})
        os.environ[endpoint.api_key_env or ""] = served.token
        return await reach(target.model_copy(update={"endpoint": endpoint}), models)

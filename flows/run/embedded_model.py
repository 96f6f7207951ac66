"""Lends a plan the embedded model for as long as its run lasts."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from docmill.flows.observe.observer import Observer
from docmill.flows.pipeline.plan import Plan
from docmill.flows.run.stop import Stop
from docmill.flows.server.home import home
from docmill.schemas.endpoint import LOCAL
from docmill.tasks.local_model.serving import serving


@asynccontextmanager
async def with_embedded_model(plan: Plan, observer: Observer, stop: Stop) -> AsyncIterator[Plan]:
    """Give the plan with an endpoint that answers: the embedded model is joined or started.

    Where it ends by itself, what is left of the run is deferred. A plan of another endpoint stays.
    """
    if not plan.target.local:
        yield plan
        return
    async with serving(home(), observer.announce, stop.outage) as served:
        # Its token goes the way of every key: by the environment, into the client alone.
        os.environ[LOCAL.api_key_env or ""] = served.token
        endpoint = plan.target.endpoint.model_copy(update={"base_url": served.base_url})
        try:
            yield replace(plan, target=plan.target.model_copy(update={"endpoint": endpoint}))
        finally:
            del os.environ[LOCAL.api_key_env or ""]
